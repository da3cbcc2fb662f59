// What a tap tells the dashboards that watch its output: everything that the record gets, in order, and nothing twice that is not known.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <csignal>
#include <random>

#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;
using std::chrono::milliseconds;

constexpr milliseconds kSoon{300};

// A dashboard by hand: it watches, and takes what it is told as docs/storage.md says.
class Follower {
 public:
  Follower(const SessionFolder& folder, bool on) : folder_(folder), client_(folder.path()) {
    good_ = client_.connected() && client_.hello();
    if (on) good_ = good_ && watch(true) && next() == FrameType::grown;
  }
  bool watch(bool on) { return client_.send_frame(FrameType::watch_output, std::string(1, on ? '\1' : '\0')); }
  [[nodiscard]] bool good() const { return good_; }
  RawClient& client() { return client_; }

  // Takes one frame; nullopt: none came.
  std::optional<FrameType> next(milliseconds limit = kDeadline) {
    const auto frame = client_.receive(limit);
    if (!frame) return std::nullopt;
    if (frame->type == FrameType::output) take_output(frame->payload);
    else if (frame->type == FrameType::grown) known_ = folder_.log();
    return frame->type;
  }
  bool reaches(std::uint64_t end) {
    while (known_.size() < end)
      if (!next()) return false;
    return true;
  }
  [[nodiscard]] const std::string& known() const { return known_; }
  [[nodiscard]] int outputs() const { return outputs_; }
  // Outputs before which something was missing.
  [[nodiscard]] int holes() const { return holes_; }

 private:
  void take_output(const std::string& payload) {
    ++outputs_;
    ASSERT_GT(payload.size(), kOutputHeaderBytes);
    const std::uint64_t offset = get_u64(reinterpret_cast<const std::byte*>(payload.data()));
    const std::string_view bytes = std::string_view(payload).substr(kOutputHeaderBytes);
    // The log has them by the time they are told.
    ASSERT_EQ(folder_.log().substr(offset, bytes.size()), bytes);
    if (offset > known_.size()) {
      ++holes_;
      known_ = folder_.log();
    } else if (offset + bytes.size() > known_.size()) {
      known_ += bytes.substr(known_.size() - offset);
    }
  }

  const SessionFolder& folder_;
  RawClient client_;
  bool good_ = false;
  std::string known_;
  int outputs_ = 0;
  int holes_ = 0;
};

TEST(ToldOutput, ComesWithItsBytesOnceTheLogHasThem) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  ASSERT_TRUE(tap.print("before "));
  ASSERT_TRUE(wait_until([&] { return folder.log_end() == 7; }));
  Follower follower(folder, true);
  ASSERT_TRUE(follower.good());
  EXPECT_EQ(follower.known(), "before ");
  for (const char* word : {"one ", "two ", "three "}) {
    ASSERT_TRUE(tap.print(word));
    ASSERT_EQ(follower.next(), FrameType::output);
  }
  EXPECT_EQ(follower.known(), "before one two three ");
  EXPECT_EQ(follower.holes(), 0);
}

TEST(ToldOutput, NobodyIsToldWithoutAskingOrAnyMore) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  Follower quiet(folder, false);
  Follower left(folder, true);
  Follower stays(folder, true);
  ASSERT_TRUE(quiet.good() && left.good() && stays.good());
  ASSERT_TRUE(left.watch(false));
  ASSERT_TRUE(left.client().send_frame(FrameType::last, std::string(kClientIdBytes, 'c')));
  ASSERT_EQ(left.next(), FrameType::ack);  // so it has been heard
  ASSERT_TRUE(tap.print("said"));
  ASSERT_TRUE(stays.reaches(4));
  EXPECT_EQ(quiet.next(kSoon), std::nullopt);
  EXPECT_EQ(left.next(kSoon), std::nullopt);
}

TEST(ToldOutput, MarkIsLookedForBeforeWhatFollowsIt) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  Follower follower(folder, true);
  ASSERT_TRUE(follower.good());
  ASSERT_TRUE(tap.print("wide"));
  ASSERT_EQ(follower.next(), FrameType::output);
  RawClient other(folder.path());
  ASSERT_TRUE(other.hello());
  ASSERT_TRUE(other.send_frame(FrameType::resize, std::string("\x50\0\x18\0", 4)));
  ASSERT_TRUE(other.receive().has_value());
  ASSERT_EQ(follower.next(), FrameType::grown);
  EXPECT_EQ(folder.marks(MarkKind::resize).size(), 1U);
  ASSERT_TRUE(tap.print("narrow"));
  ASSERT_EQ(follower.next(), FrameType::output);
  EXPECT_EQ(follower.known(), "widenarrow");
}

