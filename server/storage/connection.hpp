// SQL on one SQLite connection: statements, rows, transactions. Knows no table's meaning.
//
// Everything here runs on one thread at a time: inside the function given to Database::run, transact or run_now.
// Nothing of it may leave that function. Errors: SQLITE_BUSY and a full disk are `unavailable`, a failed read or write
// is `io`, damage is `corrupt`, a broken UNIQUE is `conflict`, any other constraint `invalid`, a query over its time
// limit `timeout`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace ccd::storage {

// Prepared statements kept for reuse; the least recently used goes first. Rooms have some tens of statements each.
inline constexpr std::size_t kMaxCachedStatements = 256;
// Rows that `all` returns before it fails with `too_large`: a query without a LIMIT must not take the process's memory.
inline constexpr std::size_t kMaxRows = 100'000;

class Connection;

// The current row of a statement. Columns count from 0. A NULL reads as 0, 0.0 or empty; use is_null or the optional_
// forms.
class Row {
 public:
  [[nodiscard]] std::int64_t i64(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  // Valid until the statement's next step.
  [[nodiscard]] std::string_view text_view(int column) const;
  [[nodiscard]] std::vector<std::byte> blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_i64(int column) const;
  [[nodiscard]] std::optional<std::string> optional_text(int column) const;

 protected:
  explicit Row(sqlite3_stmt* handle) : handle_(handle) {}
  sqlite3_stmt* handle_;
};

// A prepared statement on loan from its connection's cache; goes back, reset and without values, when destroyed.
class Statement : public Row {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  ~Statement();

  // Parameters count from 1. Text and blobs are copied. A failed bind is reported by the next step.
  void bind(int index, std::nullptr_t);
  void bind(int index, std::int64_t value);
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, std::span<const std::byte> value);
  void bind(int index, const std::vector<std::byte>& value) { bind(index, std::span<const std::byte>(value)); }
  template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, std::int64_t>)
  void bind(int index, I value) {
    bind(index, static_cast<std::int64_t>(value));
  }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) bind(index, *value);
    else bind(index, nullptr);
  }
  // The parameters 1, 2, 3 ... at once.
  template <class... Values>
  void bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
  }

  // True: there is a row to read. False: the statement has ended.
  Result<bool> step();

 private:
  friend class Connection;
  Statement(Connection* owner, std::string sql, sqlite3_stmt* handle);
  Connection* owner_;
  std::string sql_;
  int bind_error_ = 0;  // the first SQLite result code of a failed bind
};

class Connection {
 public:
  // Takes over the handle and closes it at the end. Made by Database.
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One statement of SQL; the values belong in parameters, never in the text.
  Result<Statement> prepare(std::string_view sql);
  // Any number of statements without parameters: schema and pragmas.
  Result<> exec(std::string_view sql);
  // Runs a statement that returns no rows; the number of rows it inserted, changed or deleted.
  template <class... Values>
  Result<std::int64_t> run(std::string_view sql, const Values&... values) {
    auto statement = prepare(sql);
    if (!statement) return tl::unexpected(std::move(statement).error());
    statement->bind_all(values...);
    return finish(*statement);
  }
  // The first row through `read` (Value read(const Row&)), or none.
  template <class Read, class... Values>
  Result<std::optional<std::invoke_result_t<Read&, const Row&>>> one(std::string_view sql, Read read,
                                                                     const Values&... values) {
    auto statement = prepare(sql);
    if (!statement) return tl::unexpected(std::move(statement).error());
    statement->bind_all(values...);
    auto found = statement->step();
    if (!found) return tl::unexpected(std::move(found).error());
    std::optional<std::invoke_result_t<Read&, const Row&>> value;
    if (*found) value.emplace(read(*statement));
    return value;
  }
  // Every row through `read`, at most kMaxRows.
  template <class Read, class... Values>
  Result<std::vector<std::invoke_result_t<Read&, const Row&>>> all(std::string_view sql, Read read,
                                                                   const Values&... values) {
    auto statement = prepare(sql);
    if (!statement) return tl::unexpected(std::move(statement).error());
    statement->bind_all(values...);
    std::vector<std::invoke_result_t<Read&, const Row&>> rows;
    for (;;) {
      auto found = statement->step();
      if (!found) return tl::unexpected(std::move(found).error());
      if (!*found) return rows;
      if (rows.size() == kMaxRows) return too_many_rows();
      rows.push_back(read(*statement));
    }
  }
  [[nodiscard]] std::int64_t last_insert_id() const;
  [[nodiscard]] bool in_transaction() const;

  // For Database: the first I/O error or damage that any statement met, so that it cannot be overlooked.
  [[nodiscard]] const std::optional<Error>& fault() const { return fault_; }
  [[nodiscard]] sqlite3* handle() const { return handle_; }
  // From here on every write first compares the database's epoch with this one, under the write lock: with another one it is refused
  // (`unavailable`), because another process has taken the database over.
  void fence(std::int64_t epoch) { epoch_ = epoch; }
  [[nodiscard]] bool fenced() const { return fenced_; }

 private:
  friend class Statement;
  friend class Transaction;
  using Cache = std::list<std::pair<std::string, sqlite3_stmt*>>;  // the most recently used in front

  Result<std::int64_t> finish(Statement& statement);
  Result<std::int64_t> changed_by(Statement& statement);
  static tl::unexpected<Error> too_many_rows();
  void give_back(std::string sql, sqlite3_stmt* statement);
  Result<> check_epoch();
  // The error of the call that just returned `code`.
  tl::unexpected<Error> error(int code, std::string_view step);

  sqlite3* handle_;
  Cache cache_;
  std::unordered_map<std::string_view, Cache::iterator> cached_;  // keys point into cache_
  std::optional<Error> fault_;
  // Set while a Transaction lives: when SQLite has rolled it back by itself, later statements must not commit one by
  // one.
  bool transaction_expected_ = false;
  std::optional<std::int64_t> epoch_;
  bool fenced_ = false;
};

// Rolls back when destroyed without a commit. Does not nest.
class Transaction {
 public:
  // BEGIN IMMEDIATE: takes the write lock at once, so that a read before the first write cannot end in SQLITE_BUSY.
  static Result<Transaction> begin(Connection& connection);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // Durable when it returns a value (synchronous=FULL). After an error nothing of the transaction may be reported as
  // done.
  Result<> commit();

 private:
  explicit Transaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

}  // namespace ccd::storage
