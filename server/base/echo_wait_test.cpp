// The choice between waiting for an echo awake and asleep.
#include <gtest/gtest.h>
#include <functional>
#include <random>

#include "base/echo_wait.hpp"

namespace ccd {
namespace {

// Types `keys` keys; `echo` says after how many microseconds each echo comes. Returns how many were awaited awake.
int awake_of(EchoWait& wait, int keys, const std::function<std::int64_t(bool awake)>& echo) {
  static std::int64_t now = 1'000'000;
  int awake = 0;
  for (int i = 0; i < keys; ++i) {
    wait.begin(now);
    if (wait.awake()) ++awake;
    const std::int64_t took = echo(wait.awake());
    if (now + took < wait.until()) wait.came(now + took);
    else wait.give_up();
    EXPECT_FALSE(wait.waiting());
    now += 100'000;
  }
  return awake;
}

TEST(EchoWait, StaysAwakeWhereThatIsSooner) {
  EchoWait wait;
  std::mt19937 random(1);  // NOLINT: the same every time
  const auto echo = [&](bool awake) { return (awake ? 120 : 160) + static_cast<int>(random() % 60); };
  awake_of(wait, 50, echo);
  const int count = awake_of(wait, 1600, echo);
  EXPECT_GE(count, 1600 * 8 / 10);
  EXPECT_LE(count, 1600 * 15 / 16);
}

TEST(EchoWait, SleepsWhereStayingAwakeIsInTheWay) {
  EchoWait wait;
  awake_of(wait, 50, [](bool awake) { return awake ? 250 : 200; });
  EXPECT_LE(awake_of(wait, 1600, [](bool awake) { return awake ? 250 : 200; }), 1600 / 16);
}

TEST(EchoWait, SleepsWhenThereIsNoEcho) {
  EchoWait wait;
  awake_of(wait, 50, [](bool) { return 5000; });
  EXPECT_LE(awake_of(wait, 160, [](bool) { return 5000; }), 160 / 16 + 1);
}

TEST(EchoWait, LateEchoNowAndThenChangesNothing) {
  EchoWait wait;
  int key = 0;
  const auto echo = [&](bool awake) { return ++key % 10 == 0 ? 3000 : awake ? 100 : 150; };
  awake_of(wait, 50, echo);
  EXPECT_GE(awake_of(wait, 1600, echo), 1600 * 9 / 10);
}

TEST(EchoWait, LearnsAnew) {
  EchoWait wait;
  awake_of(wait, 200, [](bool awake) { return awake ? 100 : 150; });
  // The machine has become busy: a second of typing later nobody is in the way.
  awake_of(wait, 20, [](bool awake) { return awake ? 290 : 150; });
  EXPECT_LE(awake_of(wait, 160, [](bool awake) { return awake ? 290 : 150; }), 160 / 16 + 1);
  awake_of(wait, 400, [](bool awake) { return awake ? 80 : 150; });
  EXPECT_GE(awake_of(wait, 160, [](bool awake) { return awake ? 80 : 150; }), 160 * 15 / 16 - 1);
}

// 10 % apart, and each echo up to 40 % off: what a quiet machine shows.
TEST(EchoWait, SmallDifferencesCount) {
  EchoWait wait;
  std::mt19937 random(2);  // NOLINT: the same every time
  const auto echo = [&](bool awake) { return (awake ? 180 : 200) + static_cast<int>(random() % 80) - 40; };
  awake_of(wait, 50, echo);
  EXPECT_GE(awake_of(wait, 3200, echo), 3200 * 8 / 10);
}

TEST(EchoWait, GivesUpWhatIsTooOldAtTheNextInput) {
  EchoWait wait;
  wait.begin(1000);
  wait.begin(1000 + EchoWait::kAsleepMicros + 1);
  EXPECT_TRUE(wait.waiting());
  EXPECT_GE(wait.until(), 1000 + EchoWait::kAsleepMicros + 1 + EchoWait::kAwakeMicros);
}

TEST(EchoWait, FirstInputOfABurstCounts) {
  EchoWait wait;
  wait.begin(1000);
  wait.begin(1200);
  EXPECT_EQ(wait.until(), 1000 + EchoWait::kAsleepMicros);
  wait.came(1300);
  EXPECT_FALSE(wait.waiting());
  wait.came(1400);  // output that nobody waits for
  EXPECT_FALSE(wait.waiting());
}

}  // namespace
}  // namespace ccd
