// Where a folder's repository is: found by reading, without git, so that nothing in it can steer the finding.
//
// Everything here blocks on the disk: call it on the pool, through run_on (base/task.hpp).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccd::git {

// Asked for every folder that git would be sent to; canonical paths only.
using Allowed = std::function<bool(const std::string& path)>;

// All paths are canonical and were allowed when it was found.
struct Repository {
  std::string top{};         // the working tree's first folder
  std::string git_dir{};     // of this working tree: HEAD, index
  std::string common_dir{};  // of the repository: objects, refs; the same as git_dir in the main working tree
  [[nodiscard]] bool linked() const { return git_dir != common_dir; }
};

// The repository whose working tree the folder lies in. `folder` is canonical and allowed. not_found: there is none up to where
// folders are allowed; forbidden: its parts lie where nothing is allowed; invalid: it is not laid out as git does.
[[nodiscard]] Result<Repository> find_repository(std::string folder, const Allowed& allowed);

// A small regular file, without following a link in its last part. too_large over `limit` bytes; invalid when it is no regular file.
[[nodiscard]] Result<std::string> read_small_file(const std::string& path, std::size_t limit);

[[nodiscard]] bool exists(const std::string& path);

// True when `path` is `folder` or lies below it.
[[nodiscard]] bool is_at_or_below(std::string_view path, std::string_view folder);

}  // namespace ccd::git
