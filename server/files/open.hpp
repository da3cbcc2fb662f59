// The one place where a path from outside meets open(): from the root's descriptor to the file's, without leaving the
// root.
//
// Everything here blocks on the disk: call it on the pool, through run_on (base/task.hpp), never on the loop.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "files/roots.hpp"

namespace ccd::files {

// openat2 reports a rename somewhere while it crossed ".." with EAGAIN; each try is an independent chance.
inline constexpr int kMaxRaceRetries = 64;

enum class Kind {
  // Regular files only. Others are found out before they are opened: no FIFO's writer wakes, no device starts.
  file,
  folder,  // open for reading its entries and as the folder of further *at calls
  any,     // only to look at (O_PATH): status, no content
};

struct Opened {
  UniqueFd fd;
  struct stat status{};  // of fd itself
};

// Opens beneath the root: relative links that stay inside are followed; absolute links, "..", magic links
// (/proc/*/root), loops and everything on /proc, /sys and their like is forbidden with kOutsideMessage, whatever lies
// behind. Where openat2 is missing, every link is forbidden. Hard links are files like any other
// (docs/decisions/0007).
//
// flags: O_RDONLY, O_WRONLY, O_RDWR, O_APPEND; the rest (O_CLOEXEC, O_NOCTTY, O_NONBLOCK, ...) is set here. To
// create, rename or remove: open the parent as Kind::folder and use *at calls with one component and no following of
// links.
//
// Errors: forbidden; not_found; conflict (not of this kind); unavailable (no descriptors left, or kMaxRaceRetries
// races).
[[nodiscard]] Result<Opened> open_confined(const ConfinedPath& path, Kind kind, int flags = O_RDONLY);

enum class EntryKind { file, folder, link, other };
[[nodiscard]] std::string_view to_string(EntryKind kind);
[[nodiscard]] EntryKind entry_kind(mode_t mode);

// What a path leads to now (never `link`): which of list_folder and open_file to call. They check again for
// themselves.
[[nodiscard]] Result<EntryKind> kind_of(const ConfinedPath& path);

}  // namespace ccd::files
