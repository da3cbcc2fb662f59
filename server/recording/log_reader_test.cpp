// LogReader over hand-made logs, the session's folder, and the watcher.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <algorithm>
#include <filesystem>

#include "base/encoding.hpp"
#include "base/task.hpp"
#include "recording/log_reader.hpp"
#include "recording/log_watcher.hpp"
#include "recording/session_folder.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using test::SessionFolder;
namespace fs = std::filesystem;

std::string read(LogReader& reader, std::uint64_t offset, std::size_t most) {
  std::string out(most, '\0');
  const auto got = reader.read(offset, std::as_writable_bytes(std::span(out)));
  if (!got) return std::string(to_string(got.error().kind));
  out.resize(*got);
  return out;
}

TEST(LogReader, EmptyLog) {
  const SessionFolder folder;
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(reader.extent()->end, 0U);
  EXPECT_EQ(read(reader, 0, 10), "");
  EXPECT_EQ(read(reader, 1, 10), "invalid");
  EXPECT_EQ(*reader.tail_offset(100), 0U);
  folder.write_segment(0, "abc");
  EXPECT_EQ(read(reader, 0, 10), "abc");
}

TEST(LogReader, NoFolder) { EXPECT_EQ(LogReader::open("/nonexistent/session").error().kind, ErrorKind::not_found); }

TEST(LogReader, CrossesSegmentsAndFollowsGrowth) {
  const SessionFolder folder;
  folder.write_segment(0, "0123");
  folder.write_segment(4, "456789");
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(read(reader, 0, 100), "0123456789");
  EXPECT_EQ(read(reader, 2, 4), "2345");
  EXPECT_EQ(read(reader, 10, 5), "");
  folder.write_segment(4, "ab");
  EXPECT_EQ(read(reader, 10, 5), "ab");
  folder.write_segment(12, "");
  EXPECT_EQ(read(reader, 12, 5), "");
  EXPECT_EQ(read(reader, 12, 5), "");
  folder.write_segment(12, "cd");
  folder.write_segment(14, "ef");
  EXPECT_EQ(read(reader, 12, 5), "cdef");
  EXPECT_EQ(read(reader, 17, 5), "invalid");
  EXPECT_EQ(read(reader, 3, 3), "345");  // backwards
  const LogExtent extent = reader.extent().value();
  EXPECT_EQ(extent.first, 0U);
  EXPECT_EQ(extent.end, 16U);
}

TEST(LogReader, RetentionIsNotFound) {
  const SessionFolder folder;
  folder.write_segment(0, "0123");
  folder.write_segment(4, "4567");
  folder.write_segment(8, "89");
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(read(reader, 0, 2), "01");
  fs::remove(folder.path() + "/log/" + segment_name(0).data());
  EXPECT_EQ(read(reader, 2, 2), "23");  // the descriptor still has it
  fs::remove(folder.path() + "/log/" + segment_name(4).data());
  EXPECT_EQ(read(reader, 4, 2), "not_found");
  EXPECT_EQ(reader.extent()->first, 8U);
  EXPECT_EQ(read(reader, 8, 9), "89");
}

TEST(LogReader, ReaderOvertakenByRetentionIsToldSo) {
  const SessionFolder folder;
  folder.write_segment(0, "0123");
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(read(reader, 0, 9), "0123");
  // While it slept: two rotations, and its own and the next segment are gone.
  fs::remove(folder.path() + "/log/" + segment_name(0).data());
  folder.write_segment(8, "89");
  EXPECT_EQ(read(reader, 4, 9), "not_found");
}

TEST(LogReader, AHoleCountsAsDeleted) {
  const SessionFolder folder;
  folder.write_segment(0, "012");  // a power cut took the byte 3
  folder.write_segment(4, "4567");
  folder.write_segment(8, "89");
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(reader.extent()->first, 4U);
  EXPECT_EQ(read(reader, 4, 10), "456789");
  EXPECT_EQ(read(reader, 0, 10), "not_found");
}

TEST(LogReader, ForeignFilesAreIgnored) {
  const SessionFolder folder;
  folder.write_segment(0, "abc");
  fs::create_directory(folder.path() + "/log/keyframes");
  fs::create_symlink("/etc/passwd", folder.path() + "/log/" + segment_name(3).data());
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(read(reader, 0, 3), "abc");
  const auto beyond = read(reader, 3, 3);
  EXPECT_TRUE(beyond.empty() || beyond == "io") << beyond;  // never what the link points to
}

TEST(LogReader, TailStartsAfterANewline) {
  const SessionFolder folder;
  std::string log;
  while (log.size() < 100'000) log += "line " + std::to_string(log.size()) + " \x1b[31mgr\xc3\xbcn\x1b[0m\r\n";
  for (std::size_t at = 0; at < log.size(); at += 30'000) folder.write_segment(at, log.substr(at, 30'000));
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(*reader.tail_offset(1 << 20), 0U);
  for (std::uint64_t most = 1; most < 3000; most += 17) {
    const std::uint64_t at = reader.tail_offset(most).value();
    ASSERT_LE(log.size() - at, most);
    ASSERT_TRUE(at == log.size() || log[at - 1] == '\n') << most;
  }
  EXPECT_EQ(*reader.tail_offset(0), log.size());
}

