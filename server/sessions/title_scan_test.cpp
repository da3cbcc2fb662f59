#include "sessions/title_scan.hpp"

#include <gtest/gtest.h>

namespace ccd::sessions {
namespace {

TEST(TitleScan, TitlesAreFoundInAnyPieces) {
  const std::string text = "work\x1b[31m\x1b]0;first\x07more\x1b]2;\u25D0 second\x1b\\ and \x1b]8;;http://x\x07 end";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    TitleScan scan;
    bool found = false;
    for (std::size_t at = 0; at < text.size(); at += piece)
      found = scan.feed(std::string_view(text).substr(at, piece)) || found;
    EXPECT_TRUE(found) << piece;
    EXPECT_EQ(scan.title(), "\u25D0 second") << piece;
  }
}

TEST(TitleScan, WhatIsNoTitleChangesNothing) {
  TitleScan scan;
  EXPECT_TRUE(scan.feed("\x1b]0;kept\x07"));
  EXPECT_FALSE(scan.feed("\x1b]1;icon\x07\x1b]52;c;aGk=\x07"));
  EXPECT_FALSE(scan.feed("\x1b]0;broken\xff\x07"));
  EXPECT_FALSE(scan.feed("\x1b]0;cut\x1b[0m"));
  EXPECT_FALSE(scan.feed("\x1b]0;" + std::string(5000, 'x') + "\x07"));
  EXPECT_FALSE(scan.feed("\x1b]0;begun"));
  scan.skip();
  EXPECT_FALSE(scan.feed(" and lost\x07"));
  EXPECT_EQ(scan.title(), "kept");
  EXPECT_TRUE(scan.feed("\x1b]0;\x07"));
  EXPECT_EQ(scan.title(), "");
}

TEST(TitleScan, ATitleWithoutEndIsNotKept) {
  TitleScan scan;
  EXPECT_FALSE(scan.feed("\x1b]0;"));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(scan.feed(std::string(1000, 'x')));
  EXPECT_FALSE(scan.feed("\x07"));
  EXPECT_TRUE(scan.feed("\x1b]2;after\x07"));
  EXPECT_EQ(scan.title(), "after");
}

}  // namespace
}  // namespace ccd::sessions
