// The real pane-tap program between the test's "tmux" and the test's "dashboard": log, marks, rotation, kills, preload.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <array>
#include <csignal>
#include <filesystem>
#include <random>
#include <sstream>

#include "base/encoding.hpp"
#include "recording/log_reader.hpp"
#include "recording/session_folder.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;
namespace fs = std::filesystem;

bool log_reaches(const SessionFolder& folder, std::uint64_t end) {
  return wait_until([&] { return folder.log_end() >= end; });
}

TEST(PaneTap, WritesEveryByteAndEndsWithThePane) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  const std::string text = pattern(3'000'000, 1);
  ASSERT_TRUE(tap.print(text));
  tap.end_pane();
  EXPECT_EQ(tap.exit_code(), 0);
  EXPECT_EQ(folder.log(), text);
  EXPECT_FALSE(fs::exists(folder.path() + "/tap.sock"));
  const auto marks = folder.marks();
  ASSERT_GE(marks.size(), 3U);
  EXPECT_EQ(marks.front().kind, MarkKind::tap_started);
  EXPECT_EQ(marks[1].kind, MarkKind::time);
  EXPECT_EQ(marks[1].offset, 0U);
  EXPECT_EQ(marks.back().kind, MarkKind::tap_ended);
  EXPECT_EQ(marks.back().detail, static_cast<std::uint16_t>(EndReason::pane_closed));
  EXPECT_EQ(marks.back().offset, text.size());
  EXPECT_TRUE(folder.marks(MarkKind::gap).empty());
}

