// Making a backup and finding out whether one is good. What is published has been restored once before.
//
// Blocking: for a pool thread or a command line program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backup/archive.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "storage/inspect.hpp"

namespace ccd::backup {

struct Source {
  std::string database_path;
  std::string folder;     // made when it is missing
  std::size_t keep = 30;  // files that stay, the new one among them
};

struct Published {
  std::string path;
  WallMicros at = 0;
  std::uint64_t bytes = 0;  // of the file
  std::uint64_t database_bytes = 0;
  std::string sha256;    // of the file
  std::size_t kept = 0;  // backups in the folder now
  std::string warning;   // old ones could not be removed; else empty
};

// Copies the database beside whoever writes it, checks all of the copy, packs and syncs it, unpacks it again and compares, and only then gives it its
// name `folder`/dashboard_YYYYMMDD_HHMMSS.db.gz and removes the oldest ones. `conflict`: another backup is being made there. `corrupt`: the database itself is damaged, nothing was published and
// nothing removed. `unavailable`: no room. After any error what was published before is untouched. Notes in the
// folder how it went (folder.hpp).
Result<Published> make(const Source& source, const Clock& clock, const storage::KeepGoing& keep_going);

struct Verified {
  Origin origin = Origin::ours;
  bool packed = false;
  std::uint64_t database_bytes = 0;
  std::string sha256;  // of the packed file; empty for a plain database
  std::vector<std::string> migrations;
  std::map<std::string, std::int64_t> rows;
};
// Unpacks `file` (or copies it, when it is a plain database) to the new file `to` and checks it whole. `corrupt` with the reason when it is not good: `to` is
// removed then.
Result<Verified> unpack_and_check(const std::string& file, const std::string& to, const storage::KeepGoing& keep_going);

}  // namespace ccd::backup
