// Task groups, notifiers and pools.
#include "base/task.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

namespace ccd {
namespace {
using namespace std::chrono_literals;

// Only for what would never end; what a test waits for ends the loop.
constexpr auto kPatience = 30s;

Task<void> forever() {
  for (;;) co_await sleep_for(1h);
}
Task<void> throws() {
  co_await sleep_for(1ms);
  throw std::runtime_error("expected by the test");
}
Task<void> stop_group(TaskGroup* group, bool* joined) {
  group->cancel();
  *joined = co_await group->join(kPatience);
}

TEST(TaskGroup, CancelEndsEveryTaskAndJoinSeesIt) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  TaskGroup outer(loop.get_executor());
  for (int i = 0; i < 3; ++i) group.spawn("forever", forever());
  group.spawn("throws", throws());
  while (group.running() > 3 && loop.run_one_for(kPatience) > 0) continue;
  EXPECT_EQ(group.running(), 3U);
  bool joined = false;
  outer.spawn("stop", stop_group(&group, &joined));
  loop.restart();
  loop.run_for(kPatience);
  EXPECT_TRUE(joined);
  EXPECT_EQ(group.running(), 0U);
}

TEST(TaskGroup, ATaskSpawnedAfterCancelIsCancelled) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  group.cancel();
  group.spawn("late", forever());
  loop.run_for(kPatience);
  EXPECT_EQ(group.running(), 0U);
}

Task<void> wait_twice(Notifier* notifier, std::vector<bool>* seen) {
  seen->push_back(co_await notifier->wait_for(10ms));
  seen->push_back(co_await notifier->wait_for(kPatience));
}

TEST(Notifier, WaitForTimesOutAndIsNotified) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  Notifier notifier(loop.get_executor());
  std::vector<bool> seen;
  group.spawn("wait", wait_twice(&notifier, &seen));
  while (seen.empty() && loop.run_one_for(kPatience) > 0) continue;  // it waits again when this ends
  notifier.notify();
  loop.run();
  EXPECT_EQ(seen, (std::vector<bool>{false, true}));
}

Task<void> compute(asio::thread_pool* pool, std::thread::id* there, std::thread::id* back) {
  auto work = [] { return std::this_thread::get_id(); };
  *there = co_await run_on(*pool, work);
  *back = std::this_thread::get_id();
}

TEST(RunOn, WorksOnThePoolAndReturnsToTheLoop) {
  asio::io_context loop;
  asio::thread_pool pool(1);
  TaskGroup group(loop.get_executor());
  std::thread::id there;
  std::thread::id back;
  group.spawn("compute", compute(&pool, &there, &back));
  loop.run_for(kPatience);
  EXPECT_NE(there, std::this_thread::get_id());
  EXPECT_EQ(back, std::this_thread::get_id());
}

Task<void> work_elsewhere(asio::thread_pool* pool, int* done) {
  auto work = [] { return 1; };
  *done += co_await run_on(*pool, work);
}

// Threads of the pool would race with a cancellation that reached them: the process died of it, seldom.
TEST(RunOn, IsNotReachedByACancellationOfWhoWaits) {
  asio::thread_pool pool(4);
  int done = 0;
  constexpr int kRounds = 2000;
  for (int i = 0; i < kRounds; ++i) {
    asio::io_context loop{1};
    TaskGroup group(loop.get_executor());
    for (int j = 0; j < 4; ++j) group.spawn("work", work_elsewhere(&pool, &done));
    asio::post(loop, [&group] { group.cancel(); });
    loop.run();
    ASSERT_EQ(group.running(), 0U);
  }
  pool.join();
  EXPECT_LE(done, 4 * kRounds);
}

Task<void> throw_elsewhere(asio::thread_pool* pool, bool* caught) {
  auto work = []() -> int { throw std::runtime_error("on the pool"); };
  try {
    (void)co_await run_on(*pool, work);
  } catch (const std::runtime_error&) {
    *caught = true;
  }
}

TEST(RunOn, BringsAnExceptionBack) {
  asio::thread_pool pool(1);
  asio::io_context loop{1};
  bool caught = false;
  TaskGroup group(loop.get_executor());
  group.spawn("work", throw_elsewhere(&pool, &caught));
  loop.run();
  pool.join();
  EXPECT_TRUE(caught);
}

}  // namespace
}  // namespace ccd
