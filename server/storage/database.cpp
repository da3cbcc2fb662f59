#include "storage/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <mutex>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/unique_fd.hpp"
#include "storage/wal.hpp"

namespace ccd::storage {

namespace {

// Virtual machine steps between two looks at a job's time limit: under a millisecond of work.
constexpr int kStepsBetweenLooks = 20'000;
// The write-ahead log is cut back to this after a checkpoint, should one long transaction have made it larger.
constexpr std::string_view kSettings =
    "PRAGMA page_size = 4096;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA cache_size = 10000;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_size_limit = 16777216;";
// What storage keeps for itself: the migrations applied, the one row that ping() writes, and who owns the database.
constexpr std::string_view kOwnTables =
    "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL, sha256 TEXT NOT "
    "NULL) "
    "STRICT;"
    "CREATE TABLE IF NOT EXISTS storage_probe (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS storage_lease (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, owner "
    "TEXT NOT "
    "NULL, at INTEGER NOT NULL) STRICT;";

void forward_log(void*, int code, const char* message) {
  const int base = code & 0xff;
  if (base == SQLITE_NOTICE) {
    log_info("storage", "sqlite notice", {{"text", message}});
  } else if (base != SQLITE_SCHEMA && base != SQLITE_CONSTRAINT) {  // the caller's business
    log_warn("storage", "sqlite", {{"code", code}, {"text", message}});
  }
}

void set_up_sqlite() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_LOG, &forward_log, nullptr); });
}

std::string damaged(const std::string& path, std::string_view what) {
  return "the database " + path + " is damaged (" + std::string(what) + ")";
}

// Makes the file, or takes the rights of others from the one that is there: it holds password hashes.
Result<> make_private_file(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!fd) {
    const int sys = errno;
    auto failure = fail_errno("open the database " + path, sys);
    if (sys == ENOENT) failure.value().message += ": its folder " + folder.string() + " must exist";
    if (sys == EACCES || sys == EROFS) failure.value().message += ": the file and its folder must be writable";
    return failure;
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("look at the database " + path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, "the database " + path + " is not a regular file");
  if ((info.st_mode & 0077) == 0) return {};
  if (::fchmod(fd.get(), 0600) != 0) return fail_errno("take other users' rights on the database " + path + " away");
  for (const char* suffix : {"-wal", "-shm"}) {
    const std::string side = path + suffix;
    if (::chmod(side.c_str(), 0600) != 0 && errno != ENOENT) return fail_errno("chmod 600 " + side);
  }
  log_warn("storage", "other users could read the database; its mode is 600 now", {{"path", path}});
  return {};
}

int past(void* deadline) {
  return std::chrono::steady_clock::now() > *static_cast<std::chrono::steady_clock::time_point*>(deadline) ? 1 : 0;
}

Result<> quick_check(Connection& connection, const std::string& path) {
  auto deadline = std::chrono::steady_clock::now() + kOpeningCheckLimit;
  sqlite3_progress_handler(connection.handle(), kStepsBetweenLooks, &past, &deadline);
  const auto text = [](const Row& row) { return row.text(0); };
  const auto verdict = connection.one("PRAGMA quick_check(1)", text);
  sqlite3_progress_handler(connection.handle(), 0, nullptr, nullptr);
  if (!verdict && verdict.error().kind == ErrorKind::timeout) {
    log_info("storage", "the check at the opening was cut off; the next backup checks all of it",
             {{"path", path}, {"seconds", kOpeningCheckLimit.count()}});
    return {};
  }
  if (!verdict) return tl::unexpected(verdict.error());
  if (*verdict != "ok") return fail(ErrorKind::corrupt, damaged(path, verdict->value_or("no answer")));
  return {};
}

// Copies the write-ahead log into the file and empties it.
Result<> checkpoint(Connection& connection) {
  const auto blocked = [](const Row& row) { return row.i64(0) != 0; };
  if (TRY(connection.one("PRAGMA wal_checkpoint(TRUNCATE)", blocked)).value_or(true)) {
    return fail(ErrorKind::unavailable, "checkpoint: another process reads or writes the database");
  }
  return {};
}

Result<> set_up(Connection& connection, const std::string& path) {
  TRY(connection.exec(kSettings));
  const auto text = [](const Row& row) { return row.text(0); };
  if (TRY(connection.one("PRAGMA journal_mode = WAL", text)) != "wal") {
    return fail(ErrorKind::unavailable, "the database " + path +
                                            " cannot use a write-ahead log: its folder must be on a local "
                                            "file system");
  }
  TRY(quick_check(connection, path));
  TRY(rewrite_wal(connection, path));
  return connection.exec(kOwnTables);
}

