// The input line on screens as the real client draws them.
#include "agents/composer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "terminal/screen.hpp"

namespace ccd::agents {
namespace {

const std::string kRule = [] {
  std::string out = "\x1b[38;5;244m";
  for (int i = 0; i < 40; ++i) out += "\u2500";
  return out + "\x1b[39m\r\n";
}();
const std::string kFoot = "  \x1b[38;5;246m\u23f8 manual mode on\x1b[39m";

Composer seen(const std::string& output) {
  terminal::Screen screen({.cols = 60, .rows = 16});
  screen.feed(output);
  return find_composer(terminal::rows_since(screen, 0));
}

TEST(Composer, EmptyIsTheMarkAlone) {
  const Composer found = seen("an answer\r\n\r\n" + kRule + "\u276f\u00a0\x1b[7m \x1b[0m\r\n" + kRule + kFoot);
  EXPECT_TRUE(found.shown);
  EXPECT_TRUE(found.empty()) << found.text;
}

TEST(Composer, AHintIsNotText) {
  EXPECT_TRUE(seen(kRule + "\u276f\u00a0\x1b[2mTry \"fix the lint errors\"\x1b[22m\r\n" + kRule + kFoot).empty());
}

TEST(Composer, TextAndPastesAreThere) {
  EXPECT_EQ(seen(kRule + "\u276f\u00a0short one\x1b[7m \x1b[0m\r\n" + kRule + kFoot).text, "short one");
  EXPECT_EQ(seen(kRule + "\u276f\u00a0[Pasted text #1 +3 lines]\r\n" + kRule + kFoot).text,
            "[Pasted text #1 +3 lines]");
  EXPECT_EQ(seen(kRule + "\u276f\u00a0first\r\n  second\r\n" + kRule + kFoot).text, "first\nsecond");
}

TEST(Composer, TextThatIsScrolledOutIsThere) {
  const auto more = [](const std::string& what) {
    return "\x1b[38;5;244m\u2500\u2500\u2500 " + what + " \u2500" + kRule;
  };
  EXPECT_EQ(seen(more("\u2191 7 more") + "\r\n  the end\r\n" + kRule + kFoot).text, "\u2026\nthe end");
  EXPECT_EQ(seen(more("\u2191 7 more") + "\r\n\r\n" + kRule + kFoot).text, "\u2026");
  EXPECT_EQ(seen(kRule + "\u276f\u00a0the begin\r\n" + more("\u2193 2 more") + kFoot).text, "the begin\u2026");
}

TEST(Composer, WhatWasSentBeforeIsNotTheInputLine) {
  EXPECT_FALSE(seen("\u276f an earlier prompt\r\n\r\nan answer\r\n").shown);
  EXPECT_TRUE(
      seen("\u276f an earlier prompt\r\n\r\nan answer\r\n" + kRule + "\u276f\u00a0\r\n" + kRule + kFoot).empty());
}

TEST(Composer, ADialogHasNone) {
  EXPECT_FALSE(
      seen(kRule +
           " Bash command\r\n\r\n   rm -rf build\r\n\r\n Do you want to proceed?\r\n \u276f 1. Yes\r\n   2. No\r\n")
          .shown);
  EXPECT_FALSE(seen(kRule + " Do you want to proceed?\r\n \u276f 1. Yes\r\n" + kRule + kFoot).shown);
}

TEST(Composer, NothingAtAll) {
  EXPECT_FALSE(seen("").shown);
  EXPECT_FALSE(seen(kRule + kRule + kRule).shown);
  EXPECT_FALSE(seen("\u276f\u00a0\r\n").shown);
}

}  // namespace
}  // namespace ccd::agents
