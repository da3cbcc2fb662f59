// pane-tap on a disk that takes no more: it keeps draining, says exactly what is missing, and goes on when there is
// room.
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/encoding.hpp"
#include "recording/session_folder.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;
namespace fs = std::filesystem;

// The tap has read all that was printed.
bool drained(const TapProcess& tap) {
  return wait_until([&] {
    int unread = -1;
    return ::ioctl(tap.fd(), SIOCOUTQ, &unread) == 0 && unread == 0;
  });
}

// The log must be the text without exactly the stretches that the gap marks say.
void expect_log_is_text_without_gaps(const SessionFolder& folder, const std::string& dir, const std::string& text) {
  const std::string log = file_bytes(dir + "/log/" + segment_name(0).data());
  std::size_t in_log = 0;
  std::size_t in_text = 0;
  for (const Mark& gap : folder.marks(MarkKind::gap)) {
    ASSERT_EQ(gap.detail, static_cast<std::uint16_t>(GapReason::disk));
    ASSERT_TRUE(log.compare(in_log, gap.offset - in_log, text, in_text, gap.offset - in_log) == 0);
    in_text += gap.offset - in_log + gap.value;
    in_log = gap.offset;
  }
  EXPECT_TRUE(log.substr(in_log) == text.substr(std::min(in_text, text.size())));
}

// Works for everybody: the tap's files may not grow over a limit, which is then lifted.
TEST(DiskFull, FileSizeLimitDrainsMarksTheGapAndRecovers) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  rlimit limit{};
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_FSIZE, nullptr, &limit), 0);
  rlimit small = limit;
  small.rlim_cur = 1'000'000;
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_FSIZE, &small, nullptr), 0);
  std::string text = pattern(5'000'000, 1);
  ASSERT_TRUE(tap.print(text));
  ASSERT_TRUE(drained(tap));
  EXPECT_EQ(folder.log_end(), 1'000'000U);
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
  ASSERT_TRUE(wait_until([&] {
    tap.print("more\n");
    text += "more\n";
    return folder.log_end() > 1'000'000;
  }));
  tap.end_pane();
  ASSERT_EQ(tap.exit_code(), 0);
  EXPECT_FALSE(folder.marks(MarkKind::gap).empty());
  expect_log_is_text_without_gaps(folder, folder.path(), text);
}

// A disk of 1 MB in place of the session's folder.
class SmallDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0700") != 0)
      GTEST_SKIP() << "skipped: mounting a small tmpfs is not permitted here";
    mounted_ = true;
    ASSERT_TRUE(create_session_folder(folder_.path()));
  }
  void TearDown() override {
    tap_.reset();
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  void start(std::vector<std::string> options = {}) {
    tap_.reset();
    tap_ = std::make_unique<TapProcess>(folder_.path(), std::move(options));
    ASSERT_TRUE(tap_->wait_ready());
  }
  void fill_disk() const {
    std::ofstream out(folder_.path() + "/ballast", std::ios::binary);
    const std::string block(4096, 'x');
    while (out.write(block.data(), 4096).flush()) {
    }
  }
  void free_disk() const { fs::remove(folder_.path() + "/ballast"); }

  SessionFolder folder_;
  std::unique_ptr<TapProcess> tap_;
  bool mounted_ = false;
};

