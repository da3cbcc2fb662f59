// A database's files while nobody serves them: what stands at the path, a log that is not its own, and setting files aside.
//
// Only before the process has opened the database: closing any descriptor of the file drops every lock that SQLite holds on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace ccd::storage {

enum class FileState {
  missing,
  empty,
  notice,    // the text that set_aside_damaged left in the place of a damaged database
  database,  // begins as an SQLite file does; nothing more is known
  other,
};
Result<FileState> file_state(const std::string& path);

// A write-ahead log beside a database that has none: all that this program writes as a backup, and all that its `sqlite3` does, is
// marked as a file without a log. Such a file was put there by hand and the log is its predecessor's: SQLite would copy the log's pages over
// it. The log is renamed to <path>-wal.stale-<stamp>; its new name, or none when all is as it should be.
Result<std::optional<std::string>> set_aside_stale_log(const std::string& path, WallMicros now);

// Gives the database's files (itself, -wal, -shm) a second name, `aside`; both names are there afterwards. At no moment is there less than
// before, whatever ends the process. Makes it durable.
Result<> link_aside(const std::string& path, const std::string& aside);

// Moves a damaged database to `aside` and leaves `notice` in its place, so that nothing starts empty by itself; `notice` is what the
// next start says. Never deletes what cannot be had again.
Result<> set_aside_damaged(const std::string& path, const std::string& aside, std::string_view notice);
// The text given to set_aside_damaged.
Result<std::string> read_notice(const std::string& path);

// Removes -wal, -shm and -journal. For files that have just replaced the database.
Result<> remove_side_files(const std::string& path);

// "20261123_142000": UTC, as in names of files.
std::string file_stamp(WallMicros at);

// `prefix` + stamp, a second later for each such file that is there already.
std::string free_name(const std::string& prefix, WallMicros at);

// fsync of the folder that holds `path`: after it a rename or removal survives a power cut.
Result<> sync_folder_of(const std::string& path);

}  // namespace ccd::storage
