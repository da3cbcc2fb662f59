// pane-tap under a real tmux on a private socket: the first byte, a flood byte for byte, input, and the tap's death.
#include <gtest/gtest.h>
#include <csignal>
#include <fstream>

#include "base/encoding.hpp"
#include "recording/log_reader.hpp"
#include "recording/session_folder.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;

// A tmux server of its own in a temporary folder, killed at the end.
class Tmux {
 public:
  explicit Tmux(const std::string& root)
      : socket_(root + "/tmux.sock"),
        environment_{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + root, "TERM=screen", "TMUX_TMPDIR=" + root} {}
  Tmux(const Tmux&) = delete;
  Tmux& operator=(const Tmux&) = delete;
  ~Tmux() { call({"kill-server"}); }

  ExitedProcess call(std::vector<std::string> arguments) const {
    std::vector<std::string> argv{"tmux", "-S", socket_, "-f", "/dev/null"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run(argv, environment_);
  }
  // A session whose only pane runs `script` in sh and is tapped from its first byte, in one command line.
  [[nodiscard]] bool start(const std::string& script, const std::string& tap) const {
    const ExitedProcess done = call({"new-session", "-d", "-s", "s", "-x", "80", "-y", "24", "--", "/bin/sh", "-c",
                                     script, ";", "pipe-pane", "-IO", "-t", "=s:", tap});
    EXPECT_EQ(done.code, 0) << done.err;
    return done.code == 0;
  }
  [[nodiscard]] bool tap_again(const std::string& tap) const {
    return call({"pipe-pane", "-IO", "-t", "=s:", tap}).code == 0;
  }

 private:
  std::string socket_;
  std::vector<std::string> environment_;
};

class RecordingTmuxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (run({"tmux", "-V"}).code != 0) GTEST_SKIP() << "skipped: no tmux";
  }
  static std::string command(const SessionFolder& folder, const TapOptions& options = {}) {
    return tap_command(pane_tap_path(), folder.path(), options).value();
  }
  static bool log_holds(const SessionFolder& folder, std::string_view text) {
    return wait_until([&] { return folder.log().find(text) != std::string::npos; });
  }
  // The process that the newest start mark names.
  static pid_t tap_of(const SessionFolder& folder) {
    const auto started = folder.marks(MarkKind::tap_started);
    return started.empty() ? -1 : static_cast<pid_t>(started.back().value);
  }
};

TEST_F(RecordingTmuxTest, GetsThePanesFirstByte) {
  for (int i = 0; i < 5; ++i) {
    const SessionFolder folder;
    const Tmux tmux(folder.root());
    ASSERT_TRUE(tmux.start("printf FIRST; exec sleep 1000", command(folder)));
    ASSERT_TRUE(log_holds(folder, "FIRST"));
    EXPECT_EQ(folder.log(), "FIRST");
  }
}

TEST_F(RecordingTmuxTest, FloodIsExact) {
  const SessionFolder folder;
  const std::string text = pattern(20'000'000, 1);
  std::ofstream(folder.root() + "/flood", std::ios::binary) << text;
  const Tmux tmux(folder.root());
  ASSERT_TRUE(tmux.start("stty -opost; cat '" + folder.root() + "/flood'; exec sleep 1000", command(folder)));
  ASSERT_TRUE(wait_until([&] { return folder.log_end() >= text.size(); }, std::chrono::seconds(120)));
  EXPECT_TRUE(folder.log() == text);
  EXPECT_GE(folder.segments().size(), 2U);
  EXPECT_TRUE(folder.marks(MarkKind::gap).empty());
}

// What `cat -v` shows for a byte.
std::string cat_v(unsigned char c) {
  std::string out;
  if (c >= 128) {
    out += "M-";
    c = static_cast<unsigned char>(c - 128);
    if (c == '\t' || c == '\n') return out + "^" + static_cast<char>(c + 64);
  }
  if (c == '\t' || c == '\n') return out + static_cast<char>(c);
  if (c < 32) return out + "^" + static_cast<char>(c + 64);
  if (c == 127) return out + "^?";
  return out + static_cast<char>(c);
}

