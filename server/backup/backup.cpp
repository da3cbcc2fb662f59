#include "backup/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <filesystem>

#include "backup/folder.hpp"
#include "base/unique_fd.hpp"
#include "storage/file_state.hpp"

namespace ccd::backup {

namespace {

constexpr WallMicros kSecond = 1'000'000;

// A file that goes away unless it is kept.
class Draft {
 public:
  explicit Draft(std::string path) : path_(std::move(path)) {}
  ~Draft() { remove(); }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  void remove() {
    for (const char* suffix : {"", "-journal", "-wal", "-shm"})
      if (!path_.empty()) static_cast<void>(::unlink((path_ + suffix).c_str()));
  }
  // It is somebody else's from now on.
  void keep() { path_.clear(); }
  Result<> publish(const std::string& as) {
    if (::rename(path_.c_str(), as.c_str()) != 0) return fail_errno("publish " + as);
    keep();
    return storage::sync_folder_of(as);
  }

 private:
  std::string path_;
};

Result<std::uint64_t> size_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("look at " + path);
  return static_cast<std::uint64_t>(info.st_size);
}

// Copy and packed file are there at one time, later packed file and test restore.
Result<> check_room(const std::string& database_path, const std::string& folder) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return fail_errno("look at the disk of " + folder);
  const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  const std::uint64_t need = 2 * TRY(size_of(database_path));
  if (free >= need) return {};
  return fail(ErrorKind::unavailable, "no room for a backup in " + folder + ": it needs " + std::to_string(need) +
                                          " bytes, " + std::to_string(free) + " are free");
}

struct Looked {
  std::vector<std::string> damage;
  std::vector<std::string> migrations;
  std::map<std::string, std::int64_t> rows;
};
Result<Looked> look(const std::string& path, const storage::KeepGoing& keep_going) {
  const auto connection = storage::open_to_read(path);
  if (!connection && connection.error().kind == ErrorKind::corrupt)
    return Looked{.damage = {connection.error().message}, .migrations = {}, .rows = {}};
  if (!connection) return tl::unexpected(connection.error());
  Looked looked;
  looked.damage = TRY(storage::find_damage(**connection, keep_going));
  if (!looked.damage.empty()) return looked;
  looked.migrations = TRY(storage::applied_migrations(**connection));
  looked.rows = TRY(storage::count_rows(**connection));
  return looked;
}

bool is_gzip(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<unsigned char, 2> start{};
  return fd && ::pread(fd.get(), start.data(), start.size(), 0) == 2 && start[0] == 0x1f && start[1] == 0x8b;
}

// A second that no backup has yet: two of one second would be one file.
WallMicros free_second(const std::string& folder, WallMicros at) {
  while (::access((std::filesystem::path(folder) / name_at(at)).c_str(), F_OK) == 0) at += kSecond;
  return at;
}

Result<> test_restore(const std::string& packed, const std::string& to, const Looked& wanted,
                      const storage::KeepGoing& keep_going) {
  const Draft restored(to);
  const auto verified = unpack_and_check(packed, restored.path(), keep_going);
  if (!verified) return tl::unexpected(Error(verified.error()).in("the test restore"));
  if (verified->origin == Origin::ours && verified->rows == wanted.rows && verified->migrations == wanted.migrations)
    return {};
  return fail(ErrorKind::io, "the test restore: what was unpacked is not what was packed");
}

}  // namespace

Result<Verified> unpack_and_check(const std::string& file, const std::string& to,
                                  const storage::KeepGoing& keep_going) {
  Draft unpacked(to);
  Verified verified;
  verified.packed = is_gzip(file);
  if (verified.packed) {
    const auto done = TRY(unpack(file, to, keep_going));
    verified.origin = done.origin;
    verified.sha256 = done.sha256;
  } else {
    verified.origin = Origin::foreign;
    TRY(storage::copy_database(file, to, keep_going));
  }
  verified.database_bytes = TRY(size_of(to));
  if (TRY(storage::file_state(to)) != storage::FileState::database)
    return fail(ErrorKind::corrupt, "what is in it is not a database");
  auto looked = TRY(look(to, keep_going));
  if (!looked.damage.empty())
    return fail(ErrorKind::corrupt, "the database in it is damaged: " + looked.damage.front());
  verified.migrations = std::move(looked.migrations);
  verified.rows = std::move(looked.rows);
  unpacked.keep();
  return verified;
}

namespace {

Result<Published> make_one(const Source& source, const Clock& clock, const storage::KeepGoing& keep_going) {
  TRY(check_room(source.database_path, source.folder));
  Published published;
  published.at = free_second(source.folder, clock.wall());
  Draft copy(draft(source.folder, "copy.db"));
  TRY(storage::copy_database(source.database_path, copy.path(), keep_going));
  published.database_bytes = TRY(size_of(copy.path()));
  const auto looked = TRY(look(copy.path(), keep_going));
  if (!looked.damage.empty())
    return fail(ErrorKind::corrupt, "the database " + source.database_path + " is damaged: " + looked.damage.front());
  Draft packed(draft(source.folder, "packed.gz"));
  const auto file = TRY(pack(copy.path(), packed.path(), keep_going));
  copy.remove();
  TRY(test_restore(packed.path(), draft(source.folder, "restored.db"), looked, keep_going));
  published.path = (std::filesystem::path(source.folder) / name_at(published.at)).string();
  published.bytes = file.bytes;
  published.sha256 = file.sha256;
  TRY(packed.publish(published.path));
  // The new one is good and there; that an old one stays is no reason to call it failed.
  auto kept = prune(source.folder, source.keep);
  if (kept) published.kept = *kept;
  else published.warning = std::move(kept).error().message;
  return published;
}

}  // namespace

Result<Published> make(const Source& source, const Clock& clock, const storage::KeepGoing& keep_going) {
  const auto held = TRY(enter(source.folder));
  auto made = make_one(source, clock, keep_going);
  if (!made && made.error().kind == ErrorKind::cancelled) return made;
  Attempt attempt{.at = clock.wall(), .good = made.has_value(), .database_damaged = false, .error = {}};
  if (!made) {
    attempt.error = made.error().message;
    attempt.database_damaged = made.error().kind == ErrorKind::corrupt;
  }
  // A full disk may not take the note; the error is the caller's all the same.
  static_cast<void>(note_attempt(source.folder, attempt));
  return made;
}

}  // namespace ccd::backup
