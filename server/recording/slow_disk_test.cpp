// pane-tap on a file system that lets every write wait: it keeps draining, shows what comes, and loses only what it says.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "base/encoding.hpp"
#include "base/task.hpp"
#include "recording/pane_tap/input_state.hpp"
#include "recording/record_feed.hpp"
#include "recording/session_folder.hpp"
#include "recording/tap_link.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;
namespace fs = std::filesystem;

bool drained(const TapProcess& tap) {
  return wait_until([&] {
    int unread = -1;
    return ::ioctl(tap.fd(), SIOCOUTQ, &unread) == 0 && unread == 0;
  });
}

struct Shown {
  LiveFate fate{};
  std::uint64_t offset = 0;
  std::uint64_t lost = 0;
  std::string bytes;
};

// A real file system of its own in place of the session's folder, which can be frozen: then every write to it waits.
class FrozenDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string image = folder_.root() + "/disk";
    std::ofstream(image).close();
    fs::resize_file(image, std::uintmax_t{64} * 1024 * 1024);
    if (run({"mkfs.ext4", "-q", image}).code != 0 ||
        run({"mount", "-o", "loop,nosuid,nodev", image, folder_.path()}).code != 0)
      GTEST_SKIP() << "skipped: mounting a file system of its own is not permitted here";
    mounted_ = true;
    fs::permissions(folder_.path(), fs::perms::owner_all);
    ASSERT_TRUE(create_session_folder(folder_.path()));
    if (run({"fsfreeze", "--freeze", folder_.path()}).code != 0) GTEST_SKIP() << "skipped: fsfreeze is not there";
    thaw();
  }
  void TearDown() override {
    thaw();
    watcher_.reset();
    tap_.reset();
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  void start(std::vector<std::string> options = {}) {
    tap_ = std::make_unique<TapProcess>(folder_.path(), std::move(options));
    ASSERT_TRUE(tap_->wait_ready());
    watcher_ = std::make_unique<RawClient>(folder_.path());
    ASSERT_TRUE(watcher_->hello());
    ASSERT_TRUE(watcher_->send_frame(FrameType::watch_live, "\1"));
    ASSERT_TRUE(watcher_->send_frame(FrameType::last, text_of(client_id(1))));
    ASSERT_EQ(watcher_->receive()->type, FrameType::ack);
  }
  void freeze() { ASSERT_EQ(run({"fsfreeze", "--freeze", folder_.path()}).code, 0); }
  void thaw() {
    if (mounted_) run({"fsfreeze", "--unfreeze", folder_.path()});
  }
  // What the watcher gets until it has `size` bytes.
  std::vector<Shown> shown(std::size_t size) {
    std::vector<Shown> all;
    for (std::size_t got = 0; got < size;) {
      const auto frame = watcher_->receive();
      if (!frame || frame->type != FrameType::live) break;
      const auto fields = as_bytes(frame->payload);
      all.push_back({.fate = static_cast<LiveFate>(fields[0]),
                     .offset = get_u64(&fields[1]),
                     .lost = get_u64(&fields[9]),
                     .bytes = frame->payload.substr(kLiveHeaderBytes)});
      got += all.back().bytes.size();
    }
    return all;
  }

  // The number of the client's last batch as the file has it; 0: none.
  [[nodiscard]] std::uint64_t remembered(const ClientId& client) const {
    const std::string table = file_bytes(folder_.path() + '/' + kInputStateFile);
    const std::size_t slot = table.find(text_of(client));
    const std::size_t highest = slot + offsetof(tap::InputState::Slot, highest);
    return slot == std::string::npos ? 0 : get_u64(&as_bytes(table)[highest]);
  }

  SessionFolder folder_;
  bool mounted_ = false;
  std::unique_ptr<TapProcess> tap_;
  std::unique_ptr<RawClient> watcher_;
};

