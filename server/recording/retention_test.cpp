// The budget over all sessions: what goes, in which order, and that a kill in between harms nothing.
#include <gtest/gtest.h>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/encoding.hpp"
#include "recording/keyframes.hpp"
#include "recording/log_reader.hpp"
#include "recording/retention.hpp"
#include "recording/session_folder.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;
namespace fs = std::filesystem;
using State = RetentionSession::State;

constexpr std::uint64_t kSegment = 10'000;

class RetentionTest : public testing::Test {
 protected:
  // A session with segments of kSegment bytes, the first of which was written `age` hours ago, each later one a minute
  // later.
  std::string make(const std::string& name, State state, int segments, int age_hours) {
    const std::string dir = folder_.root() + "/" + name;
    EXPECT_TRUE(create_session_folder(dir));
    for (int i = 0; i < segments; ++i) {
      const std::string file = dir + "/log/" + segment_name(static_cast<std::uint64_t>(i) * kSegment).data();
      std::ofstream(file, std::ios::binary) << pattern(kSegment, static_cast<std::uint64_t>(i));
      fs::last_write_time(file,
                          fs::file_time_type::clock::now() - std::chrono::hours(age_hours) + std::chrono::minutes(i));
    }
    sessions_.push_back({.dir = dir, .state = state});
    return dir;
  }
  static void keyframe(const std::string& dir, std::uint64_t offset) {
    ASSERT_TRUE(write_keyframe(dir, {.offset = offset, .cols = 80, .rows = 24}));
  }
  static LogExtent extent(const std::string& dir) { return LogReader::open(dir)->extent().value(); }
  static std::uint64_t first(const std::string& dir) { return extent(dir).first / kSegment; }
  RetentionReport enforce(std::uint64_t total, std::uint64_t floor = kSegment) {
    return enforce_total_budget(sessions_, {.total_bytes = total, .running_floor_bytes = floor});
  }

  SessionFolder folder_;
  std::vector<RetentionSession> sessions_;
};

TEST_F(RetentionTest, NothingGoesWithinTheBudget) {
  const std::string dir = make("a", State::ended, 5, 1);
  EXPECT_EQ(enforce(0).segments_deleted, 0U);
  const RetentionReport report = enforce(5 * kSegment);
  EXPECT_EQ(report.bytes_before, 5 * kSegment);
  EXPECT_EQ(report.bytes_after, 5 * kSegment);
  EXPECT_EQ(report.segments_deleted, 0U);
  EXPECT_EQ(first(dir), 0U);
}

