// Working trees: where they are made, and every reason for which one stays.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "git/test_repository.hpp"

namespace ccd::git {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = Obstacle::Kind;
using namespace std::string_literals;

MadeWorktree make(TestRepository& repo, NewWorktree wanted) {
  auto made = repo.run(repo.room().add_worktree(repo.found(repo.top()), std::move(wanted)));
  if (!made) ADD_FAILURE() << made.error().message;
  return made.value_or(MadeWorktree{});
}

Result<> remove(TestRepository& repo, const std::string& path, Removal removal = {}) {
  return repo.run(repo.room().remove_worktree(repo.found(path), removal));
}

TEST(Worktrees, ANewBranchInItsOwnFolder) {
  TestRepository repo;
  const MadeWorktree made = make(repo, {.branch = "feature/log-in"});
  EXPECT_EQ(made.path, repo.top() + "/.claude/worktrees/feature-log-in");
  EXPECT_TRUE(made.new_branch);
  EXPECT_EQ(TestRepository::read(made.path + "/a.txt"), "one\n");
  EXPECT_EQ(repo.git({"status", "--porcelain"}, made.path), "");
  EXPECT_EQ(repo.git({"rev-parse", "--abbrev-ref", "HEAD"}, made.path), "feature/log-in\n");
  // The main working tree does not see it.
  EXPECT_EQ(repo.git({"status", "--porcelain"}), "");
  const auto all = repo.run(repo.room().worktrees(repo.found(repo.top())));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[1].branch, "feature/log-in");
  EXPECT_EQ(repo.run(repo.room().status(repo.found(made.path)))->branch, "feature/log-in");
}

TEST(Worktrees, AnExistingBranchAndAnotherStart) {
  TestRepository repo;
  repo.git({"branch", "old"});
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "second"});
  const MadeWorktree old = make(repo, {.branch = "old"});
  EXPECT_FALSE(old.new_branch);
  const MadeWorktree from = make(repo, {.branch = "new", .from = "old"});
  EXPECT_EQ(repo.git({"rev-parse", "HEAD"}, from.path), repo.git({"rev-parse", "old"}));
  // From inside a linked one it still comes to lie beside it, not in it.
  const auto third = repo.run(repo.room().add_worktree(repo.found(old.path), {.branch = "third"}));
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_EQ(third->path, repo.top() + "/.claude/worktrees/third");
  EXPECT_EQ(repo.git({"rev-parse", "HEAD"}, third->path), repo.git({"rev-parse", "old"}));
}

TEST(Worktrees, ABranchThatOnlyARemoteHasIsTaken) {
  TestRepository repo;
  repo.git({"branch", "theirs"});
  repo.git({"clone", "--quiet", "--bare", ".", "../origin.git"});
  repo.git({"branch", "-D", "theirs"});
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "second"});
  repo.git({"remote", "add", "origin", "../origin.git"});
  repo.git({"fetch", "--quiet", "origin"});
  const MadeWorktree made = make(repo, {.branch = "theirs"});
  EXPECT_EQ(repo.git({"rev-parse", "HEAD"}, made.path), repo.git({"rev-parse", "origin/theirs"}));
  EXPECT_EQ(repo.run(repo.room().status(repo.found(made.path)))->upstream, "origin/theirs");
}

TEST(Worktrees, WhatCannotBeMadeSaysWhy) {
  TestRepository repo;
  const Repository here = repo.found(repo.top());
  const auto refused = [&](NewWorktree wanted) {
    return repo.run(repo.room().add_worktree(here, std::move(wanted))).error();
  };
  for (const std::string& name :
       {""s, "-f"s, "a..b"s, "a b"s, "a~1"s, "x.lock"s, "a\nb"s, "@{-1}"s, std::string(300, 'x')})
    EXPECT_EQ(refused({.branch = name}).field, "branch") << name;
  for (const std::string& from : {"nowhere"s, "--help"s, "main:a.txt"s})
    EXPECT_EQ(refused({.branch = "ok", .from = from}).field, "from") << from;
  EXPECT_THAT(refused({.branch = "main"}).message, HasSubstr("already checked out"));
  fs::remove_all(repo.top() + "/.claude");
  TestRepository empty(TestRepository::With::nothing);
  const auto none = empty.run(empty.room().add_worktree(empty.found(empty.top()), {.branch = "x"}));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no commit yet"));
  // A link in the place of the folder leads nowhere.
  fs::create_directories(repo.root() + "/elsewhere");
  fs::create_symlink(repo.root() + "/elsewhere", repo.top() + "/.claude");
  EXPECT_EQ(refused({.branch = "ok"}).kind, ErrorKind::conflict);
  EXPECT_TRUE(fs::is_empty(repo.root() + "/elsewhere"));
}

