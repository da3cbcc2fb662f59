// openat2 beneath a root, or the walk where that call is missing.
#include "files/open.hpp"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <string>
#include <utility>

#include "files/root.hpp"

namespace ccd::files {
namespace {

// O_NONBLOCK: a FIFO that takes the file's place between the look and the open must not hold the pool's thread.
constexpr int kAlways = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
constexpr int kAccepted = O_ACCMODE | O_APPEND;
constexpr int kLook = O_PATH | O_CLOEXEC;

// All three return the descriptor, or -errno.

int openat2_beneath(int root, const char* relative, int flags) {
  struct open_how how{};
  how.flags = static_cast<decltype(how.flags)>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  int races = 0;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, root, relative, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno == EINTR) continue;
    if (errno != EAGAIN || ++races > kMaxRaceRetries) return -errno;
  }
}

// One component, not followed when it is a link: with O_PATH the link itself, else ELOOP.
int open_one(int folder, const char* name, int flags) {
  for (;;) {
    const int fd = ::openat(folder, name, flags | O_NOFOLLOW);
    if (fd >= 0) return fd;
    if (errno != EINTR) return -errno;
  }
}

bool is_link(int folder, const char* name) {
  struct stat status{};
  return ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

// Opens every component from the one before it and follows none, so nothing is resolved twice and there is nothing to
// swap in between. A link anywhere ends it with ELOOP.
int walk_beneath(int root, const std::string& relative, int flags) {
  UniqueFd folder;  // of the component before, once there is one
  std::size_t start = 0;
  for (;;) {
    const auto slash = relative.find('/', start);
    const bool last = slash == std::string::npos;
    const auto name = relative.empty() ? std::string(".") : relative.substr(start, last ? slash : slash - start);
    const int from = folder ? folder.get() : root;
    const int fd = open_one(from, name.c_str(), last ? flags : kLook);
    // O_DIRECTORY takes precedence over O_NOFOLLOW: a link to a folder is reported as no folder.
    if (fd == -ENOTDIR && is_link(from, name.c_str())) return -ELOOP;
    if (fd < 0) return fd;
    UniqueFd next(fd);
    struct stat status{};
    if (::fstat(fd, &status) != 0) return -errno;
    if (S_ISLNK(status.st_mode)) return -ELOOP;
    if (last) return next.release();
    if (!S_ISDIR(status.st_mode)) return -ENOTDIR;
    folder = std::move(next);
    start = slash + 1;
  }
}

int open_beneath(const Root& root, const std::string& relative, int flags) {
  if (root.resolver == Resolver::best) {
    const int fd = openat2_beneath(root.fd.get(), relative.empty() ? "." : relative.c_str(), flags);
    // ENOSYS: a kernel before 5.6. EPERM: a seccomp filter that does not know the call. The walk allows less, never
    // more.
    if (fd != -ENOSYS && fd != -EPERM) return fd;
  }
  return walk_beneath(root.fd.get(), relative, flags);
}

tl::unexpected<Error> refuse(int sys, Kind kind) {
  switch (sys) {
    case EXDEV:  // leaves the root
    case ELOOP:  // a loop, a magic link, or (in the walk) any link
    case ENAMETOOLONG: return fail_outside();
    case ENOENT: return fail(ErrorKind::not_found, "no such file or folder");
    case ENOTDIR:
      if (kind == Kind::folder) return fail(ErrorKind::conflict, "this is not a folder");
      return fail(ErrorKind::not_found, "no such file or folder");
    case EACCES:
    case EPERM: return fail(ErrorKind::forbidden, "this server's user may not open this");
    case EAGAIN: return fail(ErrorKind::unavailable, "folders on this path are being moved right now; try again");
    case EMFILE:
    case ENFILE:
    case ENOMEM: return fail(ErrorKind::unavailable, "too many files are open; try again");
    default: return fail_errno("open", sys);
  }
}

Result<Opened> open_checked(const Root& root, const std::string& relative, Kind kind, int flags) {
  const int fd = open_beneath(root, relative, flags);
  if (fd < 0) return refuse(-fd, kind);
  Opened opened{.fd = UniqueFd(fd)};
  if (::fstat(fd, &opened.status) != 0) return fail_errno("fstat");
  // Another file system than the root's is fine (a volume mounted below), unless it is one of the kernel's.
  if (opened.status.st_dev != root.device && is_kernel_file_system(fd)) return fail_outside();
  if (kind == Kind::file && !S_ISREG(opened.status.st_mode)) {
    return fail(ErrorKind::conflict,
                S_ISDIR(opened.status.st_mode) ? "this is a folder" : "this is not a regular file");
  }
  return opened;
}

}  // namespace

Result<Opened> open_confined(const ConfinedPath& path, Kind kind, int flags) {
  if ((flags & ~kAccepted) != 0) return fail(ErrorKind::internal, "open_confined: flags that it does not accept");
  const auto& root = RootAccess::of(path);
  switch (kind) {
    case Kind::any: return open_checked(root, path.relative(), kind, kLook);
    case Kind::folder: return open_checked(root, path.relative(), kind, O_RDONLY | O_DIRECTORY | kAlways);
    case Kind::file: {
      // Opening a FIFO or a device has effects of its own, so the kind is known before. The second open confines and
      // checks all over again; it needs nothing from the first.
      const auto look = open_checked(root, path.relative(), kind, kLook);
      if (!look) return tl::unexpected(look.error());
      return open_checked(root, path.relative(), kind, flags | kAlways);
    }
  }
  return fail(ErrorKind::internal, "open_confined: unknown kind");
}

std::string_view to_string(EntryKind kind) {
  switch (kind) {
    case EntryKind::file: return "file";
    case EntryKind::folder: return "folder";
    case EntryKind::link: return "link";
    case EntryKind::other: return "other";
  }
  return "other";
}

EntryKind entry_kind(mode_t mode) {
  if (S_ISREG(mode)) return EntryKind::file;
  if (S_ISDIR(mode)) return EntryKind::folder;
  if (S_ISLNK(mode)) return EntryKind::link;
  return EntryKind::other;
}

Result<EntryKind> kind_of(const ConfinedPath& path) {
  const auto found = TRY(open_confined(path, Kind::any));
  return entry_kind(found.status.st_mode);
}

}  // namespace ccd::files
