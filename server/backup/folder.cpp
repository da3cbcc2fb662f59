#include "backup/folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/encoding.hpp"
#include "storage/file_state.hpp"

namespace ccd::backup {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "dashboard_";
constexpr std::string_view kSuffix = ".db.gz";
constexpr std::string_view kDraftPrefix = ".dashboard_draft_";
constexpr std::string_view kLockName = ".dashboard_lock";
constexpr std::string_view kStatusName = ".dashboard_last_attempt";
// Drafts of commands that only look: taken away a day after the command was killed.
constexpr std::string_view kLookPrefix = ".dashboard_look_";
constexpr auto kLookLife = std::chrono::hours(24);
constexpr std::size_t kStampSize = 15;  // 20261123_020000
constexpr WallMicros kSecond = 1'000'000;

std::string in(const std::string& folder, std::string_view name) { return (fs::path(folder) / name).string(); }

// Calls seen(name, entry) for each entry of the folder. not_found when there is none.
template <class Seen>
Result<> each(const std::string& folder, Seen seen) {
  std::error_code ec;
  fs::directory_iterator files(folder, ec);
  if (ec) return fail_errno("list " + folder, ec.value());
  for (; files != fs::directory_iterator(); files.increment(ec)) {
    if (ec) return fail_errno("list " + folder, ec.value());
    seen(files->path().filename().string(), *files);
  }
  return {};
}

Result<> make_folder(const std::string& folder) {
  std::error_code ec;
  if (fs::is_directory(folder, ec)) return {};
  fs::create_directories(fs::path(folder).parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make the folder " + folder);
  return storage::sync_folder_of(folder);
}

}  // namespace

std::string name_at(WallMicros at) { return std::string(kPrefix) + storage::file_stamp(at) + std::string(kSuffix); }

std::optional<WallMicros> time_of(std::string_view name) {
  if (name.size() != kPrefix.size() + kStampSize + kSuffix.size() || !name.starts_with(kPrefix) ||
      !name.ends_with(kSuffix))
    return std::nullopt;
  const std::string stamp(name.substr(kPrefix.size(), kStampSize));
  struct tm parts{};
  const char* end = ::strptime(stamp.c_str(), "%Y%m%d_%H%M%S", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const WallMicros at = static_cast<WallMicros>(::timegm(&parts)) * kSecond;
  // strptime takes "2026 123" and days that no month has: only what we would write is ours.
  return name_at(at) == name ? std::optional(at) : std::nullopt;
}

Result<std::vector<Entry>> list(const std::string& folder) {
  std::vector<Entry> found;
  const auto take = [&](const std::string& name, const fs::directory_entry& entry) {
    std::error_code ec;
    const auto at = time_of(name);
    if (!at || !entry.is_regular_file(ec)) return;
    const auto bytes = entry.file_size(ec);
    found.push_back({.name = name, .at = *at, .bytes = ec ? 0 : bytes});
  };
  if (const auto seen = each(folder, take); !seen && seen.error().kind != ErrorKind::not_found)
    return tl::unexpected(seen.error());
  std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.at > b.at; });
  return found;
}

std::string look_draft(const std::string& folder) {
  const std::string name = std::string(kLookPrefix) + std::to_string(::getpid());
  if (::access(folder.c_str(), W_OK) == 0) return in(folder, name);
  std::error_code ec;
  return in(fs::temp_directory_path(ec).string(), name);
}

std::optional<Attempt> last_attempt(const std::string& folder) {
  std::ifstream file(in(folder, kStatusName));
  Attempt attempt;
  std::string word;
  if (!(file >> attempt.at >> word)) return std::nullopt;
  attempt.good = word == "ok";
  attempt.database_damaged = word == "damaged";
  file.ignore(1);
  std::getline(file, attempt.error);
  return attempt;
}

Result<> note_attempt(const std::string& folder, const Attempt& attempt) {
  const std::string path = in(folder, kStatusName);
  const std::string draft_path = in(folder, std::string(kDraftPrefix) + "status");
  const std::string text = std::to_string(attempt.at) +
                           (attempt.good               ? " ok "
                            : attempt.database_damaged ? " damaged "
                                                       : " error ") +
                           printable(attempt.error) + "\n";
  const UniqueFd fd(::open(draft_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno("write " + draft_path);
  if (::rename(draft_path.c_str(), path.c_str()) != 0) return fail_errno("replace " + path);
  return {};
}

std::string draft(const std::string& folder, std::string_view what) {
  return in(folder, std::string(kDraftPrefix) + std::to_string(::getpid()) + "_" + std::string(what));
}

Result<UniqueFd> enter(const std::string& folder) {
  TRY(make_folder(folder));
  UniqueFd lock(::open(in(folder, kLockName).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock) return fail_errno("write in the backup folder " + folder);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorKind::conflict, "another backup is being made in " + folder);
    return fail_errno("lock the backup folder " + folder);
  }
  std::vector<std::string> left;
  TRY(each(folder, [&](const std::string& name, const fs::directory_entry&) {
    std::error_code ec;
    const bool old = name.starts_with(kLookPrefix) &&
                     fs::file_time_type::clock::now() - fs::last_write_time(in(folder, name), ec) > kLookLife;
    if (name.starts_with(kDraftPrefix) || (old && !ec)) left.push_back(in(folder, name));
  }));
  for (const std::string& path : left)
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return fail_errno("remove what an interrupted backup left: " + path);
  return lock;
}

Result<std::size_t> prune(const std::string& folder, std::size_t keep) {
  auto entries = TRY(list(folder));
  keep = std::max<std::size_t>(keep, 1);
  for (; entries.size() > keep; entries.pop_back()) {
    const std::string path = in(folder, entries.back().name);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove the old backup " + path);
  }
  return entries.size();
}

}  // namespace ccd::backup