TEST(Worktrees, BranchesByTheirAge) {
  TestRepository repo;
  repo.git({"branch", "feature/old"});
  const auto branches = repo.run(repo.room().branches(repo.found(repo.top())));
  ASSERT_TRUE(branches) << branches.error().message;
  EXPECT_THAT(*branches, testing::UnorderedElementsAre("main", "feature/old"));
}

TEST(Worktrees, TwoBranchesOfOneFolderName) {
  TestRepository repo;
  EXPECT_EQ(make(repo, {.branch = "a/b"}).path, repo.top() + "/.claude/worktrees/a-b");
  EXPECT_EQ(make(repo, {.branch = "a-b"}).path, repo.top() + "/.claude/worktrees/a-b-2");
}

TEST(Worktrees, ACleanOneIsRemovedAndItsBranchStays) {
  TestRepository repo;
  const MadeWorktree made = make(repo, {.branch = "done"});
  EXPECT_THAT(repo.kinds(made.path), IsEmpty());
  const auto removed = remove(repo, made.path);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(fs::exists(made.path));
  EXPECT_FALSE(fs::exists(repo.top() + "/.git/worktrees/done"));
  EXPECT_EQ(repo.git({"rev-parse", "--verify", "done"}).size(), 41U);
  EXPECT_EQ(repo.git({"worktree", "list"}).find(".claude"), std::string::npos);
}

TEST(Worktrees, WhatIsNotCommittedStays) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.write(".claude/worktrees/w/a.txt", "changed\n");
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::uncommitted));
  const auto refused = remove(repo, path, {.ignored_files = true, .keep_branch = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("changes are not committed: a.txt"));
  repo.git({"add", "a.txt"}, path);
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::uncommitted));
  EXPECT_FALSE(remove(repo, path));
  EXPECT_EQ(TestRepository::read(path + "/a.txt"), "changed\n");
}

TEST(Worktrees, UntrackedFilesStay) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.write(".claude/worktrees/w/notes/deep.md", "mine");
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::untracked));
  EXPECT_THAT(remove(repo, path, {.ignored_files = true, .keep_branch = true}).error().message,
              HasSubstr("notes/deep.md"));
  EXPECT_EQ(TestRepository::read(path + "/notes/deep.md"), "mine");
}

TEST(Worktrees, UntrackedFilesThatARepositoryHidesStay) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"config", "status.showUntrackedFiles", "no"});
  repo.write(".claude/worktrees/w/notes.md", "mine");
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::untracked));
  EXPECT_FALSE(remove(repo, path));
  EXPECT_TRUE(fs::exists(path + "/notes.md"));
}

TEST(Worktrees, IgnoredFilesGoOnlyWhenThatIsSaid) {
  TestRepository repo;
  repo.write(".gitignore", ".env\nbuild/\n");
  repo.git({"add", ".gitignore"});
  repo.git({"commit", "--quiet", "-m", "ignore"});
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.write(".claude/worktrees/w/.env", "SECRET=1");
  repo.write(".claude/worktrees/w/build/x.o", "x");
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::ignored));
  EXPECT_THAT(remove(repo, path).error().message, testing::AllOf(HasSubstr(".env"), HasSubstr("build/")));
  EXPECT_TRUE(fs::exists(path + "/.env"));
  EXPECT_TRUE(remove(repo, path, {.ignored_files = true}));
  EXPECT_FALSE(fs::exists(path));
}

TEST(Worktrees, ARepositoryInAnIgnoredFolderStays) {
  TestRepository repo;
  repo.write(".gitignore", "vendor/\n");
  repo.git({"add", ".gitignore"});
  repo.git({"commit", "--quiet", "-m", "ignore"});
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"init", "--quiet", path + "/vendor/lib/theirs"});
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::ignored, Kind::nested));
  EXPECT_FALSE(remove(repo, path, {.ignored_files = true}));
  EXPECT_TRUE(fs::exists(path + "/vendor/lib/theirs/.git/HEAD"));
}

TEST(Worktrees, CommitsThatAreNowhereElseStay) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "only here"}, path);
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::unmerged));
  EXPECT_THAT(remove(repo, path).error().message, testing::AllOf(HasSubstr("branch w alone"), HasSubstr("only here")));
  EXPECT_TRUE(fs::exists(path));
  // Pushed is as good as merged.
  repo.git({"clone", "--quiet", "--bare", ".", "../origin.git"});
  repo.git({"remote", "add", "origin", "../origin.git"});
  repo.git({"fetch", "--quiet", "origin"});
  EXPECT_THAT(repo.kinds(path), IsEmpty());
  repo.git({"update-ref", "-d", "refs/remotes/origin/w"});
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::unmerged));
  repo.git({"merge", "--quiet", "w"});
  EXPECT_THAT(repo.kinds(path), IsEmpty());
  EXPECT_TRUE(remove(repo, path));
}

TEST(Worktrees, ABranchCanBeKeptWithItsCommits) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "only here"}, path);
  EXPECT_TRUE(remove(repo, path, {.keep_branch = true}));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_THAT(repo.git({"log", "--format=%s", "w"}), HasSubstr("only here"));
}

