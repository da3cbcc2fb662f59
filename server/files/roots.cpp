// Opens the roots at start; turns text into ConfinedPaths.
#include "files/roots.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <system_error>
#include <utility>

#include "base/encoding.hpp"
#include "files/projects.hpp"
#include "files/root.hpp"

namespace ccd::files {
namespace {

bool plain_component(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

// "/a//./b/" becomes "/a/b"; "/" becomes "". None when the path is relative, too long, or has a component that may
// not be.
std::optional<std::string> tidy(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() >= PATH_MAX) return std::nullopt;
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    if (component.empty() || component == ".") continue;
    if (!plain_component(component)) return std::nullopt;
    out += '/';
    out += component;
  }
  return out;
}

// What is left of `path` below `prefix`, without the '/'; none when it is not at or below it. Both are tidy.
std::optional<std::string_view> below(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.empty()) return path;
  if (path.front() != '/') return std::nullopt;
  return path.substr(1);
}

std::string join(std::string_view above, std::string_view rest) {
  std::string out(above);
  if (!out.empty() && !rest.empty()) out += '/';
  out += rest;
  return out;
}

tl::unexpected<Error> bad_root(std::string_view path, std::string_view why) {
  return fail(ErrorKind::invalid, "root \"" + printable(path) + "\" " + std::string(why));
}

std::string reason(int sys) {
  switch (sys) {
    case ENOENT: return "does not exist";
    case ENOTDIR: return "is not a folder";
    case EACCES: return "may not be entered by this user";
    case ELOOP: return "is a loop of links";
    default: return "cannot be opened: " + std::generic_category().message(sys);
  }
}

struct NewRoot {
  std::string spelling;
  std::shared_ptr<const Root> root;
};

Result<NewRoot> open_root(const std::string& path, Resolver resolver) {
  if (path.empty() || path.front() != '/') return bad_root(path, "is not an absolute path");
  if (path.size() >= PATH_MAX) return bad_root(path, "is longer than 4095 bytes");
  auto spelling = tidy(path);
  if (!spelling) return bad_root(path, "has a \"..\", a NUL byte or a name over 255 bytes: write the path out plainly");
  if (spelling->empty()) return bad_root(path, "is too wide: name the folders that may be read, not the whole machine");
  UniqueFd fd(::open(spelling->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return bad_root(path, reason(errno));
  if (is_kernel_file_system(fd.get())) return bad_root(path, "holds the kernel's state, not files");
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return bad_root(path, reason(errno));
  if (::faccessat(fd.get(), ".", R_OK | X_OK, AT_EACCESS) != 0) return bad_root(path, "may not be listed by this user");
  auto real = real_path_of(fd.get());
  if (!real) return bad_root(path, real.error().message);
  if (*real == "/") return bad_root(path, "is a link to \"/\", which is too wide");
  auto root = std::make_shared<const Root>(Root{std::move(fd), *std::move(real), status.st_dev, resolver});
  return NewRoot{*std::move(spelling), std::move(root)};
}

}  // namespace

tl::unexpected<Error> fail_outside() { return fail(ErrorKind::forbidden, std::string(kOutsideMessage)); }

bool is_kernel_file_system(int fd) {
  struct statfs fs{};
  if (::fstatfs(fd, &fs) != 0) return true;
  switch (static_cast<unsigned long>(fs.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case SELINUX_MAGIC:
    case BPF_FS_MAGIC:
    case NSFS_MAGIC:
    case EFIVARFS_MAGIC:
    case PSTOREFS_MAGIC:
    case BINFMTFS_MAGIC: return true;
    default: return false;
  }
}

ConfinedPath::ConfinedPath(std::shared_ptr<const Root> root, std::string relative)
    : root_(std::move(root)), relative_(std::move(relative)) {}

std::string ConfinedPath::display() const { return join(root_->path, relative_); }

Result<ConfinedPath> ConfinedPath::child(std::string_view name) const {
  if (!plain_component(name)) return fail_outside();
  auto relative = join(relative_, name);
  if (relative.size() >= PATH_MAX) return fail_outside();
  return ConfinedPath(root_, std::move(relative));
}

Result<Roots> Roots::open(const std::vector<std::string>& absolute_paths, Resolver resolver) {
  if (absolute_paths.size() > kMaxRoots) {
    return fail(ErrorKind::invalid,
                std::to_string(absolute_paths.size()) + " roots are more than " + std::to_string(kMaxRoots));
  }
  std::vector<NewRoot> found;
  Roots roots;
  for (const auto& path : absolute_paths) {
    found.push_back(TRY(open_root(path, resolver)));
    const auto& real = found.back().root->path;
    if (std::ranges::find(roots.paths_, real) == roots.paths_.end()) roots.paths_.push_back(real);
  }
  for (const auto& entry : found) {
    // The outermost root that holds this one; itself when none does.
    auto outer = entry.root;
    for (const auto& other : found) {
      if (below(outer->path, other.root->path)) outer = other.root;
    }
    const std::string inner(*below(entry.root->path, outer->path));
    roots.spellings_.push_back({entry.spelling, outer, inner});
    roots.spellings_.push_back({entry.root->path, outer, inner});
  }
  std::ranges::stable_sort(roots.spellings_, std::ranges::greater{}, [](const Spelling& s) { return s.prefix.size(); });
  return roots;
}

Result<ConfinedPath> Roots::locate(std::string_view path) const {
  const auto tidied = tidy(path);
  if (!tidied) return fail_outside();
  for (const auto& spelling : spellings_) {
    if (const auto rest = below(*tidied, spelling.prefix))
      return ConfinedPath(spelling.root, join(spelling.below, *rest));
  }
  return fail_outside();
}

}  // namespace ccd::files
