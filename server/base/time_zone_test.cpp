// Offsets of zones, over the days on which they change.
#include <gtest/gtest.h>

#include "base/time_zone.hpp"

namespace ccd {
namespace {

using namespace std::chrono_literals;

constexpr WallMicros kSecond = 1'000'000;

TEST(TimeZone, OffsetsFollowTheSeason) {
  ASSERT_TRUE(load_time_zones());
  struct Row {
    const char* zone;
    std::int64_t at;  // seconds
    std::chrono::seconds offset;
  };
  for (const Row& row :
       {Row{"UTC", 1'795'000'000, 0s}, Row{"Europe/Berlin", 1'795'000'000, 1h},                // 2026-11-18
        Row{"Europe/Berlin", 1'774'746'000 - 1, 1h}, Row{"Europe/Berlin", 1'774'746'000, 2h},  // 2026-03-29 01:00 UTC
        Row{"America/New_York", 1'795'000'000, -5h}, Row{"Asia/Kolkata", 1'795'000'000, 5h + 30min},
        Row{"Pacific/Chatham", 1'795'000'000, 13h + 45min}})
    EXPECT_EQ(utc_offset(row.zone, row.at * kSecond), row.offset) << row.zone << " " << row.at;
}

TEST(TimeZone, UnknownNamesAreUnknown) {
  for (const char* name :
       {"", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "europe/berlin", "Europe/Berlin\n"}) {
    EXPECT_FALSE(known_time_zone(name)) << name;
    EXPECT_FALSE(utc_offset(name, 0)) << name;
  }
}

}  // namespace
}  // namespace ccd
