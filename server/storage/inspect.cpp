#include "storage/inspect.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/unique_fd.hpp"

namespace ccd::storage {

namespace {

// A step that finds the database locked (a checkpoint, a schema change) is tried again this often.
constexpr auto kLockedPause = std::chrono::milliseconds(5);
constexpr int kMaxLockedTries = 1000;
// Virtual machine steps between two looks at whether to go on: under a millisecond of work.
constexpr int kStepsBetweenLooks = 20'000;

Result<std::unique_ptr<Connection>> open_file(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  auto connection = std::make_unique<Connection>(handle);
  if (code != SQLITE_OK) return fail(ErrorKind::unavailable, "open the database " + path + ": " + sqlite3_errstr(code));
  sqlite3_busy_timeout(handle, static_cast<int>(kBusyTimeout.count()));
  return connection;
}

const auto kNumber = [](const Row& row) { return row.i64(0); };
const auto kText = [](const Row& row) { return row.text(0); };

Result<> expect(Connection& connection, std::string_view pragma, std::string_view wanted) {
  if (TRY(connection.one(pragma, kText)) == wanted) return {};
  return fail(ErrorKind::io, std::string(pragma) + " did not take effect");
}

// While it lives, a statement that runs long asks whether to go on.
class Watch {
 public:
  Watch(Connection& connection, const KeepGoing& keep_going) : connection_(&connection) {
    if (keep_going)
      sqlite3_progress_handler(connection.handle(), kStepsBetweenLooks, &Watch::stop,
                               const_cast<KeepGoing*>(&keep_going));
  }
  ~Watch() { sqlite3_progress_handler(connection_->handle(), 0, nullptr, nullptr); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  static int stop(void* keep_going) { return (*static_cast<const KeepGoing*>(keep_going))() ? 0 : 1; }
  Connection* connection_;
};

Result<> copy_pages(Connection& source, Connection& copy, const KeepGoing& keep_going) {
  sqlite3_backup* backup = sqlite3_backup_init(copy.handle(), "main", source.handle(), "main");
  if (backup == nullptr) return fail(ErrorKind::io, std::string("start the copy: ") + sqlite3_errmsg(copy.handle()));
  int code = SQLITE_OK;
  bool stopped = false;
  for (int locked = 0; code == SQLITE_OK;) {
    if (keep_going && !keep_going()) {
      stopped = true;
      break;
    }
    code = sqlite3_backup_step(backup, kPagesPerStep);
    if ((code == SQLITE_BUSY || code == SQLITE_LOCKED) && ++locked < kMaxLockedTries) {
      std::this_thread::sleep_for(kLockedPause);
      code = SQLITE_OK;
    }
  }
  const int finished = sqlite3_backup_finish(backup);
  if (stopped) return fail(ErrorKind::cancelled, "the copy was stopped");
  if (code == SQLITE_DONE) code = finished;
  if (code == SQLITE_OK) return {};
  const bool full = (code & 0xff) == SQLITE_FULL;
  const bool damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
  return fail(full      ? ErrorKind::unavailable
              : damaged ? ErrorKind::corrupt
                        : ErrorKind::io,
              std::string("copy the database: ") + sqlite3_errstr(code));
}

}  // namespace

Result<std::unique_ptr<Connection>> open_to_read(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("open the database " + path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, path + " is not a regular file");
  auto connection = TRY(open_file(path, SQLITE_OPEN_READONLY));
  TRY(connection->one("SELECT count(*) FROM sqlite_master", kNumber));
  return connection;
}

Result<std::vector<std::string>> find_damage(Connection& connection, const KeepGoing& keep_going) {
  const Watch watch(connection, keep_going);
  const std::string check = "PRAGMA integrity_check(" + std::to_string(kMaxFindings) + ")";
  std::vector<std::string> findings;
  const auto answers = connection.all(check, kText);
  if (!answers && answers.error().kind == ErrorKind::timeout)
    return fail(ErrorKind::cancelled, "the check was stopped");
  if (!answers && answers.error().kind != ErrorKind::corrupt) return tl::unexpected(answers.error());
  if (!answers) return std::vector<std::string>{answers.error().message};
  for (const std::string& line : *answers)
    if (line != "ok") findings.push_back(line);
  if (answers->empty()) findings.emplace_back("the check gave no answer");
  if (!findings.empty()) return findings;
  auto broken = TRY(connection.prepare("PRAGMA foreign_key_check"));
  while (static_cast<int>(findings.size()) < kMaxFindings && TRY(broken.step()))
    findings.push_back("row " + broken.text(1) + " of " + broken.text(0) + " points to a row of " + broken.text(2) +
                       " that is not there");
  return findings;
}

Result<std::map<std::string, std::int64_t>> count_rows(Connection& connection) {
  // Virtual tables are counted by the tables that they are made of.
  const auto names =
      TRY(connection.all("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND "
                         "name NOT LIKE 'sqlite_%'",
                         kText));
  std::map<std::string, std::int64_t> counts;
  for (const std::string& name : names) {
    std::string quoted;
    for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
    counts[name] = TRY(connection.one("SELECT count(*) FROM \"" + quoted + "\"", kNumber)).value_or(0);
  }
  return counts;
}

Result<std::vector<std::string>> applied_migrations(Connection& connection) {
  const auto there =
      TRY(connection.one("SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'", kNumber));
  if (there.value_or(0) == 0) return std::vector<std::string>();
  return connection.all("SELECT name FROM schema_migrations ORDER BY rowid", kText);
}

Result<Copied> copy_database(const std::string& from, const std::string& to, const KeepGoing& keep_going) {
  const auto source = TRY(open_to_read(from));
  // One read transaction over all steps: without it every commit of the writer would start the copy anew.
  TRY(source->exec("BEGIN"));
  Copied copied;
  copied.pages = TRY(source->one("PRAGMA page_count", kNumber)).value_or(0);
  copied.page_size = TRY(source->one("PRAGMA page_size", kNumber)).value_or(0);
  {
    const UniqueFd made(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made) return fail_errno("make " + to);
  }
  {
    const auto copy = TRY(open_file(to, SQLITE_OPEN_READWRITE));
    // Nobody reads the copy before it is done: it needs neither a journal nor syncs.
    TRY(copy->exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"));
    TRY(copy_pages(*source, *copy, keep_going));
  }
  const auto copy = TRY(open_file(to, SQLITE_OPEN_READWRITE));
  TRY(copy->exec("PRAGMA synchronous = OFF"));
  TRY(expect(*copy, "PRAGMA journal_mode = DELETE", "delete"));
  return copied;
}

}  // namespace ccd::storage
