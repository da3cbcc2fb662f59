// Inside of this room only: what a ConfinedPath holds, and how a name becomes a descriptor beneath it.
#pragma once

#include <sys/types.h>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "files/roots.hpp"

namespace ccd::files {

struct Root {
  UniqueFd fd;  // O_PATH | O_DIRECTORY
  std::string path;
  dev_t device = 0;
  Resolver resolver = Resolver::best;
};

struct RootAccess {
  static const Root& of(const ConfinedPath& path) { return *path.root_; }
};

[[nodiscard]] tl::unexpected<Error> fail_outside();

// True on /proc, /sys and other file systems whose files are the kernel's or other processes' state:
// /proc/PID/environ of this very process holds its secrets, and a root may have them mounted somewhere below (a
// chroot, a container's root).
[[nodiscard]] bool is_kernel_file_system(int fd);

}  // namespace ccd::files
