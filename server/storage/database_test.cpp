// Opening, migrating, the worker's queue and transactions, and what happens to the file underneath.
#include "storage/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>

#include "storage/testing.hpp"

namespace ccd::storage {
namespace {
using namespace std::chrono_literals;

Result<> add_one(Connection& c) {
  auto added = c.run("INSERT INTO t (n) VALUES (1)");
  if (!added) return tl::unexpected(added.error());
  return {};
}

const std::vector<Migration> kSchema{
    {.name = "test/001", .sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER) STRICT"}};

class DatabaseTest : public testing::Test {
 protected:
  std::int64_t count() {
    return database_->run_now([](Connection& c) { return c.one("SELECT count(*) FROM t", kFirstNumber); })->value();
  }
  mode_t mode(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }
  TempFolder folder_{TempFolder::On::memory};
  const std::string path_ = folder_ / "test.db";
  asio::io_context loop_;
  std::unique_ptr<Database> database_;
};

TEST_F(DatabaseTest, OpensWithTheSettingsThatItPromises) {
  database_ = open_or_fail(path_, loop_);
  const auto pragma = [&](std::string name) {
    return database_->run_now([&](Connection& c) { return c.one("PRAGMA " + name, kFirstText); })->value();
  };
  EXPECT_EQ(pragma("journal_mode"), "wal");
  EXPECT_EQ(pragma("synchronous"), "2");
  EXPECT_EQ(pragma("foreign_keys"), "1");
  EXPECT_EQ(pragma("page_size"), "4096");
  EXPECT_EQ(pragma("cache_size"), "10000");
  EXPECT_EQ(pragma("busy_timeout"), std::to_string(kBusyTimeout.count()));
  EXPECT_GE(sqlite3_libversion_number(), 3051003) << "older versions have the WAL-reset bug";
  EXPECT_TRUE(sqlite3_compileoption_used("ENABLE_FTS5"));
  EXPECT_EQ(mode(path_), 0600U);
  EXPECT_EQ(mode(path_ + "-wal"), 0600U);
}

TEST_F(DatabaseTest, TakesOthersRightsAway) {
  std::ofstream(path_).close();
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  database_ = open_or_fail(path_, loop_);
  EXPECT_EQ(mode(path_), 0600U);
}

TEST_F(DatabaseTest, RefusesWhatIsNoPlaceForADatabase) {
  const auto missing = Database::open({.path = folder_ / "no/such/x.db"}, loop_.get_executor());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_NE(missing.error().message.find("no/such must exist"), std::string::npos) << missing.error().message;
  EXPECT_FALSE(Database::open({.path = folder_.path().string()}, loop_.get_executor()));
  EXPECT_FALSE(Database::open({.path = ":memory:"}, loop_.get_executor()));
  EXPECT_FALSE(Database::open({.path = ""}, loop_.get_executor()));
}

TEST_F(DatabaseTest, RefusesAFileThatIsNotADatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  const auto opened = Database::open({.path = path_}, loop_.get_executor());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
  EXPECT_NE(opened.error().message.find(path_ + " is damaged"), std::string::npos) << opened.error().message;
}

TEST_F(DatabaseTest, RefusesADamagedFile) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  ASSERT_TRUE(database_->transact_now([](Connection& c) {
    return c.run(
        "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000) INSERT INTO t (n) SELECT n "
        "FROM i");
  }));
  ASSERT_TRUE(finish(loop_, database_->close()));
  database_.reset();
  // Zeroes over a page in the middle, as a lost write leaves it.
  const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  const std::string zeroes(4096, '\0');
  struct stat info{};
  ASSERT_EQ(::fstat(fd, &info), 0);
  ASSERT_GT(info.st_size, 6 * 4096);
  ASSERT_EQ(::pwrite(fd, zeroes.data(), zeroes.size(), info.st_size / 4096 / 2 * 4096), 4096);
  ::close(fd);
  const auto opened = Database::open({.path = path_}, loop_.get_executor());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
  EXPECT_NE(opened.error().message.find("is damaged"), std::string::npos) << opened.error().message;
}

TEST_F(DatabaseTest, MigrationsAreAppliedOnceAndInOrder) {
  database_ = open_or_fail(path_, loop_);
  const std::vector<Migration> two{
      kSchema[0], {.name = "test/002", .sql = "INSERT INTO t (n) VALUES (1); INSERT INTO t (n) VALUES (2)"}};
  ASSERT_TRUE(database_->migrate({kSchema[0]}));
  ASSERT_TRUE(database_->migrate(two));
  ASSERT_TRUE(database_->migrate(two));
  EXPECT_EQ(count(), 2);
  const auto names = database_->run_now(
      [](Connection& c) { return c.all("SELECT name FROM schema_migrations ORDER BY applied_at", kFirstText); });
  EXPECT_EQ(*names, (std::vector<std::string>{"test/001", "test/002"}));
}

TEST_F(DatabaseTest, AFailingMigrationLeavesNothingBehind) {
  database_ = open_or_fail(path_, loop_);
  const auto failed =
      database_->migrate({kSchema[0], {.name = "test/002", .sql = "INSERT INTO t (n) VALUES (1); SELEC"}});
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("test/002"), std::string::npos);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(database_->migrate(kSchema)) << "the first one stays applied";
}

TEST_F(DatabaseTest, RefusesANewerVersionsDatabaseAndAChangedMigration) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate({kSchema[0], {.name = "test/002", .sql = "SELECT 1"}}));
  const auto newer = database_->migrate(kSchema);
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message.find("newer version"), std::string::npos) << newer.error().message;
  const auto changed = database_->migrate({kSchema[0], {.name = "test/002", .sql = "SELECT 2"}});
  ASSERT_FALSE(changed);
  EXPECT_NE(changed.error().message.find("another text"), std::string::npos) << changed.error().message;
  EXPECT_FALSE(database_->migrate({kSchema[0], kSchema[0]}));
}

