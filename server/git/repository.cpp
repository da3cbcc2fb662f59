#include "git/repository.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/unique_fd.hpp"

namespace ccd::git {

namespace {

// A path and a word; git itself writes no more.
constexpr std::size_t kMaxPointer = 8 * 1024;
constexpr std::string_view kPointer = "gitdir: ";

Result<std::string> canonical(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &::free);
  if (!real) return fail_errno("find " + path);
  return std::string(real.get());
}

std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// A path out of one of git's own files, which is absolute or relative to `folder`.
Result<std::string> follow(std::string_view written, const std::string& folder, const Allowed& allowed) {
  if (written.empty() || written.find('\0') != std::string_view::npos)
    return fail(ErrorKind::invalid, "the repository's files in " + folder + " are not as git writes them");
  std::string path(written);
  if (!path.starts_with('/')) path = folder + "/" + path;
  auto real = TRY(canonical(path));
  if (!allowed(real)) return fail(ErrorKind::forbidden, "the repository lies outside the allowed folders");
  return real;
}

bool is_folder(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<Repository> repository_at(const std::string& top, mode_t mode, const Allowed& allowed) {
  const std::string entry = top + "/.git";
  Repository found{.top = top, .git_dir = entry, .common_dir = {}};
  if (S_ISREG(mode)) {
    const std::string pointer = TRY(read_small_file(entry, kMaxPointer));
    if (!pointer.starts_with(kPointer)) return fail(ErrorKind::invalid, entry + " is not as git writes it");
    found.git_dir = TRY(follow(without_line_end(std::string_view(pointer).substr(kPointer.size())), top, allowed));
  } else if (!S_ISDIR(mode)) {
    return fail(ErrorKind::invalid, entry + " is neither a folder nor a file: links are not followed");
  }
  found.common_dir = found.git_dir;
  if (const auto common = read_small_file(found.git_dir + "/commondir", kMaxPointer))
    found.common_dir = TRY(follow(without_line_end(*common), found.git_dir, allowed));
  for (const char* part : {"/objects", "/refs"})
    if (!is_folder(found.common_dir + part)) return fail(ErrorKind::invalid, entry + " leads to no repository");
  return found;
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
  // Not blocking: a FIFO in its place must not hold a thread.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file) return fail_errno("open " + path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("look at " + path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid, path + " is no regular file");
  std::string text(limit + 1, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have > limit) return fail(ErrorKind::too_large, path + " has more than " + std::to_string(limit) + " bytes");
  text.resize(have);
  return text;
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) &&
         (path.size() == folder.size() || folder.ends_with('/') || path[folder.size()] == '/');
}

Result<Repository> find_repository(std::string folder, const Allowed& allowed) {
  while (allowed(folder)) {
    struct stat status{};
    if (::lstat((folder + "/.git").c_str(), &status) == 0) return repository_at(folder, status.st_mode, allowed);
    if (errno != ENOENT) return fail_errno("look for a repository in " + folder);
    const std::size_t slash = folder.rfind('/');
    if (slash == 0 || slash == std::string::npos) break;
    folder.resize(slash);
  }
  return fail(ErrorKind::not_found, "this folder is in no git repository");
}

}  // namespace ccd::git
