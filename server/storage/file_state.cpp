#include "storage/file_state.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.hpp"

namespace ccd::storage {

namespace {

constexpr std::string_view kDatabaseMark("SQLite format 3\0", 16);
constexpr std::string_view kNoticeMark = "This is not a database: the dashboard has set a damaged one aside.\n";
// The file format's write and read versions: 1 without a write-ahead log, 2 with one.
constexpr std::size_t kWriteVersionAt = 18;
constexpr char kWithoutLog = 1;
// A notice is a few lines.
constexpr std::size_t kMaxNotice = 8 * 1024;

// Up to `most` bytes of the file's start; none when there is no file.
Result<std::optional<std::string>> read_start(const std::string& path, std::size_t most) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::optional<std::string>();
  if (!fd) return fail_errno("open " + path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("look at " + path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, path + " is not a regular file");
  std::string text(most, '\0');
  const ssize_t size = ::pread(fd.get(), text.data(), text.size(), 0);
  if (size < 0) return fail_errno("read " + path);
  text.resize(static_cast<std::size_t>(size));
  return std::optional(std::move(text));
}

Result<> link_one(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
  const int sys = errno;
  // File systems without hard links: a copy says the same.
  if (sys == EPERM || sys == EOPNOTSUPP || sys == ENOSYS || sys == EMLINK) {
    std::error_code ec;
    if (std::filesystem::copy_file(from, to, ec)) return {};
  }
  return fail_errno("keep " + from + " as " + to, sys);
}

}  // namespace

Result<FileState> file_state(const std::string& path) {
  const auto start = TRY(read_start(path, kNoticeMark.size()));
  if (!start) return FileState::missing;
  if (start->empty()) return FileState::empty;
  if (start->starts_with(kDatabaseMark)) return FileState::database;
  return *start == kNoticeMark ? FileState::notice : FileState::other;
}

Result<std::optional<std::string>> set_aside_stale_log(const std::string& path, WallMicros now) {
  const auto start = TRY(read_start(path, kWriteVersionAt + 1));
  struct stat log{};
  const std::string name = path + "-wal";
  if (!start || ::stat(name.c_str(), &log) != 0 || log.st_size == 0) return std::optional<std::string>();
  const bool without =
      start->size() > kWriteVersionAt && start->starts_with(kDatabaseMark) && (*start)[kWriteVersionAt] == kWithoutLog;
  if (!without) return std::optional<std::string>();
  const std::string aside = name + ".stale-" + file_stamp(now);
  if (::rename(name.c_str(), aside.c_str()) != 0) return fail_errno("set " + name + " aside");
  TRY(sync_folder_of(path));
  return std::optional(aside);
}

Result<> link_aside(const std::string& path, const std::string& aside) {
  for (const char* suffix : {"", "-wal", "-shm"}) TRY(link_one(path + suffix, aside + suffix));
  return sync_folder_of(path);
}

Result<> set_aside_damaged(const std::string& path, const std::string& aside, std::string_view notice) {
  TRY(link_aside(path, aside));
  const std::string draft = path + ".notice";
  {
    const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    const std::string text = std::string(kNoticeMark) + std::string(notice) + "\n";
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(fd.get()) != 0)
      return fail_errno("write " + draft);
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail_errno("replace " + path);
  return remove_side_files(path);
}

Result<std::string> read_notice(const std::string& path) {
  const auto text = TRY(read_start(path, kMaxNotice));
  if (!text || !text->starts_with(kNoticeMark)) return fail(ErrorKind::not_found, path + " holds no notice");
  std::string words = text->substr(kNoticeMark.size());
  while (words.ends_with('\n')) words.pop_back();
  return words;
}

Result<> remove_side_files(const std::string& path) {
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    if (::unlink((path + suffix).c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + path + suffix);
  }
  return sync_folder_of(path);
}

std::string file_stamp(WallMicros at) {
  const std::time_t seconds = at / 1'000'000;
  struct tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%d_%H%M%S", &parts);
  return {text.data(), size};
}

std::string free_name(const std::string& prefix, WallMicros at) {
  constexpr WallMicros kSecond = 1'000'000;
  std::string name = prefix + file_stamp(at);
  while (::access(name.c_str(), F_OK) == 0) name = prefix + file_stamp(at += kSecond);
  return name;
}

Result<> sync_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const UniqueFd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("sync the folder of " + path);
  return {};
}

}  // namespace ccd::storage
