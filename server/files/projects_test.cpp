// Project folders: opening, finding them again, comparing with a process's folder, listing.
#include "files/projects.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "files/test_tree.hpp"

namespace ccd::files {
namespace {

using ::testing::ElementsAre;

// A child that entered `folder` and waits there until it is destroyed.
class ChildIn {
 public:
  explicit ChildIn(const std::string& folder) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      if (::chdir(folder.c_str()) != 0) std::_Exit(1);
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) ADD_FAILURE() << "child did not enter " << folder;
    ::close(ready[0]);
  }
  ~ChildIn() { end(); }
  ChildIn(const ChildIn&) = delete;
  ChildIn& operator=(const ChildIn&) = delete;
  void end() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ended_ = std::exchange(pid_, -1);
  }
  [[nodiscard]] pid_t pid() const { return pid_ > 0 ? pid_ : ended_; }

 private:
  pid_t pid_ = -1;
  pid_t ended_ = -1;
};

TEST(ProjectFolder, OpensBelowTheRootsAndTellsTheCanonicalPath) {
  const TestTree tree;
  tree.folder("work/one");
  tree.link("work", "w");
  const auto roots = tree.roots();
  EXPECT_EQ(open_project_folder(roots, tree.in("w/one")).value().path, tree.in("work/one"));
  EXPECT_EQ(open_project_folder(roots, tree.root().string()).value().path, tree.root().string());
}

TEST(ProjectFolder, OutsideIsForbiddenWithTheFixedMessage) {
  const TestTree tree;
  tree.file("file");
  std::filesystem::create_directories(tree.top() / "srv/app-evil");
  tree.link("../../canary", "out");
  tree.link("/no/such", "dangling");
  const auto roots = tree.roots();
  for (const auto& path :
       {tree.in("out"), tree.in("dangling"), tree.in("../app-evil"), tree.root().string() + "-evil",
        (tree.top() / "canary").string(), std::string("/"), std::string("relative"), std::string()}) {
    const auto folder = open_project_folder(roots, path);
    ASSERT_FALSE(folder) << path;
    EXPECT_EQ(folder.error().kind, ErrorKind::forbidden);
    EXPECT_EQ(folder.error().message, kOutsideMessage);
  }
  EXPECT_EQ(open_project_folder(roots, tree.in("file")).error().kind, ErrorKind::conflict);
  EXPECT_EQ(open_project_folder(roots, tree.in("nope")).error().kind, ErrorKind::not_found);
}

TEST(RealPath, FollowsRenamesAndNoticesRemovalAndNamesakes) {
  const TestTree tree;
  tree.folder("a");
  const auto folder = open_project_folder(tree.roots(), tree.in("a")).value();
  std::filesystem::rename(tree.in("a"), tree.in("b"));
  EXPECT_EQ(real_path_of(folder.fd.get()).value(), tree.in("b"));
  std::filesystem::remove(tree.in("b"));
  EXPECT_EQ(real_path_of(folder.fd.get()).error().kind, ErrorKind::conflict);
  tree.folder("b (deleted)");  // what the kernel's text for the removed folder says
  EXPECT_EQ(real_path_of(folder.fd.get()).error().kind, ErrorKind::conflict);
}

// As the server hardens itself: its own /proc entries then belong to root.
TEST(RealPath, WorksInAProcessThatIsNotDumpable) {
  const TestTree tree;
  std::filesystem::permissions(tree.top(), std::filesystem::perms::all);
  EXPECT_EXIT(
      {
        if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) std::_Exit(1);
        if (::prctl(PR_SET_DUMPABLE, 0) != 0) std::_Exit(2);
        const auto folder = open_project_folder(tree.roots(), tree.root().string());
        std::_Exit(folder && folder->path == tree.root().string() ? 0 : 3);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(SameFolder, ComparesTheFolderNotItsName) {
  const TestTree tree;
  tree.folder("project");
  const auto folder = open_project_folder(tree.roots(), tree.in("project")).value();
  const ChildIn right(folder.path);
  EXPECT_TRUE(same_folder(folder.fd.get(), right.pid()).value());
  // Swapped for a link between open_project_folder and the moment the other program enters by path.
  std::filesystem::rename(tree.in("project"), tree.in("moved"));
  tree.link("../../canary", "project");
  const ChildIn wrong(folder.path);
  EXPECT_FALSE(same_folder(folder.fd.get(), wrong.pid()).value());
  EXPECT_TRUE(same_folder(folder.fd.get(), right.pid()).value());
}

TEST(SameFolder, EndedProcessIsNotFound) {
  const TestTree tree;
  const auto folder = open_project_folder(tree.roots(), tree.root().string()).value();
  ChildIn child(folder.path);
  child.end();
  const auto same = same_folder(folder.fd.get(), child.pid());
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().kind, ErrorKind::not_found);
}

TEST(Projects, RootsAndTheirFoldersWithTheGitFlag) {
  const TestTree tree;
  tree.folder("api/.git");
  tree.file("tree/.git", "gitdir: /elsewhere");
  tree.folder("plain10");
  tree.folder("plain9");
  tree.folder(".cache");
  tree.file("file");
  tree.link("api", "link");
  tree.link("../../canary", "out");
  tree.link("../../canary/file", "fake/.git");
  const auto got = list_projects(tree.roots());
  std::vector<std::string> shown;
  for (const auto& p : got.projects) shown.push_back(p.name + (p.is_git ? "+git" : "") + (p.is_root ? "+root" : ""));
  EXPECT_THAT(shown, ElementsAre("app+root", "api+git", "fake", "link+git", "plain9", "plain10", "tree+git"));
  EXPECT_FALSE(got.truncated);
  for (const auto& p : got.projects) EXPECT_TRUE(open_project_folder(tree.roots(), p.path)) << p.path;
}

TEST(Projects, StopsAtTheLimitAndNamesRootsThatAreGone) {
  const TestTree tree;
  std::filesystem::create_directories(tree.top() / "gone");
  const auto roots = Roots::open({(tree.top() / "gone").string(), tree.root().string()}).value();
  std::filesystem::permissions(tree.top() / "gone", std::filesystem::perms::none);
  for (std::size_t i = 0; i < kMaxProjects; ++i) tree.folder(std::to_string(i));
  std::filesystem::permissions(tree.top(), std::filesystem::perms::all);
  EXPECT_EXIT(
      {
        if (::geteuid() == 0 && ::seteuid(65534) != 0) std::_Exit(1);
        const auto got = list_projects(roots);
        const bool right = got.projects.size() == kMaxProjects && got.truncated && got.unreadable.size() == 1 &&
                           got.unreadable.front().ends_with("/gone");
        std::_Exit(right ? 0 : 2);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ccd::files