TEST_F(SmallDiskTest, DrainsMarksTheGapAndRecovers) {
  std::ofstream(folder_.path() + "/ballast") << std::string(500'000, 'x');
  start();
  std::string text = pattern(5'000'000, 1);
  ASSERT_TRUE(tap_->print(text));
  ASSERT_TRUE(drained(*tap_));
  const std::uint64_t kept = folder_.log_end();
  EXPECT_GT(kept, 100'000U);
  EXPECT_LT(kept, 600'000U);
  // Typing works on a full disk.
  RawClient client(folder_.path());
  ASSERT_TRUE(client.hello());
  ASSERT_TRUE(client.input(client_id(1), 1, "rm big\n"));
  EXPECT_EQ(tap_->typed_exactly(7), "rm big\n");
  EXPECT_EQ(client.receive()->highest(), 1U);
  EXPECT_EQ(folder_.log_end(), kept) << "a full disk takes a bit now and then: many gaps";

  free_disk();
  // The gap is marked without further output.
  ASSERT_TRUE(wait_until([&] { return !folder_.marks(MarkKind::gap).empty(); }));
  ASSERT_EQ(folder_.marks(MarkKind::gap).size(), 1U);
  EXPECT_EQ(folder_.marks(MarkKind::gap)[0].offset, kept);
  EXPECT_EQ(folder_.marks(MarkKind::gap)[0].value, text.size() - kept);
  ASSERT_TRUE(tap_->print("after\n"));
  text += "after\n";
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  expect_log_is_text_without_gaps(folder_, folder_.path(), text);
}

// What the record does not get, whoever watches gets: every byte, with its place.
TEST_F(SmallDiskTest, OutputIsShownWhileTheRecordHasAGap) {
  start({"--cols", "80", "--rows", "24"});
  RawClient watcher(folder_.path());
  ASSERT_TRUE(watcher.hello());
  ASSERT_TRUE(watcher.send_frame(FrameType::watch_live, "\1"));
  ASSERT_TRUE(watcher.send_frame(FrameType::last, text_of(client_id(1))));
  ASSERT_EQ(watcher.receive()->type, FrameType::ack);  // so it has the frame before as well
  RawClient other(folder_.path());
  ASSERT_TRUE(other.hello());
  fill_disk();
  std::string text = pattern(300'000, 1);
  std::string shown;
  std::uint64_t offset = 0;
  for (std::size_t at = 0; at < text.size(); at += 10'000) {
    ASSERT_TRUE(tap_->print(std::string_view(text).substr(at, 10'000)));
    while (folder_.log_end() + shown.size() < at + 10'000) {
      const auto got = watcher.receive();
      ASSERT_TRUE(got && got->type == FrameType::live);
      const auto fields = as_bytes(got->payload);
      ASSERT_EQ(fields[0], std::byte{0});
      offset = get_u64(&fields[1]);
      ASSERT_EQ(offset, folder_.log_end());
      ASSERT_EQ(get_u64(&fields[9]), shown.size());
      shown += got->payload.substr(kLiveHeaderBytes);
    }
  }
  EXPECT_TRUE(text.substr(0, offset) + shown == text);
  EXPECT_FALSE(other.receive(std::chrono::milliseconds(1))) << "who did not ask gets nothing";
  ASSERT_TRUE(watcher.send_frame(FrameType::resize, std::string("\x64\0\x1e\0", 4)));
  EXPECT_EQ(watcher.receive()->payload, "\2") << "marked later";

  free_disk();
  ASSERT_TRUE(wait_until([&] { return folder_.marks(MarkKind::resize).size() == 2; }));
  const std::vector<Mark> marks = folder_.marks();
  const auto gap = std::find_if(marks.begin(), marks.end(), [](const Mark& m) { return m.kind == MarkKind::gap; });
  ASSERT_LT(gap, marks.end() - 1);
  EXPECT_EQ(gap->offset, offset);
  EXPECT_EQ(gap->value, shown.size()) << "who saw it all knows that nothing is missing";
  EXPECT_EQ(gap[1].kind, MarkKind::resize) << "behind the gap";
  ASSERT_TRUE(tap_->print("after"));
  ASSERT_TRUE(wait_until([&] { return folder_.log_end() == offset + 5; }));
  EXPECT_FALSE(watcher.receive(std::chrono::milliseconds(1)));
}

// A watcher that reads nothing costs it what it misses, and nobody else anything.
TEST_F(SmallDiskTest, WatcherThatDoesNotReadMissesBytesAndSeesIt) {
  start();
  RawClient watcher(folder_.path());
  ASSERT_TRUE(watcher.hello());
  ASSERT_TRUE(watcher.send_frame(FrameType::watch_live, "\1"));
  ASSERT_TRUE(watcher.send_frame(FrameType::last, text_of(client_id(1))));
  ASSERT_EQ(watcher.receive()->type, FrameType::ack);
  fill_disk();
  const std::string text = pattern(5'000'000, 1);
  ASSERT_TRUE(tap_->print(text));
  ASSERT_TRUE(drained(*tap_));
  const std::uint64_t end = folder_.log_end();
  ASSERT_TRUE(watcher.send_frame(FrameType::last, text_of(client_id(2))));
  std::uint64_t next = 0;
  for (;;) {
    const auto got = watcher.receive();
    ASSERT_TRUE(got);
    if (got->type == FrameType::ack) break;
    const std::uint64_t lost = get_u64(&as_bytes(got->payload)[9]);
    const std::string part = got->payload.substr(kLiveHeaderBytes);
    ASSERT_TRUE(text.compare(end + lost, part.size(), part) == 0);
    next = lost + part.size();
  }
  EXPECT_LT(next, text.size() - end);
  ASSERT_TRUE(tap_->print("more"));
  const auto got = watcher.receive();
  ASSERT_TRUE(got && got->type == FrameType::live);
  EXPECT_EQ(get_u64(&as_bytes(got->payload)[9]), text.size() - end);
  EXPECT_EQ(got->payload.substr(kLiveHeaderBytes), "more");
}

TEST_F(SmallDiskTest, FullAgainAndAgain) {
  start();
  std::string text;
  for (int round = 0; round < 5; ++round) {
    fill_disk();
    const std::string part = pattern(300'000, static_cast<std::uint64_t>(round));
    ASSERT_TRUE(tap_->print(part));
    text += part;
    ASSERT_TRUE(drained(*tap_));
    free_disk();
    const std::uint64_t before = folder_.log_end();
    ASSERT_TRUE(wait_until([&] {
      tap_->print("#");
      text += "#";
      return folder_.log_end() > before;
    }));
  }
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  EXPECT_GE(folder_.marks(MarkKind::gap).size(), 5U);
  expect_log_is_text_without_gaps(folder_, folder_.path(), text);
}

TEST_F(SmallDiskTest, StartsOnAFullDisk) {
  start();
  ASSERT_TRUE(tap_->print("before "));
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  fill_disk();
  tap_ = std::make_unique<TapProcess>(folder_.path());
  ASSERT_TRUE(wait_until([&] { return RawClient(folder_.path()).hello(); }));
  ASSERT_TRUE(tap_->print(pattern(300'000, 1)));
  ASSERT_TRUE(drained(*tap_));
  RawClient client(folder_.path());
  ASSERT_TRUE(client.hello());
  ASSERT_TRUE(client.input(client_id(1), 1, "key"));
  EXPECT_EQ(tap_->typed_exactly(3), "key");
  free_disk();
  ASSERT_TRUE(wait_until([&] { return !folder_.marks(MarkKind::gap).empty(); }));
  EXPECT_EQ(folder_.marks(MarkKind::gap)[0].value, kUnknownCount);
}

TEST_F(SmallDiskTest, RotationOnAFullDiskLosesNothingButWhatIsMarked) {
  start({"--segment-bytes", "4096", "--keep-bytes", "8388608"});
  std::string text = pattern(1'500'000, 1);
  ASSERT_TRUE(tap_->print(text));
  ASSERT_TRUE(drained(*tap_));
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  const std::string log = folder_.log();
  EXPECT_GT(log.size(), 300'000U);
  EXPECT_TRUE(text.starts_with(log));
}

TEST_F(SmallDiskTest, RetentionBelowTheDiskNeverFillsIt) {
  start({"--segment-bytes", "65536", "--keep-bytes", "262144"});
  const std::string text = pattern(5'000'000, 1);
  ASSERT_TRUE(tap_->print(text));
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  EXPECT_TRUE(folder_.marks(MarkKind::gap).empty());
  EXPECT_TRUE(folder_.log() == text.substr(folder_.segments().front()));
}

}  // namespace
}  // namespace ccd::recording
