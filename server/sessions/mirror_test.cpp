// The screen that follows a record: loaded from its beginning, from a keyframe, over resizes, and with what comes ahead of the record.
#include "sessions/mirror.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.hpp"
#include "recording/format.hpp"
#include "recording/keyframes.hpp"
#include "recording/session_folder.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::sessions {
namespace {

namespace fs = std::filesystem;

constexpr terminal::Size kSize{.cols = 40, .rows = 10};

std::string lines(int from, int count) {
  std::string out;
  for (int i = from; i < from + count; ++i)
    out += "line " + std::to_string(i) + " \x1b[3" + std::to_string(i % 8) + "mcolour\x1b[0m\r\n";
  return out;
}

class MirrorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "mirror.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    folder_ = (root_ / "session").string();
    ASSERT_TRUE(recording::create_session_folder(folder_));
  }
  void TearDown() override {
    pool_.join();
    fs::remove_all(root_);
  }

  void append(const std::string& bytes) {
    std::ofstream(folder_ + "/log/" + std::string(recording::segment_name(0).data()), std::ios::binary | std::ios::app)
        << bytes;
    size_ += bytes.size();
  }
  void mark_size(terminal::Size size) {
    const recording::PaneSize pane{.cols = static_cast<std::uint16_t>(size.cols),
                                   .rows = static_cast<std::uint16_t>(size.rows)};
    const auto record = recording::encode_mark(
        {.offset = size_, .kind = recording::MarkKind::resize, .value = recording::size_value(pane)});
    std::ofstream(folder_ + "/" + recording::kMarksFile, std::ios::binary | std::ios::app) << as_text(record);
  }
  template <class T>
  T run(Task<T> task) {
    asio::io_context loop{1};
    std::optional<T> out;
    asio::co_spawn(loop, std::move(task), [&](std::exception_ptr failure, T value) {
      EXPECT_FALSE(failure);
      out.emplace(std::move(value));
    });
    loop.run();
    return std::move(*out);
  }
  void load(Mirror& mirror) {
    const auto loaded = run(mirror.load(kSize));
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  void read_on(Mirror& mirror) {
    std::vector<std::byte> buffer(1000);
    for (;;) {
      const auto item = mirror.next(buffer);
      ASSERT_TRUE(item) << item.error().message;
      if (item->kind == recording::FeedItem::Kind::end) return;
      mirror.take(*item);
    }
  }

  fs::path root_;
  std::string folder_;
  std::uint64_t size_ = 0;
  asio::thread_pool pool_{1};
};

TEST_F(MirrorTest, IsTheScreenOfTheWholeRecordAndFollowsIt) {
  append(lines(0, 500));
  Mirror mirror(folder_, &pool_);
  EXPECT_FALSE(mirror.hot());
  load(mirror);
  terminal::Screen expected(kSize);
  expected.feed(lines(0, 500));
  EXPECT_EQ(terminal::first_difference(mirror.screen(), expected), "");
  append(lines(500, 100));
  read_on(mirror);
  expected.feed(lines(500, 100));
  EXPECT_EQ(terminal::first_difference(mirror.screen(), expected), "");
  EXPECT_EQ(mirror.offset(), size_);
}

TEST_F(MirrorTest, AKeyframeStandsForAllBeforeIt) {
  mark_size(kSize);
  append(lines(0, 3000));
  terminal::Screen expected(kSize);
  expected.feed(lines(0, 3000));
  {
    Mirror mirror(folder_, &pool_);
    load(mirror);
    const auto saved = run(mirror.save());
    ASSERT_TRUE(saved) << saved.error().message;
  }
  append(lines(3000, 50));
  expected.feed(lines(3000, 50));
  Mirror mirror(folder_, &pool_);
  load(mirror);
  EXPECT_EQ(terminal::first_difference(mirror.screen(), expected), "");
  EXPECT_EQ(mirror.cut(), size_ - lines(3000, 50).size()) << "sizes before the keyframe are not known";

  // A damaged one is worth nothing, and the record is still whole.
  const auto keyframes = recording::list_keyframes(folder_);
  ASSERT_TRUE(keyframes);
  ASSERT_EQ(keyframes->size(), 1U);
  for (const auto& entry : fs::directory_iterator(folder_ + "/keyframes")) {
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(fs::file_size(entry.path()) / 2));
    file << '\x7f';
  }
  Mirror again(folder_, &pool_);
  load(again);
  EXPECT_EQ(terminal::first_difference(again.screen(), expected), "");
}

