#include "storage/connection.hpp"

#include <sqlite3.h>
#include <algorithm>

namespace ccd::storage {

namespace {

ErrorKind kind_of(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return ErrorKind::conflict;
    default: break;
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return ErrorKind::unavailable;
    case SQLITE_IOERR: return ErrorKind::io;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorKind::corrupt;
    case SQLITE_CONSTRAINT: return ErrorKind::invalid;
    case SQLITE_INTERRUPT: return ErrorKind::timeout;
    case SQLITE_TOOBIG: return ErrorKind::too_large;
    default: return ErrorKind::internal;
  }
}

constexpr std::string_view kBlank = " \t\r\n;";

}  // namespace

// Row

std::int64_t Row::i64(int column) const { return sqlite3_column_int64(handle_, column); }

double Row::real(int column) const { return sqlite3_column_double(handle_, column); }

std::string_view Row::text_view(int column) const {
  // The pointer first: it may convert the value, which changes the number of bytes.
  const auto* data = sqlite3_column_text(handle_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  return data == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(data), size);
}

std::string Row::text(int column) const { return std::string(text_view(column)); }

std::vector<std::byte> Row::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  return data == nullptr ? std::vector<std::byte>() : std::vector<std::byte>(data, data + size);
}

bool Row::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

std::optional<std::int64_t> Row::optional_i64(int column) const {
  return is_null(column) ? std::nullopt : std::optional(i64(column));
}

std::optional<std::string> Row::optional_text(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

// Statement

Statement::Statement(Connection* owner, std::string sql, sqlite3_stmt* handle)
    : Row(handle), owner_(owner), sql_(std::move(sql)) {}

Statement::Statement(Statement&& other) noexcept
    : Row(std::exchange(other.handle_, nullptr)),
      owner_(other.owner_),
      sql_(std::move(other.sql_)),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
  if (handle_ != nullptr) owner_->give_back(std::move(sql_), handle_);
}

namespace {
// Keeps the first failure.
void note(int& first, int code) {
  if (first == SQLITE_OK) first = code;
}
}  // namespace

void Statement::bind(int index, std::nullptr_t) { note(bind_error_, sqlite3_bind_null(handle_, index)); }

void Statement::bind(int index, std::int64_t value) { note(bind_error_, sqlite3_bind_int64(handle_, index, value)); }

void Statement::bind(int index, double value) { note(bind_error_, sqlite3_bind_double(handle_, index, value)); }

void Statement::bind(int index, std::string_view value) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* data = value.data() == nullptr ? "" : value.data();
  note(bind_error_, sqlite3_bind_text64(handle_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, std::span<const std::byte> value) {
  if (value.empty()) {
    note(bind_error_, sqlite3_bind_zeroblob(handle_, index, 0));
    return;
  }
  note(bind_error_, sqlite3_bind_blob64(handle_, index, value.data(), value.size(), SQLITE_TRANSIENT));
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) return owner_->error(bind_error_, "bind a value");
  if (owner_->transaction_expected_ && !owner_->in_transaction()) {
    return fail(ErrorKind::unavailable, "the transaction was rolled back after an earlier error");
  }
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return owner_->error(code, "run a statement");
}

// Connection

Connection::~Connection() {
  for (auto& [sql, statement] : cache_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Result<Statement> Connection::prepare(std::string_view sql) {
  if (const auto known = cached_.find(sql); known != cached_.end()) {
    const auto entry = known->second;
    cached_.erase(known);
    Statement statement(this, std::move(entry->first), entry->second);
    cache_.erase(entry);
    return statement;
  }
  sqlite3_stmt* handle = nullptr;
  const char* tail = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle, &tail);
  if (code != SQLITE_OK) return error(code, "prepare a statement");
  const std::string_view rest(tail, static_cast<std::size_t>(sql.data() + sql.size() - tail));
  if (handle == nullptr || rest.find_first_not_of(kBlank) != std::string_view::npos) {
    sqlite3_finalize(handle);
    return fail(ErrorKind::internal, "prepare a statement: exactly one statement is wanted");
  }
  return Statement(this, std::string(sql), handle);
}

void Connection::give_back(std::string sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (cached_.contains(sql)) {
    // Two of the same text were out at once; one is enough to keep.
    sqlite3_finalize(statement);
    return;
  }
  cache_.emplace_front(std::move(sql), statement);
  cached_.emplace(cache_.front().first, cache_.begin());
  if (cache_.size() > kMaxCachedStatements) {
    cached_.erase(cache_.back().first);
    sqlite3_finalize(cache_.back().second);
    cache_.pop_back();
  }
}

Result<> Connection::exec(std::string_view sql) {
  const int code = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, "run SQL");
  return {};
}

