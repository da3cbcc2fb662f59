// The loop that stays awake for an answer.
#include "base/busy_poll.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace ccd {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST(BusyPoll, EndsWhenNothingIsLeftToDo) {
  const SystemClock clock;
  BusyPoll poll(&clock);
  asio::io_context loop{1};
  int ran = 0;
  asio::post(loop, [&] { ++ran; });
  poll.run(loop);
  EXPECT_EQ(ran, 1);
}

TEST(BusyPoll, ExpectsUntilTheAnswerOrTheTimeIsOver) {
  ManualClock clock(0);
  BusyPoll poll(&clock);
  EXPECT_FALSE(poll.expecting());
  poll.expect();
  clock.advance(BusyPoll::kLongest - 1us);
  EXPECT_TRUE(poll.expecting());
  clock.advance(1us);
  EXPECT_FALSE(poll.expecting());
  poll.expect();
  poll.arrived();
  EXPECT_FALSE(poll.expecting());
}

TEST(BusyPoll, ServesEventsWhileItExpectsAndSleepsAfterwards) {
  const SystemClock clock;
  BusyPoll poll(&clock);
  asio::io_context loop{1};
  asio::steady_timer late(loop, 20ms);
  bool expecting_at_late = true;
  late.async_wait([&](const boost::system::error_code&) { expecting_at_late = poll.expecting(); });
  const auto start = clock.steady();
  poll.expect();
  loop.restart();
  timespec before{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  poll.run(loop);
  timespec after{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  EXPECT_GE(clock.steady() - start, 20ms);
  EXPECT_FALSE(expecting_at_late);
  const auto used = (after.tv_sec - before.tv_sec) * 1'000'000'000LL + (after.tv_nsec - before.tv_nsec);
  EXPECT_LT(used, 10'000'000) << "it did not sleep after the time was over";
}

}  // namespace
}  // namespace ccd