TEST(LogReader, TailAfterRetentionSkipsTheCutLine) {
  const SessionFolder folder;
  folder.write_segment(10, "31mcut\nwhole\n");
  LogReader reader = LogReader::open(folder.path()).value();
  EXPECT_EQ(*reader.tail_offset(1000), 17U);
}

TEST(SessionFolder, IsPrivateAndIdempotent) {
  const SessionFolder folder;
  const std::string dir = folder.root() + "/a/b/c";
  ASSERT_TRUE(create_session_folder(dir));
  ASSERT_TRUE(create_session_folder(dir));
  for (const std::string& path : {dir, dir + "/log", folder.root() + "/a"}) {
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U) << path;
  }
  fs::permissions(dir, fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(create_session_folder(dir).error().kind, ErrorKind::forbidden);
}

TEST(SessionFolder, SymbolicLinkIsRefused) {
  const SessionFolder folder;
  fs::create_directory_symlink(folder.path(), folder.root() + "/link");
  EXPECT_FALSE(create_session_folder(folder.root() + "/link"));
  EXPECT_FALSE(remove_session_folder(folder.root() + "/link"));
  EXPECT_TRUE(fs::exists(folder.path()));
}

TEST(SessionFolder, RemoveDeletesAllButNotThroughLinks) {
  const SessionFolder folder;
  folder.write_segment(0, "abc");
  const std::string outside = folder.root() + "/outside";
  fs::create_directory(outside);
  fs::create_directory(outside + "/kept");
  fs::create_directory_symlink(outside, folder.path() + "/log/link");
  ASSERT_TRUE(remove_session_folder(folder.path()));
  EXPECT_FALSE(fs::exists(folder.path()));
  EXPECT_TRUE(fs::exists(outside + "/kept"));
  EXPECT_EQ(remove_session_folder(folder.path()).error().kind, ErrorKind::not_found);
}

TEST(TapCommand, OnlyPathsWithNothingToQuote) {
  using std::chrono::milliseconds;
  EXPECT_EQ(*tap_command("/usr/lib/x-1/pane-tap", "/data/sessions/s_1", {.segment_bytes = 4096, .keep_bytes = 8192}),
            "exec /usr/lib/x-1/pane-tap /data/sessions/s_1 --segment-bytes 4096 --keep-bytes 8192");
  EXPECT_TRUE(tap_command("/p", "/d", {.hold = milliseconds(250)})->ends_with(" --hold-ms 250"));
  for (const char* bad :
       {"", "relative", "/a b", "/a'b", "/a;b", "/a#{pane_id}", "/a%Y", "/a\nb", "/a$HOME", "/\xc3\xbc"}) {
    EXPECT_EQ(tap_command("/p", bad, {}).error().field, "session_dir") << bad;
    EXPECT_EQ(tap_command(bad, "/d", {}).error().field, "pane_tap_path") << bad;
  }
}

class LogWatcherTest : public testing::Test {
 protected:
  // Runs the loop until the condition holds.
  bool run_until(const std::function<bool()>& holds) {
    return test::wait_until([&] {
      io_.restart();
      io_.poll();
      return holds();
    });
  }
  void drain() {
    io_.restart();
    while (io_.poll() > 0) io_.restart();
  }
  asio::io_context io_;
  SessionFolder folder_;
};

TEST_F(LogWatcherTest, ReportsGrowthAndRotation) {
  LogWatcher watcher(io_.get_executor());
  int calls = 0;
  const auto watch = watcher.watch(folder_.path(), [&] { ++calls; });
  ASSERT_TRUE(watch);
  drain();
  EXPECT_EQ(calls, 0);
  folder_.write_segment(0, "a");
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  drain();
  calls = 0;
  folder_.write_segment(1, "b");
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
}

TEST_F(LogWatcherTest, ManyWritesAreFewCalls) {
  LogWatcher watcher(io_.get_executor());
  int calls = 0;
  const auto watch = watcher.watch(folder_.path(), [&] { ++calls; });
  for (int i = 0; i < 1000; ++i) folder_.write_segment(0, "x");
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  drain();
  EXPECT_LT(calls, 1000 / 10);
}

TEST_F(LogWatcherTest, TwoWatchesOfOneFolderAreIndependent) {
  LogWatcher watcher(io_.get_executor());
  int first = 0;
  int second = 0;
  auto one = watcher.watch(folder_.path(), [&] { ++first; });
  auto two = watcher.watch(folder_.path(), [&] { ++second; });
  one = LogWatcher::Watch();
  folder_.write_segment(0, "a");
  ASSERT_TRUE(run_until([&] { return second > 0; }));
  EXPECT_EQ(first, 0);
}

TEST_F(LogWatcherTest, CallbackMayDropAnyWatchAndTheWatcher) {
  auto watcher = std::make_unique<LogWatcher>(io_.get_executor());
  std::vector<LogWatcher::Watch> watches;
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    watches.push_back(watcher
                          ->watch(folder_.path(),
                                  [&] {
                                    ++calls;
                                    watches.clear();
                                    watcher.reset();
                                  })
                          .value());
  }
  folder_.write_segment(0, "a");
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  folder_.write_segment(0, "b");
  drain();
  EXPECT_EQ(calls, 1);
}

TEST_F(LogWatcherTest, NoFolderIsNotFound) {
  LogWatcher watcher(io_.get_executor());
  EXPECT_EQ(watcher.watch(folder_.path() + "/x", [] {}).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace ccd::recording
