// Who is told what and when: preferences, quiet hours over clock changes, presence, delays, bundles.
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include "base/time_zone.hpp"
#include "notify/planner.hpp"
#include "notify/presence.hpp"

namespace ccd::notify {
namespace {

using namespace std::chrono_literals;

constexpr WallMicros kSecond = 1'000'000;
constexpr SteadyTime kStart{std::chrono::hours(1)};

TEST(Preferences, TextRoundTrip) {
  ASSERT_TRUE(load_time_zones());
  Preferences all{.push = Kinds::of({Kind::permission, Kind::limit}),
                  .sound = Kinds::of({Kind::done}),
                  .webhook = {},
                  .delay = 90s,
                  .presence = false,
                  .contents = false,
                  .lock_screen = LockScreen::never,
                  .quiet = {.on = true, .from_minute = 23 * 60 + 5, .to_minute = 6 * 60 + 30, .zone = "Europe/Berlin"}};
  const auto back = preferences_from(preferences_text(all));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, all);
  EXPECT_EQ(*preferences_from("{}"), Preferences{});
  EXPECT_EQ(*preferences_from(R"({"of a newer version":1,"delay_seconds":0})"), (Preferences{.delay = 0s}));
}

TEST(Preferences, WhatIsWrongIsNamed) {
  struct Row {
    const char* text;
    const char* field;
  };
  for (const Row& row :
       {Row{R"({"push":["sleep"]})", "push"}, Row{R"({"sound":true})", "sound"},
        Row{R"({"delay_seconds":-1})", "delay_seconds"}, Row{R"({"delay_seconds":3601})", "delay_seconds"},
        Row{R"({"delay_seconds":1.5})", "delay_seconds"}, Row{R"({"presence":"yes"})", "presence"},
        Row{R"({"lock_screen":"sometimes"})", "lock_screen"}, Row{R"({"quiet":[]})", "quiet"},
        Row{R"({"quiet":{"from":"24:00"}})", "quiet.from"}, Row{R"({"quiet":{"from":"7:00"}})", "quiet.from"},
        Row{R"({"quiet":{"to":"07:60"}})", "quiet.to"}, Row{R"({"quiet":{"from":"07:00","to":"07:00"}})", "quiet.to"},
        Row{R"({"quiet":{"zone":"Berlin"}})", "quiet.zone"},
        Row{R"({"quiet":{"zone":"../../etc/passwd"}})", "quiet.zone"}}) {
    const auto read = preferences_from(row.text);
    ASSERT_FALSE(read) << row.text;
    EXPECT_EQ(read.error().field, row.field) << row.text;
  }
  EXPECT_FALSE(preferences_from("[]"));
  EXPECT_FALSE(preferences_from("{"));
}

// Microseconds of a moment in UTC.
WallMicros at(int year, unsigned month, unsigned day, int hour, int minute, int second = 0) {
  using namespace std::chrono;
  const sys_days date{std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)};
  return duration_cast<microseconds>((date + hours(hour) + minutes(minute) + seconds(second)).time_since_epoch())
      .count();
}

TEST(QuietHours, EndWhenTheClocksOfThatPlaceSaySo) {
  const QuietHours night{.on = true, .from_minute = 22 * 60, .to_minute = 7 * 60, .zone = "Europe/Berlin"};
  struct Row {
    const char* what;
    WallMicros now;
    std::optional<WallMicros> end;
  };
  for (const Row& row : {Row{"before", at(2026, 11, 28, 20, 59, 59), std::nullopt},
                         Row{"begins", at(2026, 11, 28, 21, 0), at(2026, 11, 29, 6, 0)},
                         Row{"midnight", at(2026, 11, 28, 23, 0), at(2026, 11, 29, 6, 0)},
                         Row{"last second", at(2026, 11, 29, 5, 59, 59), at(2026, 11, 29, 6, 0)},
                         Row{"over", at(2026, 11, 29, 6, 0), std::nullopt},
                         // The night in which an hour is missing: it is over at 05:00 UTC, not at 06:00.
                         Row{"spring", at(2026, 3, 28, 22, 0), at(2026, 3, 29, 5, 0)},
                         // And the one that is an hour longer.
                         Row{"autumn", at(2026, 10, 24, 21, 0), at(2026, 10, 25, 6, 0)}})
    EXPECT_EQ(quiet_until(night, row.now), row.end) << row.what;
  const QuietHours lunch{.on = true, .from_minute = 12 * 60, .to_minute = 13 * 60, .zone = "UTC"};
  EXPECT_EQ(quiet_until(lunch, at(2026, 11, 28, 12, 30)), at(2026, 11, 28, 13, 0));
  EXPECT_FALSE(quiet_until(lunch, at(2026, 11, 28, 13, 0)));
  EXPECT_FALSE(quiet_until(lunch, at(2026, 11, 28, 11, 59, 59)));
  QuietHours off = lunch;
  off.on = false;
  EXPECT_FALSE(quiet_until(off, at(2026, 11, 28, 12, 30)));
  // Before the epoch, as a machine without a clock believes.
  EXPECT_EQ(quiet_until(lunch, at(1969, 12, 31, 12, 30)), at(1969, 12, 31, 13, 0));
}

