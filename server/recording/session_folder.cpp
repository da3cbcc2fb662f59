// Makes, removes and locks session folders by descriptor, and builds the one command that tmux gives to a shell.
#include "recording/session_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/unique_fd.hpp"
#include "recording/format.hpp"

namespace ccd::recording {
namespace {

constexpr mode_t kOwnerFolder = 0700;
constexpr mode_t kOthers = 077;

Result<> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), kOwnerFolder) == 0 || errno == EEXIST) return {};
  return fail_errno("make folder " + path);
}

Result<> make_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    TRY(make_folder(path.substr(0, slash)));
  return {};
}

Result<UniqueFd> open_folder(int at, const char* path, const std::string& name) {
  UniqueFd fd(::openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno("open folder " + name);
  return fd;
}

Result<> check_private(int fd, const std::string& name) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno("stat " + name);
  if (status.st_uid == ::geteuid() && (status.st_mode & kOthers) == 0) return {};
  return fail(ErrorKind::forbidden, "folder " + name + " must belong to this user with mode 0700");
}

// Deletes what is directly in the folder. A folder in it makes the later rmdir fail, which says so.
Result<> remove_entries(int folder, const std::string& name) {
  UniqueFd copy = TRY(open_folder(folder, ".", name));
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(copy.get()), &::closedir);
  if (!dir) return fail_errno("read folder " + name);
  static_cast<void>(copy.release());                    // closedir closes it
  while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe): one thread reads it
    const std::string_view file = entry->d_name;
    if (file == "." || file == "..") continue;
    if (::unlinkat(folder, entry->d_name, 0) != 0 && errno != ENOENT && errno != EISDIR)
      return fail_errno("delete " + name + "/" + entry->d_name);
  }
  return {};
}

// Deletes the folder of that name with what is directly in it. What is no folder is left for remove_entries().
Result<> remove_folder(int parent, const char* entry, const std::string& name) {
  const Result<UniqueFd> folder = open_folder(parent, entry, name);
  if (!folder) return {};
  TRY(remove_entries(folder->get(), name));
  if (::unlinkat(parent, entry, AT_REMOVEDIR) != 0) return fail_errno("delete folder " + name);
  return {};
}

// The lock, held; `conflict` while a tap holds it.
Result<UniqueFd> take_lock(int folder) {
  UniqueFd lock(::openat(folder, kTapLock, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!lock) return fail_errno("open tap.lock");
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return fail(ErrorKind::conflict, "a pane-tap still writes to this session's folder");
  return fail_errno("lock tap.lock");
}

bool shell_safe(std::string_view path) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '/' || c == '-';
  };
  return path.starts_with('/') && std::all_of(path.begin(), path.end(), safe);
}

}  // namespace

Result<> create_session_folder(const std::string& session_dir) {
  TRY(make_parents(session_dir));
  TRY(make_folder(session_dir));
  const UniqueFd folder = TRY(open_folder(AT_FDCWD, session_dir.c_str(), session_dir));
  TRY(check_private(folder.get(), session_dir));
  const std::string log = session_dir + "/" + kLogFolder;
  if (::mkdirat(folder.get(), kLogFolder, kOwnerFolder) != 0 && errno != EEXIST)
    return fail_errno("make folder " + log);
  const UniqueFd log_folder = TRY(open_folder(folder.get(), kLogFolder, log));
  return check_private(log_folder.get(), log);
}

Result<> remove_session_folder(const std::string& session_dir) {
  const UniqueFd folder = TRY(open_folder(AT_FDCWD, session_dir.c_str(), session_dir));
  const Result<UniqueFd> lock = take_lock(folder.get());
  if (!lock && lock.error().kind != ErrorKind::not_found) return tl::unexpected(lock.error());
  // Keyframes first: without their log they would be of no use, and the log is readable without them.
  TRY(remove_folder(folder.get(), kKeyframesFolder, session_dir + "/" + kKeyframesFolder));
  TRY(remove_folder(folder.get(), kLogFolder, session_dir + "/" + kLogFolder));
  TRY(remove_entries(folder.get(), session_dir));
  if (::rmdir(session_dir.c_str()) != 0) return fail_errno("delete folder " + session_dir);
  return {};
}

Result<UniqueFd> lock_session_folder(const std::string& session_dir) {
  const UniqueFd folder = TRY(open_folder(AT_FDCWD, session_dir.c_str(), session_dir));
  return take_lock(folder.get());
}

Result<bool> tap_running(const std::string& session_dir) {
  const UniqueFd folder = TRY(open_folder(AT_FDCWD, session_dir.c_str(), session_dir));
  const Result<UniqueFd> lock = take_lock(folder.get());
  if (lock) return false;
  if (lock.error().kind == ErrorKind::conflict) return true;
  return tl::unexpected(lock.error());
}

Result<std::string> tap_command(std::string_view pane_tap_path, std::string_view session_dir,
                                const TapOptions& options) {
  for (const auto& [field, path] : {std::pair("pane_tap_path", pane_tap_path), std::pair("session_dir", session_dir)}) {
    if (shell_safe(path)) continue;
    return fail_field(field,
                      "must be an absolute path of letters, digits, '_', '.', '/' and '-' only, because tmux gives "
                      "it to a shell: " +
                          std::string(path));
  }
  std::string command = "exec " + std::string(pane_tap_path) + " " + std::string(session_dir);
  command += " --segment-bytes " + std::to_string(options.segment_bytes);
  command += " --keep-bytes " + std::to_string(options.keep_bytes);
  if (options.cols > 0 && options.rows > 0)
    command += " --cols " + std::to_string(options.cols) + " --rows " + std::to_string(options.rows);
  if (options.hold.count() > 0) command += " --hold-ms " + std::to_string(options.hold.count());
  return command;
}

}  // namespace ccd::recording
