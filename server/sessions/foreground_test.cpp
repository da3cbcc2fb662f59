#include "sessions/foreground.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace ccd::sessions {
namespace {

TEST(Foreground, AStatLineIsReadWhateverTheNameHolds) {
  const auto stat = parse_stat("41 (a) b (c)) S 7 41 41 34816 99 4194304 1 2 3\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) b (c)");
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->foreground, 99);
  EXPECT_EQ(parse_stat("1 (init) S 0 1 1 0 -1 4194560")->foreground, -1);
  for (const char* broken : {"", "41", "41 (x", "41 (x) S", "41 (x) S y 1 1 1 1", ") ("})
    EXPECT_FALSE(parse_stat(broken)) << broken;
}

TEST(Foreground, NamesAreAsTmuxTellsThem) {
  EXPECT_EQ(program_name(std::string("/opt/x/claude\0--resume", 22)), "claude");
  EXPECT_EQ(program_name("-bash"), "bash");
  EXPECT_EQ(program_name("claude --settings"), "claude");
  EXPECT_EQ(program_name("a\x1b[31m"), "a?[31m");
  EXPECT_EQ(program_name(""), "");
}

// This process is no pane of anything.
TEST(Foreground, WhatIsNoPaneOfATmuxIsNotTold) {
  EXPECT_FALSE(foreground_of(::getpid(), ::getppid()));
  EXPECT_FALSE(foreground_of(::getpid(), 1));
  EXPECT_FALSE(foreground_of(0, 0));
}

}  // namespace
}  // namespace ccd::sessions