prometheus::Histogram& job_seconds() {
  static auto& histogram = metrics().histogram("storage_job_seconds", "Time of one database job on the worker",
                                               {0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10});
  return histogram;
}

prometheus::Counter& fault_count() {
  static auto& counter = metrics().counter("storage_faults_total", "I/O errors and damage that closed the connection");
  return counter;
}

}  // namespace

Database::Database(Options options, asio::any_io_executor executor)
    : options_(std::move(options)), executor_(std::move(executor)) {}

Database::~Database() {
  // Not stop(): what was queued was promised to run.
  worker_.join();
}

Result<std::unique_ptr<Database>> Database::open(Options options, asio::any_io_executor executor) {
  if (options.path.empty() || options.path.front() == ':') {
    return fail(ErrorKind::invalid, "the database's path must name a file");
  }
  set_up_sqlite();
  TRY(make_private_file(options.path));
  std::unique_ptr<Database> database(new Database(std::move(options), std::move(executor)));
  const std::lock_guard lock(database->mutex_);
  TRY(database->open_connection(Creation::allowed));
  return database;
}

Result<> Database::open_connection(Creation creation) {
  const int create = creation == Creation::allowed ? SQLITE_OPEN_CREATE : 0;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(options_.path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | create, nullptr);
  auto connection = std::make_unique<Connection>(handle);
  if (code != SQLITE_OK) {
    return fail(ErrorKind::unavailable, "open the database " + options_.path + ": " + sqlite3_errstr(code));
  }
  sqlite3_busy_timeout(handle, static_cast<int>(kBusyTimeout.count()));
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // A connection that is given up must not copy a log that rewrite_wal has not secured.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  auto ready = set_up(*connection, options_.path);
  if (!ready) {
    Error failure = std::move(ready).error();
    const bool advised = failure.message.starts_with("the database ");
    if (failure.kind == ErrorKind::corrupt && !advised) failure.message = damaged(options_.path, failure.message);
    return tl::unexpected(std::move(failure));
  }
  struct stat info{};
  if (::stat(options_.path.c_str(), &info) != 0) return fail_errno("look at the database " + options_.path);
  file_ = {.device = info.st_dev, .inode = info.st_ino};
  if (options_.writer == Writer::owner) TRY(own(*connection));
  job_deadline_ = std::chrono::steady_clock::time_point::max();
  sqlite3_progress_handler(handle, kStepsBetweenLooks, &Database::over_time, this);
  sqlite3_wal_hook(handle, &Database::count_wal_pages, this);
  connection_ = std::move(connection);
  fault_.reset();
  healthy_ = true;
  return {};
}

// The first opening raises the epoch; a later one, after an I/O error, keeps it and finds out at its first write whether it still holds.
Result<> Database::own(Connection& connection) {
  if (epoch_ == 0) {
    const auto number = [](const Row& row) { return row.i64(0); };
    auto transaction = TRY(Transaction::begin(connection));
    const auto raised = TRY(connection.one(
        "INSERT INTO storage_lease (id, epoch, owner, at) VALUES (1, 1, ?1, ?2) ON CONFLICT (id) DO UPDATE "
        "SET epoch = epoch + 1, owner = ?1, at = ?2 RETURNING epoch",
        number, options_.name, SystemClock().wall()));
    TRY(transaction.commit());
    epoch_ = raised.value_or(1);
  }
  connection.fence(epoch_);
  return {};
}

int Database::over_time(void* self) {
  return std::chrono::steady_clock::now() > static_cast<Database*>(self)->job_deadline_ ? 1 : 0;
}