TEST(Worktrees, CommitsOnNoBranchStay) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"checkout", "--quiet", "--detach"}, path);
  EXPECT_THAT(repo.kinds(path), IsEmpty());
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "loose"}, path);
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::detached));
  EXPECT_FALSE(remove(repo, path, {.ignored_files = true, .keep_branch = true}));
  EXPECT_TRUE(fs::exists(path));
}

TEST(Worktrees, ALockedOneStays) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"worktree", "lock", "--reason", "on a stick", path});
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::locked));
  EXPECT_THAT(remove(repo, path).error().message, HasSubstr("on a stick"));
  EXPECT_TRUE(fs::exists(path));
}

TEST(Worktrees, OneWithSubmodulesStays) {
  TestRepository repo;
  TestRepository library;
  repo.git({"-c", "protocol.file.allow=always", "submodule", "add", "--quiet", library.top(), "lib"});
  repo.git({"commit", "--quiet", "-m", "library"});
  const std::string path = make(repo, {.branch = "w"}).path;
  EXPECT_THAT(repo.kinds(path), ElementsAre(Kind::submodules));
  EXPECT_FALSE(remove(repo, path, {.ignored_files = true, .keep_branch = true}));
  EXPECT_TRUE(fs::exists(path));
}

TEST(Worktrees, WhatGitWasToldNotToLookAtStays) {
  TestRepository repo;
  repo.write("b.txt", "b\n");
  repo.git({"add", "b.txt"});
  repo.git({"commit", "--quiet", "-m", "b"});
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"update-index", "--assume-unchanged", "a.txt"}, path);
  repo.git({"update-index", "--skip-worktree", "b.txt"}, path);
  repo.write(".claude/worktrees/w/a.txt", "hidden change\n");
  const auto found = repo.run(repo.room().obstacles(repo.found(path)));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().kind, Kind::hidden);
  EXPECT_THAT(found->front().items, ElementsAre("a.txt", "b.txt"));
  EXPECT_FALSE(remove(repo, path, {.ignored_files = true, .keep_branch = true}));
  EXPECT_EQ(TestRepository::read(path + "/a.txt"), "hidden change\n");
}

TEST(Worktrees, OneWithAMergeUnderWayStays) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "theirs"});
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "ours"}, path);
  repo.git({"merge", "--quiet", "--no-commit", "--no-ff", "main"}, path);
  EXPECT_THAT(repo.kinds(path), Contains(Kind::operation));
  EXPECT_FALSE(remove(repo, path, {.ignored_files = true, .keep_branch = true}));
}

TEST(Worktrees, TheMainOneStays) {
  TestRepository repo;
  EXPECT_THAT(repo.kinds(repo.top()), ElementsAre(Kind::main));
  EXPECT_FALSE(remove(repo, repo.top(), {.ignored_files = true, .keep_branch = true}));
  EXPECT_TRUE(repo.exists("a.txt"));
}

TEST(Worktrees, OneThatGitCannotReadStays) {
  TestRepository repo;
  const std::string path = make(repo, {.branch = "w"}).path;
  repo.write(".git/worktrees/w/index", "broken");
  EXPECT_THAT(repo.kinds(path), Contains(Kind::unsure));
  const auto refused = remove(repo, path, {.ignored_files = true, .keep_branch = true});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(fs::exists(path + "/a.txt"));
}

TEST(Worktrees, ABareRepositoryWithWorkingTrees) {
  TestRepository repo;
  repo.git({"clone", "--quiet", "--bare", ".", "../layout/.bare"});
  repo.write("../layout/.git", "gitdir: ./.bare\n");
  repo.git({"worktree", "add", "--quiet", "../main", "main"}, repo.root() + "/layout/.bare");
  const std::string tree = repo.root() + "/layout/main";
  const auto status = repo.run(repo.room().status(repo.found(tree)));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->branch, "main");
  const auto bare = repo.run(repo.room().status(repo.found(repo.root() + "/layout")));
  ASSERT_FALSE(bare);
  EXPECT_THAT(bare.error().message, HasSubstr("bare"));
  const auto made = repo.run(repo.room().add_worktree(repo.found(tree), {.branch = "w"}));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(repo.run(repo.room().remove_worktree(repo.found(made->path), {})));
}

TEST(Worktrees, ObstaclesInWords) {
  std::vector<Obstacle> all{
      {.kind = Kind::ignored, .text = "ignored files go", .items = {"a", "b", "c", "d", "e", "f"}, .more = 4},
      {.kind = Kind::locked, .text = "it is locked"}};
  EXPECT_EQ(describe(all), "ignored files go: a, b, c, d, e and 5 more; it is locked");
  EXPECT_EQ(in_the_way(all, {.ignored_files = true}).size(), 1U);
  EXPECT_EQ(in_the_way(all, {}).size(), 2U);
}

}  // namespace
}  // namespace ccd::git
