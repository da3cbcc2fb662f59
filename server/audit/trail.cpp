#include "audit/trail.hpp"

#include <algorithm>
#include <limits>

#include "base/encoding.hpp"

namespace ccd::audit {

namespace {

constexpr std::string_view kDomain = "ccd-audit-1";
constexpr std::string_view kErrorSuffix = ".error";
const std::string kNoHash(64, '0');

constexpr std::string_view kColumns = "id, at, actor, ip, action, target, outcome, detail, prev_hash, hash";
// Rows that verify() reads at a time; only to bound one statement's life.
constexpr int kSlice = 10'000;

struct Stored {
  Entry entry;
  std::string prev_hash;
  std::string hash;
};

Stored read_stored(const storage::Row& row) {
  return {.entry = {.id = row.i64(0),
                    .at = row.i64(1),
                    .actor = row.text(2),
                    .ip = row.text(3),
                    .action = row.text(4),
                    .target = row.text(5),
                    .outcome = row.text(6),
                    .detail = row.text(7)},
          .prev_hash = row.text(8),
          .hash = row.text(9)};
}

std::string hash_of(const Hmac& hmac, const Entry& e, std::string_view prev_hash) {
  return Hmac::Message(hmac, kDomain)
      .add(e.id)
      .add(e.at)
      .add(e.actor)
      .add(e.ip)
      .add(e.action)
      .add(e.target)
      .add(e.outcome)
      .add(e.detail)
      .add(prev_hash)
      .hex();
}

// Printable and at most `limit` bytes. printable() gives valid UTF-8, so a cut only has to step back over continuation
// bytes.
std::string clean(std::string_view text, std::size_t limit) {
  // More than `limit` bytes of input never fit: do not escape a gigabyte to throw it away.
  std::string shown = printable(text.substr(0, limit + 1));
  if (shown.size() <= limit && text.size() <= limit) return shown;
  constexpr std::string_view kCut = "...";
  std::size_t end = std::min(shown.size(), limit - kCut.size());
  while (end > 0 && end < shown.size() && (static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) --end;
  return shown.substr(0, end).append(kCut);
}

// JSON is written by our own code, where control characters are escaped; what is not clean JSON text is not kept at
// all.
std::string clean_detail(const std::string& detail) {
  const auto note = [&](std::string_view what) {
    return "{\"" + std::string(what) + "\":true,\"bytes\":" + std::to_string(detail.size()) + "}";
  };
  if (detail.size() > kMaxDetail) return note("truncated");
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (!valid_utf8(detail) || std::any_of(detail.begin(), detail.end(), control)) return note("unprintable");
  return detail;
}

std::string action_of(const Record& record) {
  std::string action = clean(record.action, kMaxShortText - kErrorSuffix.size());
  if (record.outcome != Outcome::ok && !action.ends_with(kErrorSuffix)) action.append(kErrorSuffix);
  return action;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::denied: return "denied";
    case Outcome::error: return "error";
  }
  return "error";
}

std::vector<storage::Migration> migrations() {
  return {{.name = "audit/001-audit-logs",
           .sql = "CREATE TABLE audit_logs ("
                  "  id INTEGER PRIMARY KEY,"
                  "  at INTEGER NOT NULL,"
                  "  actor TEXT NOT NULL,"
                  "  ip TEXT NOT NULL,"
                  "  action TEXT NOT NULL,"
                  "  target TEXT NOT NULL,"
                  "  outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'denied', 'error')),"
                  "  detail TEXT NOT NULL,"
                  "  prev_hash TEXT NOT NULL,"
                  "  hash TEXT NOT NULL"
                  ") STRICT;"
                  "CREATE INDEX audit_logs_actor ON audit_logs (actor, id);"}};
}

Result<> Trail::append(storage::Connection& connection, const Record& record) const {
  if (!connection.in_transaction()) {
    return fail(ErrorKind::internal, "audit: a record needs the transaction of the act that it records");
  }
  const auto head = TRY(connection.one("SELECT id, hash FROM audit_logs ORDER BY id DESC LIMIT 1",
                                       [](const storage::Row& row) { return std::pair(row.i64(0), row.text(1)); }));
  const Entry entry{.id = head ? head->first + 1 : 1,
                    .at = clock_->wall(),
                    .actor = clean(record.actor, kMaxShortText),
                    .ip = clean(record.ip, kMaxShortText),
                    .action = action_of(record),
                    .target = clean(record.target, kMaxTarget),
                    .outcome = std::string(to_string(record.outcome)),
                    .detail = clean_detail(record.detail)};
  const std::string& prev_hash = head ? head->second : kNoHash;
  TRY(connection.run("INSERT INTO audit_logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entry.id, entry.at, entry.actor,
                     entry.ip, entry.action, entry.target, entry.outcome, entry.detail, prev_hash,
                     hash_of(hmac_, entry, prev_hash)));
  return {};
}

Task<Result<>> Trail::append_now(storage::Database& database,
                                 Record record) const {  // lint: outlives: the application's
  auto job = [this, held = std::move(record)](storage::Connection& connection) { return append(connection, held); };
  return database.transact(std::move(job));
}

Result<std::vector<Entry>> Trail::page(storage::Connection& connection, const PageQuery& query) {
  if (query.limit < 1 || query.limit > kMaxPage) {
    return fail_field("limit", "limit must be 1 to " + std::to_string(kMaxPage));
  }
  // One statement for each shape, so that the index on actor is used when there is one.
  std::string sql = "SELECT " + std::string(kColumns) + " FROM audit_logs WHERE id < coalesce(?1, 9223372036854775807)";
  sql += query.actor ? " AND actor = ?2" : " AND ?2 IS NULL";
  sql += query.action ? " AND substr(action, 1, length(?3)) = ?3" : " AND ?3 IS NULL";
  sql += " ORDER BY id DESC LIMIT ?4";
  return connection.all(
      sql, [](const storage::Row& row) { return read_stored(row).entry; }, query.before_id, query.actor, query.action,
      query.limit);
}

// Verifier

Verifier::Verifier(const Key& key) : hmac_(key), last_hash_(kNoHash) {}

Result<bool> Verifier::step(storage::Connection& connection, int rows) {
  if (!report_.ok) return true;
  const std::string sql = "SELECT " + std::string(kColumns) + " FROM audit_logs WHERE id >= ? ORDER BY id LIMIT ?";
  auto statement = TRY(connection.prepare(sql));
  statement.bind_all(last_id_ ? *last_id_ + 1 : std::numeric_limits<std::int64_t>::min(), rows);
  for (int seen = 0; seen < rows; ++seen) {
    if (!TRY(statement.step())) return true;
    const auto row = read_stored(statement);
    const std::int64_t expected = last_id_.value_or(0) + 1;
    const auto bad = [&](std::int64_t id, std::string reason) {
      report_.ok = false;
      report_.first_bad_id = id;
      report_.reason = std::move(reason);
      return true;
    };
    if (row.entry.id > expected) return bad(expected, "row " + std::to_string(expected) + " is missing");
    if (row.entry.id < expected) return bad(row.entry.id, "a row stands before the first");
    if (!equal_constant_time(row.hash, hash_of(hmac_, row.entry, row.prev_hash))) {
      return bad(expected, "row " + std::to_string(expected) + " was changed, or added without the key");
    }
    if (row.prev_hash != last_hash_)
      return bad(expected, "row " + std::to_string(expected) + " does not follow the row before it");
    ++report_.rows;
    last_id_ = expected;
    last_hash_ = row.hash;
  }
  return false;
}

Result<VerifyReport> verify(storage::Connection& connection, const Key& key) {
  Verifier verifier(key);
  while (!TRY(verifier.step(connection, kSlice))) {
  }
  return verifier.report();
}

}  // namespace ccd::audit