TEST_F(DatabaseTest, AMigrationThatEndsItsTransactionIsRefused) {
  database_ = open_or_fail(path_, loop_);
  EXPECT_FALSE(database_->migrate({{.name = "test/001", .sql = "CREATE TABLE t (n INTEGER); COMMIT"}}));
}

TEST_F(DatabaseTest, TransactCommitsValuesAndRollsBackErrors) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  EXPECT_TRUE(finish(loop_, database_->transact(add_one)));
  auto failing = [](Connection& c) -> Result<int> {
    TRY(add_one(c));
    return fail(ErrorKind::forbidden, "changed my mind");
  };
  const auto failed = finish(loop_, database_->transact(failing));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::forbidden);
  auto throwing = [](Connection& c) -> Result<> {
    TRY(add_one(c));
    throw std::runtime_error("expected by the test");
  };
  const auto thrown = finish(loop_, database_->transact(throwing));
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().kind, ErrorKind::internal);
  EXPECT_EQ(count(), 1);
}

TEST_F(DatabaseTest, ATransactionLeftOpenIsRolledBackAndReported) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  auto careless = [](Connection& c) -> Result<> {
    TRY(c.exec("BEGIN"));
    return add_one(c);
  };
  EXPECT_FALSE(finish(loop_, database_->run(careless)));
  EXPECT_EQ(count(), 0);
}

TEST_F(DatabaseTest, JobsRunInOrderOffTheLoopAndTheQueueIsBounded) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::vector<int> order;
  const auto loop_thread = std::this_thread::get_id();
  std::size_t refused = 0;
  std::size_t ran = 0;
  auto one = [&](int i) -> Task<void> {
    auto job = [&, i](Connection&) -> Result<> {
      opened.wait();
      EXPECT_NE(std::this_thread::get_id(), loop_thread);
      order.push_back(i);
      return {};
    };
    const auto done = co_await database_->run(job);
    if (done) ++ran;
    else if (done.error().kind == ErrorKind::unavailable) ++refused;
  };
  TaskGroup group(loop_.get_executor());
  const auto jobs = static_cast<int>(kMaxQueuedJobs) + 10;
  for (int i = 0; i < jobs; ++i) group.spawn("job", one(i));
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (refused < 10 && std::chrono::steady_clock::now() < deadline) loop_.run_one_for(10ms);
  EXPECT_EQ(refused, 10U);
  gate.set_value();
  loop_.restart();
  loop_.run();
  EXPECT_EQ(ran, kMaxQueuedJobs);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(DatabaseTest, AJobRunsThoughItsCallerIsCancelled) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::promise<void> running;
  bool got_result = false;
  auto caller = [&]() -> Task<void> {
    auto job = [&](Connection& c) -> Result<> {
      running.set_value();
      opened.wait();
      return add_one(c);
    };
    const auto done = co_await database_->transact(job);
    got_result = done.has_value();
  };
  TaskGroup group(loop_.get_executor());
  group.spawn("caller", caller());
  loop_.poll();
  running.get_future().wait();
  group.cancel();
  gate.set_value();
  loop_.restart();
  loop_.run();
  EXPECT_TRUE(got_result);
  EXPECT_EQ(count(), 1);
}

