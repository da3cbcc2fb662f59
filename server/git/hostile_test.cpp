// A repository that was made to run programs in whoever looks at it: nothing runs, whatever is asked.
#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "git/test_repository.hpp"

namespace ccd::git {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// Each trap touches a file of its own name when it goes off.
class Trapped : public testing::Test {
 protected:
  void SetUp() override {
    repo_.write(".gitattributes", "*.txt filter=evil diff=evil merge=evil\n*.bin filter=slow\n*.inc filter=more\n");
    repo_.write("b.bin", "b\n");
    repo_.write("c.inc", "c\n");
    repo_.git({"add", "."});
    repo_.git({"commit", "--quiet", "-m", "second"});
    repo_.git({"worktree", "add", "--quiet", "-b", "old", repo_.root() + "/tree"});
    fs::create_directories(traps());
    set_traps();
  }

  [[nodiscard]] std::string traps() const { return repo_.root() + "/traps"; }
  [[nodiscard]] std::string spring(const std::string& name) const { return "touch " + traps() + "/" + name; }

  // As `git config` would, without a process for each.
  void set(const std::string& name, const std::string& value) {
    const std::size_t first = name.find('.');
    const std::size_t last = name.rfind('.');
    std::ofstream file(repo_.top() + "/.git/config", std::ios::app);
    file << "[" << name.substr(0, first);
    if (last > first) file << " \"" << name.substr(first + 1, last - first - 1) << "\"";
    file << "]\n\t" << name.substr(last + 1) << " = \"" << value << "\"\n";
  }

  void set_traps() {
    set("core.fsmonitor", spring("fsmonitor"));
    set("core.hooksPath", repo_.top() + "/hooks");
    set("core.pager", spring("pager"));
    set("core.editor", spring("editor"));
    set("core.sshCommand", spring("ssh"));
    set("core.gitProxy", spring("proxy"));
    set("core.askPass", spring("askpass"));
    set("core.alternateRefsCommand", spring("alternates"));
    set("diff.external", spring("external"));
    set("diff.evil.command", spring("driver"));
    set("diff.evil.textconv", spring("textconv"));
    set("merge.evil.driver", spring("merge"));
    set("filter.evil.clean", spring("clean") + "; cat");
    set("filter.evil.smudge", spring("smudge") + "; cat");
    set("filter.evil.required", "true");
    set("filter.slow.process", spring("process"));
    set("credential.helper", "!" + spring("credential"));
    set("gpg.program", spring("gpg"));
    set("log.showSignature", "true");
    for (const char* command :
         {"status", "diff", "log", "worktree", "reset", "ls-files", "rev-parse", "config", "show-ref"}) {
      set("alias."s + command, "!" + spring("alias"));
      set("pager."s + command, spring("pager-of-command"));
    }
    // A missing object would be fetched, by a helper that is a command.
    set("remote.evil.url", "ext::sh -c " + spring("fetch").replace(5, 1, "% "));
    set("remote.evil.promisor", "true");
    set("remote.evil.fetch", "+refs/heads/*:refs/remotes/evil/*");
    set("extensions.partialClone", "evil");
    set("core.repositoryFormatVersion", "1");
    set("protocol.ext.allow", "always");
    for (const char* hook : {"post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc",
                             "fsmonitor-watchman", "post-rewrite", "pre-commit"}) {
      for (const std::string& folder : {repo_.top() + "/hooks"s, repo_.top() + "/.git/hooks"s}) {
        const std::string path = folder + "/" + hook;
        fs::create_directories(folder);
        std::ofstream(path) << "#!/bin/sh\n" << spring("hook-"s + hook) << "\n";
        fs::permissions(path, fs::perms::owner_all);
      }
    }
    // Another file with more of the same.
    std::ofstream(repo_.top() + "/.git/more") << "[filter \"more\"]\n\tclean = " << spring("included") << "; cat\n";
    set("include.path", "more");
    // So that every file's content has to be looked at.
    for (const std::string& folder : {repo_.top(), repo_.root() + "/tree"}) {
      std::ofstream(folder + "/a.txt") << "changed\n";
      // As long as it was: git has to look into it even for a status.
      std::ofstream(folder + "/b.bin") << "B\n";
      std::ofstream(folder + "/c.inc") << "changed\n";
    }
  }

  [[nodiscard]] std::vector<std::string> sprung() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(traps())) out.push_back(entry.path().filename().string());
    return out;
  }

  TestRepository repo_;
};

TEST_F(Trapped, TheTrapsWork) {
  // Without this the others prove nothing: as its owner would ask, they go off.
  repo_.git({"-c", "filter.slow.process=", "status"});
  repo_.git({"-c", "filter.slow.process=", "diff", "--no-ext-diff"});
  (void)repo_.attempt({"status"});
  EXPECT_THAT(sprung(), testing::Contains("process"s));
  EXPECT_THAT(sprung(),
              testing::IsSupersetOf({"fsmonitor"s, "clean"s, "textconv"s, "included"s, "hook-post-index-change"s}));
}