TEST_F(RecordingTmuxTest, EveryByteValueReachesTheProgram) {
  const SessionFolder folder;
  const Tmux tmux(folder.root());
  ASSERT_TRUE(tmux.start("stty raw -echo -opost; printf ready; exec cat -v", command(folder)));
  ASSERT_TRUE(log_holds(folder, "ready"));
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  std::string expected = "ready";
  std::uint64_t number = 0;
  for (int repeat = 0; repeat < 4; ++repeat) {
    for (int value = 0; value < 256; ++value) {
      const std::string key(1, static_cast<char>(value));
      ASSERT_TRUE(client.input(client_id(1), ++number, key));
      ASSERT_EQ(client.receive().value().highest(), number);
      expected += cat_v(static_cast<unsigned char>(value));
    }
  }
  ASSERT_TRUE(wait_until([&] { return folder.log_end() >= expected.size(); }));
  EXPECT_EQ(folder.log(), expected);
}

TEST_F(RecordingTmuxTest, PaneEndEndsTheTap) {
  const SessionFolder folder;
  const Tmux tmux(folder.root());
  ASSERT_TRUE(tmux.start("printf bye", command(folder)));
  ASSERT_TRUE(wait_until([&] { return !folder.marks(MarkKind::tap_ended).empty(); }));
  EXPECT_EQ(folder.log(), "bye");
  EXPECT_TRUE(wait_until([&] { return !tap_running(folder.path()).value_or(true); }));
}

TEST_F(RecordingTmuxTest, PaneOutlivesAKilledTapAndANewOneContinues) {
  const SessionFolder folder;
  const Tmux tmux(folder.root());
  ASSERT_TRUE(tmux.start("stty raw -echo -opost; printf ready; exec cat -v", command(folder)));
  ASSERT_TRUE(log_holds(folder, "ready"));
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const pid_t killed = tap_of(folder);
    ASSERT_GT(killed, 1);
    ASSERT_EQ(::kill(killed, SIGKILL), 0);
    ASSERT_TRUE(wait_until([&] { return !tap_running(folder.path()).value_or(true); }));
    ASSERT_TRUE(tmux.tap_again(command(folder)));
    ASSERT_TRUE(wait_until([&] { return tap_of(folder) != killed && RawClient(folder.path()).connected(); }));
    RawClient client(folder.path());
    ASSERT_TRUE(client.hello());
    if (round > 1) {
      // Taken before: acknowledged, not written.
      ASSERT_TRUE(client.input(client_id(1), round - 1, "doubled"));
    }
    ASSERT_TRUE(client.input(client_id(1), round, "<" + std::to_string(round) + ">"));
    ASSERT_TRUE(log_holds(folder, "<" + std::to_string(round) + ">"));
  }
  EXPECT_EQ(folder.log(), "ready<1><2><3>");
  EXPECT_EQ(folder.marks(MarkKind::gap).size(), 3U);
}

TEST_F(RecordingTmuxTest, ReplacedPipeHandsOver) {
  const SessionFolder folder;
  const Tmux tmux(folder.root());
  ASSERT_TRUE(tmux.start("stty raw -echo -opost; printf ready; exec cat -v", command(folder)));
  ASSERT_TRUE(log_holds(folder, "ready"));
  const pid_t old_tap = tap_of(folder);
  ASSERT_TRUE(tmux.tap_again(command(folder)));  // tmux closes the old pipe and starts the new tap at once
  ASSERT_TRUE(wait_until([&] { return tap_of(folder) != old_tap; }));
  ASSERT_TRUE(wait_until([&] { return RawClient(folder.path()).hello(); }));
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  ASSERT_TRUE(client.input(client_id(1), 1, "x"));
  EXPECT_TRUE(log_holds(folder, "readyx"));
}

TEST_F(RecordingTmuxTest, AdoptedPaneStartsWithItsScreen) {
  const SessionFolder folder;
  const Tmux tmux(folder.root());
  ASSERT_EQ(tmux.call({"new-session", "-d", "-s", "s", "--", "/bin/sh", "-c",
                       "stty raw -echo -opost; printf 'old screen'; exec cat -v"})
                .code,
            0);
  const std::string screen = folder.root() + "/screen";
  ASSERT_TRUE(wait_until([&] {
    tmux.call({"capture-pane", "-t", "=s:", ";", "save-buffer", screen});
    return file_bytes(screen).starts_with("old screen");
  }));
  ASSERT_TRUE(tmux.tap_again(command(folder, {.hold = std::chrono::seconds(60)})));
  ASSERT_TRUE(wait_until([&] { return RawClient(folder.path()).hello(); }));
  ASSERT_EQ(tmux.call({"send-keys", "-t", "=s:", "-l", "new"}).code, 0);
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  ASSERT_TRUE(client.send_frame(FrameType::preload, "\1captured screen\r\n"));
  ASSERT_TRUE(log_holds(folder, "new"));
  EXPECT_EQ(folder.log(), "captured screen\r\nnew");
}

}  // namespace
}  // namespace ccd::recording
