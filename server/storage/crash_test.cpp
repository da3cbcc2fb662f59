// kill -9 of a writing process: what it was told is committed is there, and the file is whole.
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdint>
#include <random>

#include "base/unique_fd.hpp"
#include "storage/testing.hpp"

namespace ccd::storage {
namespace {

constexpr int kKills = 30;
constexpr std::uint32_t kSeed = 20261123;

// Two tables, one row each per transaction: a torn transaction shows as a difference between them.
const std::vector<Migration> kSchema{
    {.name = "test/001",
     .sql =
         "CREATE TABLE a (n INTEGER PRIMARY KEY, filler TEXT) STRICT; CREATE TABLE b (n INTEGER PRIMARY KEY) STRICT"}};

Task<void> write_for_ever(Database* database, std::int64_t next, int acknowledge) {
  for (;; ++next) {
    auto job = [next](Connection& c) -> Result<> {
      TRY(c.run("INSERT INTO a VALUES (?, ?)", next, std::string(static_cast<std::size_t>(next % 5000), 'x')));
      TRY(c.run("INSERT INTO b VALUES (?)", next));
      return {};
    };
    const auto done = co_await database->transact(job);
    if (!done || ::write(acknowledge, &next, sizeof next) != sizeof next) ::_exit(3);
  }
}

[[noreturn]] void be_the_writer(const std::string& path, int acknowledge) {
  asio::io_context loop;
  auto database = Database::open({.path = path}, loop.get_executor());
  if (!database || !(*database)->migrate(kSchema)) ::_exit(2);
  const auto last =
      (*database)->run_now([](Connection& c) { return c.one("SELECT coalesce(max(n), 0) FROM a", kFirstNumber); });
  asio::co_spawn(loop, write_for_ever(database->get(), last.value().value() + 1, acknowledge),
                 [](std::exception_ptr) {});
  loop.run();
  ::_exit(4);
}

TEST(DatabaseCrash, Kill9LosesNoAcknowledgedRow) {
  TempFolder folder;
  const std::string path = folder / "test.db";
  std::mt19937 random(kSeed);
  std::int64_t acknowledged = 0;
  int kills_at_work = 0;
  for (int round = 0; round < kKills; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd from(ends[0]);
    UniqueFd to(ends[1]);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      from.reset();
      be_the_writer(path, to.get());
    }
    to.reset();
    // Killed after a random number of commits, and then somewhere within the next.
    const auto commits = std::uniform_int_distribution(1, 20)(random);
    const auto read_one = [&] {
      std::int64_t n = 0;
      const bool got = ::read(from.get(), &n, sizeof n) == sizeof n;
      if (got) acknowledged = n;
      return got;
    };
    for (int i = 0; i < commits && read_one(); ++i) {
    }
    ::usleep(std::uniform_int_distribution<useconds_t>(0, 600)(random));
    ::kill(child, SIGKILL);
    while (read_one()) {
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) ++kills_at_work;

    asio::io_context loop;
    auto database = open_or_fail(path, loop);
    const auto checked = database->run_now([&](Connection& c) -> Result<> {
      EXPECT_EQ(text_of(c, "PRAGMA integrity_check"), "ok");
      // Every number from 1 on, in both tables; at most the one commit whose answer the kill swallowed is on top.
      const auto rows = number_of(c, "SELECT count(*) FROM a");
      EXPECT_EQ(rows, number_of(c, "SELECT coalesce(max(n), 0) FROM a"));
      EXPECT_EQ(rows, number_of(c, "SELECT count(*) FROM b"));
      EXPECT_GE(rows, acknowledged);
      EXPECT_LE(rows, acknowledged + 1);
      acknowledged = rows;
      return {};
    });
    ASSERT_TRUE(checked);
    ASSERT_FALSE(HasFailure()) << "after kill " << round;
  }
  EXPECT_EQ(kills_at_work, kKills);
  EXPECT_GE(acknowledged, kKills);
  RecordProperty("commits", static_cast<int>(acknowledged));
}

}  // namespace
}  // namespace ccd::storage
