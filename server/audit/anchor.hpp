// The trail's head, kept in a second file, so that rows cut off the end of the chain are missed.
//
// The file is one line: "ccd-audit-head-1 COUNT LAST_ID LAST_HASH AT MAC", MAC being the HMAC of the other four under
// the trail's key. It is replaced atomically. An older copy of both files together still passes: the log line that each
// write leaves (room audit, "head anchored") is the third witness, in a place that the file's owner need not control.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "audit/hmac.hpp"
#include "audit/trail.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace ccd::audit {

// The longest time that rows are without a witness outside the database.
inline constexpr std::chrono::seconds kAnchorInterval{60};

class Anchor {
 public:
  // `path`: audit.head in the data folder. `clock` outlives the anchor. Not thread-safe: use it inside database jobs.
  Anchor(std::string path, const Key& key, const Clock& clock);

  // Writes the present head, durable on return. Refuses (`corrupt`) when the head written before is no longer in the
  // table: overwriting it would hide what was cut off. Writes nothing when the head has not moved. A missing file
  // beside a trail with rows is logged as an error and made anew.
  Result<> write(storage::Connection& connection);
  // Writes every kAnchorInterval until cancelled; logs what fails. `database` outlives it. For a TaskGroup.
  Task<void> keep(storage::Database& database);  // lint: outlives: the application's

  // Whether the head in the file is still in the table. Without a file, an empty table is whole and any other is not:
  // write() is called at the first start, before the first row. Checks the head only: run audit::verify for the rows
  // before it.
  [[nodiscard]] Result<VerifyReport> verify(storage::Connection& connection) const;

 private:
  struct Head {
    std::int64_t count = 0;
    std::int64_t last_id = 0;
    std::string last_hash = "-";
    WallMicros at = 0;
  };
  [[nodiscard]] Result<std::optional<Head>> read() const;
  // What is wrong with the row that was the last; empty when nothing is.
  static Result<std::string> fault_at_head(storage::Connection& connection, const Head& then);
  [[nodiscard]] std::string mac_of(const Head& head) const;

  std::string path_;
  Hmac hmac_;
  const Clock* clock_;
};

}  // namespace ccd::audit
