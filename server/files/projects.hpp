// Folders under the project roots in which a session may start.
//
// How to start a session in one. tmux enters the folder itself, by path, and goes somewhere else without a word when it
// cannot (its pane_start_path still says what was asked for), so what it did is checked afterwards:
//   1. folder = open_project_folder(roots, path); keep folder.fd open: its inode number cannot be given away meanwhile;
//   2. start the pane with `-c folder.path`: canonical, so nothing in it is a link unless somebody swaps it just now;
//   3. same_folder(folder.fd.get(), pane_pid): unless true, end the pane and answer forbidden with kOutsideMessage.
// A descriptor's path (/proc/PID/fd/N) is not passed instead: tmux may not read it when this process is not dumpable,
// and would keep it as the pane's path. All of this confines where a session starts; what runs in it is not jailed.
// docs/decisions/0007 tells what the check cannot see.
//
// All calls block on the disk or /proc: call them on the pool, through run_on (base/task.hpp).
#pragma once

#include <sys/types.h>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "files/roots.hpp"

namespace ccd::files {

// What a picker can show. The rest can still be opened by path.
inline constexpr std::size_t kMaxProjects = 1000;

struct ProjectFolder {
  UniqueFd fd;
  std::string path;  // where the folder was just now: canonical, under a root
};

// A folder at or below a root; links that stay inside are followed. forbidden, not_found, conflict (not a folder, or
// moved away during the call).
[[nodiscard]] Result<ProjectFolder> open_project_folder(const Roots& roots, std::string_view path);

// The path by which a folder or file is reachable now. conflict when it has been moved, replaced or removed
// meanwhile.
[[nodiscard]] Result<std::string> real_path_of(int fd);

// Whether the working folder of `process` is the folder behind `fd` (device and inode). not_found when the process
// has ended; forbidden when it belongs to somebody else. `process` is a number of this process's own PID namespace.
[[nodiscard]] Result<bool> same_folder(int fd, pid_t process);

struct Project {
  std::string name;  // the bytes on the disk
  bool name_is_utf8 = true;
  std::string path;  // accepted by open_project_folder
  bool is_root = false;
  bool is_git = false;  // has a .git folder, or a .git file as work trees and submodules have
};

struct Projects {
  std::vector<Project> projects;        // per root: the root itself, then its folders in natural order
  bool truncated = false;               // there are more than kMaxProjects
  std::vector<std::string> unreadable;  // roots that cannot be listed now
};

// The roots and the folders directly in them, with links to folders inside; names that begin with '.' are left out.
[[nodiscard]] Projects list_projects(const Roots& roots);

}  // namespace ccd::files
