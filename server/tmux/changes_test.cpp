// Events out of two lists.
#include "tmux/changes.hpp"

#include <gtest/gtest.h>

namespace ccd::tmux {
namespace {

Pane pane(const std::string& id, const std::string& session, const std::string& name) {
  Pane p;
  p.pane_id = id;
  p.window_id = "@" + id.substr(1);
  p.session_id = session;
  p.session_name = name;
  return p;
}

std::vector<EventKind> kinds(const std::vector<Pane>& before, const std::vector<Pane>& after) {
  std::vector<EventKind> out;
  for (const Event& event : changes({1, 2}, before, after)) out.push_back(event.kind);
  return out;
}

using enum EventKind;

TEST(Changes, NothingGivesNothing) {
  EXPECT_TRUE(kinds({}, {}).empty());
  const std::vector<Pane> same{pane("%1", "$1", "a"), pane("%2", "$2", "b")};
  EXPECT_TRUE(kinds(same, same).empty());
  std::vector<Pane> busier = same;
  busier[0].title = "working";
  busier[0].activity = 5;
  EXPECT_TRUE(kinds(same, busier).empty()) << "titles come from the record, and are not announced";
}

TEST(Changes, SizesAndPipes) {
  const std::vector<Pane> before{pane("%1", "$1", "a"), pane("%2", "$2", "b")};
  std::vector<Pane> after = before;
  after[1].cols = 100;
  after[1].rows = 30;
  const auto events = changes({1, 2}, before, after);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, resized);
  EXPECT_EQ(events[0].pane_id, "%2");
  EXPECT_EQ(std::pair(events[0].cols, events[0].rows), std::pair(100, 30));
  after = before;
  after[0].piped = true;
  EXPECT_EQ(kinds(before, after), std::vector{sessions_changed});
}

TEST(Changes, SessionsComeAndGo) {
  EXPECT_EQ(kinds({}, {pane("%1", "$1", "a")}), std::vector{sessions_changed});
  EXPECT_EQ(kinds({pane("%1", "$1", "a")}, {}), (std::vector{session_closed, sessions_changed}));
  const auto events = changes({1, 2}, {pane("%1", "$1", "a")}, {pane("%2", "$2", "a")});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].session_id, "$1");
  EXPECT_EQ(events[0].name, "a");
  EXPECT_EQ(events[0].server, (ServerId{1, 2}));
}

TEST(Changes, RenamesAndNewPanes) {
  const auto events = changes({1, 2}, {pane("%1", "$1", "a")}, {pane("%1", "$1", "b")});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, renamed);
  EXPECT_EQ(events[0].name, "b");
  EXPECT_EQ(kinds({pane("%1", "$1", "a")}, {pane("%1", "$1", "a"), pane("%2", "$1", "a")}),
            std::vector{sessions_changed});
}

TEST(Changes, ADeathIsToldOnceAlsoWhenItWasBeforeTheFirstLook) {
  Pane dead = pane("%1", "$1", "a");
  dead.dead = true;
  dead.exit_status = 3;
  const auto events = changes({1, 2}, {pane("%1", "$1", "a")}, {dead});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, pane_died);
  EXPECT_EQ(events[0].pane_id, "%1");
  EXPECT_EQ(events[0].exit_status, 3);
  EXPECT_TRUE(kinds({dead}, {dead}).empty());
  EXPECT_EQ(kinds({}, {dead}), (std::vector{pane_died, sessions_changed}));
}

}  // namespace
}  // namespace ccd::tmux