TEST_F(Trapped, StatusRunsNothing) {
  for (const std::string& folder : {repo_.top(), repo_.root() + "/tree"}) {
    const auto status = repo_.run(repo_.room().status(repo_.found(folder)));
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_GE(status->changes.size(), 2U);
  }
  EXPECT_THAT(sprung(), testing::IsEmpty());
}

TEST_F(Trapped, DiffsRunNothing) {
  for (const DiffOf what : {DiffOf::worktree, DiffOf::index, DiffOf::both}) {
    const auto diff = repo_.run(repo_.room().diff(repo_.found(repo_.top()), what, ""));
    ASSERT_TRUE(diff) << diff.error().message;
    EXPECT_EQ(diff->text.find("+changed") != std::string::npos, what != DiffOf::index);
  }
  EXPECT_THAT(sprung(), testing::IsEmpty());
}

TEST_F(Trapped, WorktreesRunNothing) {
  ASSERT_TRUE(repo_.run(repo_.room().worktrees(repo_.found(repo_.top()))));
  const auto made = repo_.run(repo_.room().add_worktree(repo_.found(repo_.top()), {.branch = "fresh"}));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(TestRepository::read(made->path + "/a.txt"), "one\n");
  EXPECT_THAT(sprung(), testing::IsEmpty());
  const auto clean = repo_.run(repo_.room().obstacles(repo_.found(made->path)));
  ASSERT_TRUE(clean);
  EXPECT_EQ(describe(*clean), "");
  const auto dirty = repo_.run(repo_.room().obstacles(repo_.found(repo_.root() + "/tree")));
  ASSERT_TRUE(dirty);
  EXPECT_FALSE(dirty->empty());
  EXPECT_FALSE(repo_.run(
      repo_.room().remove_worktree(repo_.found(repo_.root() + "/tree"), {.ignored_files = true, .keep_branch = true})));
  const auto removed = repo_.run(repo_.room().remove_worktree(repo_.found(made->path), {}));
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(fs::exists(made->path));
  EXPECT_THAT(sprung(), testing::IsEmpty());
}

TEST_F(Trapped, WhatAWorkingTreeHasOfItsOwnRunsNothing) {
  set("extensions.worktreeConfig", "true");
  std::ofstream(repo_.top() + "/.git/worktrees/tree/config.worktree")
      << "[core]\n\tfsmonitor = " << spring("worktree-config")
      << "\n[filter \"evil\"]\n\tclean = " << spring("worktree-config") << "\n";
  std::ofstream(repo_.top() + "/.git/worktrees/tree/config")
      << "[core]\n\tfsmonitor = " << spring("worktree-config") << "\n";
  ASSERT_TRUE(repo_.run(repo_.room().status(repo_.found(repo_.root() + "/tree"))));
  EXPECT_THAT(sprung(), testing::IsEmpty());
}

TEST_F(Trapped, ASubmoduleRunsNothing) {
  TestRepository library;
  repo_.git({"-c", "core.hooksPath=/dev/null", "-c", "filter.slow.process=", "-c", "protocol.file.allow=always",
             "submodule", "add", "--quiet", library.top(), "lib"});
  repo_.git({"config", "--file", ".git/modules/lib/config", "core.fsmonitor", spring("submodule")});
  repo_.git({"config", "--file", ".git/modules/lib/config", "filter.evil.clean", spring("submodule")});
  for (const auto& entry : fs::directory_iterator(traps())) fs::remove(entry.path());
  std::ofstream(repo_.top() + "/lib/a.txt") << "changed\n";
  ASSERT_TRUE(repo_.run(repo_.room().status(repo_.found(repo_.top()))));
  ASSERT_TRUE(repo_.run(repo_.room().diff(repo_.found(repo_.top()), DiffOf::both, "")));
  EXPECT_THAT(sprung(), testing::IsEmpty());
}

TEST_F(Trapped, AMissingObjectIsNotFetched) {
  // The blob of a.txt goes: what needs it fails, and asks nobody.
  const std::string id = repo_.git({"rev-parse", "HEAD:a.txt"}).substr(0, 40);
  fs::remove(repo_.top() + "/.git/objects/" + id.substr(0, 2) + "/" + id.substr(2));
  EXPECT_FALSE(repo_.run(repo_.room().diff(repo_.found(repo_.top()), DiffOf::worktree, "a.txt")));
  const auto made = repo_.run(repo_.room().add_worktree(repo_.found(repo_.top()), {.branch = "fresh"}));
  EXPECT_FALSE(made);
  EXPECT_FALSE(fs::exists(repo_.top() + "/.claude/worktrees/fresh"))
      << "a working tree that could not be written out does not stay";
  EXPECT_THAT(sprung(), testing::IsEmpty());
}

TEST_F(Trapped, AConfigurationThatIsNoFileHoldsNobodyUp) {
  fs::remove(repo_.top() + "/.git/config");
  ASSERT_EQ(::mkfifo((repo_.top() + "/.git/config").c_str(), 0600), 0);
  const auto status = repo_.run(repo_.room().status(repo_.found(repo_.top())));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace ccd::git
