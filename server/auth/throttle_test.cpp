// Guessing is hopeless, and the owner gets in.
#include "auth/throttle.hpp"

#include <gtest/gtest.h>

namespace ccd::auth {
namespace {
using namespace std::chrono_literals;

class ThrottleTest : public testing::Test {
 protected:
  enum class How { right, wrong };
  bool attempt(const std::string& ip, const std::string& account, How how = How::wrong,
               const std::string& device = {}) {
    auto leave = throttle_.admit({ip, account, device});
    if (!leave) {
      EXPECT_EQ(leave.error().kind, ErrorKind::too_many);
      EXPECT_GT(leave.error().retry_seconds, 0);
      wait_ = leave.error().retry_seconds;
      return false;
    }
    if (how == How::right) leave->succeeded();
    return true;
  }
  ManualClock clock_{1'800'000'000'000'000};
  Throttle throttle_{&clock_};
  int wait_ = 0;
};

TEST_F(ThrottleTest, SourceWaitsFiveSecondsDoublingToTenMinutes) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(attempt("203.0.113.9", "u" + std::to_string(i))) << i;
  for (int expect = 5; expect < 600; expect *= 2) {
    ASSERT_FALSE(attempt("203.0.113.9", "ann"));
    EXPECT_EQ(wait_, expect);
    clock_.advance(std::chrono::seconds(expect) - 1ms);
    ASSERT_FALSE(attempt("203.0.113.9", "ann"));
    clock_.advance(1ms);
    ASSERT_TRUE(attempt("203.0.113.9", "ann"));
  }
  ASSERT_FALSE(attempt("203.0.113.9", "ann"));
  EXPECT_EQ(wait_, 600);
  EXPECT_TRUE(attempt("203.0.113.10", "bob"));
}

TEST_F(ThrottleTest, SourceIsANetwork) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(attempt("2001:db8:1:2::" + std::to_string(i + 1), "u" + std::to_string(i)));
  EXPECT_FALSE(attempt("2001:db8:1:2:ffff::9", "ann"));
  EXPECT_TRUE(attempt("2001:db8:1:3::9", "ann"));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(attempt("198.51.100.1", "v" + std::to_string(i)));
  EXPECT_FALSE(attempt("::ffff:198.51.100.1", "ann"));
}

TEST_F(ThrottleTest, FailuresAreForgottenAfterAnHour) {
  for (int i = 0; i < 4; ++i) attempt("203.0.113.9", "u" + std::to_string(i));
  clock_.advance(3601s);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(attempt("203.0.113.9", "u" + std::to_string(i)));
}

TEST_F(ThrottleTest, OwnSuccessDoesNotClearASource) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(attempt("203.0.113.9", "victim"));
  EXPECT_TRUE(attempt("203.0.113.9", "mallory", How::right));
  EXPECT_TRUE(attempt("203.0.113.9", "victim"));
  EXPECT_FALSE(attempt("203.0.113.9", "victim"));
}

TEST_F(ThrottleTest, ParallelTriesCountBeforeTheyEnd) {
  std::vector<Throttle::Leave> running;
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    auto leave = throttle_.admit({"203.0.113.9", "ann", {}});
    if (leave) running.push_back(std::move(*leave));
    else ++refused;
  }
  EXPECT_EQ(running.size(), 4U);
  EXPECT_EQ(refused, 46);
}

TEST_F(ThrottleTest, AccountDelayIsSoft) {
  int admitted = 0;
  for (int i = 0; i < 40; ++i) admitted += attempt("10.0." + std::to_string(i) + ".1", "Ann") ? 1 : 0;
  EXPECT_EQ(admitted, 11);
  ASSERT_FALSE(attempt("192.0.2.1", "ann"));
  EXPECT_LE(wait_, 30);
  clock_.advance(30s);
  EXPECT_TRUE(attempt("192.0.2.1", "ANN", How::right));
}

TEST_F(ThrottleTest, KnownDeviceIsNotLockedOut) {
  for (int i = 0; i < 1000; ++i) attempt("10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1", "ann");
  EXPECT_FALSE(attempt("192.0.2.1", "ann"));
  EXPECT_TRUE(attempt("192.0.2.1", "ann", How::right, "device1"));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(attempt("192.0.2.1", "ann", How::wrong, "device1")) << i;
  EXPECT_FALSE(attempt("192.0.2.1", "ann", How::wrong, "device1"));
  EXPECT_TRUE(attempt("192.0.2.1", "ann", How::right, "device2"));
}

