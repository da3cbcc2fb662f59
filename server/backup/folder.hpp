// The folder of backups: names, what is there, who works in it, retention. Nothing but files with our names is ever touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace ccd::backup {

struct Entry {
  std::string name;   // "dashboard_20261123_020000.db.gz"
  WallMicros at = 0;  // from the name, UTC
  std::uint64_t bytes = 0;
};

// "dashboard_20261123_020000.db.gz" of that second, and back; none for any other name.
std::string name_at(WallMicros at);
std::optional<WallMicros> time_of(std::string_view name);

// The published backups, newest first. An absent folder has none.
Result<std::vector<Entry>> list(const std::string& folder);

// Makes the folder (0700) if need be and holds it: `conflict` while another process makes a backup there. Then removes what a killed
// one has left behind.
Result<UniqueFd> enter(const std::string& folder);

// Paths of temporary files begin so; `enter` removes them.
std::string draft(const std::string& folder, std::string_view what);

// For a command that only looks into a backup of the folder: a path there, or where temporary files go when the folder is for reading only. The
// command removes it.
std::string look_draft(const std::string& folder);

// How the last attempt in a folder went, whichever process made it: in a small file there, so that every dashboard can tell.
struct Attempt {
  WallMicros at = 0;
  bool good = false;
  bool database_damaged = false;
  std::string error;  // empty when it was good
};
// None when there is no such file, or it cannot be read.
std::optional<Attempt> last_attempt(const std::string& folder);
Result<> note_attempt(const std::string& folder, const Attempt& attempt);

// Deletes all but the newest `keep` (at least 1); how many are left.
Result<std::size_t> prune(const std::string& folder, std::size_t keep);

}  // namespace ccd::backup
