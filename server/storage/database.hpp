// The database file: opening and checking it, its schema's migrations, and its one worker thread.
//
// One connection, one thread: writes need no lock between them, and the loop never waits for a disk. A statement's
// commit is durable when its caller hears of it. After an I/O error the connection is given up, and work is refused
// until the file has been opened and checked again (tried at most every kReopenInterval): the page cache after a failed
// fsync proves nothing.
#pragma once

#include <sys/types.h>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/connection.hpp"

namespace ccd::storage {

// Jobs that may wait for the worker; at 4,000 commits a second this is a quarter of a second's work. Then
// `unavailable`.
inline constexpr std::size_t kMaxQueuedJobs = 1024;
// How long one job's SQL may run before it is interrupted (`timeout`): one slow search must not hold up every login.
inline constexpr std::chrono::seconds kJobTimeLimit{20};
// Pages in the write-ahead log (4 MB) from which it is copied into the file, after a job and never as a part of its
// commit: a checkpoint's failure must not be taken for the commit's.
inline constexpr int kCheckpointPages = 1000;
// How long a statement waits for another process's lock (an operator's sqlite3 shell).
inline constexpr std::chrono::milliseconds kBusyTimeout{5000};
// The least time between two attempts to reopen after an I/O error.
inline constexpr std::chrono::seconds kReopenInterval{5};

// How long the check at an opening may take: 2.5 GB a second and more are checked. What is left, the check of every backup covers.
inline constexpr std::chrono::seconds kOpeningCheckLimit{2};

enum class Writer {
  guest,  // writes beside the one that serves (a command of an operator): short transactions
  owner,  // the one that serves, with the lease: raises the epoch, and is fenced when somebody else raises it
};

struct Options {
  std::string path;  // made with mode 0600; its folder must exist
  std::chrono::steady_clock::duration reopen_interval = kReopenInterval;
  Writer writer = Writer::guest;
  std::string name{};  // of an owner, for messages: "pid 12 on web-1, port 3000, ..."
};

// A step of the schema. The name ("auth/001-users") is unique for ever and its SQL never changes once released; no
// BEGIN or COMMIT.
struct Migration {
  std::string_view name;
  std::string_view sql;
};

template <class T>
struct IsResult : std::false_type {};
template <class T>
struct IsResult<Result<T>> : std::true_type {};
// Result<T> f(Connection&).
template <class F>
concept Job = IsResult<std::invoke_result_t<F&, Connection&>>::value;

class Database {
 public:
  // Opens or creates the file and checks it (`corrupt` with what to do when it is damaged). Blocks; `executor` is the
  // loop.
  static Result<std::unique_ptr<Database>> open(Options options, asio::any_io_executor executor);
  // Runs what is queued, then closes. Must happen before the loop's io_context is destroyed.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Applies, in order, each in a transaction, what the database does not have yet. Called once, with every room's
  // migrations. Refuses a database with migrations that are not in the list (a newer version made it) or whose text
  // differs from the applied one. Blocks; for start-up.
  Result<> migrate(const std::vector<Migration>& migrations);

