// Looking into a database file, and copying it, beside whoever writes it: with a read-only connection of their own.
//
// Any thread, blocking. Damage is a finding, not an error: errors are about not being able to look.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "storage/connection.hpp"
#include "storage/database.hpp"

namespace ccd::storage {

// Findings that one check lists: the first tells the story, thousands would hide it.
inline constexpr int kMaxFindings = 20;
// Pages copied in one step (1 MB): about 2 ms, after which a stop is noticed.
inline constexpr int kPagesPerStep = 256;

// Asked between two steps of long work; false ends it with `cancelled`.
using KeepGoing = std::function<bool()>;

// Writes nothing. not_found when the file is not there, `corrupt` when it is no database.
Result<std::unique_ptr<Connection>> open_to_read(const std::string& path);

// What PRAGMA integrity_check and foreign_key_check say; empty when all is well.
Result<std::vector<std::string>> find_damage(Connection& connection, const KeepGoing& keep_going);

// Rows of each table, without SQLite's own.
Result<std::map<std::string, std::int64_t>> count_rows(Connection& connection);

// Names of the migrations applied, in their order. Empty for a database that is not the dashboard's.
Result<std::vector<std::string>> applied_migrations(Connection& connection);

struct Copied {
  std::int64_t pages = 0;
  std::int64_t page_size = 0;
};
// The database as it is at one moment, page by page into the new file `to` (mode 0600), while others write. The copy is whole in itself and marked
// as a file without a write-ahead log, so that a log that it meets later is known not to be its own. Not synced. On an error
// the file may be there in part.
Result<Copied> copy_database(const std::string& from, const std::string& to, const KeepGoing& keep_going);

}  // namespace ccd::storage