TEST(Presence, IsAVisiblePageThatWasUsedLately) {
  ManualClock clock(0);
  Presence presence(&clock);
  int changes = 0;
  presence.on_change([&] { ++changes; });
  auto page = presence.open("ann");
  EXPECT_FALSE(presence.present_until("ann"));
  page->tell(Presence::Page::Visibility::visible, 10s);
  EXPECT_EQ(presence.present_until("ann"), clock.steady() + 50s);
  EXPECT_FALSE(presence.present_until("bob"));
  clock.advance(49s);
  EXPECT_TRUE(presence.present_until("ann"));
  clock.advance(1s);
  EXPECT_FALSE(presence.present_until("ann"));
  page->tell(Presence::Page::Visibility::visible, 0s);
  EXPECT_TRUE(presence.present_until("ann"));
  page->tell(Presence::Page::Visibility::hidden, 0s);
  EXPECT_FALSE(presence.present_until("ann")) << "another tab or program is in front";
  // A second page counts by itself, and leaves when it closes.
  auto other = presence.open("ann");
  other->tell(Presence::Page::Visibility::visible, -5s);
  EXPECT_EQ(presence.present_until("ann"), clock.steady() + kPresentFor);
  other.reset();
  EXPECT_FALSE(presence.present_until("ann"));
  EXPECT_EQ(changes, 5);
}

class Plan : public testing::Test {
 protected:
  void open(const std::string& id, Kind kind = Kind::permission, const std::string& user = "ann") {
    planner_.add(user, preferences_, std::make_shared<const Event>(Event{.id = id, .kind = kind, .session_name = id}),
                 now_);
  }
  // Tags, and how many events each has: "r1:1 notices:3".
  std::string take(std::chrono::seconds later = 0s) {
    now_ += later;
    wall_ += later.count() * kSecond;
    std::string out;
    const auto gate = [this](const std::string& user) {
      return Gate{.preferences = user == "gone" ? nullptr : &preferences_, .present_until = present_until_};
    };
    for (const Notification& n : planner_.take_due(now_, wall_, gate))
      out += (out.empty() ? "" : " ") + n.tag + ":" + std::to_string(n.events.size());
    return out;
  }

  Preferences preferences_{};
  Planner planner_;
  SteadyTime now_ = kStart;
  WallMicros wall_ = at(2026, 11, 28, 12, 0);
  std::optional<SteadyTime> present_until_;
};

TEST_F(Plan, WaitsAndTellsOnce) {
  open("r1");
  EXPECT_EQ(planner_.next_due(), now_ + preferences_.delay + kBundleWindow);
  EXPECT_EQ(take(16s), "");
  EXPECT_EQ(take(1s), "r1:1");
  EXPECT_EQ(take(1h), "");
  EXPECT_FALSE(planner_.next_due());
}

TEST_F(Plan, WhatIsSettledInTimeIsNotTold) {
  open("r1");
  open("r2");
  planner_.closed("r1");
  EXPECT_EQ(take(17s), "r2:1");
}

TEST_F(Plan, OnlyWhatSomebodyWants) {
  preferences_.push = Kinds::of({Kind::permission});
  open("d1", Kind::done);
  open("r1");
  EXPECT_EQ(planner_.waiting(), 1U);
}

TEST_F(Plan, TenThatAreDoneAtOnceAreOne) {
  for (int i = 0; i < 10; ++i) open("d" + std::to_string(i), Kind::done);
  EXPECT_EQ(take(17s), "notices:10");
}