int Database::count_wal_pages(void* self, sqlite3*, const char*, int pages) {
  static_cast<Database*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

// Resumes the caller on its own executor when the worker has run `*work`, which lives in the caller's frame. There is
// nothing to cancel: a job is short and its effect must be known.
template <class Work>
Task<Result<>> Database::on_worker(Work* work) {
  Result<> outcome;
  auto start = [this, work, &outcome](auto handler) {
    ++queued_;
    auto guard = asio::make_work_guard(asio::get_associated_executor(handler, executor_));
    auto run_and_resume = [this, work, &outcome, handler = std::move(handler), guard = std::move(guard)]() mutable {
      outcome = (*work)();
      --queued_;
      asio::post(guard.get_executor(), std::move(handler));
      tidy();
    };
    asio::post(worker_, std::move(run_and_resume));
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start, asio::use_awaitable);
  co_return outcome;
}

Task<Result<>> Database::submit(JobRef job) {
  if (closed_) co_return fail(ErrorKind::unavailable, "the database is closed");
  if (queued_ >= kMaxQueuedJobs) co_return fail(ErrorKind::unavailable, "the database has too much to do; try again");
  auto work = [this, job] { return perform(job); };
  co_return co_await on_worker(&work);
}

Result<> Database::perform(JobRef job, std::chrono::steady_clock::duration limit) {
  using Clock = std::chrono::steady_clock;
  const std::lock_guard lock(mutex_);
  TRY(make_usable());
  const auto start = Clock::now();
  job_deadline_ = limit == Clock::duration::max() ? Clock::time_point::max() : start + limit;
  auto done = call(job);
  job_seconds().Observe(std::chrono::duration<double>(Clock::now() - start).count());
  if (connection_->fenced() && !fenced_.exchange(true)) {
    healthy_ = false;
    log_error("storage", "another dashboard has taken the database over", {{"path", options_.path}, {"epoch", epoch_}});
  }
  if (!connection_->fault()) return done;
  // Whatever the job made of it, nothing that a faulty connection did counts as done.
  give_up();
  return tl::unexpected(*fault_);
}

void Database::give_up() {
  fault_ = connection_->fault();
  next_reopen_ = std::chrono::steady_clock::now() + options_.reopen_interval;
  fault_count().Increment();
  static_cast<void>(refuse(*fault_));
  connection_.reset();
}

void Database::tidy() {
  const std::lock_guard lock(mutex_);
  if (!connection_ || wal_pages_ < kCheckpointPages) return;
  wal_pages_ = 0;
  job_deadline_ = std::chrono::steady_clock::time_point::max();
  // PASSIVE waits for nobody; what a reader elsewhere holds back is copied by a later one.
  auto done = connection_->exec("PRAGMA wal_checkpoint(PASSIVE)");
  if (!done) log_warn("storage", "checkpoint failed", {{"error", done.error().message}});
  if (connection_->fault()) give_up();
}

Result<> Database::call(JobRef job) {
  try {
    job(*connection_);
  } catch (const std::exception& e) {
    return fail(ErrorKind::internal, std::string("a database job threw: ") + e.what());
  }
  if (connection_->in_transaction()) {
    static_cast<void>(connection_->exec("ROLLBACK"));
    return fail(ErrorKind::internal, "a database job left its transaction open; it was rolled back");
  }
  return {};
}

Result<> Database::make_usable() {
  if (closed_ && !connection_) return fail(ErrorKind::unavailable, "the database is closed");
  if (fenced_) return fail(ErrorKind::unavailable, "another dashboard has taken the database over");
  if (!connection_) {
    if (std::chrono::steady_clock::now() < next_reopen_) {
      return fail(ErrorKind::unavailable, "the database is out of use after an error: " + fault_->message);
    }
    next_reopen_ = std::chrono::steady_clock::now() + options_.reopen_interval;
    auto opened = open_connection(Creation::refused);
    if (!opened) return refuse(std::move(opened).error().in("reopen the database"));
    log_info("storage", "database reopened and checked", {{"path", options_.path}});
  }
  // A commit into a file that has been moved away or deleted would be reported as done and be lost.
  struct stat info{};
  const bool there = ::stat(options_.path.c_str(), &info) == 0;
  if (!there || FileId{.device = info.st_dev, .inode = info.st_ino} != file_) {
    return refuse({.kind = ErrorKind::unavailable,
                   .message = "the database " + options_.path +
                              " was moved, replaced or deleted while in use; restart the dashboard"});
  }
  healthy_ = true;
  return {};
}

tl::unexpected<Error> Database::refuse(Error error) {
  if (healthy_.exchange(false)) log_error("storage", "database out of use", {{"error", error.message}});
  if (error.kind != ErrorKind::corrupt) error.kind = ErrorKind::unavailable;
  return tl::unexpected(std::move(error));
}

Task<Result<>> Database::ping() {
  auto probe = [](Connection& connection) -> Result<> {
    const auto number = [](const Row& row) { return row.i64(0); };
    TRY(connection.one("SELECT count(*) FROM schema_migrations", number));
    TRY(connection.run("INSERT INTO storage_probe (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1",
                       SystemClock().wall()));
    return {};
  };
  co_return co_await run(probe);
}

Task<Result<>> Database::close() {
  if (closed_.exchange(true)) co_return Result<>{};
  auto work = [this] { return shut(); };
  co_return co_await on_worker(&work);
}

Result<> Database::shut() {
  const std::lock_guard lock(mutex_);
  healthy_ = false;
  if (!connection_) return {};
  job_deadline_ = std::chrono::steady_clock::time_point::max();
  auto done = checkpoint(*connection_);
  if (!connection_->fault()) sqlite3_db_config(connection_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  connection_.reset();
  return done;
}

}  // namespace ccd::storage
