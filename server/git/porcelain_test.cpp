// git's answers: each form once, and what is not one.
#include "git/porcelain.hpp"

#include <gtest/gtest.h>

namespace ccd::git {
namespace {

using namespace std::string_literals;

TEST(Porcelain, StatusOfEveryKind) {
  const auto status = parse_status(
      "# branch.oid 0123456789012345678901234567890123456789\0# branch.head fix/it\0# branch.upstream origin/fix/it\0# "
      "branch.ab +2 -11\0"
      "1 .M N... 100644 100644 100644 aa bb a file with spaces\0"
      "1 M. S..U 160000 160000 160000 aa bb sub\0"
      "2 R. N... 100644 100644 100644 aa bb R100 new name\0old name\0"
      "u UU N... 100644 100644 100644 100644 aa bb cc both\nlines\0"
      "? new/\0! .env\0"s);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->branch, "fix/it");
  EXPECT_EQ(status->upstream, "origin/fix/it");
  EXPECT_EQ(status->ahead, 2U);
  EXPECT_EQ(status->behind, 11U);
  ASSERT_EQ(status->changes.size(), 6U);
  EXPECT_EQ(status->changes[0].path, "a file with spaces");
  EXPECT_EQ(status->changes[0].index, '.');
  EXPECT_EQ(status->changes[0].worktree, 'M');
  EXPECT_TRUE(status->changes[1].submodule);
  EXPECT_EQ(status->changes[2].path, "new name");
  EXPECT_EQ(status->changes[2].from, "old name");
  EXPECT_EQ(status->changes[3].kind, ChangeKind::unmerged);
  EXPECT_EQ(status->changes[3].path, "both\nlines");
  EXPECT_EQ(status->changes[4].kind, ChangeKind::untracked);
  EXPECT_EQ(status->changes[4].path, "new/");
  EXPECT_EQ(status->changes[5].kind, ChangeKind::ignored);
}

TEST(Porcelain, StatusBeforeTheFirstCommitAndWithoutABranch) {
  const auto initial = parse_status("# branch.oid (initial)\0# branch.head main\0"s);
  ASSERT_TRUE(initial);
  EXPECT_EQ(initial->head, "");
  EXPECT_EQ(initial->branch, "main");
  EXPECT_FALSE(initial->ahead);
  const auto detached = parse_status("# branch.oid 01\0# branch.head (detached)\0"s);
  ASSERT_TRUE(detached);
  EXPECT_EQ(detached->branch, "");
}

TEST(Porcelain, WhatIsNoStatusIsAnError) {
  for (const std::string& text :
       {"hello\0"s, "1 M\0"s, "1 .M N... 1 2 3 4 5\0"s, "2 R. N... 1 1 1 a b R100 new\0"s, "?\0"s, "x y\0"s})
    EXPECT_FALSE(parse_status(text)) << text;
}

TEST(Porcelain, MoreChangesThanAreShownAreCounted) {
  std::string text;
  for (std::size_t i = 0; i < kMaxChanges + 7; ++i) text += "? f" + std::to_string(i) + '\0';
  const auto status = parse_status(text);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->changes.size(), kMaxChanges);
  EXPECT_EQ(status->left_out, 7U);
}

TEST(Porcelain, Worktrees) {
  const auto all = parse_worktrees(
      "worktree /p/repo\0HEAD 01\0branch refs/heads/main\0\0worktree /p/w 1\0HEAD 02\0detached\0locked on a stick\0\0"
      "worktree /p/gone\0HEAD 0000\0branch refs/heads/x/y\0prunable gitdir file points to non-existent location\0\0"s);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_TRUE((*all)[0].main);
  EXPECT_EQ((*all)[0].branch, "main");
  EXPECT_FALSE((*all)[1].main);
  EXPECT_EQ((*all)[1].path, "/p/w 1");
  EXPECT_EQ((*all)[1].locked, "on a stick");
  EXPECT_EQ((*all)[2].head, "");
  EXPECT_EQ((*all)[2].branch, "x/y");
  EXPECT_TRUE((*all)[2].prunable);
  EXPECT_FALSE(parse_worktrees("HEAD 01\0"s));
}

TEST(Porcelain, ComplaintsAreFitToBeShown) {
  EXPECT_EQ(first_complaint("fatal: not that\x1b[31m one\nhint: more\n"), "not that\\x1b[31m one");
  EXPECT_EQ(first_complaint(""), "");
}

}  // namespace
}  // namespace ccd::git
