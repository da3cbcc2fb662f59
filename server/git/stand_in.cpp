#include "git/stand_in.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/unique_fd.hpp"

namespace ccd::git {

namespace {

constexpr std::string_view kPrefix = "repository-";
// What all working trees of a repository share, and what is asked here needs. Not `hooks`, not `modules`.
constexpr std::array<const char*, 7> kShared{"objects", "refs", "packed-refs", "info", "logs", "shallow", "worktrees"};

Result<> write_file(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail_errno("make " + path);
  while (!text.empty()) {
    const ssize_t put = ::write(file.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("write " + path);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

// Links are removed, not what they lead to.
void remove_folder(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace

Result<StandIn> StandIn::make(const std::string& scratch, const Repository& repository, std::string_view config) {
  std::string path = scratch + "/" + std::string(kPrefix) + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return fail_errno("make a folder in " + scratch);
  StandIn made(path);
  TRY(write_file(path + "/config", config));
  for (const char* name : kShared) {
    const std::string real = repository.common_dir + "/" + name;
    if (!exists(real)) continue;
    if (::symlink(real.c_str(), (path + "/" + name).c_str()) != 0) return fail_errno("link to " + real);
  }
  return made;
}

StandIn::~StandIn() {
  if (!path_.empty()) remove_folder(path_);
}

void clear_stand_ins(const std::string& scratch) {
  std::error_code ec;
  for (std::filesystem::directory_iterator it(scratch, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().filename().string().starts_with(kPrefix)) remove_folder(it->path().string());
}

}  // namespace ccd::git
