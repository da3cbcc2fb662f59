// The audit trail: one row per security-relevant act, chained by HMAC so that a changed, removed, added or moved row
// shows.
//
// Row n's hash is HMAC-SHA256(key, encoding) in hex. The encoding is the domain "ccd-audit-1", then id, at, actor, ip,
// action, target, outcome, detail and prev_hash; each field is its length as 8 bytes, most significant first, then its
// bytes; integers are 8 bytes. prev_hash is row n-1's hash (64 zeros for the first), ids count 1, 2, 3 ... without a
// gap. The key lies outside the database (key.hpp). What the chain cannot show, rows cut off its end, the anchor shows
// (anchor.hpp).
//
// Never recorded: keystrokes, prompts, passwords, tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/hmac.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace ccd::audit {

// Bytes kept of each text; what is longer is cut, and `detail` is replaced by a note of its size. A path is at most
// 4,096.
inline constexpr std::size_t kMaxShortText = 256;  // actor, ip, action
inline constexpr std::size_t kMaxTarget = 4096;
inline constexpr std::size_t kMaxDetail = 8192;
// Rows in one page of GET /api/audit.
inline constexpr int kMaxPage = 200;

enum class Outcome { ok, denied, error };
std::string_view to_string(Outcome outcome);

struct Record {
  std::string actor;     // user name, "session:ID" for an agent, "" when nobody is logged in
  std::string ip;        // the peer's address, "" for the server itself
  std::string action;    // "session.create"; stored with ".error" at its end when the outcome is not ok
  std::string target{};  // what it was done to
  Outcome outcome = Outcome::ok;
  std::string detail{};  // JSON text or ""
};

struct Entry {
  std::int64_t id = 0;
  WallMicros at = 0;
  std::string actor, ip, action, target, outcome, detail;
};

struct PageQuery {
  std::optional<std::int64_t> before_id{};  // rows older than this one; none: from the newest
  int limit = 50;                           // 1 to kMaxPage, else `invalid`
  std::optional<std::string> actor{};       // exactly
  std::optional<std::string> action{};      // a prefix: "session." or "auth.login"
};

std::vector<storage::Migration> migrations();

class Trail {
 public:
  // `clock` outlives the trail.
  Trail(const Key& key, const Clock& clock) : hmac_(key), clock_(&clock) {}

  // Adds the row in the caller's transaction, so that an act and its record commit together or not at all. Text is made
  // printable (base printable) and bounded. `internal` outside a transaction.
  Result<> append(storage::Connection& connection, const Record& record) const;
  // The same in a transaction of its own, for acts that change nothing in the database (a denied read). `database`
  // outlives it.
  Task<Result<>> append_now(storage::Database& database, Record record) const;  // lint: outlives: the application's

  // Newest first.
  static Result<std::vector<Entry>> page(storage::Connection& connection, const PageQuery& query);

 private:
  Hmac hmac_;
  const Clock* clock_;
};

struct VerifyReport {
  std::int64_t rows = 0;  // checked, up to the first bad one
  bool ok = true;
  std::int64_t first_bad_id =
      0;                 // the lowest id at which the chain does not hold (a missing row's id counts); 0 when ok
  std::string reason{};  // for people; empty when ok
};

// Checks the chain a slice at a time, so that a long trail does not hold the database's thread.
class Verifier {
 public:
  explicit Verifier(const Key& key);
  // Checks at most `rows` more; true when the end or the first bad row is reached.
  Result<bool> step(storage::Connection& connection, int rows);
  [[nodiscard]] const VerifyReport& report() const { return report_; }

 private:
  Hmac hmac_;
  VerifyReport report_;
  std::optional<std::int64_t> last_id_;
  std::string last_hash_;
};

// The whole chain at once. A damaged chain is a report, not an error.
Result<VerifyReport> verify(storage::Connection& connection, const Key& key);

}  // namespace ccd::audit
