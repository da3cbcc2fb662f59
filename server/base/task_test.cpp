// Task groups, notifiers and pools.
#include "base/task.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

namespace ccd {
namespace {
using namespace std::chrono_literals;

Task<void> forever() {
  for (;;) co_await sleep_for(1h);
}
Task<void> throws() {
  co_await sleep_for(1ms);
  throw std::runtime_error("expected by the test");
}
Task<void> stop_group(TaskGroup* group, bool* joined) {
  group->cancel();
  *joined = co_await group->join(2s);
}

TEST(TaskGroup, CancelEndsEveryTaskAndJoinSeesIt) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  TaskGroup outer(loop.get_executor());
  for (int i = 0; i < 3; ++i) group.spawn("forever", forever());
  group.spawn("throws", throws());
  loop.run_for(20ms);
  EXPECT_EQ(group.running(), 3U);
  bool joined = false;
  outer.spawn("stop", stop_group(&group, &joined));
  loop.restart();
  loop.run_for(2s);
  EXPECT_TRUE(joined);
  EXPECT_EQ(group.running(), 0U);
}

TEST(TaskGroup, ATaskSpawnedAfterCancelIsCancelled) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  group.cancel();
  group.spawn("late", forever());
  loop.run_for(500ms);
  EXPECT_EQ(group.running(), 0U);
}

Task<void> wait_twice(Notifier* notifier, std::vector<bool>* seen) {
  seen->push_back(co_await notifier->wait_for(10ms));
  seen->push_back(co_await notifier->wait_for(5s));
}
Task<void> notify_later(Notifier* notifier) {
  co_await sleep_for(50ms);
  notifier->notify();
}

TEST(Notifier, WaitForTimesOutAndIsNotified) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  Notifier notifier(loop.get_executor());
  std::vector<bool> seen;
  group.spawn("wait", wait_twice(&notifier, &seen));
  group.spawn("notify", notify_later(&notifier));
  loop.run_for(2s);
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
  loop.run_for(2s);
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
