// When a backup is due, and that the schedule makes it and tells how it went.
#include "backup/schedule.hpp"

#include <filesystem>

#include "backup/folder.hpp"
#include "storage/testing.hpp"

namespace ccd::backup {
namespace {

using namespace std::chrono_literals;

WallMicros at(const std::string& stamp) { return time_of("dashboard_" + stamp + ".db.gz").value(); }

TEST(NextDue, IsAtTwoEveryDay) {
  const auto now = at("20261123_142000");
  EXPECT_EQ(next_due(now, at("20261123_020000"), 24h), at("20261124_020000"));
  EXPECT_EQ(next_due(now, at("20261123_015959"), 24h), at("20261123_020000")) << "overdue";
  EXPECT_EQ(next_due(now, std::nullopt, 24h), at("20261123_020000"));
  EXPECT_EQ(next_due(at("20261123_010000"), at("20261122_020001"), 24h), at("20261123_020000"));
  EXPECT_EQ(next_due(now, at("20261123_140000"), 1h), at("20261123_150000"));
  EXPECT_EQ(next_due(now, now, 30s), at("20261123_142030"));
}

TEST(NextDue, BeforeTheFirstTimeOfAllAsWell) { EXPECT_LT(next_due(0, std::nullopt, 24h), 0); }

TEST(Folder, NamesAreExact) {
  EXPECT_EQ(name_at(at("20241215_020000")), "dashboard_20241215_020000.db.gz");
  for (const char* bad :
       {"dashboard_20241215_020000.db", "dashboard_20241315_020000.db.gz", "dashboard_20240230_020000.db.gz",
        "dashboard_20241215-020000.db.gz", "dashboard_ 0241215_020000.db.gz", "Dashboard_20241215_020000.db.gz",
        "dashboard_20241215_020000.db.gz.tmp", ""})
    EXPECT_FALSE(time_of(bad)) << bad;
}

class Scheduled : public testing::Test {
 protected:
  Scheduled() { database_ = storage::open_or_fail(folder_ / "test.db", loop_); }
  // Runs the schedule until `done` holds or a minute has passed.
  template <class Done>
  bool until(Schedule& schedule, Done done) {
    TaskGroup tasks(loop_.get_executor());
    tasks.spawn("schedule", schedule.run());
    bool good = false;
    auto watch = [&]() -> Task<bool> {
      const auto deadline = std::chrono::steady_clock::now() + 1min;
      while (!(good = done()) && std::chrono::steady_clock::now() < deadline) co_await sleep_for(5ms);
      schedule.stop();
      tasks.cancel();
      co_return co_await tasks.join(30s);
    };
    EXPECT_TRUE(storage::finish(loop_, watch()));
    return good;
  }
  Source source() { return {.database_path = folder_ / "test.db", .folder = folder_ / "backups", .keep = 2}; }

  storage::TempFolder folder_{storage::TempFolder::On::memory};
  asio::io_context loop_;
  asio::thread_pool pool_{1};
  SystemClock clock_;
  std::unique_ptr<storage::Database> database_;
};

TEST_F(Scheduled, MakesThemAndKeepsTheNewest) {
  Schedule schedule({.source = source(), .interval = 1s}, &clock_, &pool_);
  std::string first;
  EXPECT_TRUE(until(schedule, [&] {
    if (first.empty()) first = schedule.status().newest_name;
    return schedule.status().kept == 2 && !std::filesystem::exists(folder_ / ("backups/" + first));
  }));
  EXPECT_EQ(schedule.status().last, Schedule::Last::good);
  EXPECT_FALSE(std::filesystem::exists(folder_ / ("backups/" + first)));
  EXPECT_TRUE(schedule.status().next_at);
}

TEST_F(Scheduled, TellsAFailureAndTriesAgain) {
  std::filesystem::create_directories(folder_ / "backups");
  auto held = enter(folder_ / "backups");
  ASSERT_TRUE(held);
  Schedule schedule({.source = source(), .interval = 1s}, &clock_, &pool_);
  EXPECT_TRUE(until(schedule, [&] {
    if (schedule.status().last == Schedule::Last::failed) held->reset();
    return schedule.status().last == Schedule::Last::good;
  }));
}

TEST_F(Scheduled, OffMakesNoneAndTellsOfThoseOfOthers) {
  Schedule schedule({.source = source(), .interval = 0s}, &clock_, &pool_);
  EXPECT_TRUE(until(schedule, [] { return true; }));
  EXPECT_EQ(schedule.status().last, Schedule::Last::none);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "backups"));
  const auto made = make(source(), clock_, {});
  ASSERT_TRUE(made);
  Schedule later({.source = source(), .interval = 0s}, &clock_, &pool_);
  EXPECT_TRUE(until(later, [&] { return later.status().kept == 1; }));
  EXPECT_EQ(later.status().last, Schedule::Last::good);
  EXPECT_EQ(later.status().newest_at, time_of(std::filesystem::path(made->path).filename().string()));
  // A failed one of another process shows too.
  ASSERT_FALSE(make({.database_path = folder_ / "absent.db", .folder = folder_ / "backups", .keep = 2}, clock_, {}));
  Schedule last({.source = source(), .interval = 0s}, &clock_, &pool_);
  EXPECT_TRUE(until(last, [&] { return last.status().last == Schedule::Last::failed; }));
  EXPECT_NE(last.status().error.find("absent.db"), std::string::npos);
}

}  // namespace
}  // namespace ccd::backup