TEST_F(DatabaseTest, CloseFinishesTheQueueAndEmptiesTheLog) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  int done = 0;
  auto writer = [&]() -> Task<void> {
    const auto added = co_await database_->transact(add_one);
    if (added) ++done;
  };
  bool closed = false;
  auto closer = [&]() -> Task<void> { closed = (co_await database_->close()).has_value(); };
  TaskGroup group(loop_.get_executor());
  for (int i = 0; i < 20; ++i) group.spawn("writer", writer());
  group.spawn("closer", closer());
  loop_.run();
  EXPECT_EQ(done, 20);
  EXPECT_TRUE(closed);
  EXPECT_FALSE(database_->healthy());
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
  const auto late = finish(loop_, database_->run(add_one));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(database_->run_now(add_one));
  EXPECT_TRUE(finish(loop_, database_->close())) << "closing twice is nothing";
  database_ = open_or_fail(path_, loop_);
  EXPECT_EQ(count(), 20);
}

TEST_F(DatabaseTest, PingWritesAndDoesNotGrow) {
  database_ = open_or_fail(path_, loop_);
  EXPECT_TRUE(database_->healthy());
  const auto pages = [&] {
    return database_->run_now([](Connection& c) { return c.one("PRAGMA page_count", kFirstNumber); })->value();
  };
  ASSERT_TRUE(finish(loop_, database_->ping()));
  const auto before = pages();
  for (int i = 0; i < 2500; ++i) ASSERT_TRUE(finish(loop_, database_->ping()));
  EXPECT_EQ(pages(), before);
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), 2U * kCheckpointPages * 4200)
      << "the log is copied back in time";
}

TEST_F(DatabaseTest, AFullDiskFailsTheWriteAndHealsByItself) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  ASSERT_TRUE(database_->run_now(
      [](Connection& c) { return c.exec("CREATE TABLE big (data BLOB) STRICT; PRAGMA max_page_count = 20"); }));
  auto big = [](Connection& c) { return c.run("INSERT INTO big VALUES (zeroblob(200000))"); };
  const auto full = finish(loop_, database_->transact(big));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::unavailable) << full.error().message;
  EXPECT_TRUE(database_->run_now([](Connection& c) { return c.one("SELECT count(*) FROM t", kFirstNumber); }))
      << "reads go on";
  ASSERT_TRUE(database_->run_now([](Connection& c) { return c.exec("PRAGMA max_page_count = 100000"); }));
  EXPECT_TRUE(finish(loop_, database_->transact(big)));
  EXPECT_TRUE(database_->healthy());
}

TEST_F(DatabaseTest, AFileThatWasMovedOrDeletedIsNotWrittenTo) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  std::filesystem::rename(path_, path_ + ".aside");
  const auto gone = finish(loop_, database_->transact(add_one));
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message.find("moved, replaced or deleted"), std::string::npos);
  EXPECT_FALSE(database_->healthy());
  std::ofstream(path_).close();
  EXPECT_FALSE(finish(loop_, database_->ping())) << "another file under the name is not this database";
  std::filesystem::rename(path_ + ".aside", path_);
  EXPECT_TRUE(finish(loop_, database_->ping()));
  EXPECT_TRUE(database_->healthy());
}

TEST_F(DatabaseTest, AnotherProcessesLockIsUnavailableAndNoFault) {
  database_ = open_or_fail(path_, loop_);
  ASSERT_TRUE(database_->migrate(kSchema));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  ASSERT_TRUE(database_->run_now([](Connection& c) { return c.exec("PRAGMA busy_timeout = 20"); }));
  const auto busy = finish(loop_, database_->transact(add_one));
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().kind, ErrorKind::unavailable);
  sqlite3_close(other);
  EXPECT_TRUE(finish(loop_, database_->transact(add_one)));
  EXPECT_TRUE(database_->healthy());
}

}  // namespace
}  // namespace ccd::storage