TEST(PaneTap, LogDoesNotDependOnHowTheBytesCame) {
  const std::string text = pattern(200'000, 2);
  std::mt19937 random(1);  // NOLINT: the same every time
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{5000}, std::size_t{200'000}}) {
    const SessionFolder folder;
    TapProcess tap(folder.path(), {"--segment-bytes", "65536"});
    std::size_t small = most == 1 ? 4000 : text.size();  // byte by byte takes its time
    for (std::size_t at = 0; at < small;) {
      const std::size_t n = std::min(1 + random() % most, small - at);
      ASSERT_TRUE(tap.print(text.substr(at, n)));
      at += n;
    }
    tap.end_pane();
    ASSERT_EQ(tap.exit_code(), 0);
    EXPECT_EQ(folder.log(), text.substr(0, small)) << most;
  }
}

TEST(PaneTap, SigtermEndsItInTheMiddleOfAFlood) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  ASSERT_TRUE(tap.print(pattern(1'000'000, 3)));
  tap.signal(SIGTERM);
  while (tap.print(pattern(10'000, 4))) {  // until nobody reads any more
  }
  EXPECT_EQ(tap.exit_code(), 0);
  EXPECT_EQ(folder.marks().back().detail, static_cast<std::uint16_t>(EndReason::signal));
  EXPECT_FALSE(fs::exists(folder.path() + "/tap.sock"));
}

TEST(PaneTap, RotatesAndDeletesTheOldest) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--segment-bytes", "65536", "--keep-bytes", "262144"});
  const std::string text = pattern(1'000'000, 5);
  ASSERT_TRUE(tap.print(text));
  tap.end_pane();
  ASSERT_EQ(tap.exit_code(), 0);
  const auto segments = folder.segments();
  for (const std::uint64_t start : segments) EXPECT_EQ(start % 65536, 0U);
  EXPECT_LE(text.size() - segments.front(), 262'144U + 65'536U);
  EXPECT_GE(text.size() - segments.front(), 262'144U);
  EXPECT_EQ(folder.log(), text.substr(segments.front()));
}

TEST(PaneTap, EverythingIsPrivate) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  ASSERT_TRUE(tap.print("x"));
  ASSERT_TRUE(log_reaches(folder, 1));
  for (const char* name : {"tap.sock", "tap.lock", "marks", "input.state", "log/0000000000000000.seg"}) {
    struct stat status{};
    ASSERT_EQ(::stat((folder.path() + "/" + name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
  rlimit core{};
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_CORE, nullptr, &core), 0);
  EXPECT_EQ(core.rlim_max, 0U);
}

TEST(PaneTap, RefusesAFolderThatOthersCanRead) {
  const SessionFolder folder;
  fs::permissions(folder.path(), fs::perms::others_read, fs::perm_options::add);
  const ExitedProcess refused = run({pane_tap_path(), folder.path()});
  EXPECT_EQ(refused.code, 73);
  EXPECT_NE(refused.err.find("mode 0700"), std::string::npos);
}

TEST(PaneTap, BadArgumentsAreOneLineAnd64) {
  const SessionFolder folder;
  const std::vector<std::vector<std::string>> bad{{},
                                                  {"--segment-bytes", "4096"},
                                                  {folder.path(), folder.path()},
                                                  {folder.path(), "--segment-bytes"},
                                                  {folder.path(), "--segment-bytes", "1"},
                                                  {folder.path(), "--segment-bytes", "4096x"},
                                                  {folder.path(), "--segment-bytes", "-4096"},
                                                  {folder.path(), "--segment-bytes", "99999999999999999999999"},
                                                  {folder.path(), "--segment-bytes", "65536", "--keep-bytes", "4096"},
                                                  {folder.path(), "--hold-ms", "60001"},
                                                  {folder.path(), "--cols", "80"},
                                                  {folder.path(), "--cols", "0", "--rows", "24"},
                                                  {folder.path(), "--cols", "80", "--rows", "65536"},
                                                  {folder.path(), "--verbose"},
                                                  {""}};
  for (const auto& arguments : bad) {
    std::vector<std::string> argv{pane_tap_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const ExitedProcess refused = run(argv);
    EXPECT_EQ(refused.code, 64) << arguments.size();
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  }
  EXPECT_EQ(run({pane_tap_path(), "/nonexistent"}).code, 73);
}

TEST(PaneTap, SecondTapOnAFolderExitsAndSaysWho) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  EXPECT_TRUE(*tap_running(folder.path()));
  EXPECT_EQ(remove_session_folder(folder.path()).error().kind, ErrorKind::conflict);
  const ExitedProcess second = run({pane_tap_path(), folder.path()});
  EXPECT_EQ(second.code, 75);
  EXPECT_NE(second.err.find("process " + std::to_string(tap.pid())), std::string::npos) << second.err;
  EXPECT_TRUE(RawClient(folder.path()).hello());  // the first one goes on
  tap.end_pane();
  EXPECT_EQ(tap.exit_code(), 0);
  EXPECT_FALSE(*tap_running(folder.path()));
  EXPECT_TRUE(remove_session_folder(folder.path()));
}

TEST(PaneTap, ReplacementWaitsForTheOneThatIsEnding) {
  const SessionFolder folder;
  TapProcess old_tap(folder.path());
  ASSERT_TRUE(old_tap.wait_ready());
  ASSERT_TRUE(old_tap.print("old "));
  TapProcess new_tap(folder.path());
  ASSERT_TRUE(new_tap.print("new"));
  old_tap.end_pane();
  ASSERT_EQ(old_tap.exit_code(), 0);
  new_tap.end_pane();
  ASSERT_EQ(new_tap.exit_code(), 0);
  EXPECT_EQ(folder.log(), "old new");
}

TEST(PaneTap, ContinuesAnExistingLogAndMarksTheGap) {
  const SessionFolder folder;
  for (const std::string text : {"one ", "two ", "three"}) {
    TapProcess tap(folder.path());
    ASSERT_TRUE(tap.print(text));
    tap.end_pane();
    ASSERT_EQ(tap.exit_code(), 0);
  }
  EXPECT_EQ(folder.log(), "one two three");
  const auto gaps = folder.marks(MarkKind::gap);
  ASSERT_EQ(gaps.size(), 2U);
  EXPECT_EQ(gaps[0].offset, 4U);
  EXPECT_EQ(gaps[1].offset, 8U);
  EXPECT_EQ(gaps[1].value, kUnknownCount);
  EXPECT_EQ(gaps[1].detail, static_cast<std::uint16_t>(GapReason::tap_restarted));
  EXPECT_EQ(folder.marks(MarkKind::tap_started).size(), 3U);
}

// Each tap's part of the log must be a beginning of what its pane printed, whatever it was doing when it was killed.
TEST(PaneTap, KilledAtRandomMomentsTheLogStaysValid) {
  const SessionFolder folder;
  std::mt19937 random(7);  // NOLINT: the same every time
  constexpr int kKills = 30;
  std::vector<std::string> printed;
  std::vector<pid_t> taps;
  for (int i = 0; i < kKills; ++i) {
    TapProcess tap(folder.path(), {"--segment-bytes", "8192", "--keep-bytes", "1099511627776"});
    taps.push_back(tap.pid());
    printed.push_back(pattern(1 + random() % 700'000, static_cast<std::uint64_t>(i)));
    ASSERT_TRUE(tap.wait_ready());
    ASSERT_TRUE(tap.print(printed.back()));
    tap.kill_now();
  }
  TapProcess last(folder.path());
  last.end_pane();
  ASSERT_EQ(last.exit_code(), 0);

  const std::string log = folder.log();
  const auto starts = folder.marks(MarkKind::tap_started);
  const auto gaps = folder.marks(MarkKind::gap);
  ASSERT_EQ(starts.size(), kKills + 1U);
  ASSERT_EQ(gaps.size(), kKills + 0U);
  std::size_t whole = 0;
  for (std::size_t i = 0; i < kKills; ++i) {
    EXPECT_EQ(starts[i].value, static_cast<std::uint64_t>(taps[i]));
    EXPECT_EQ(gaps[i].offset, starts[i + 1].offset);
    const std::string part = log.substr(starts[i].offset, starts[i + 1].offset - starts[i].offset);
    ASSERT_TRUE(printed[i].starts_with(part)) << i;
    whole += part == printed[i] ? 1 : 0;
  }
  EXPECT_LT(whole, static_cast<std::size_t>(kKills)) << "no kill came in the middle: the test shows nothing";
}

TEST(PaneTap, PreloadComesBeforeHeldOutput) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--hold-ms", "60000"});
  ASSERT_TRUE(tap.print("printed while held "));
  ASSERT_TRUE(tap.wait_ready());
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  EXPECT_EQ(folder.log_end(), 0U);
  const std::string screen = pattern(150'000, 1);
  ASSERT_TRUE(client.send_frame(FrameType::preload, '\0' + screen.substr(0, 60'000)));
  ASSERT_TRUE(client.send_frame(FrameType::preload, '\0' + screen.substr(60'000, 60'000)));
  ASSERT_TRUE(client.send_frame(FrameType::preload, '\1' + screen.substr(120'000)));
  const auto result = client.receive();
  ASSERT_TRUE(result && result->type == FrameType::preload_result);
  EXPECT_EQ(result->payload, std::string("\1\0\0\0\0\0\0\0\0", 9));
  ASSERT_TRUE(tap.print("printed after"));
  tap.end_pane();
  ASSERT_EQ(tap.exit_code(), 0);
  EXPECT_EQ(folder.log(), screen + "printed while held printed after");
  ASSERT_EQ(folder.marks(MarkKind::preload).size(), 1U);
  EXPECT_EQ(folder.marks(MarkKind::preload)[0].value, screen.size());
  EXPECT_EQ(folder.marks(MarkKind::preload)[0].offset, 0U);
}

TEST(PaneTap, HoldEndsByItselfAndALatePreloadIsRefused) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--hold-ms", "50"});
  ASSERT_TRUE(tap.print("held"));
  ASSERT_TRUE(tap.wait_ready());
  RawClient half(folder.path());  // a dashboard that dies in the middle of its preload
  ASSERT_TRUE(half.hello());
  half.send_frame(FrameType::preload, std::string("\0half", 5));
  half.close();
  ASSERT_TRUE(log_reaches(folder, 4));
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  ASSERT_TRUE(client.send_frame(FrameType::preload, "\1screen"));
  const auto result = client.receive();
  ASSERT_TRUE(result);
  EXPECT_EQ(static_cast<PreloadStatus>(result->payload[0]), PreloadStatus::too_late);
  EXPECT_EQ(folder.log(), "held");
}

TEST(PaneTap, HoldIsBoundedAndItsOverflowIsAGap) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--hold-ms", "60000"});
  ASSERT_TRUE(tap.wait_ready());
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  constexpr std::size_t kHeld = std::size_t{16} * 1024 * 1024;
  const std::string text = pattern(kHeld + 1'000'000, 1);
  ASSERT_TRUE(tap.print(text));  // never waits
  ASSERT_TRUE(client.send_frame(FrameType::preload, "\1S"));
  ASSERT_TRUE(client.receive());
  ASSERT_TRUE(tap.print("after"));
  tap.end_pane();
  ASSERT_EQ(tap.exit_code(), 0);
  const std::string log = folder.log();
  const auto gaps = folder.marks(MarkKind::gap);
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].detail, static_cast<std::uint16_t>(GapReason::hold_full));
  EXPECT_EQ(gaps[0].offset, kHeld + 1);
  // What came between the preload and the end of the flood went on after the gap.
  const std::size_t kept_after = log.size() - gaps[0].offset;
  EXPECT_EQ(kHeld + gaps[0].value + kept_after, text.size() + 5);
  EXPECT_TRUE(log == "S" + text.substr(0, kHeld) + (text + "after").substr(kHeld + gaps[0].value));
}

TEST(PaneTap, EndOfThePaneWritesWhatIsHeld) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--hold-ms", "60000"});
  ASSERT_TRUE(tap.print("last words"));
  tap.end_pane();
  ASSERT_EQ(tap.exit_code(), 0);
  EXPECT_EQ(folder.log(), "last words");
}

TEST(PaneTap, StalledDashboardStopsNothing) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  std::vector<RawClient> stalled;
  for (int i = 0; i < 7; ++i) {
    RawClient& client = stalled.emplace_back(folder.path());
    ASSERT_TRUE(client.hello());
    // Questions until neither side's buffers take more; answers are never read.
    std::string question = text_of(frame_header(FrameType::last, 16)) + text_of(client_id(1));
    std::string many;
    for (int n = 0; n < 1000; ++n) many += question;
    while (::send(client.fd(), many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
  }
  ASSERT_TRUE(tap.print(pattern(5'000'000, 1)));
  ASSERT_TRUE(log_reaches(folder, 5'000'000));
  RawClient alive(folder.path());
  ASSERT_TRUE(alive.hello());
  ASSERT_TRUE(alive.input(client_id(2), 1, "key"));
  EXPECT_EQ(tap.typed_exactly(3), "key");
}

TEST(PaneTap, NinthConnectionIsRefusedAndAFreedPlaceIsUsed) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(wait_until([&] {  // the probe of wait_ready may still hold a place
      RawClient next(folder.path());
      const bool taken = next.hello();
      if (taken) clients.push_back(std::move(next));
      return taken;
    }));
  EXPECT_FALSE(RawClient(folder.path()).hello());
  clients.pop_back();
  EXPECT_TRUE(wait_until([&] { return RawClient(folder.path()).hello(); }));
}

TEST(PaneTap, WithoutDescriptorsItWaitsAndDoesNotSpin) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.print("output "));
  ASSERT_TRUE(log_reaches(folder, 7));
  rlimit limit{};
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  rlimit few = limit;
  few.rlim_cur = 12;  // what it has and two or three connections
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  std::vector<RawClient> taken;
  RawClient waiting(folder.path());
  while (taken.size() < 8 && waiting.receive(std::chrono::milliseconds(200))) {
    taken.push_back(std::move(waiting));
    waiting = RawClient(folder.path());
  }
  ASSERT_TRUE(waiting.connected());
  ASSERT_LT(taken.size(), 8U);
  const auto cpu_ticks = [&] {
    std::istringstream stat(file_bytes("/proc/" + std::to_string(tap.pid()) + "/stat"));
    std::string word;
    std::uint64_t ticks = 0;
    for (int field = 1; field <= 15 && stat >> word; ++field) ticks += field >= 14 ? std::stoull(word) : 0;
    return ticks;
  };
  const std::uint64_t before = cpu_ticks();
  EXPECT_FALSE(waiting.receive(std::chrono::milliseconds(300)));
  EXPECT_LE(cpu_ticks() - before, 5U);  // of 30
  ASSERT_TRUE(tap.print("goes on"));
  ASSERT_TRUE(log_reaches(folder, 14));
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
  EXPECT_TRUE(waiting.hello());
}

TEST(PaneTap, RandomBytesOnTheSocketHarmNothing) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  std::mt19937 random(11);  // NOLINT: the same every time
  const auto noise = [&](std::size_t size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    return bytes;
  };
  for (int round = 0; round < 200; ++round) {
    RawClient client(folder.path());
    if (!client.connected()) continue;
    if (round % 4 == 0) {
      client.send_bytes(noise(1 + random() % 200'000));
    } else if (client.hello()) {
      for (int i = 0; i < 20; ++i) {
        const auto type = static_cast<FrameType>(random() % 10);
        if (type == FrameType::preload) continue;  // tested above; here it would add to the log
        if (!client.send_frame(type, noise(random() % (round % 3 == 0 ? 66'000 : 60)))) break;
      }
      if (round % 5 == 0) client.send_bytes(noise(1 + random() % 3));
    }
    while (!tap.typed(65536, std::chrono::milliseconds(0)).empty()) {  // noise can be a valid first batch
    }
  }
  ASSERT_TRUE(tap.print("still here"));
  ASSERT_TRUE(log_reaches(folder, 10));
  EXPECT_EQ(folder.log(), "still here");
  tap.end_pane();
  EXPECT_EQ(tap.exit_code(), 0);
}

}  // namespace
}  // namespace ccd::recording
