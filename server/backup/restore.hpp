// Putting a backup in the place of a database, and what to do about a database that is found damaged at start.
//
// Blocking; for start-up and command line programs. Whoever calls holds the database's lease.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "backup/backup.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "storage/database.hpp"

namespace ccd::backup {

struct Restored {
  Verified from;
  std::string kept_as;  // the replaced database, with its -wal and -shm beside it; empty when there was none
};
// Checks `file` whole (`corrupt` with the reason: nothing was changed), then puts it in the place of `database_path`. What was there is kept as
// <database_path>.before-restore-YYYYMMDD_HHMMSS. Whatever ends this half-way, the old or the new database is there, whole.
Result<Restored> restore(const std::string& file, const std::string& database_path, const Clock& clock);

// Opens the database for serving. A damaged one is set aside as <path>.damaged-YYYYMMDD_HHMMSS with its -wal and -shm, and the error
// (`corrupt`) says so and names the commands that bring the newest good backup in `folder` back; so does every later start, until something
// else stands at the path. A write-ahead log that is not the database's own is set aside with a warning.
Result<std::unique_ptr<storage::Database>> open_or_set_aside(storage::Options options, asio::any_io_executor executor,
                                                             const std::string& folder, const Clock& clock);

}  // namespace ccd::backup
