// The screen at a time: by the record's marks, from its beginning, a keyframe, or the middle of what is kept.
#include "sessions/moment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/encoding.hpp"
#include "recording/format.hpp"
#include "recording/keyframes.hpp"
#include "recording/session_folder.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::sessions {
namespace {

namespace fs = std::filesystem;

constexpr terminal::Size kSize{.cols = 40, .rows = 10};
constexpr WallMicros kStart = 1'800'000'000'000'000;
constexpr WallMicros kSecond = 1'000'000;

class MomentTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "moment.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    folder_ = (root_ / "session").string();
    ASSERT_TRUE(recording::create_session_folder(folder_));
  }
  void TearDown() override { fs::remove_all(root_); }

  void mark(recording::MarkKind kind, WallMicros at, std::uint64_t value = 0) {
    const auto record = recording::encode_mark({.offset = size_, .wall_micros = at, .kind = kind, .value = value});
    std::ofstream(folder_ + "/" + recording::kMarksFile, std::ios::binary | std::ios::app) << as_text(record);
  }
  void print(WallMicros at, const std::string& bytes) {
    mark(recording::MarkKind::time, at);
    std::ofstream(folder_ + "/log/" + std::string(recording::segment_name(first_).data()),
                  std::ios::binary | std::ios::app)
        << bytes;
    size_ += bytes.size();
  }
  void resize(int cols, int rows) {
    mark(recording::MarkKind::resize, 0,
         recording::size_value({.cols = static_cast<std::uint16_t>(cols), .rows = static_cast<std::uint16_t>(rows)}));
  }
  std::string text(WallMicros at) {
    const auto moment = moment_at(folder_, at, kSize);
    if (!moment) return "error: " + std::string(to_string(moment.error().kind));
    std::string shown = terminal::write_text(moment->screen);
    while (shown.ends_with('\n')) shown.pop_back();
    return shown;
  }

  fs::path root_;
  std::string folder_;
  std::uint64_t first_ = 0;  // the segment
  std::uint64_t size_ = 0;
};

TEST_F(MomentTest, EachTimeHasTheScreenOfWhatHadCome) {
  print(kStart, "one\r\n");
  print(kStart + kSecond, "two\r\n");
  print(kStart + 5 * kSecond, "\x1b[2J\x1b[Hthree");
  EXPECT_EQ(text(kStart - 1), "error: not_found");
  EXPECT_EQ(text(kStart), "one");
  EXPECT_EQ(text(kStart + kSecond - 1), "one");
  EXPECT_EQ(text(kStart + kSecond), "one\ntwo");
  EXPECT_EQ(text(kStart + 4 * kSecond), "one\ntwo") << "nothing came in between";
  EXPECT_EQ(text(kStart + 5 * kSecond), "three");
  EXPECT_EQ(text(kStart + 900 * kSecond), "three");
  const auto moment = moment_at(folder_, kStart + 3 * kSecond, kSize);
  EXPECT_EQ(moment->at, kStart + kSecond);
  EXPECT_EQ(moment->first_at, kStart);
  EXPECT_EQ(moment->last_at, kStart + 5 * kSecond);
  EXPECT_EQ(moment->offset, 10U);
  EXPECT_TRUE(moment->exact);
}

TEST_F(MomentTest, SizesApplyWhereTheyStand) {
  resize(20, 5);
  print(kStart, std::string(25, 'x') + "\r\n");
  resize(30, 6);
  print(kStart + kSecond, "y");
  EXPECT_EQ(moment_at(folder_, kStart, kSize)->screen.size(), (terminal::Size{.cols = 20, .rows = 5}));
  EXPECT_EQ(text(kStart), std::string(20, 'x') + "\n" + std::string(5, 'x'));
  EXPECT_EQ(moment_at(folder_, kStart + kSecond, kSize)->screen.size(), (terminal::Size{.cols = 30, .rows = 6}));
  EXPECT_EQ(text(kStart + kSecond), std::string(25, 'x') + "\ny");
}

TEST_F(MomentTest, AKeyframeBeforeTheMomentIsWhereItBeginsAndOneAfterItIsNot) {
  print(kStart, "first\r\n");
  terminal::Screen other(kSize);
  other.feed("from the keyframe\r\n");
  const std::string bytes = terminal::write_snapshot(other, {.scrollback_lines = terminal::kAllLines});
  recording::Keyframe keyframe{.offset = size_, .cols = 40, .rows = 10};
  keyframe.bytes.assign(as_bytes(bytes).begin(), as_bytes(bytes).end());
  ASSERT_TRUE(recording::write_keyframe(folder_, keyframe));
  print(kStart + kSecond, "second\r\n");
  EXPECT_EQ(text(kStart), "from the keyframe") << "it stands for all before its offset";
  EXPECT_EQ(text(kStart + kSecond), "from the keyframe\nsecond");
  fs::remove_all(folder_ + "/keyframes");
  keyframe.offset = size_;
  ASSERT_TRUE(recording::write_keyframe(folder_, keyframe));
  EXPECT_EQ(text(kStart + kSecond - 1), "first");
}

TEST_F(MomentTest, WhatIsNoLongerKeptIsSaidToBe) {
  print(kStart, "gone\r\n");
  fs::remove(folder_ + "/log/" + std::string(recording::segment_name(0).data()));
  first_ = size_;
  print(kStart + kSecond, "kept\r\n");
  EXPECT_EQ(text(kStart), "error: not_found");
  const auto moment = moment_at(folder_, kStart + kSecond, kSize);
  ASSERT_TRUE(moment);
  EXPECT_FALSE(moment->exact);
  EXPECT_EQ(moment->first_at, kStart + kSecond);
  EXPECT_EQ(text(kStart + kSecond), "kept");
}

TEST_F(MomentTest, AClockThatWasSetBackGivesTheLastPlaceOfATime) {
  print(kStart, "one\r\n");
  print(kStart + 100 * kSecond, "two\r\n");
  print(kStart + kSecond, "three\r\n");
  EXPECT_EQ(text(kStart + 2 * kSecond), "one\ntwo\nthree");
  EXPECT_EQ(text(kStart), "one");
}

TEST_F(MomentTest, WithoutARecordThereIsNone) {
  EXPECT_EQ(text(kStart), "error: not_found");
  EXPECT_EQ(moment_at("/nonexistent", kStart, kSize).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace ccd::sessions