TEST_F(RetentionTest, OldestOutputOfEndedSessionsGoesFirst) {
  const std::string running = make("running", State::running, 9, 90);
  keyframe(running, 9 * kSegment);
  const std::string older = make("older", State::ended, 4, 10);
  const std::string newer = make("newer", State::ended, 4, 5);
  enforce(17 * kSegment - 5'000);  // one and a half segments too much, with the keyframe
  EXPECT_EQ(first(older), 1U);
  EXPECT_EQ(first(newer), 0U);
  enforce(13 * kSegment);
  EXPECT_EQ(first(older), 3U) << "the newest segment stays as long as others can go";
  EXPECT_GT(first(newer), 0U);
  EXPECT_EQ(first(running), 0U);
}

TEST_F(RetentionTest, RunningSessionsKeepWhatAKeyframeDoesNotCover) {
  const std::string uncovered = make("uncovered", State::running, 9, 1);
  const std::string covered = make("covered", State::running, 6, 1);
  keyframe(covered, 3 * kSegment + 5);
  enforce(1);
  EXPECT_EQ(first(uncovered), 0U);
  EXPECT_EQ(first(covered), 3U) << "the segment that the keyframe lies in is needed";
  EXPECT_TRUE(latest_keyframe(covered, std::numeric_limits<std::uint64_t>::max()).value());
}

TEST_F(RetentionTest, RunningSessionsKeepTheFloorAndTheirNewestSegment) {
  const std::string large = make("large", State::running, 9, 1);
  const std::string small = make("small", State::running, 3, 50);
  keyframe(large, 9 * kSegment);
  keyframe(small, 3 * kSegment);
  enforce(9 * kSegment, kSegment);
  EXPECT_EQ(first(small), 0U) << "the largest goes first";
  EXPECT_GE(first(large), 3U);
  enforce(1, 2 * kSegment + 1);
  EXPECT_EQ(first(small), 0U);
  EXPECT_EQ(first(large), 6U);
  enforce(1, 0);
  EXPECT_EQ(first(small), 2U);
  EXPECT_EQ(first(large), 8U);
}

TEST_F(RetentionTest, ADamagedKeyframeCoversNothing) {
  const std::string dir = make("a", State::running, 6, 1);
  keyframe(dir, 2 * kSegment);
  keyframe(dir, 5 * kSegment);
  std::ofstream(dir + "/keyframes/" + std::string(segment_name(5 * kSegment).data(), 16) + ".key") << "damage";
  enforce(1);
  EXPECT_EQ(first(dir), 2U);
}

TEST_F(RetentionTest, LastOfEndedSessionsGoesLastAndOffsetsStay) {
  const std::string running = make("running", State::running, 1, 1);
  const std::string older = make("older", State::ended, 2, 9);
  const std::string newer = make("newer", State::ended, 2, 2);
  for (const std::uint64_t at : {kSegment, 2 * kSegment}) keyframe(older, at);
  enforce(2 * kSegment + 1'000);
  EXPECT_EQ(extent(older).first, 2 * kSegment);
  EXPECT_EQ(extent(older).end, 2 * kSegment) << "a tap would go on where the output ended";
  EXPECT_EQ(first(newer), 1U);
  EXPECT_EQ(first(running), 0U);
  const auto screen = latest_keyframe(older, std::numeric_limits<std::uint64_t>::max()).value();
  ASSERT_TRUE(screen);
  EXPECT_EQ(screen->offset, 2 * kSegment) << "the last screen can still be shown";
  EXPECT_EQ(list_keyframes(older)->size(), 1U);
  EXPECT_EQ(enforce(1).segments_deleted, 1U);
  EXPECT_EQ(enforce(1).segments_deleted, 0U) << "what is empty is left alone";
}

TEST_F(RetentionTest, KeyframesAndMarksCountAndGoWithTheirSegments) {
  const std::string dir = make("a", State::ended, 4, 1);
  for (std::uint64_t i = 0; i <= 4; ++i)
    ASSERT_TRUE(write_keyframe(dir, {.offset = i * kSegment, .bytes = std::vector<std::byte>(5'000)}));
  std::ofstream(dir + "/marks") << std::string(320, 'm');
  EXPECT_GT(enforce(1'000'000'000).bytes_before, 4 * kSegment + 25'320);
  const RetentionReport report = enforce(4 * kSegment);
  EXPECT_EQ(first(dir), 2U);
  EXPECT_EQ(list_keyframes(dir)->front().offset, 2 * kSegment);
  EXPECT_LE(report.bytes_after, 4 * kSegment);
  EXPECT_EQ(report.segments_deleted, 2U);
}

TEST_F(RetentionTest, ATapThatWritesMakesItARunningSession) {
  const std::string dir = make("a", State::ended, 3, 1);
  TapProcess tap(dir);
  ASSERT_TRUE(tap.wait_ready());
  EXPECT_EQ(enforce(1).still_written, 1U);
  EXPECT_EQ(first(dir), 0U);
  tap.end_pane();
  ASSERT_EQ(tap.exit_code(), 0);
  EXPECT_EQ(enforce(1).still_written, 0U);
  EXPECT_EQ(extent(dir).first, 3 * kSegment);
}

TEST_F(RetentionTest, ARunningTapGoesOnAfterItsOldestSegmentsWent) {
  const std::string dir = make("a", State::running, 6, 1);
  TapProcess tap(dir, {"--segment-bytes", std::to_string(kSegment), "--keep-bytes", std::to_string(3 * kSegment)});
  ASSERT_TRUE(tap.wait_ready());
  keyframe(dir, 6 * kSegment);
  enforce(1, kSegment);
  EXPECT_EQ(first(dir), 5U);
  ASSERT_TRUE(tap.print(pattern(5 * kSegment, 9)));
  tap.end_pane();
  ASSERT_EQ(tap.exit_code(), 0);
  EXPECT_EQ(extent(dir).end, 11 * kSegment);
  EXPECT_LE(extent(dir).end - extent(dir).first, 4 * kSegment);
}

TEST_F(RetentionTest, UnreadableSessionsAreSkipped) {
  const std::string dir = make("a", State::ended, 3, 1);
  sessions_.push_back({.dir = folder_.root() + "/missing", .state = State::ended});
  sessions_.push_back({.dir = "/dev/null", .state = State::ended});
  EXPECT_EQ(enforce(kSegment).bytes_after, kSegment);
  EXPECT_EQ(first(dir), 2U);
}

// Killed before or after any system call: every log that is left is one piece with its old end, a running session's last
// keyframe can be used, and the next call finishes the work.
TEST_F(RetentionTest, KilledAnywhereLeavesReadableRecords) {
  const std::string running = make("running", State::running, 5, 1);
  const std::string ended = make("ended", State::ended, 3, 5);
  for (const std::uint64_t at : {kSegment, 4 * kSegment + 1}) keyframe(running, at);
  for (const std::uint64_t at : {kSegment, 3 * kSegment}) keyframe(ended, at);
  for (const std::string& dir : {running, ended}) fs::rename(dir, dir + ".whole");
  std::size_t kills = 0;
  for (;; ++kills) {
    for (const std::string& dir : {running, ended}) fs::copy(dir + ".whole", dir, fs::copy_options::recursive);
    const Killed killed = run_killed(kills, [&] { enforce(1); });
    if (killed == Killed::not_permitted) GTEST_SKIP() << "skipped: tracing a child is not permitted here";
    ASSERT_EQ(extent(running).end, 5 * kSegment) << kills;
    ASSERT_EQ(extent(ended).end, 3 * kSegment) << kills;
    for (const std::string& dir : {running, ended}) {
      const LogExtent there = extent(dir);
      std::string bytes(there.end - there.first, '\0');
      LogReader reader = LogReader::open(dir).value();
      ASSERT_EQ(reader.read(there.first, std::as_writable_bytes(std::span(bytes))).value(), bytes.size());
      std::string expected;
      for (std::uint64_t i = there.first / kSegment; i < there.end / kSegment; ++i) expected += pattern(kSegment, i);
      ASSERT_TRUE(bytes == expected) << kills;
    }
    ASSERT_EQ(latest_keyframe(running, std::numeric_limits<std::uint64_t>::max()).value()->offset, 4 * kSegment + 1);
    enforce(1);
    ASSERT_EQ(first(running), 4U);
    ASSERT_EQ(extent(ended).first, 3 * kSegment);
    fs::remove_all(running);
    fs::remove_all(ended);
    if (killed == Killed::ended_before) break;
    ASSERT_LT(kills, 5000U);
  }
  EXPECT_GE(kills, 10U) << "seven segments, an empty one and two keyframes";
}

}  // namespace
}  // namespace ccd::recording
