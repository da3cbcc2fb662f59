// Cron's fields, and when they are due, over months, leap years and the clock's jumps.
#include "agents/cron.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace ccd::agents {
namespace {

class CronTest : public ::testing::Test {
 protected:
  void SetUp() override { zone("Europe/Berlin"); }
  void TearDown() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  static void zone(const char* name) {
    // The rule itself: no zone file needs to be there.
    ::setenv("TZ", std::string(name) == "UTC" ? "UTC0" : "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ::tzset();
  }
  static WallMicros local(const char* text) {
    std::tm at{};
    EXPECT_NE(::strptime(text, "%Y-%m-%d %H:%M:%S", &at), nullptr);
    at.tm_isdst = -1;
    return WallMicros{::mktime(&at)} * 1'000'000;
  }
  static std::string next(const char* cron, const char* after) {
    const auto parsed = Cron::parse(cron);
    if (!parsed) return parsed.error().message;
    const auto at = parsed->next(local(after));
    if (!at) return "never";
    const std::time_t seconds = *at / 1'000'000;
    std::tm when{};
    ::localtime_r(&seconds, &when);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &when);
    return text;
  }
};

TEST_F(CronTest, FieldsMeanWhatCrontabSays) {
  EXPECT_EQ(next("*/15 * * * *", "2026-11-28 10:14:59"), "2026-11-28 10:15");
  EXPECT_EQ(next("*/15 * * * *", "2026-11-28 10:15:00"), "2026-11-28 10:30");
  EXPECT_EQ(next("0 9 * * mon-fri", "2026-11-28 10:00:00"), "2026-11-30 09:00");
  EXPECT_EQ(next("30 8-18/5 * * *", "2026-11-28 09:00:00"), "2026-11-28 13:30");
  EXPECT_EQ(next("5,10 0 1 JAN *", "2026-11-28 10:00:00"), "2027-01-01 00:05");
  EXPECT_EQ(next("0 0 29 2 *", "2026-11-28 10:00:00"), "2028-02-29 00:00");
  EXPECT_EQ(next("0 12 * * 7", "2026-11-28 10:00:00"), "2026-11-29 12:00");
  EXPECT_EQ(next("0 12 * * 0", "2026-11-28 10:00:00"), "2026-11-29 12:00");
  EXPECT_EQ(next("50/3 * * * *", "2026-11-28 10:51:00"), "2026-11-28 10:53");
}

TEST_F(CronTest, TwoDayFieldsMeanEither) {
  EXPECT_EQ(next("0 0 13 * fri", "2026-11-28 00:00:00"), "2026-12-04 00:00");
  EXPECT_EQ(next("0 0 1 * fri", "2026-11-28 00:00:00"), "2026-12-01 00:00");
  EXPECT_EQ(next("0 0 13 * *", "2026-11-28 00:00:00"), "2026-12-13 00:00");
}

TEST_F(CronTest, TheClocksJumpsLoseNothingAndDoubleNothing) {
  // In spring 02:30 does not exist: it is due at 03:30, once.
  EXPECT_EQ(next("30 2 * * *", "2026-03-28 12:00:00"), "2026-03-29 03:30");
  // In autumn it comes twice: due the first time.
  const auto cron = Cron::parse("30 2 * * *");
  ASSERT_TRUE(cron);
  const auto first = cron->next(local("2026-10-24 12:00:00"));
  ASSERT_TRUE(first);
  const auto second = cron->next(*first);
  ASSERT_TRUE(second);
  EXPECT_GE(*second - *first, WallMicros{24} * 3600 * 1'000'000);
}

TEST_F(CronTest, EveryNextIsLaterThanTheOneBefore) {
  for (const char* text : {"* * * * *", "*/7 */5 * * *", "0 3 * * sun", "59 23 31 * *", "0 2 29 3 *"}) {
    const auto cron = Cron::parse(text);
    ASSERT_TRUE(cron) << text;
    WallMicros at = local("2026-03-28 22:00:00");
    for (int i = 0; i < 500; ++i) {
      const auto after = cron->next(at);
      if (!after) break;
      ASSERT_GT(*after, at) << text;
      at = *after;
    }
  }
}

TEST_F(CronTest, WrongOnesAreRefusedWithWhatWouldBeRight) {
  for (const char* text : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
                           "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,,2 * * * *", "-1 * * * *",
                           "1- * * * *", "* * * foo *", "@daily", "0 0 30 2 *", "*/99 * * * *", "1.5 * * * *"}) {
    const auto cron = Cron::parse(text);
    ASSERT_FALSE(cron) << text;
    EXPECT_EQ(cron.error().field, "cron") << text;
  }
  EXPECT_NE(Cron::parse("60 * * * *").error().message.find("the minute '60'"), std::string::npos);
  EXPECT_FALSE(Cron::parse(std::string(100'000, '*')));
}

}  // namespace
}  // namespace ccd::agents
