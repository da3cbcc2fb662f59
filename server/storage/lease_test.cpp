// One holder at a time, whatever ends it; and an owner whose lease was lost writes nothing more.
#include "storage/lease.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <filesystem>

#include "storage/testing.hpp"

namespace ccd::storage {
namespace {

const LeaseHolder kMe{.pid = 12, .host = "web-1", .port = 3000, .version = "1.0.0", .since = 1'800'000'000'000'000};

TEST(Lease, OneHolderThatSaysWhoItIs) {
  TempFolder folder;
  Lease blue(folder / "test.db");
  Lease green(folder / "test.db");
  EXPECT_FALSE(blue.holder()->has_value());
  ASSERT_TRUE(blue.try_take(kMe).value());
  EXPECT_TRUE(blue.try_take(kMe).value()) << "taking it twice is having it";
  EXPECT_FALSE(green.try_take(kMe).value());
  const auto holder = green.holder().value();
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, 12);
  EXPECT_EQ(holder->host, "web-1");
  EXPECT_EQ(describe(*holder), "pid 12 on web-1, port 3000, version 1.0.0, since 2027-01-15T08:00:00Z");
  blue.release();
  EXPECT_FALSE(green.holder()->has_value());
  EXPECT_EQ(green.last_holder().value()->pid, 12) << "who had it last is still told";
  EXPECT_TRUE(green.try_take(kMe).value());
  EXPECT_EQ(std::filesystem::status(folder / "test.db.lease").permissions(), std::filesystem::perms(0600));
}

TEST(Lease, AskingDoesNotDisturbTaking) {
  TempFolder folder;
  Lease asks(folder / "test.db");
  for (int i = 0; i < 200; ++i) {
    Lease takes(folder / "test.db");
    static_cast<void>(asks.holder());
    ASSERT_TRUE(takes.try_take(kMe).value());
  }
}

TEST(Lease, EndsWithItsHolderHoweverThatEnds) {
  TempFolder folder;
  for (int i = 0; i < 20; ++i) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      Lease lease(folder / "test.db");
      const bool taken = lease.try_take(kMe).value_or(false);
      ::_exit(::write(ends[1], &taken, 1) == 1 && taken && ::pause() == 0 ? 0 : 1);
    }
    char taken = 0;
    ASSERT_EQ(::read(ends[0], &taken, 1), 1);
    ASSERT_EQ(taken, 1);
    Lease other(folder / "test.db");
    EXPECT_FALSE(other.try_take(kMe).value());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(other.try_take(kMe).value());
    ::close(ends[0]);
    ::close(ends[1]);
  }
}

const std::vector<Migration> kSchema{{.name = "test/001", .sql = "CREATE TABLE t (n INTEGER) STRICT"}};

Result<std::int64_t> insert(Database& database, int n) {
  return database.run_now([n](Connection& c) { return c.run("INSERT INTO t VALUES (?)", n); });
}

class Owners : public testing::Test {
 protected:
  std::unique_ptr<Database> open(Writer writer, std::chrono::steady_clock::duration interval = kReopenInterval) {
    auto database =
        Database::open({.path = folder_ / "test.db", .reopen_interval = interval, .writer = writer, .name = "me"},
                       loop_.get_executor());
    EXPECT_TRUE(database) << database.error().message;
    EXPECT_TRUE((*database)->migrate(kSchema));
    return std::move(*database);
  }
  TempFolder folder_;
  asio::io_context loop_;
};

TEST_F(Owners, TheOlderOneIsFencedInEveryKindOfWrite) {
  const auto old = open(Writer::owner);
  ASSERT_TRUE(insert(*old, 1));
  const auto now = open(Writer::owner);
  EXPECT_EQ(now->epoch(), old->epoch() + 1);
  ASSERT_TRUE(insert(*now, 2));
  const auto refused = insert(*old, 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_NE(refused.error().message.find("another dashboard"), std::string::npos);
  EXPECT_TRUE(old->fenced());
  EXPECT_FALSE(old->healthy());
  EXPECT_FALSE(old->transact_now([](Connection& c) { return c.run("INSERT INTO t VALUES (4)"); }));
  EXPECT_FALSE(finish(loop_, old->ping()));
  EXPECT_FALSE(now->fenced());
  EXPECT_EQ(now->run_now([](Connection& c) { return c.one("SELECT count(*) FROM t", kFirstNumber); }).value(), 2);
}

TEST_F(Owners, ATransactionThatWasBegunBeforeIsWholeOrRefused) {
  const auto old = open(Writer::owner);
  std::unique_ptr<Database> now;
  // The other one comes while ours does not write: the look at the epoch is under the write lock, so there is no moment between.
  const auto done = old->run_now([&](Connection& c) -> Result<> {
    now = open(Writer::owner);
    auto transaction = TRY(Transaction::begin(c));
    return transaction.commit();
  });
  EXPECT_FALSE(done);
}

TEST_F(Owners, AGuestNeitherFencesNorIsFenced) {
  const auto owner = open(Writer::owner);
  const auto guest = open(Writer::guest);
  EXPECT_TRUE(insert(*guest, 1));
  EXPECT_TRUE(insert(*owner, 2));
  EXPECT_TRUE(insert(*guest, 3));
  EXPECT_EQ(guest->epoch(), 0);
}

}  // namespace
}  // namespace ccd::storage