  // Runs `fn` on the worker thread; call on the loop. A queued job runs even if its caller is cancelled meanwhile. `fn`
  // must not touch room state. Jobs run one at a time in the order of the calls.
  template <Job F>
  Task<std::invoke_result_t<F&, Connection&>> run(F fn) {
    std::optional<std::invoke_result_t<F&, Connection&>> result;
    auto body = [&fn, &result](Connection& connection) { result.emplace(fn(connection)); };
    auto done = co_await submit(JobRef(body));
    if (!done) co_return tl::unexpected(std::move(done).error());
    co_return std::move(*result);
  }
  // The same inside one transaction: committed when `fn` returns a value, rolled back when it returns an error.
  template <Job F>
  Task<std::invoke_result_t<F&, Connection&>> transact(F fn) {
    auto body = [held = std::move(fn)](Connection& connection) mutable { return within_transaction(connection, held); };
    co_return co_await run(std::move(body));
  }
  // The same two on the calling thread, which they block: for start-up and command-line programs, with or without a
  // loop. Never from inside a job.
  template <Job F>
  auto run_now(F fn) -> std::invoke_result_t<F&, Connection&> {
    std::optional<std::invoke_result_t<F&, Connection&>> result;
    auto body = [&fn, &result](Connection& connection) { result.emplace(fn(connection)); };
    auto done = perform(JobRef(body));
    tidy();
    if (!done) return tl::unexpected(std::move(done).error());
    return std::move(*result);
  }
  template <Job F>
  auto transact_now(F fn) -> std::invoke_result_t<F&, Connection&> {
    return run_now([&fn](Connection& connection) { return within_transaction(connection, fn); });
  }

  // A read and a committed write: whether the database can be used now. Writes one row of its own over and over.
  Task<Result<>> ping();
  // False after an I/O error or damage until a reopening succeeded, and after close. Any thread.
  [[nodiscard]] bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  // True once a write found that another process owns the database: this one must end. Any thread.
  [[nodiscard]] bool fenced() const { return fenced_.load(std::memory_order_relaxed); }
  // Of an owner: how many owners the database has had. 0 for a guest.
  [[nodiscard]] std::int64_t epoch() const { return epoch_; }

  // Finishes what is queued, copies the write-ahead log into the file and closes it. Later jobs get `unavailable`.
  Task<Result<>> close();

 private:
  // A job without its types: it lives in the caller's frame, which waits for it.
  class JobRef {
   public:
    template <class Body>
    explicit JobRef(Body& body)
        : body_(&body), call_([](void* held, Connection& c) { (*static_cast<Body*>(held))(c); }) {}
    void operator()(Connection& connection) const { call_(body_, connection); }

   private:
    void* body_;
    void (*call_)(void*, Connection&);
  };
  enum class Creation { allowed, refused };
  struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileId&) const = default;
  };

  Database(Options options, asio::any_io_executor executor);
  Result<> open_connection(Creation creation);
  Result<> own(Connection& connection);
  Task<Result<>> submit(JobRef job);
  template <class Work>
  Task<Result<>> on_worker(Work* work);
  Result<> perform(JobRef job, std::chrono::steady_clock::duration limit = kJobTimeLimit);
  // After a job's caller has been answered: the checkpoint, when one is due.
  void tidy();
  // With mutex_ held:
  Result<> make_usable();
  Result<> call(JobRef job);
  void give_up();
  tl::unexpected<Error> refuse(Error error);
  Result<> shut();
  static int over_time(void* self);
  static int count_wal_pages(void* self, sqlite3* handle, const char* schema, int pages);

  template <class F>
  static std::invoke_result_t<F&, Connection&> within_transaction(Connection& connection, F& fn) {
    auto transaction = Transaction::begin(connection);
    if (!transaction) return tl::unexpected(std::move(transaction).error());
    auto result = fn(connection);
    if (!result) return result;
    auto committed = transaction->commit();
    if (!committed) return tl::unexpected(std::move(committed).error());
    return result;
  }

  const Options options_;
  const asio::any_io_executor executor_;
  std::atomic<std::size_t> queued_{0};
  std::atomic<bool> healthy_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> fenced_{false};
  std::int64_t epoch_ = 0;  // set once, while opening

  std::mutex mutex_;  // the worker's jobs and run_now exclude each other; guards what follows
  std::unique_ptr<Connection> connection_;
  FileId file_{};
  std::optional<Error> fault_;
  std::chrono::steady_clock::time_point next_reopen_{};
  std::chrono::steady_clock::time_point job_deadline_{};
  int wal_pages_ = 0;

  asio::thread_pool worker_{1};  // last: its thread ends before the rest goes
};

}  // namespace ccd::storage