TEST_F(FrozenDiskTest, OutputIsShownAndThenWrittenWhereItWasSaidToBe) {
  start();
  ASSERT_TRUE(tap_->print("before "));
  ASSERT_TRUE(wait_until([&] { return folder_.log_end() == 7; }));
  std::string text = "before ";
  for (int round = 0; round < 3; ++round) {
    freeze();
    for (int i = 0; i < 20; ++i) {
      const std::string part = pattern(4'000, static_cast<std::uint64_t>(round * 100 + i));
      const std::size_t end = text.size();
      ASSERT_TRUE(tap_->print(part));
      text += part;
      std::string got;
      for (const Shown& each : shown(part.size())) {
        ASSERT_EQ(each.fate, LiveFate::coming);
        ASSERT_EQ(each.offset, end + got.size());
        got += each.bytes;
      }
      ASSERT_TRUE(got == part) << "shown while nothing can be written";
    }
    thaw();
    ASSERT_TRUE(wait_until([&] { return folder_.log_end() == text.size(); }));
    ASSERT_TRUE(tap_->print("between "));
    text += "between ";
    ASSERT_TRUE(wait_until([&] { return folder_.log_end() == text.size(); }));
    EXPECT_FALSE(watcher_->receive(std::chrono::milliseconds(1)));
  }
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  EXPECT_TRUE(folder_.log() == text);
  EXPECT_TRUE(folder_.marks(MarkKind::gap).empty());
}

// As the dashboard does it: live bytes are taken where the feed is, the feed goes on behind them, and nothing is seen
// twice or missed.
TEST_F(FrozenDiskTest, LinkAndFeedTogetherGiveEveryByteOnce) {
  start();
  asio::io_context io;
  RecordFeed feed = RecordFeed::open(folder_.path(), 0).value();
  std::string seen;
  std::size_t early = 0;
  std::size_t not_coming = 0;
  std::vector<std::byte> buffer(4096);
  const auto read_on = [&] {
    for (;;) {
      const FeedItem item = feed.next(buffer).value();
      if (item.kind == FeedItem::Kind::end) return;
      if (item.kind == FeedItem::Kind::bytes) seen += text_of(item.bytes);
    }
  };
  TapLink::Events events;
  events.on_live = [&](const LiveBytes&) { ++not_coming; };
  events.on_coming = [&](std::uint64_t offset, std::span<const std::byte> bytes) {
    read_on();
    if (offset != feed.offset()) return;
    seen += text_of(bytes);
    feed.skip(bytes.size());
    early += bytes.size();
  };
  TapLink link(io.get_executor(), folder_.path(), std::move(events));
  bool sized = false;
  const auto begin = [&]() -> Task<void> {
    const Result<> up = co_await link.connect();
    const Result<ResizeMarked> marked = co_await link.resize(80, 24);
    sized = up && marked;
  };
  asio::co_spawn(io, begin(), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  const auto see = [&](std::size_t size) {
    return wait_until([&] {
      io.restart();
      io.poll();
      read_on();
      return seen.size() == size;
    });
  };
  ASSERT_TRUE(wait_until([&] {
    io.restart();
    io.poll();
    return sized;
  }));
  std::string text;
  for (int round = 0; round < 3; ++round) {
    freeze();
    const std::string part = pattern(50'000, static_cast<std::uint64_t>(round));
    ASSERT_TRUE(tap_->print(part));
    text += part;
    ASSERT_TRUE(see(text.size())) << "while nothing can be written";
    thaw();
    ASSERT_TRUE(tap_->print("between "));
    text += "between ";
    ASSERT_TRUE(see(text.size()));
  }
  EXPECT_TRUE(seen == text);
  EXPECT_GE(early, 3 * 40'000U);
  EXPECT_EQ(not_coming, 0U);
}

TEST_F(FrozenDiskTest, WhatIsTooMuchIsAGapOfItsExactSize) {
  start();
  freeze();
  constexpr std::size_t kHeld = std::size_t{16} * 1024 * 1024;
  std::string text = pattern(20'000'000, 1);
  const bool printed = tap_->print(text);
  const bool all_read = drained(*tap_);
  thaw();
  ASSERT_TRUE(printed && all_read);
  ASSERT_TRUE(wait_until([&] { return !folder_.marks(MarkKind::gap).empty(); }));
  const Mark gap = folder_.marks(MarkKind::gap).front();
  EXPECT_EQ(gap.detail, static_cast<std::uint16_t>(GapReason::disk));
  EXPECT_GE(gap.offset, kHeld);
  ASSERT_TRUE(tap_->print("after"));
  text += "after";
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  ASSERT_EQ(folder_.marks(MarkKind::gap).size(), 1U);
  EXPECT_TRUE(folder_.log() == text.substr(0, gap.offset) + text.substr(gap.offset + gap.value));
}

TEST_F(FrozenDiskTest, TypingWorksAndIsRememberedAfterwards) {
  start();
  RawClient typist(folder_.path());
  ASSERT_TRUE(typist.hello());
  ASSERT_TRUE(typist.input(client_id(7), 1, "a"));
  ASSERT_EQ(tap_->typed_exactly(1), "a");
  ASSERT_EQ(typist.receive()->highest(), 1U);
  freeze();
  ASSERT_TRUE(tap_->print("text"));
  ASSERT_EQ(shown(4).size(), 1U);
  for (std::uint64_t number = 2; number <= 4; ++number) {
    ASSERT_TRUE(typist.input(client_id(7), number, "b"));
    ASSERT_EQ(tap_->typed_exactly(1), "b");
    ASSERT_EQ(typist.receive()->highest(), number);
  }
  EXPECT_EQ(remembered(client_id(7)), 1U) << "the disk waits";
  thaw();
  // A moment after the output, in which a kill would still forget them.
  ASSERT_TRUE(wait_until([&] { return remembered(client_id(7)) == 4; }));
  EXPECT_EQ(folder_.log_end(), 4U);
  ASSERT_TRUE(typist.input(client_id(7), 5, "c"));
  ASSERT_EQ(typist.receive()->highest(), 5U);
  tap_->kill_now();
  TapProcess next(folder_.path());
  ASSERT_TRUE(next.wait_ready());
  RawClient again(folder_.path());
  ASSERT_TRUE(again.hello());
  ASSERT_TRUE(again.input(client_id(7), 5, "c"));
  EXPECT_EQ(again.receive()->highest(), 5U);
  EXPECT_EQ(next.typed(1, std::chrono::milliseconds(1)), "") << "it was typed before";
}

// A disk that fails for good: every write is refused, every store into a mapped file a bus error.
TEST_F(FrozenDiskTest, ADeadDiskStopsNeitherViewingNorTyping) {
  start();
  ASSERT_TRUE(tap_->print("before "));
  ASSERT_TRUE(wait_until([&] { return folder_.log_end() == 7; }));
  const UniqueFd folder(::open(folder_.path().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::syncfs(folder.get()), 0);  // clean pages: the next store into one asks the file system
  constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);  // EXT4_IOC_SHUTDOWN
  std::uint32_t without_flush = 2;
  if (::ioctl(folder.get(), kShutdown, &without_flush) != 0)
    GTEST_SKIP() << "skipped: this kernel cannot shut ext4 down";
  const std::string text = pattern(50'000, 1);
  std::string got;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(tap_->print(text));
    for (const Shown& each : shown(text.size())) {
      ASSERT_EQ(each.fate, LiveFate::lost);
      ASSERT_EQ(each.offset, 7U);
      ASSERT_EQ(each.lost, got.size());
      got += each.bytes;
    }
    RawClient typist(folder_.path());
    ASSERT_TRUE(typist.hello());
    for (std::uint64_t number = 1; number <= 3; ++number) {
      ASSERT_TRUE(typist.input(client_id(static_cast<std::uint64_t>(round)), number, "b"));
      ASSERT_EQ(tap_->typed_exactly(1), "b");
      ASSERT_EQ(typist.receive()->highest(), number);
    }
  }
  EXPECT_TRUE(got == text + text + text);
  tap_->end_pane();
  EXPECT_EQ(tap_->exit_code(), 0);
}

// A disk that works for moments only: typing gets through in one of them, and every byte is in the log in the end.
TEST_F(FrozenDiskTest, InputGoesOnWheneverTheDiskDoes) {
  start();
  std::atomic<bool> stop{false};
  std::thread disk([&] {
    while (!stop) {
      run({"fsfreeze", "--freeze", folder_.path()});
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
      thaw();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  RawClient typist(folder_.path());
  bool typed = typist.hello();
  std::string text;
  for (std::uint64_t i = 1; i <= 10 && typed; ++i) {
    const std::string part = pattern(100'000, i);
    typed = tap_->print(part) && typist.input(client_id(7), i, "k") && tap_->typed_exactly(1) == "k";
    text += part;
    const auto ack = typist.receive();
    typed = typed && ack && ack->type == FrameType::ack && ack->highest() == i;
  }
  stop = true;
  disk.join();
  ASSERT_TRUE(typed);
  tap_->end_pane();
  ASSERT_EQ(tap_->exit_code(), 0);
  EXPECT_TRUE(folder_.log() == text);
}

TEST_F(FrozenDiskTest, PaneThatEndsMeanwhileIsRecordedWhole) {
  start();
  freeze();
  const std::string text = pattern(100'000, 1);
  ASSERT_TRUE(tap_->print(text));
  tap_->end_pane();
  ASSERT_FALSE(shown(text.size()).empty());
  thaw();
  ASSERT_EQ(tap_->exit_code(), 0);
  EXPECT_TRUE(folder_.log() == text);
  EXPECT_EQ(folder_.marks().back().detail, static_cast<std::uint16_t>(EndReason::pane_closed));
}

TEST_F(FrozenDiskTest, SizesComeBetweenTheBytesTheyBelongTo) {
  start();
  freeze();
  ASSERT_TRUE(tap_->print("one "));
  ASSERT_EQ(shown(4).size(), 1U);
  ASSERT_TRUE(watcher_->send_frame(FrameType::resize, std::string("\x50\0\x18\0", 4)));
  EXPECT_EQ(watcher_->receive()->payload, "\2") << "marked later";
  ASSERT_TRUE(tap_->print("two "));
  ASSERT_EQ(shown(4).size(), 1U);
  thaw();
  ASSERT_TRUE(wait_until([&] { return folder_.log_end() == 8; }));
  ASSERT_EQ(folder_.marks(MarkKind::resize).size(), 1U);
  EXPECT_EQ(folder_.marks(MarkKind::resize)[0].offset, 4U);
}

TEST_F(FrozenDiskTest, StopSignalWorksOnceTheDiskDoes) {
  start();
  freeze();
  ASSERT_TRUE(tap_->print("text"));
  ASSERT_EQ(shown(4).size(), 1U);
  tap_->signal(SIGTERM);
  thaw();
  ASSERT_EQ(tap_->exit_code(), 0);
  EXPECT_EQ(folder_.log(), "text");
}

}  // namespace
}  // namespace ccd::recording
