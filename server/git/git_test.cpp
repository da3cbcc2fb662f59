// Finding repositories, and what is asked of them, on real ones.
#include "git/git.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "git/test_repository.hpp"

namespace ccd::git {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Git, FindsTheRepositoryFromAnywhereInIt) {
  TestRepository repo;
  repo.write("deep/er/b.txt", "x");
  const Repository here = repo.found(repo.top() + "/deep/er");
  EXPECT_EQ(here.top, repo.top());
  EXPECT_EQ(here.git_dir, repo.top() + "/.git");
  EXPECT_FALSE(here.linked());
  repo.git({"worktree", "add", "--quiet", "-b", "w", "../w"});
  const Repository linked = repo.found(repo.root() + "/w");
  EXPECT_TRUE(linked.linked());
  EXPECT_EQ(linked.common_dir, repo.top() + "/.git");
  EXPECT_EQ(linked.git_dir, repo.top() + "/.git/worktrees/w");
}

TEST(Git, FindsNothingWhereThereIsNone) {
  TestRepository repo;
  fs::create_directories(repo.root() + "/plain/folder");
  const auto none = repo.run(repo.room().find(repo.root() + "/plain/folder"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::not_found);
  // Above what is allowed nobody looks.
  EXPECT_EQ(repo.run(repo.room().find("/")).error().kind, ErrorKind::not_found);
}

TEST(Git, DoesNotLeaveTheAllowedFolders) {
  TestRepository repo;
  TestRepository other;
  for (const std::string& pointer : {"gitdir: " + other.top() + "/.git\n",
                                     "gitdir: ../../" + fs::path(other.root()).filename().string() + "/repo/.git\n"}) {
    fs::create_directories(repo.root() + "/decoy");
    repo.write("../decoy/.git", pointer);
    const auto refused = repo.run(repo.room().find(repo.root() + "/decoy"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::forbidden) << pointer;
  }
  fs::create_directories(repo.root() + "/linked");
  fs::create_symlink(other.top() + "/.git", repo.root() + "/linked/.git");
  EXPECT_EQ(repo.run(repo.room().find(repo.root() + "/linked")).error().kind, ErrorKind::invalid);
}

TEST(Git, IsNotConfusedByWhatIsNoRepository) {
  TestRepository repo;
  repo.write("../odd/.git", "nothing of the kind\n");
  EXPECT_EQ(repo.run(repo.room().find(repo.root() + "/odd")).error().kind, ErrorKind::invalid);
  repo.write("../empty/.git/HEAD", "ref: refs/heads/main\n");
  EXPECT_EQ(repo.run(repo.room().find(repo.root() + "/empty")).error().kind, ErrorKind::invalid);
  repo.write("../long/.git", "gitdir: " + std::string(20'000, 'x'));
  EXPECT_EQ(repo.run(repo.room().find(repo.root() + "/long")).error().kind, ErrorKind::too_large);
}

TEST(Git, StatusTellsBranchAndChanges) {
  TestRepository repo;
  repo.write("a.txt", "two\n");
  repo.write("staged name.txt", "new\n");
  repo.git({"add", "staged name.txt"});
  repo.write("unknown/one.txt", "x");
  const auto status = repo.run(repo.room().status(repo.found(repo.top())));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->branch, "main");
  EXPECT_EQ(status->head.size(), 40U);
  EXPECT_EQ(status->upstream, "");
  ASSERT_EQ(status->changes.size(), 3U);
  EXPECT_EQ(status->changes[0].path, "a.txt");
  EXPECT_EQ(status->changes[0].worktree, 'M');
  EXPECT_EQ(status->changes[1].path, "staged name.txt");
  EXPECT_EQ(status->changes[1].index, 'A');
  EXPECT_EQ(status->changes[2].path, "unknown/");
}

TEST(Git, StatusKnowsTheUpstream) {
  TestRepository repo;
  repo.git({"clone", "--quiet", "--bare", ".", "../origin.git"});
  repo.git({"remote", "add", "origin", "../origin.git"});
  repo.git({"fetch", "--quiet", "origin"});
  repo.git({"branch", "--quiet", "--set-upstream-to=origin/main"});
  repo.git({"commit", "--quiet", "--allow-empty", "-m", "ahead"});
  const auto status = repo.run(repo.room().status(repo.found(repo.top())));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->upstream, "origin/main");
  EXPECT_EQ(status->ahead, 1U);
  EXPECT_EQ(status->behind, 0U);
}

TEST(Git, StatusBeforeTheFirstCommit) {
  TestRepository repo(TestRepository::With::nothing);
  const auto status = repo.run(repo.room().status(repo.found(repo.top())));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->head, "");
  EXPECT_EQ(status->branch, "main");
}

TEST(Git, StatusOfAnSha256Repository) {
  TestRepository repo;
  repo.git({"init", "--quiet", "--object-format=sha256", "../wide"});
  const auto status = repo.run(repo.room().status(repo.found(repo.root() + "/wide")));
  ASSERT_TRUE(status) << status.error().message;
}

TEST(Git, FilesAreComparedAsTheRepositorySaysSo) {
  TestRepository repo;
  fs::permissions(repo.top() + "/a.txt", fs::perms::owner_exec, fs::perm_options::add);
  const Repository here = repo.found(repo.top());
  EXPECT_EQ(repo.run(repo.room().status(here))->changes.size(), 1U);
  repo.git({"config", "core.fileMode", "false"});
  EXPECT_TRUE(repo.run(repo.room().status(here))->changes.empty());
}

TEST(Git, DiffOfOneFileAndOfAll) {
  TestRepository repo;
  repo.write("a.txt", "two\n");
  repo.write("b.txt", "b\n");
  repo.git({"add", "b.txt"});
  const Repository here = repo.found(repo.top());
  const auto unstaged = repo.run(repo.room().diff(here, DiffOf::worktree, ""));
  ASSERT_TRUE(unstaged) << unstaged.error().message;
  EXPECT_THAT(unstaged->text, HasSubstr("-one\n+two\n"));
  EXPECT_THAT(unstaged->text, testing::Not(HasSubstr("b.txt")));
  EXPECT_THAT(repo.run(repo.room().diff(here, DiffOf::index, ""))->text, HasSubstr("+++ b/b.txt"));
  const auto both = repo.run(repo.room().diff(here, DiffOf::both, ""));
  EXPECT_THAT(both->text, testing::AllOf(HasSubstr("a.txt"), HasSubstr("b.txt")));
  EXPECT_EQ(repo.run(repo.room().diff(here, DiffOf::both, "*.txt"))->text, "");
  EXPECT_THAT(repo.run(repo.room().diff(here, DiffOf::both, "b.txt"))->text, testing::Not(HasSubstr("a.txt")));
  EXPECT_EQ(repo.run(repo.room().diff(here, DiffOf::both, "/etc/passwd")).error().field, "file");
}

TEST(Git, ALargeDiffIsCutOff) {
  TestRepository repo;
  repo.write("a.txt", std::string(3 * kMaxDiff, 'x') + "\n");
  const auto diff = repo.run(repo.room().diff(repo.found(repo.top()), DiffOf::worktree, ""));
  ASSERT_TRUE(diff) << diff.error().message;
  EXPECT_TRUE(diff->truncated);
  EXPECT_GT(diff->text.size(), kMaxDiff / 2);
  EXPECT_LE(diff->text.size(), kMaxDiff);
}

TEST(Git, NothingIsLeftInTheScratchFolder) {
  TestRepository repo;
  ASSERT_TRUE(repo.run(repo.room().status(repo.found(repo.top()))));
  EXPECT_TRUE(fs::is_empty(repo.root() + "/scratch"));
  fs::create_directories(repo.root() + "/scratch/repository-left01");
  asio::io_context loop;
  asio::thread_pool pool(1);
  const Git again(
      {.scratch = repo.root() + "/scratch"}, [](const std::string&) { return true; }, loop.get_executor(), &pool);
  EXPECT_TRUE(fs::is_empty(repo.root() + "/scratch"));
  pool.join();
}

TEST(Git, WithoutGitItSaysSo) {
  TestRepository repo;
  asio::io_context loop;
  asio::thread_pool pool(1);
  Git absent(
      {.program = "/nowhere/git", .scratch = repo.root() + "/other"}, [](const std::string&) { return true; },
      loop.get_executor(), &pool);
  std::optional<Result<Status>> out;
  TaskGroup group(loop.get_executor());
  auto ask = [](Git* git, Repository repository, std::optional<Result<Status>>* to) -> Task<void> {
    *to = co_await git->status(std::move(repository));
  };
  group.spawn("ask", ask(&absent, repo.found(repo.top()), &out));
  loop.run_for(std::chrono::seconds(20));
  ASSERT_TRUE(out);
  ASSERT_FALSE(*out);
  EXPECT_EQ(out->error().kind, ErrorKind::unavailable);
  EXPECT_THAT(out->error().message, HasSubstr("installed"));
  pool.join();
}

}  // namespace
}  // namespace ccd::git
