// Reading tmux's list back: fields, what is refused, and any bytes.
#include "tmux/listing.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <random>

namespace ccd::tmux {
namespace {

std::string row(std::vector<std::string> fields) {
  std::string line;
  for (const std::string& field : fields) line += (line.empty() ? "" : "\x1f") + field;
  return line + "\n";
}

std::vector<std::string> usual() {
  return {"%3",   "@2",      "$1",     "4242",       "132",        "43",  "0",
          "",     "",        "1",      "1700000000", "1700000001", "1",   "0",
          "work", "title é", "claude", "/start",     "/now",       "abc", "/dev/pts/1,client-77,/dev/pts/2"};
}

TEST(Listing, ReadsAPane) {
  const auto panes = parse_panes(row(usual()));
  ASSERT_TRUE(panes);
  ASSERT_EQ(panes->size(), 1U);
  const Pane& pane = (*panes)[0];
  EXPECT_EQ(pane.pane_id, "%3");
  EXPECT_EQ(pane.window_id, "@2");
  EXPECT_EQ(pane.session_id, "$1");
  EXPECT_EQ(pane.pid, 4242);
  EXPECT_EQ(pane.cols, 132);
  EXPECT_EQ(pane.rows, 43);
  EXPECT_FALSE(pane.dead);
  EXPECT_TRUE(pane.piped);
  EXPECT_EQ(pane.created, 1'700'000'000'000'000);
  EXPECT_EQ(pane.activity, 1'700'000'001'000'000);
  EXPECT_TRUE(pane.alternate);
  EXPECT_FALSE(pane.in_mode);
  EXPECT_EQ(pane.session_name, "work");
  EXPECT_EQ(pane.title, "title é");
  EXPECT_EQ(pane.dashboard_id, "abc");
  EXPECT_EQ(pane.attached_clients, 2) << "control connections do not count";
}

TEST(Listing, ExitStatusOfADeadPane) {
  auto fields = usual();
  fields[6] = "1";
  EXPECT_EQ(parse_panes(row(fields)).value()[0].exit_status, std::nullopt);
  fields[7] = "7";
  EXPECT_EQ(parse_panes(row(fields)).value()[0].exit_status, 7);
  fields[7] = "";
  fields[8] = "9";
  EXPECT_EQ(parse_panes(row(fields)).value()[0].exit_status, 137);
}

TEST(Listing, WhatIsNotOursIsNoDashboardId) {
  auto fields = usual();
  fields[19] = "../x";
  EXPECT_EQ(parse_panes(row(fields)).value()[0].dashboard_id, "");
  fields[14] = "bad \xff utf-8";
  EXPECT_EQ(parse_panes(row(fields)).value()[0].session_name, "bad \\xff utf-8");
}

TEST(Listing, AWindowInTwoSessionsIsOnePane) {
  auto second = usual();
  second[2] = "$9";
  EXPECT_EQ(parse_panes(row(usual()) + row(second)).value().size(), 1U);
}

TEST(Listing, RefusesAnotherShape) {
  auto fewer = usual();
  fewer.pop_back();
  auto more = usual();
  more.push_back("x");
  auto wrong = usual();
  wrong[0] = "3";
  for (const auto& fields : {fewer, more, wrong}) EXPECT_FALSE(parse_panes(row(fields)));
  EXPECT_TRUE(parse_panes(""));
  EXPECT_FALSE(parse_panes("\n"));
}

TEST(Listing, AnyBytesAreAnErrorOrPanes) {
  std::mt19937 random(7);
  const std::string good = row(usual()) + row(usual());
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (unsigned i = 0; i < 1 + random() % 4; ++i) text[random() % text.size()] = static_cast<char>(random() % 256);
    const auto panes = parse_panes(text);
    ASSERT_LE(panes ? panes->size() : 0, 3U);
  }
}

TEST(Listing, TheServersIdentity) {
  EXPECT_EQ(parse_server("12 1700000000\n").value(), (ServerId{12, 1'700'000'000}));
  for (const char* bad : {"", "12", "12 x", "x 12", "0 5", "-3 5", "12 5 6"}) EXPECT_FALSE(parse_server(bad)) << bad;
}

}  // namespace
}  // namespace ccd::tmux