TEST_F(MirrorTest, SizesApplyWhereTheyStandInTheRecord) {
  mark_size({.cols = 30, .rows = 8});
  append(lines(0, 20));
  mark_size({.cols = 50, .rows = 12});
  append(lines(20, 20));
  Mirror mirror(folder_, &pool_);
  load(mirror);
  terminal::Screen expected({.cols = 30, .rows = 8});
  expected.feed(lines(0, 20));
  expected.resize({.cols = 50, .rows = 12});
  expected.feed(lines(20, 20));
  EXPECT_EQ(terminal::first_difference(mirror.screen(), expected), "");
  EXPECT_EQ(mirror.cut(), lines(0, 20).size());
}

TEST_F(MirrorTest, WhatComesAheadOfTheRecordIsNotTakenTwice) {
  append("one\r\n");
  Mirror mirror(folder_, &pool_);
  load(mirror);
  const std::string ahead = "two\r\n";
  mirror.take_ahead(as_bytes(ahead));
  read_on(mirror);
  append(ahead);
  append("three\r\n");
  read_on(mirror);
  EXPECT_EQ(terminal::write_text(mirror.screen()).substr(0, 13), "one\ntwo\nthree");
  EXPECT_EQ(mirror.offset(), size_);
}

TEST_F(MirrorTest, GivesEverybodyTheSameSnapshot) {
  append(lines(0, 1000));
  Mirror mirror(folder_, &pool_);
  load(mirror);
  const Mirror::Snapshot first = mirror.snapshot(std::nullopt);
  EXPECT_EQ(first.lines, 200U);
  EXPECT_EQ(first.kept, 1000U + 1 - 10);
  EXPECT_EQ(mirror.snapshot(std::nullopt).bytes, first.bytes);
  const Mirror::Snapshot more = mirror.snapshot(5000);
  EXPECT_EQ(more.lines, more.kept);
  EXPECT_GT(more.bytes->size(), first.bytes->size());
  append("x");
  read_on(mirror);
  EXPECT_NE(mirror.snapshot(std::nullopt).bytes, first.bytes);
}

TEST_F(MirrorTest, AFirstScreenIsSmallHoweverColourful) {
  std::string colourful;
  for (int i = 0; i < 300; ++i) {
    for (int x = 0; x < 40; ++x) colourful += "\x1b[38;2;" + std::to_string(x) + ";" + std::to_string(i % 256) + ";7m#";
    colourful += "\r\n";
  }
  append(colourful);
  Mirror mirror(folder_, &pool_);
  load(mirror);
  const Mirror::Snapshot first = mirror.snapshot(std::nullopt);
  EXPECT_EQ(first.lines, 0U);
  EXPECT_LT(first.bytes->size(), 64U * 1024);
}

TEST_F(MirrorTest, WhatTmuxSaysReplacesTheModel) {
  append("wrong");
  Mirror mirror(folder_, &pool_);
  load(mirror);
  const std::uint64_t epoch = mirror.epoch();
  mirror.replace("right");
  EXPECT_EQ(terminal::write_text(mirror.screen()).substr(0, 5), "right");
  EXPECT_GT(mirror.epoch(), epoch);
}

// However little was printed: the record alone would lead to what was repaired.
TEST_F(MirrorTest, WhatTmuxSaysIsKept) {
  append("wrong");
  {
    Mirror mirror(folder_, &pool_);
    load(mirror);
    EXPECT_FALSE(mirror.worth_keyframe());
    mirror.replace("right");
    EXPECT_TRUE(mirror.wants_keyframe(1U << 30U));
    EXPECT_TRUE(mirror.worth_keyframe());
    ASSERT_TRUE(run(mirror.save()));
    EXPECT_FALSE(mirror.wants_keyframe(1U << 30U));
    EXPECT_FALSE(mirror.worth_keyframe());
  }
  Mirror mirror(folder_, &pool_);
  load(mirror);
  EXPECT_EQ(terminal::write_text(mirror.screen()).substr(0, 5), "right");
}

}  // namespace
}  // namespace ccd::sessions
