// Which of a repository's settings are taken over, as a table, and that what is written reads back.
#include "git/config.hpp"

#include <gtest/gtest.h>

namespace ccd::git {
namespace {

using namespace std::string_literals;

TEST(SafeConfig, TakesWhatDecidesAboutFilesAndBranches) {
  const auto config = safe_config(
      "core.filemode\nfalse\0core.autocrlf\ninput\0branch.fix \"it\".remote\norigin\0branch.fix "
      "\"it\".merge\nrefs/heads/fix\0"
      "remote.origin.fetch\n+refs/heads/*:refs/remotes/origin/*\0core.ignorecase\0"s);
  ASSERT_TRUE(config);
  EXPECT_EQ(
      config->text,
      "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[core]\n\tfilemode = \"false\"\n[core]\n\tautocrlf = "
      "\"input\"\n"
      "[branch \"fix \\\"it\\\"\"]\n\tremote = \"origin\"\n[branch \"fix \\\"it\\\"\"]\n\tmerge = \"refs/heads/fix\"\n"
      "[remote \"origin\"]\n\tfetch = \"+refs/heads/*:refs/remotes/origin/*\"\n[core]\n\tignorecase = \"true\"\n");
  EXPECT_FALSE(config->bare);
}

TEST(SafeConfig, TakesNothingThatNamesAProgramOrAFile) {
  for (const std::string& name : {"core.fsmonitor"s,
                                  "core.hookspath"s,
                                  "core.pager"s,
                                  "core.sshcommand"s,
                                  "core.editor"s,
                                  "core.worktree"s,
                                  "core.attributesfile"s,
                                  "core.excludesfile"s,
                                  "core.gitproxy"s,
                                  "core.askpass"s,
                                  "core.alternaterefscommand"s,
                                  "filter.x.clean"s,
                                  "filter.x.smudge"s,
                                  "filter.x.process"s,
                                  "filter.x.required"s,
                                  "diff.external"s,
                                  "diff.x.command"s,
                                  "diff.x.textconv"s,
                                  "merge.x.driver"s,
                                  "include.path"s,
                                  "includeif.gitdir:/.path"s,
                                  "alias.status"s,
                                  "pager.status"s,
                                  "credential.helper"s,
                                  "remote.origin.url"s,
                                  "remote.origin.promisor"s,
                                  "remote.origin.uploadpack"s,
                                  "branch.x.rebase"s,
                                  "submodule.x.update"s,
                                  "gpg.program"s,
                                  "uploadpack.packobjectshook"s,
                                  "core.a.filemode"s,
                                  "trailer.x.command"s,
                                  "url.x.insteadof"s}) {
    const auto config = safe_config(name + "\nsomething\0"s);
    ASSERT_TRUE(config) << name;
    EXPECT_EQ(config->text, "[core]\n\trepositoryformatversion = 0\n\tbare = false\n") << name;
  }
}

TEST(SafeConfig, ValuesCannotLeaveTheirLine) {
  const auto config = safe_config("branch.x.merge\nrefs\n[core]\n\tfsmonitor = evil \\ \"quoted\"\0"s);
  ASSERT_TRUE(config);
  EXPECT_NE(config->text.find("merge = \"refs\\n[core]\\n\tfsmonitor = evil \\\\ \\\"quoted\\\"\"\n"),
            std::string::npos)
      << config->text;
}

TEST(SafeConfig, FormatsThatAreKnownAndOthers) {
  const auto sha256 = safe_config("extensions.objectformat\nsha256\0"s);
  ASSERT_TRUE(sha256);
  EXPECT_NE(sha256->text.find("repositoryformatversion = 1"), std::string::npos);
  EXPECT_NE(sha256->text.find("objectformat = sha256"), std::string::npos);
  EXPECT_TRUE(safe_config("extensions.worktreeconfig\ntrue\0extensions.partialclone\norigin\0"s));
  for (const std::string& text :
       {"extensions.refstorage\nreftable\0"s, "extensions.something\nnew\0"s, "extensions.objectformat\nsha9\0"s}) {
    const auto refused = safe_config(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  }
}

TEST(SafeConfig, BareIsTold) {
  EXPECT_TRUE(safe_config("core.bare\ntrue\0"s)->bare);
  EXPECT_TRUE(safe_config("core.bare\0"s)->bare);
  EXPECT_FALSE(safe_config("core.bare\nfalse\0"s)->bare);
}

}  // namespace
}  // namespace ccd::git