TEST_F(ThrottleTest, ConsoleHasItsShareUnderAFlood) {
  for (int i = 0; i < 1000; ++i)
    attempt("10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1", "u" + std::to_string(i));
  EXPECT_FALSE(attempt("192.0.2.1", "ann"));
  EXPECT_TRUE(attempt("127.0.0.1", "ann", How::right));
  EXPECT_TRUE(attempt("::1", "ann", How::right));
}

// 10,000 guesses in an hour from 500 addresses, in three styles; loopback included.
TEST_F(ThrottleTest, TenThousandGuessesReachFewHashes) {
  struct Style {
    const char* what;
    int accounts;
    bool loopback;
  };
  for (const Style& style :
       {Style{"one account", 1, false}, Style{"many accounts", 5000, false}, Style{"loopback too", 50, true}}) {
    ManualClock clock(0);
    Throttle throttle(&clock);
    int hashes = 0;
    int owner_refused = 0;
    for (int i = 0; i < 10'000; ++i) {
      clock.advance(360ms);
      const int n = i % 500;
      std::string ip = "10.1." + std::to_string(n / 250) + "." + std::to_string(n % 250);
      if (style.loopback && i % 2 == 0) ip = "127.0.0.1";
      if (throttle.admit({ip, "user" + std::to_string(i % style.accounts), {}})) ++hashes;
      if (i % 100 != 0) continue;
      auto owner = throttle.admit({"198.51.100.7", "user0", "laptop"});
      if (owner) owner->succeeded();
      else ++owner_refused;
    }
    std::cout << style.what << ": " << hashes << " of 10000 guesses reached the hash, owner refused " << owner_refused
              << " of 100\n";
    EXPECT_LE(hashes, 100) << style.what;
    EXPECT_EQ(owner_refused, 0) << style.what;
  }
}

TEST_F(ThrottleTest, NoTryNoCount) {
  for (int i = 0; i < 1000; ++i) {
    auto leave = throttle_.admit({"203.0.113.9", "ann", {}});
    ASSERT_TRUE(leave);
    leave->not_tried();
  }
  EXPECT_EQ(throttle_.sources(), 0U);
}

TEST_F(ThrottleTest, MemoryIsBounded) {
  Throttle throttle(&clock_, {.network_burst = 1e9, .max_keys = 100});
  for (int i = 0; i < 10'000; ++i) {
    const std::string n = std::to_string(i / 250) + "." + std::to_string(i % 250);
    static_cast<void>(throttle.admit({"10.1." + n, "u" + n, {}}));
    if (i % 1000 == 0) static_cast<void>(throttle.changed());
  }
  EXPECT_EQ(throttle.sources(), 100U);
  for (int i = 0; i < 100; ++i)
    static_cast<void>(throttle.admit({"nonsense " + std::to_string(i), std::string(1000, 'x'), {}}));
  EXPECT_LE(throttle.sources(), 100U);
}

TEST_F(ThrottleTest, RestartForgetsNothing) {
  for (int i = 0; i < 6; ++i) {
    attempt("203.0.113.9", "ann");
    clock_.advance(5s);
  }
  for (int i = 0; i < 1000; ++i)
    attempt("10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1", "u" + std::to_string(i));
  ASSERT_FALSE(attempt("203.0.113.9", "ann"));
  const int before = wait_;
  // The next process: the same wall clock, another steady one.
  ManualClock next(clock_.wall());
  Throttle restarted(&next);
  restarted.restore(throttle_.changed());
  const auto again = restarted.admit({"203.0.113.9", "ann", {}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().retry_seconds, before);
  EXPECT_FALSE(restarted.admit({"192.0.2.1", "zoe", {}})) << "the shared tries are used up";
  next.advance(1h);
  EXPECT_TRUE(restarted.admit({"203.0.113.9", "ann", {}}));
}

TEST_F(ThrottleTest, RestartWithAClockSetBackWaitsNoLonger) {
  for (int i = 0; i < 4; ++i) attempt("203.0.113.9", "u" + std::to_string(i));
  ManualClock next(clock_.wall() - 86'400'000'000 * 365);
  Throttle restarted(&next);
  restarted.restore(throttle_.changed());
  const auto leave = restarted.admit({"203.0.113.9", "ann", {}});
  ASSERT_FALSE(leave);
  EXPECT_LE(leave.error().retry_seconds, 5);
}

TEST_F(ThrottleTest, RunningTryIsStoredAsFailed) {
  const auto leave = throttle_.admit({"203.0.113.9", "ann", {}});
  ASSERT_TRUE(leave);
  double failures = 0;
  for (const ThrottleRow& row : throttle_.changed())
    if (row.key == "source:203.0.113.9") failures = row.count;
  EXPECT_EQ(failures, 1);
}

}  // namespace
}  // namespace ccd::auth
