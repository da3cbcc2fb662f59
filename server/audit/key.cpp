#include "audit/key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <filesystem>

#include "base/unique_fd.hpp"

namespace ccd::audit {

namespace {

Result<> check_file(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail_errno("look at " + path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, path + " is not a regular file");
  if (info.st_uid != ::geteuid()) {
    return fail(ErrorKind::forbidden, path + " belongs to another user; the audit key must be the dashboard's own");
  }
  if ((info.st_mode & 0077) != 0) {
    return fail(ErrorKind::forbidden, "other users can use the audit key: chmod 600 " + path +
                                          " (who has read it can forge the audit trail)");
  }
  if (info.st_size != static_cast<off_t>(kKeyBytes)) {
    return fail(ErrorKind::corrupt, path + " is not an audit key: it has " + std::to_string(info.st_size) +
                                        " bytes, a key has " + std::to_string(kKeyBytes) +
                                        ". Restore it from a backup.");
  }
  return {};
}

Result<Key> load(int fd, const std::string& path) {
  TRY(check_file(fd, path));
  Key key{};
  if (::pread(fd, key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) return fail_errno("read " + path);
  return key;
}

Result<> sync_folder(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const UniqueFd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("sync the folder of " + path);
  return {};
}

// Written whole under another name and then linked: a crash leaves no half key, and a key that is there is never
// replaced.
Result<> create(const std::string& path, Random& random) {
  Key key{};
  random.fill(key);
  const std::string draft = path + "." + random.hex(8) + ".new";
  const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("make the audit key " + draft);
  const bool written =
      ::write(fd.get(), key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(fd.get()) == 0;
  const int write_error = errno;
  const bool linked = written && ::link(draft.c_str(), path.c_str()) == 0;
  const int link_error = errno;
  ::unlink(draft.c_str());
  if (!written) return fail_errno("write the audit key " + path, write_error);
  if (!linked && link_error != EEXIST) return fail_errno("make the audit key " + path, link_error);
  return sync_folder(path);
}

}  // namespace

Result<Key> load_or_create_key(const std::string& path, Random& random) {
  const auto open = [&] { return UniqueFd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)); };
  UniqueFd fd = open();
  if (!fd && errno == ENOENT) {
    TRY(create(path, random));
    fd = open();
  }
  if (!fd && errno == ELOOP)
    return fail(ErrorKind::invalid, path + " is a symbolic link; the audit key must be a file");
  if (!fd) return fail_errno("open the audit key " + path);
  return load(fd.get(), path);
}

}  // namespace ccd::audit