TEST(ToldOutput, MuchIsLeftInTheLog) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--segment-bytes", "65536"});
  ASSERT_TRUE(tap.wait_ready());
  Follower follower(folder, true);
  ASSERT_TRUE(follower.good());
  const std::string text = pattern(1'000'000, 1);
  ASSERT_TRUE(tap.print(text));
  ASSERT_TRUE(follower.reaches(text.size()));
  EXPECT_EQ(follower.known(), text);
  ASSERT_TRUE(tap.print("after"));
  ASSERT_TRUE(follower.reaches(text.size() + 5));
  EXPECT_EQ(follower.known(), text + "after");
}

TEST(ToldOutput, WhoDoesNotReadIsToldOnceHeDoes) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  Follower follower(folder, true);
  ASSERT_TRUE(follower.good());
  // Far more small pieces than a socket holds: the tap waits for nobody.
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece = std::to_string(i) + "\n";
    ASSERT_TRUE(tap.print(piece));
    text += piece;
  }
  ASSERT_TRUE(wait_until([&] { return folder.log_end() == text.size(); }));
  ASSERT_TRUE(follower.reaches(text.size()));
  EXPECT_EQ(follower.known(), text);
}

TEST(ToldOutput, LastWordsAreToldBeforeTheEnd) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  Follower follower(folder, true);
  ASSERT_TRUE(follower.good());
  const std::string text = pattern(40'000, 9);
  ASSERT_TRUE(tap.print(text));
  tap.end_pane();
  while (follower.next()) {
  }
  EXPECT_EQ(follower.known(), text);
}

TEST(ToldOutput, AcknowledgementComesWithTheEchoOrAlone) {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  Follower follower(folder, true);
  ASSERT_TRUE(follower.good());
  // No echo: the acknowledgement waits a moment at most.
  ASSERT_TRUE(follower.client().input(client_id(1), 1, "secret"));
  ASSERT_EQ(follower.next(), FrameType::ack);
  EXPECT_EQ(tap.typed_exactly(6), "secret");
  for (std::uint64_t number = 2; number < 50; ++number) {
    ASSERT_TRUE(follower.client().input(client_id(1), number, "k"));
    ASSERT_EQ(tap.typed_exactly(1), "k");
    ASSERT_TRUE(tap.print("k"));
    ASSERT_EQ(follower.next(), FrameType::ack);
    ASSERT_EQ(follower.next(), FrameType::output);
  }
  // As many acknowledgements at once as the tap keeps for a connection, and more.
  for (std::uint64_t number = 50; number < 250; ++number)
    ASSERT_TRUE(follower.client().input(client_id(1), number, "k"));
  EXPECT_EQ(tap.typed_exactly(200), std::string(200, 'k'));
  for (std::uint64_t number = 50; number < 250; ++number) {
    const auto ack = follower.client().receive();
    ASSERT_TRUE(ack && ack->type == FrameType::ack);
    ASSERT_EQ(ack->highest(), number);
  }
}

// Pieces of all sizes, marks between them, a reader that dozes: in the end everybody knows all of the log, in every order of events.
TEST(ToldOutput, FollowersNeverMissAnything) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const SessionFolder folder;
    TapProcess tap(folder.path(), {"--segment-bytes", "8192"});
    ASSERT_TRUE(tap.wait_ready());
    Follower awake(folder, true);
    Follower dozing(folder, true);
    ASSERT_TRUE(awake.good() && dozing.good());
    std::string text;
    for (int step = 0; step < 120; ++step) {
      const std::string piece =
          pattern(1 + random() % (random() % 4 == 0 ? 9000 : 40), seed * 1000 + static_cast<std::uint64_t>(step));
      ASSERT_TRUE(tap.print(piece));
      text += piece;
      bool good = true;
      if (random() % 10 == 0) good = dozing.client().send_frame(FrameType::resize, std::string("\x50\0\x18\0", 4));
      if (random() % 3 == 0) good = good && awake.reaches(text.size());
      if (random() % 40 == 0) good = good && dozing.reaches(text.size() / 2);
      ASSERT_TRUE(good);
    }
    ASSERT_TRUE(awake.reaches(text.size()));
    ASSERT_TRUE(dozing.reaches(text.size()));
    EXPECT_EQ(awake.known(), text) << seed;
    EXPECT_EQ(dozing.known(), text) << seed;
    EXPECT_GT(awake.outputs(), 0);
    EXPECT_EQ(awake.holes() + dozing.holes(), 0);
  }
}

}  // namespace
}  // namespace ccd::recording
