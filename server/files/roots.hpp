// The folders that may be read, each held by one descriptor from start to end, and the paths below them.
//
// A path from outside becomes a ConfinedPath here (lexically, no system call) and is opened only by open_confined
// (open.hpp). Everything is immutable once made: any thread may use it.
#pragma once

#include <sys/types.h>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace ccd::files {

// The one answer (ErrorKind::forbidden) for every path that leaves the roots or cannot be named below one. It is the
// same whether the path exists or not. The API audits by it.
inline constexpr std::string_view kOutsideMessage = "this path is outside the allowed folders";

// More than anybody lists by hand; each costs one descriptor.
inline constexpr std::size_t kMaxRoots = 64;

enum class Resolver {
  best,  // openat2(2); where the kernel or a seccomp filter refuses that call, the walk
  walk,  // component by component without following any link: stricter, slower. Tests name it to force it.
};

struct Root;  // open.hpp's business

// A path at or below one root. Only Roots and child() make one; it keeps its root's descriptor alive.
class ConfinedPath {
 public:
  // Without a leading '/'; empty for the root itself. Never has "..", "." or empty components, nor a NUL byte.
  [[nodiscard]] const std::string& relative() const { return relative_; }
  // The root's canonical path and relative(): for people, and accepted by Roots::locate.
  [[nodiscard]] std::string display() const;
  // The entry `name` of this folder; forbidden when `name` is not one plain component.
  [[nodiscard]] Result<ConfinedPath> child(std::string_view name) const;

 private:
  friend class Roots;
  friend struct RootAccess;
  ConfinedPath(std::shared_ptr<const Root> root, std::string relative);

  std::shared_ptr<const Root> root_;
  std::string relative_;
};

class Roots {
 public:
  // Blocking, once at start. Each path is absolute, an existing folder that this user may list, not "/" (too wide: it
  // holds /proc, /etc and this server's own secrets) and not on /proc, /sys or the like. Errors are
  // ErrorKind::invalid; the message names the root and what is wrong with it. The same folder named twice counts
  // once. A root inside another is kept in paths(), but opened from the outer one, so that links between them work.
  // No paths at all: everything is outside.
  //
  // The descriptors stay on the folders they were opened on: a root that is replaced by another folder of the same
  // name (a new mount, a fresh clone) is seen after a restart.
  static Result<Roots> open(const std::vector<std::string>& absolute_paths, Resolver resolver = Resolver::best);

  // Lexical only. Accepts a path at or below a root, in the spelling given to open() or the canonical one, compared
  // by whole components; "." and repeated slashes are tidied. Everything else is forbidden with kOutsideMessage:
  // relative paths, "..", NUL bytes, 4096 bytes or more, components over 255 bytes.
  [[nodiscard]] Result<ConfinedPath> locate(std::string_view path) const;

  // Canonical, in the order given, without duplicates.
  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }

 private:
  struct Spelling {
    std::string prefix;  // absolute, tidy
    std::shared_ptr<const Root> root;
    std::string below;  // where in `root` the prefix leads; empty unless a root lies inside another
  };
  std::vector<Spelling> spellings_;  // longest prefix first
  std::vector<std::string> paths_;
};

}  // namespace ccd::files
