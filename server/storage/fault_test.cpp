// Failing disks and power cuts: nothing that was reported as done is lost, nothing torn is served, and the database
// heals.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "storage/fault_vfs.hpp"
#include "storage/testing.hpp"

namespace ccd::storage {
namespace {

constexpr std::uint32_t kSeed = 7;
// POWER_CUTS in the environment sets more.
constexpr int kPowerCuts = 60;

const std::vector<Migration> kSchema{{.name = "test/001",
                                      .sql = "CREATE TABLE a (n INTEGER PRIMARY KEY, filler BLOB) STRICT; CREATE TABLE "
                                             "b (n INTEGER PRIMARY KEY, mark INTEGER) STRICT"}};

Result<> insert(Database& database, std::int64_t n) {
  return database.transact_now([n](Connection& c) -> Result<> {
    TRY(c.run("INSERT INTO a VALUES (?, zeroblob(?))", n, n * 7919 % 30'000));
    TRY(c.run("INSERT INTO b VALUES (?, 0)", n));
    return {};
  });
}

// What is wrong with the file, given the numbers whose commit was reported as done; empty when nothing is.
std::string fault_in(const std::string& path, const std::vector<std::int64_t>& done) {
  asio::io_context loop;
  auto database = Database::open({.path = path}, loop.get_executor());
  if (!database) return "does not open: " + database.error().message;
  std::string fault;
  const auto looked = (*database)->run_now([&](Connection& c) -> Result<> {
    if (text_of(c, "PRAGMA integrity_check") != "ok") fault = "integrity_check";
    if (number_of(c, "SELECT count(*) FROM sqlite_master WHERE name = 'a'") == 0) {
      if (!done.empty()) fault = "the table is lost";
      return {};
    }
    if (number_of(c, "SELECT count(*) FROM (SELECT n FROM a EXCEPT SELECT n FROM b)") != 0)
      fault = "a torn transaction";
    if (number_of(c, "SELECT count(*) FROM (SELECT n FROM b EXCEPT SELECT n FROM a)") != 0)
      fault = "a torn transaction";
    for (const auto n : done) {
      if (number_of(c, "SELECT count(*) FROM a WHERE n = ?", n) != 1) fault = "lost: " + std::to_string(n);
    }
    return {};
  });
  return looked ? fault : looked.error().message;
}

class DiskFault : public testing::TestWithParam<FaultVfs::As> {};

// Fails the 1st, 2nd, 3rd ... changing call, twice each: as one passing failure, and as a disk that stays broken for a
// while.
TEST_P(DiskFault, AtEveryCallLosesNothingReportedAsDone) {
  constexpr int kInserts = 12;
  FaultVfs vfs;
  int failures = 0;
  int refused = 0;
  for (const int times : {1, 5}) {
    bool reached = true;
    for (int nth = 1; reached; nth += times) {
      TempFolder folder(TempFolder::On::memory);
      const std::string path = folder / "test.db";
      std::vector<std::int64_t> done;
      {
        asio::io_context loop;
        auto database = *Database::open({.path = path, .reopen_interval = {}}, loop.get_executor());
        ASSERT_TRUE(database->migrate(kSchema));
        vfs.fail_from(nth, times, GetParam());
        for (int n = 1; n <= kInserts; ++n) {
          if (insert(*database, n)) done.push_back(n);
          else ++refused;
        }
        const auto closed = finish(loop, database->close());
        reached = vfs.failed() > 0;
        failures += reached ? 1 : 0;
        vfs.fail_no_more();
      }
      ASSERT_EQ(fault_in(path, done), "") << "failing call " << nth << " for " << times;
    }
  }
  EXPECT_GT(failures, 2 * kInserts);
  EXPECT_GT(refused, kInserts);
  RecordProperty("faults", failures);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DiskFault, testing::Values(FaultVfs::As::io_error, FaultVfs::As::disk_full),
                         [](const auto& kind) {
                           return kind.param == FaultVfs::As::io_error ? "IoError" : "DiskFull";
                         });

TEST(FailedSync, NothingIsServedUntilTheFileIsCheckedAgain) {
  FaultVfs vfs;
  TempFolder folder(TempFolder::On::memory);
  asio::io_context loop;
  const std::chrono::milliseconds interval(200);
  auto database = *Database::open({.path = folder / "test.db", .reopen_interval = interval}, loop.get_executor());
  ASSERT_TRUE(database->migrate(kSchema));
  ASSERT_TRUE(insert(*database, 1));
  // The commit writes some pages and syncs; failing all of it fails the sync at the latest.
  vfs.fail_from(2, 100, FaultVfs::As::io_error);
  const auto failed = insert(*database, 2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::io) << failed.error().message;
  EXPECT_FALSE(database->healthy());
  vfs.fail_no_more();
  const auto refused = finish(loop, database->ping());
  ASSERT_FALSE(refused) << "it waits before it tries again";
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!finish(loop, database->ping()) && std::chrono::steady_clock::now() < deadline) {
    asio::steady_timer timer(loop, std::chrono::milliseconds(10));
    timer.wait();
  }
  EXPECT_TRUE(database->healthy());
  ASSERT_TRUE(insert(*database, 3));
  const auto rows =
      database->run_now([](Connection& c) { return c.all("SELECT n FROM a WHERE n IN (1, 3)", kFirstNumber); });
  EXPECT_EQ(rows->size(), 2U);
}

// What was made and acknowledged, in the order of the file changes.
struct History {
  std::vector<FileChange> changes;
  std::vector<std::pair<std::size_t, std::int64_t>> acknowledged;  // number of changes made before, row
};

// Cuts the power `cuts` times at random moments between two changes of the history; the first fault found.
std::string cut_power(const History& history, int cuts, std::size_t from, std::size_t to) {
  std::mt19937 random(kSeed);
  std::vector<std::size_t> moments(static_cast<std::size_t>(cuts));
  for (auto& moment : moments)
    moment = std::uniform_int_distribution(from, std::min(to, history.changes.size()))(random);
  std::sort(moments.begin(), moments.end());
  Platter platter;
  std::size_t made = 0;
  std::vector<std::int64_t> done;
  auto next = history.acknowledged.begin();
  for (const auto moment : moments) {
    for (; made < moment; ++made) platter.apply(history.changes[made]);
    for (; next != history.acknowledged.end() && next->first <= moment; ++next) done.push_back(next->second);
    TempFolder after(TempFolder::On::memory);
    for (const auto& [name, content] : platter.after_power_cut(random)) {
      // The shared-memory index does not outlive the power; SQLite makes it anew.
      std::ofstream(after / name, std::ios::binary) << content;
      std::filesystem::permissions(after / name, std::filesystem::perms(0600));
    }
    const auto fault = fault_in(after / "test.db", done);
    if (!fault.empty()) return fault + ", cut after change " + std::to_string(moment);
  }
  return {};
}

TEST(PowerCut, LosesNoAcknowledgedCommit) {
  FaultVfs vfs;
  TempFolder folder(TempFolder::On::memory);
  History history;
  {
    asio::io_context loop;
    vfs.record();
    auto database = open_or_fail(folder / "test.db", loop);
    ASSERT_TRUE(database->migrate(kSchema));
    // Enough pages for two checkpoints, so that cuts fall into them too.
    for (int n = 1; n <= 450; ++n) {
      ASSERT_TRUE(insert(*database, n));
      history.acknowledged.emplace_back(vfs.changes().size(), n);
    }
    ASSERT_TRUE(finish(loop, database->close()));
  }
  history.changes = vfs.changes();
  const char* wanted = std::getenv("POWER_CUTS");
  EXPECT_EQ(cut_power(history, wanted == nullptr ? kPowerCuts : std::atoi(wanted), 0, history.changes.size()), "");
  RecordProperty("changes", static_cast<int>(history.changes.size()));
}

TEST(PowerCut, AfterAFailedSyncLosesNoAcknowledgedCommit) {
  // A commit here makes a dozen changes, the last of them the sync: the later ones are failed, once to five
  // times in a row.
  constexpr int kFirstRound = 30;
  constexpr int kRounds = 40;
  FaultVfs vfs;
  int failures = 0;
  for (int round = kFirstRound; round < kFirstRound + kRounds; ++round) {
    TempFolder folder(TempFolder::On::memory);
    History history;
    asio::io_context loop;
    vfs.forget();
    vfs.record();
    auto database = *Database::open({.path = folder / "test.db", .reopen_interval = {}}, loop.get_executor());
    ASSERT_TRUE(database->migrate(kSchema));
    std::size_t start = 0;
    for (int n = 1; n <= 30; ++n) {
      if (n == 5) {
        // A short write-ahead log that holds b's page and not a's: should it come back over a newer file, the tables
        // differ.
        ASSERT_TRUE(database->run_now([](Connection& c) { return c.exec("PRAGMA wal_checkpoint(TRUNCATE)"); }));
        ASSERT_TRUE(database->run_now([](Connection& c) { return c.run("UPDATE b SET mark = mark + 1"); }));
        start = vfs.changes().size();
        vfs.fail_from(1 + round / 5, 1 + round % 5, FaultVfs::As::io_error);
      }
      if (insert(*database, n)) history.acknowledged.emplace_back(vfs.changes().size(), n);
    }
    failures += vfs.failed() > 0 ? 1 : 0;
    EXPECT_GE(history.acknowledged.size(), 20U) << "it heals by itself";
    history.changes = vfs.changes();
    ASSERT_EQ(cut_power(history, 8, start + round / 5, start + 80), "") << "failing call " << round;
  }
  EXPECT_EQ(failures, kRounds);
}

}  // namespace
}  // namespace ccd::storage
