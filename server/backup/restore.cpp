#include "backup/restore.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "backup/folder.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "storage/file_state.hpp"

namespace ccd::backup {

namespace {

// How many backups are unpacked to find a good one to name: a look at start, not a search.
constexpr std::size_t kBackupsTried = 3;

Result<> sync_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("sync " + path);
  return {};
}

// The newest backup that is whole, if one of the first few is.
std::optional<std::string> newest_good(const std::string& folder, const std::string& draft_path) {
  const auto entries = list(folder);
  if (!entries) return std::nullopt;
  for (std::size_t i = 0; i < entries->size() && i < kBackupsTried; ++i) {
    const std::string path = (std::filesystem::path(folder) / (*entries)[i].name).string();
    const auto verified = unpack_and_check(path, draft_path, {});
    if (verified) static_cast<void>(::unlink(draft_path.c_str()));
    if (verified && verified->origin == Origin::ours) return path;
  }
  return std::nullopt;
}

std::string advice(const std::string& path, const std::string& folder, const std::optional<std::string>& backup) {
  const std::string restore =
      backup ? "Restore the newest good backup: dashboard restore " + *backup
             : "There is no good backup in " + folder + "; one from elsewhere: dashboard restore FILE";
  return restore + " -- or start with an empty database: rm " + path;
}

Result<std::unique_ptr<storage::Database>> set_aside(const Error& found, const std::string& path,
                                                     const std::string& folder, const Clock& clock) {
  const std::string aside = storage::free_name(path + ".damaged-", clock.wall());
  const std::string text = found.message + ". It was set aside as " + aside + ". " +
                           advice(path, folder, newest_good(folder, path + ".try"));
  if (auto moved = storage::set_aside_damaged(path, aside, text); !moved)
    return tl::unexpected(Error{.kind = ErrorKind::corrupt,
                                .message = found.message + "; setting it aside failed: " + moved.error().message});
  return fail(ErrorKind::corrupt, text);
}

}  // namespace

Result<Restored> restore(const std::string& file, const std::string& database_path, const Clock& clock) {
  Restored restored;
  const std::string draft_path = database_path + ".restoring";
  // An earlier attempt may have been killed.
  if (::unlink(draft_path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + draft_path);
  restored.from = TRY(unpack_and_check(file, draft_path, {}));
  TRY(sync_file(draft_path));
  if (TRY(storage::file_state(database_path)) != storage::FileState::missing) {
    restored.kept_as = storage::free_name(database_path + ".before-restore-", clock.wall());
    TRY(storage::link_aside(database_path, restored.kept_as));
  }
  if (::rename(draft_path.c_str(), database_path.c_str()) != 0) return fail_errno("replace " + database_path);
  // Between the two the new database has the old one's log beside it. It is marked as one without a log, so that an opening then sets
  // that log aside.
  TRY(storage::remove_side_files(database_path));
  return restored;
}

Result<std::unique_ptr<storage::Database>> open_or_set_aside(storage::Options options, asio::any_io_executor executor,
                                                             const std::string& folder, const Clock& clock) {
  const std::string path = options.path;
  const auto state = storage::file_state(path);
  if (state && *state == storage::FileState::notice) return fail(ErrorKind::corrupt, TRY(storage::read_notice(path)));
  auto stale = storage::set_aside_stale_log(path, clock.wall());
  if (!stale) return tl::unexpected(std::move(stale).error());
  if (*stale)
    log_warn("storage", "a write-ahead log that belongs to another file was beside the database and is set aside",
             {{"database", path}, {"log", **stale}});
  auto database = storage::Database::open(std::move(options), std::move(executor));
  if (database || database.error().kind != ErrorKind::corrupt) return database;
  return set_aside(database.error(), path, folder, clock);
}

}  // namespace ccd::backup