Result<std::int64_t> Connection::finish(Statement& statement) {
  // A write of its own needs the fence's look, and so a transaction, as any other.
  const bool alone = epoch_ && !in_transaction() && sqlite3_stmt_readonly(statement.handle_) == 0;
  std::optional<Transaction> transaction;
  if (alone) transaction.emplace(TRY(Transaction::begin(*this)));
  const auto changed = TRY(changed_by(statement));
  if (transaction) TRY(transaction->commit());
  return changed;
}

Result<std::int64_t> Connection::changed_by(Statement& statement) {
  const auto before = sqlite3_total_changes64(handle_);
  for (;;) {
    if (!TRY(statement.step())) break;
  }
  // A statement that changes nothing leaves sqlite3_changes at its predecessor's number.
  return sqlite3_total_changes64(handle_) == before ? 0 : sqlite3_changes64(handle_);
}

std::int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

tl::unexpected<Error> Connection::too_many_rows() {
  return fail(ErrorKind::too_large,
              "the query gives more than " + std::to_string(kMaxRows) + " rows; it needs a LIMIT");
}

tl::unexpected<Error> Connection::error(int code, std::string_view step) {
  const int base = code & 0xff;
  Error failure{.kind = kind_of(code), .message = std::string(step) + ": " + sqlite3_errstr(code)};
  // The connection's text is more exact, but only when it is about this failure.
  if (sqlite3_extended_errcode(handle_) == code) failure.message = std::string(step) + ": " + sqlite3_errmsg(handle_);
  if (base == SQLITE_IOERR || base == SQLITE_CANTOPEN || base == SQLITE_FULL) {
    failure.sys = sqlite3_system_errno(handle_);
    if (base != SQLITE_FULL) failure.message += " (SQLite " + std::to_string(code) + ")";
  }
  if ((base == SQLITE_IOERR || base == SQLITE_CORRUPT || base == SQLITE_NOTADB) && !fault_) fault_ = failure;
  return tl::unexpected(std::move(failure));
}

// Transaction

Result<> Connection::check_epoch() {
  if (!epoch_) return {};
  const auto now = TRY(one("SELECT epoch FROM storage_lease WHERE id = 1", [](const Row& row) { return row.i64(0); }));
  if (now == epoch_) return {};
  fenced_ = true;
  return fail(ErrorKind::unavailable, "another dashboard has taken the database over (its epoch is " +
                                          std::to_string(now.value_or(0)) + ", ours " + std::to_string(*epoch_) + ")");
}

Result<Transaction> Transaction::begin(Connection& connection) {
  TRY(connection.exec("BEGIN IMMEDIATE"));
  connection.transaction_expected_ = true;
  Transaction begun(&connection);
  TRY(connection.check_epoch());
  return begun;
}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  connection_->transaction_expected_ = false;
  // A failing ROLLBACK leaves its mark in Connection::fault.
  if (connection_->in_transaction()) static_cast<void>(connection_->exec("ROLLBACK"));
}

Result<> Transaction::commit() {
  if (!connection_->in_transaction()) {
    return fail(ErrorKind::unavailable, "commit: the transaction was rolled back after an earlier error");
  }
  TRY(connection_->exec("COMMIT"));
  connection_->transaction_expected_ = false;
  connection_ = nullptr;
  return {};
}

}  // namespace ccd::storage
