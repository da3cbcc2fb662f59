// Opens project folders, tells where a descriptor and a process are, lists what can be picked.
#include "files/projects.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/encoding.hpp"
#include "files/listing.hpp"
#include "files/open.hpp"
#include "files/root.hpp"

namespace ccd::files {
namespace {

bool same(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

tl::unexpected<Error> fail_moved() {
  return fail(ErrorKind::conflict, "the folder was moved, replaced or removed just now; try again");
}

// A work tree and a submodule have a file, everything else a folder.
bool has_git(const ConfinedPath& folder) {
  const auto opened = open_confined(folder, Kind::any);
  if (!opened) return false;
  struct stat status{};
  if (::fstatat(opened->fd.get(), ".git", &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return S_ISDIR(status.st_mode) || S_ISREG(status.st_mode);
}

Project project_at(const ConfinedPath& folder, std::string name, bool is_root) {
  const bool utf8 = valid_utf8(name);
  return {.name = std::move(name),
          .name_is_utf8 = utf8,
          .path = folder.display(),
          .is_root = is_root,
          .is_git = has_git(folder)};
}

bool offered(const Entry& entry) {
  if (entry.name.starts_with('.')) return false;
  return entry.kind == EntryKind::folder || entry.target == LinkTarget::folder;
}

}  // namespace

Result<ProjectFolder> open_project_folder(const Roots& roots, std::string_view path) {
  const auto confined = TRY(roots.locate(path));
  auto opened = TRY(open_confined(confined, Kind::folder));
  auto real = TRY(real_path_of(opened.fd.get()));
  // It was beneath the root when it was opened; if it has been moved out since, its path says so.
  if (!roots.locate(real)) return fail_outside();
  return ProjectFolder{std::move(opened.fd), std::move(real)};
}

Result<std::string> real_path_of(int fd) {
  // The kernel writes "(deleted)" behind the path of what is gone, which is also a valid name: so the path is looked
  // at again.
  std::string path(PATH_MAX, '\0');
  const auto n = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path.data(), path.size());
  if (n < 0) return fail_errno("real path");
  if (static_cast<std::size_t>(n) == path.size()) return fail_moved();
  path.resize(static_cast<std::size_t>(n));
  struct stat held{};
  struct stat named{};
  if (::fstat(fd, &held) != 0) return fail_errno("real path");
  if (::fstatat(AT_FDCWD, path.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 || !same(held, named)) return fail_moved();
  return path;
}

Result<bool> same_folder(int fd, pid_t process) {
  struct stat wanted{};
  struct stat actual{};
  if (::fstat(fd, &wanted) != 0) return fail_errno("compare folders");
  if (::stat(fmt::format("/proc/{}/cwd", process).c_str(), &actual) != 0) {
    if (errno == ENOENT || errno == ESRCH)
      return fail(ErrorKind::not_found, fmt::format("process {} has ended", process));
    return fail_errno(fmt::format("working folder of process {}", process));
  }
  return same(wanted, actual);
}

Projects list_projects(const Roots& roots) {
  Projects out;
  const auto add = [&out](const ConfinedPath& folder, std::string name, bool is_root) {
    if (out.projects.size() == kMaxProjects) {
      out.truncated = true;
    } else {
      out.projects.push_back(project_at(folder, std::move(name), is_root));
    }
  };
  for (const auto& path : roots.paths()) {
    const auto root = roots.locate(path);
    const auto listing = root ? list_folder(*root) : tl::unexpected(root.error());
    if (!listing) {
      out.unreadable.push_back(path);
      continue;
    }
    out.truncated = out.truncated || listing->truncated;
    add(*root, path.substr(path.rfind('/') + 1), true);
    for (const auto& entry : listing->entries) {
      if (!offered(entry)) continue;
      if (const auto folder = root->child(entry.name)) add(*folder, entry.name, false);
    }
  }
  return out;
}

}  // namespace ccd::files
