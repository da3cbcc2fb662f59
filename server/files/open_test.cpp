// open_confined against links, magic links, mounts, special files, races' leftovers and a missing openat2.
#include "files/open.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <chrono>
#include <cstddef>

#include "files/test_tree.hpp"

namespace ccd::files {
namespace {

// "inside", "CANARY", or the error's kind and whether it is the fixed message.
std::string outcome(const Roots& roots, const std::string& path, Kind kind = Kind::file) {
  const auto located = roots.locate(path);
  if (!located) return "unlocated";
  const auto opened = open_confined(*located, kind);
  if (!opened) {
    return opened.error().message == kOutsideMessage ? "outside" : std::string(to_string(opened.error().kind));
  }
  if (kind != Kind::file) return "opened";
  char bytes[6] = {};
  const auto n = ::read(opened->fd.get(), bytes, sizeof bytes);
  return n < 0 ? "unreadable" : std::string(bytes, static_cast<std::size_t>(n));
}

class OpenConfined : public ::testing::TestWithParam<Resolver> {
 protected:
  std::string open(std::string_view relative, Kind kind = Kind::file) {
    return outcome(tree_.roots(GetParam()), tree_.in(relative), kind);
  }
  // What a link that stays inside gives: the walk follows none.
  [[nodiscard]] std::string followed() const { return GetParam() == Resolver::best ? "inside" : "outside"; }
  TestTree tree_;
};
INSTANTIATE_TEST_SUITE_P(Resolvers, OpenConfined, ::testing::Values(Resolver::best, Resolver::walk),
                         [](const auto& with) { return with.param == Resolver::best ? "openat2" : "walk"; });

TEST_P(OpenConfined, FilesFoldersAndTheRootItself) {
  tree_.file("a/b/file");
  EXPECT_EQ(open("a/b/file"), "inside");
  EXPECT_EQ(open("a/b", Kind::folder), "opened");
  EXPECT_EQ(open("", Kind::folder), "opened");
  EXPECT_EQ(open("a/b", Kind::any), "opened");
  EXPECT_EQ(open("a/b/file", Kind::any), "opened");
  EXPECT_EQ(open("a/b"), "conflict");
  EXPECT_EQ(open("a/b/file", Kind::folder), "conflict");
  EXPECT_EQ(open("a/nope"), "not_found");
  EXPECT_EQ(open("nope/nope"), "not_found");
  EXPECT_EQ(open("a/b/file/more"), "not_found");
}

TEST_P(OpenConfined, LinksThatLeaveAreForbiddenWhateverLiesBehind) {
  tree_.file("a/file");
  tree_.link(tree_.top() / "canary/file", "absolute");
  tree_.link(tree_.top() / "canary", "absolute-folder");
  tree_.link("/no/such/file", "absolute-dangling");
  tree_.link("../../canary/file", "relative");
  tree_.link("../../canary/nope", "relative-dangling");
  tree_.link("a/../../../canary/file", "through-a-folder");
  tree_.link("..", "parent");
  tree_.link("relative", "chain1");
  tree_.link("chain1", "chain2");
  tree_.link(tree_.root() / "a/file", "absolute-but-inside");
  tree_.link("../app/a/file", "out-and-in-again");
  tree_.link("/proc/self/root", "magic");
  tree_.link("/proc/self/cwd", "cwd");
  for (const char* name : {"absolute", "absolute-folder/file", "absolute-folder/nope", "absolute-dangling", "relative",
                           "relative-dangling", "through-a-folder", "parent/../canary/file", "parent/app/a/file",
                           "chain1", "chain2", "absolute-but-inside", "out-and-in-again", "magic/etc/passwd", "cwd"}) {
    const auto got = open(name);
    EXPECT_TRUE(got == "outside" || got == "unlocated") << name << ": " << got;
  }
  EXPECT_EQ(open("parent", Kind::any), "outside");
  EXPECT_EQ(open("absolute-folder", Kind::folder), "outside");
}

TEST_P(OpenConfined, LinksThatStayInside) {
  tree_.file("a/file");
  tree_.link("a/file", "link");
  tree_.link("../a/./file", "b/up");
  tree_.link("b/up", "chain");
  tree_.link("a", "folder");
  EXPECT_EQ(open("link"), followed());
  EXPECT_EQ(open("b/up"), followed());
  EXPECT_EQ(open("chain"), followed());
  EXPECT_EQ(open("folder/file"), followed());
}

TEST_P(OpenConfined, DanglingAndLoopingLinks) {
  tree_.link("nope", "dangling");
  tree_.link("loop", "loop");
  tree_.link("pong", "ping");
  tree_.link("ping", "pong");
  EXPECT_EQ(open("dangling"), GetParam() == Resolver::best ? "not_found" : "outside");
  EXPECT_EQ(open("loop"), "outside");
  EXPECT_EQ(open("ping"), "outside");
  EXPECT_EQ(open("ping/x", Kind::any), "outside");
}

TEST_P(OpenConfined, SiblingWithTheSamePrefixIsOutside) {
  TestTree::write(tree_.top() / "srv/app-evil/file", kCanary);
  tree_.link("../app-evil/file", "link");
  EXPECT_EQ(outcome(tree_.roots(GetParam()), tree_.root().string() + "-evil/file"), "unlocated");
  EXPECT_EQ(open("link"), "outside");
}

// A hard link cannot be told from the file's first name, and whoever could make it could read the file.
TEST_P(OpenConfined, HardLinkIsAFileLikeAnyOther) {
  std::filesystem::create_hard_link(tree_.top() / "canary/file", tree_.in("hard"));
  EXPECT_EQ(open("hard"), "CANARY");
}

TEST_P(OpenConfined, FifoSocketAndDeviceAreRefusedWithoutBlocking) {
  ASSERT_EQ(::mkfifo(tree_.in("fifo").c_str(), 0600), 0);
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  tree_.in("socket").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(open("fifo"), "conflict");
  EXPECT_EQ(open("socket"), "conflict");
  const auto dev = Roots::open({"/dev"}, GetParam()).value();
  EXPECT_EQ(outcome(dev, "/dev/null"), "conflict");
  EXPECT_EQ(outcome(dev, "/dev/tty"), "conflict");
  EXPECT_EQ(kind_of(dev.locate("/dev/null").value()).value(), EntryKind::other);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

char state_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/stat");
  std::string number, name, state;
  status >> number >> name >> state;
  return state.empty() ? '?' : state.front();
}

// A writer waits in open() until there is a reader, and gets SIGPIPE when that one is gone again. Looking must not be
// reading.
TEST_P(OpenConfined, LookingAtAFifoDoesNotWakeItsWriter) {
  const auto fifo = tree_.in("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    const int fd = ::open(fifo.c_str(), O_WRONLY);
    std::_Exit(::write(fd, "x", 1) == 1 ? 0 : 1);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (state_of(writer) != 'S' && std::chrono::steady_clock::now() < deadline) ::sched_yield();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(open("fifo"), "conflict");
  EXPECT_EQ(state_of(writer), 'S');
  const UniqueFd reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK));
  int status = -1;
  ASSERT_EQ(::waitpid(writer, &status, 0), writer);
  EXPECT_EQ(status, 0);
}

TEST_P(OpenConfined, ByteNamesLongNamesAndEmptyFiles) {
  const std::string bytes = "\xff\xfe\x80 name\n\t\x1b[31m";
  const std::string longest(255, 'n');
  tree_.file(bytes);
  tree_.file(longest);
  tree_.file("empty", "");
  EXPECT_EQ(open(bytes), "inside");
  EXPECT_EQ(open(longest), "inside");
  EXPECT_EQ(open("empty"), "");
}

TEST_P(OpenConfined, DescriptorIsClosedOnExecAndFlagsAreBounded) {
  tree_.file("file");
  const auto path = tree_.roots(GetParam()).locate(tree_.in("file")).value();
  const auto opened = open_confined(path, Kind::file, O_RDWR);
  ASSERT_TRUE(opened);
  EXPECT_NE(::fcntl(opened->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::write(opened->fd.get(), "INSIDE", 6), 6);
  for (const int flags : {O_CREAT, O_TRUNC, O_PATH, O_DIRECTORY, O_TMPFILE, O_DIRECT}) {
    const auto refused = open_confined(path, Kind::file, flags | O_RDWR);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::internal);
  }
  EXPECT_EQ(open("file"), "INSIDE");
}

TEST_P(OpenConfined, NoDescriptorIsLeft) {
  tree_.file("a/file");
  tree_.link("/", "out");
  const auto roots = tree_.roots(GetParam());
  const UniqueFd before(::open("/dev/null", O_RDONLY));
  for (int i = 0; i < 200; ++i) {
    for (const char* name : {"a/file", "a", "out/etc", "nope"}) {
      for (const Kind kind : {Kind::file, Kind::folder, Kind::any}) outcome(roots, tree_.in(name), kind);
    }
  }
  const UniqueFd after(::open("/dev/null", O_RDONLY));
  EXPECT_EQ(after.get(), before.get() + 1);
}

TEST_P(OpenConfined, RunningOutOfDescriptorsIsUnavailable) {
  tree_.file("file");
  const auto path = tree_.roots(GetParam()).locate(tree_.in("file")).value();
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto opened = open_confined(path, Kind::file);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
}

// The rest runs in children: they change what a process cannot change back.

[[noreturn]] void leave(const std::string& got, const std::string& wanted) {
  if (got != wanted) ::dprintf(2, "got %s, wanted %s\n", got.c_str(), wanted.c_str());
  std::_Exit(got == wanted ? 0 : 1);
}

TEST_P(OpenConfined, UnreadableFileIsForbiddenButNotOutside) {
  tree_.file("secret");
  std::filesystem::permissions(tree_.in("secret"), std::filesystem::perms::none);
  std::filesystem::permissions(tree_.top(), std::filesystem::perms::all);
  EXPECT_EXIT(
      {
        if (::geteuid() == 0 && ::seteuid(65534) != 0) std::_Exit(1);
        leave(open("secret"), "forbidden");
      },
      ::testing::ExitedWithCode(0), "");
}

// A mount namespace of its own, with /proc mounted inside the root as a container's file system has it.
TEST_P(OpenConfined, MagicLinksAndProcBelowARootAreOutside) {
  tree_.folder("proc");
  constexpr int kNoNamespace = 77;
  const auto body = [&] {
    const bool alone = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (!alone || ::mount("/proc", tree_.in("proc").c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
      std::_Exit(kNoNamespace);
    const auto etc = "proc/self/root" + tree_.top().string() + "/canary/file";
    if (outcome(tree_.roots(GetParam()), tree_.in("proc/self/environ")) != "outside") leave("environ", "outside");
    if (open("proc", Kind::folder) != "outside") leave("folder", "outside");
    if (open("proc/self/cwd", Kind::any) != "outside") leave("cwd", "outside");
    if (open("proc/1/status") != "outside") leave("status", "outside");
    leave(open(etc), "outside");
  };
  EXPECT_EXIT(
      body(),
      [](int status) { return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kNoNamespace); },
      "");
}

bool deny_openat2(int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

class WithoutOpenat2 : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Errors, WithoutOpenat2, ::testing::Values(ENOSYS, EPERM),
                         [](const auto& with) { return with.param == ENOSYS ? "ENOSYS" : "EPERM"; });

TEST_P(WithoutOpenat2, FilesAreStillReadAndLinksRefused) {
  const TestTree tree;
  tree.file("a/file");
  tree.link("a/file", "link");
  tree.link(tree.top() / "canary/file", "out");
  EXPECT_EXIT(
      {
        if (!deny_openat2(GetParam())) leave("no filter", "a filter");
        const auto roots = tree.roots();
        if (outcome(roots, tree.in("a/file")) != "inside") leave("file", "inside");
        if (outcome(roots, tree.in("link")) != "outside") leave("link", "outside");
        leave(outcome(roots, tree.in("out")), "outside");
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ccd::files
