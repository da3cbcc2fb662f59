// git's machine-readable answers, read. Pure: bytes in, values out. Paths are bytes as they are on the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccd::git {

// What a page can show; the rest is counted.
inline constexpr std::size_t kMaxChanges = 2000;

enum class ChangeKind { changed, renamed, unmerged, untracked, ignored };
[[nodiscard]] std::string_view to_string(ChangeKind kind);

struct Change {
  ChangeKind kind = ChangeKind::changed;
  char index =
      '.';  // git's letters: M modified, T type, A added, D deleted, R renamed, C copied, U unmerged, '.' as before
  char worktree = '.';
  std::string path{};  // relative to the top; a folder ends in '/'
  std::string from{};  // of a rename or copy
  bool submodule = false;
};

struct Status {
  std::string head{};      // object id; empty before the first commit
  std::string branch{};    // empty: HEAD is detached
  std::string upstream{};  // "origin/main"; empty: none
  // Against the upstream; nothing when there is none, or it is gone.
  std::optional<std::uint64_t> ahead{};
  std::optional<std::uint64_t> behind{};
  std::vector<Change> changes{};  // at most kMaxChanges
  std::size_t left_out = 0;       // so many more
};

// Of `git status --porcelain=v2 --branch -z`. internal: it is not that.
[[nodiscard]] Result<Status> parse_status(std::string_view output);

struct Worktree {
  std::string path{};
  std::string head{};    // empty: none yet
  std::string branch{};  // without refs/heads/; empty: detached, or bare
  bool bare = false;
  bool main = false;
  std::optional<std::string> locked{};    // and why, where that was said
  std::optional<std::string> prunable{};  // its folder is gone: why git thinks so
};

// Of `git worktree list --porcelain -z`: the main one comes first.
[[nodiscard]] Result<std::vector<Worktree>> parse_worktrees(std::string_view output);

// The first line of what git said on its error stream, without its "fatal: ", fit to be shown.
[[nodiscard]] std::string first_complaint(std::string_view error_stream);

}  // namespace ccd::git