TEST_F(Plan, OnesThatComeCloseBehindGoAlong) {
  preferences_.delay = 0s;
  open("d1", Kind::done);
  now_ += 1s;
  open("d2", Kind::done);
  now_ += 5s;
  open("d3", Kind::done);
  now_ -= 6s;
  EXPECT_EQ(take(2s), "notices:2") << "the third one's own wait has not begun";
  EXPECT_EQ(take(6s), "d3:1");
}

TEST_F(Plan, ThreeRequestsAreThreeAndMoreAreOne) {
  for (const char* id : {"r1", "r2", "r3"}) open(id);
  open("d1", Kind::done);
  EXPECT_EQ(take(17s), "r1:1 r2:1 r3:1 d1:1");
  for (const char* id : {"r4", "r5", "r6", "r7"}) open(id, Kind::question);
  EXPECT_EQ(take(17s), "requests:4");
}

TEST_F(Plan, AtAPageNothingRingsAndWhatWaitsComesAfterwards) {
  present_until_ = now_ + 40s;
  open("r1");
  open("d1", Kind::done);
  open("f1", Kind::failure);
  EXPECT_EQ(take(17s), "");
  EXPECT_EQ(planner_.waiting(), 2U) << "what is done was to be seen";
  EXPECT_EQ(planner_.next_due(), kStart + 40s);
  // Used again meanwhile.
  present_until_ = now_ + 60s;
  EXPECT_EQ(take(23s), "");
  present_until_.reset();
  EXPECT_EQ(take(37s), "r1:1 f1:1");
}

TEST_F(Plan, WhoClosesTheirPageIsToldAtOnce) {
  present_until_ = now_ + 60s;
  open("r1");
  EXPECT_EQ(take(17s), "");
  present_until_.reset();
  planner_.look_again(now_);
  EXPECT_EQ(take(), "r1:1");
}

TEST_F(Plan, PresenceCanBeTurnedOff) {
  preferences_.presence = false;
  present_until_ = now_ + 1h;
  open("r1");
  EXPECT_EQ(take(17s), "r1:1");
}

TEST_F(Plan, QuietHoursEndWithWhatStillWaits) {
  preferences_.quiet = {.on = true, .from_minute = 11 * 60, .to_minute = 13 * 60, .zone = "UTC"};
  open("r1");
  open("r2");
  open("d1", Kind::done);
  open("l1", Kind::limit);
  EXPECT_EQ(take(17s), "");
  planner_.closed("r2");
  EXPECT_EQ(planner_.waiting(), 1U);
  EXPECT_EQ(take(59min), "");
  EXPECT_EQ(take(1min), "r1:1");
}

TEST_F(Plan, QuietHoursThatAreTurnedOffEndAtOnce) {
  preferences_.quiet = {.on = true, .from_minute = 11 * 60, .to_minute = 13 * 60, .zone = "UTC"};
  open("r1");
  EXPECT_EQ(take(17s), "");
  preferences_.quiet.on = false;
  planner_.look_again(now_);
  EXPECT_EQ(take(), "r1:1");
}

TEST_F(Plan, AFloodBecomesBundles) {
  preferences_.delay = 0s;
  std::string told;
  // One request each three seconds for five minutes.
  for (int i = 0; i < 100; ++i) {
    open("r" + std::to_string(i));
    told += take(3s) + " ";
  }
  told += take(60s);
  std::size_t notifications = static_cast<std::size_t>(std::ranges::count(told, ':'));
  EXPECT_LE(notifications, 6 * kMaxPerMinute + 1) << told;
  EXPECT_NE(told.find("requests:"), std::string::npos) << told;
  EXPECT_EQ(planner_.waiting(), 0U);
}

TEST_F(Plan, OneUserDoesNotHoldUpAnother) {
  open("r1", Kind::permission, "gone");
  open("r2", Kind::permission, "bob");
  EXPECT_EQ(take(17s), "r2:1");
  EXPECT_EQ(planner_.waiting(), 0U);
}

TEST_F(Plan, TooManyForOnePersonAreNotKept) {
  for (std::size_t i = 0; i < kMaxWaiting + 5; ++i) open("r" + std::to_string(i));
  EXPECT_EQ(planner_.waiting(), kMaxWaiting);
}

}  // namespace
}  // namespace ccd::notify
