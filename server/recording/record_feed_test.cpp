// RecordFeed and MarksTail over hand-made logs, and over the log of a real pane-tap.
#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/encoding.hpp"
#include "recording/marks.hpp"
#include "recording/record_feed.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;
namespace fs = std::filesystem;

Mark mark(std::uint64_t offset, MarkKind kind, std::uint64_t value = 0, std::uint16_t detail = 0) {
  return {.offset = offset, .wall_micros = 1, .kind = kind, .detail = detail, .value = value};
}
Mark size_mark(std::uint64_t offset, std::uint16_t cols, std::uint16_t rows) {
  return mark(offset, MarkKind::resize, size_value({.cols = cols, .rows = rows}));
}

// "[80x24]", "<gap 5>", "{preload 3}" and the bytes, until nothing more is there.
std::string drain(RecordFeed& feed, std::size_t buffer_bytes = 4096) {
  std::vector<std::byte> buffer(buffer_bytes);
  std::string out;
  for (;;) {
    const Result<FeedItem> item = feed.next(buffer);
    if (!item) return out + "(" + std::string(to_string(item.error().kind)) + ")";
    switch (item->kind) {
      case FeedItem::Kind::end: return out;
      case FeedItem::Kind::bytes: out += as_text(item->bytes); break;
      case FeedItem::Kind::resize:
        out += "[" + std::to_string(item->size.cols) + "x" + std::to_string(item->size.rows) + "]";
        break;
      case FeedItem::Kind::gap:
        out += item->missing == kUnknownCount ? "<gap ?>" : "<gap " + std::to_string(item->missing) + ">";
        break;
      case FeedItem::Kind::preload: out += "{preload " + std::to_string(item->missing) + "}"; break;
    }
  }
}

std::string feed_from(const SessionFolder& folder, std::uint64_t offset, std::size_t buffer_bytes = 4096) {
  Result<RecordFeed> feed = RecordFeed::open(folder.path(), offset);
  return feed ? drain(*feed, buffer_bytes) : std::string(to_string(feed.error().kind));
}

TEST(RecordFeed, EmptyRecordAndNoFolder) {
  const SessionFolder folder;
  EXPECT_EQ(feed_from(folder, 0), "");
  EXPECT_EQ(feed_from(folder, 1), "(invalid)");
  EXPECT_EQ(RecordFeed::open("/nonexistent/session", 0).error().kind, ErrorKind::not_found);
}

TEST(RecordFeed, MarksComeBetweenTheBytesAtTheirOffsets) {
  const SessionFolder folder;
  folder.write_segment(0, "0123");
  folder.write_segment(4, "456789");
  folder.write_mark(mark(0, MarkKind::tap_started, 17));
  folder.write_mark(size_mark(0, 80, 24));
  folder.write_mark(mark(0, MarkKind::time));
  folder.write_mark(size_mark(2, 100, 30));
  folder.write_mark(mark(4, MarkKind::gap, 5, 1));
  folder.write_mark(mark(4, MarkKind::preload, 3));
  folder.write_mark(mark(5, MarkKind::input_uncertain, 3));
  folder.write_mark(size_mark(10, 20, 10));
  for (const std::size_t buffer : {1, 2, 3, 4096}) {
    EXPECT_EQ(feed_from(folder, 0, buffer), "[80x24]01[100x30]23<gap 5>{preload 3}456789[20x10]");
    EXPECT_EQ(feed_from(folder, 1, buffer), "1[100x30]23<gap 5>{preload 3}456789[20x10]");
    EXPECT_EQ(feed_from(folder, 2, buffer), "[100x30]23<gap 5>{preload 3}456789[20x10]");
    EXPECT_EQ(feed_from(folder, 10, buffer), "[20x10]");
  }
}

TEST(RecordFeed, ItemsSayWhereTheyAre) {
  const SessionFolder folder;
  folder.write_segment(0, "abcdef");
  folder.write_mark(mark(3, MarkKind::gap, 7, 3));
  RecordFeed feed = RecordFeed::open(folder.path(), 1).value();
  std::array<std::byte, 16> buffer{};
  FeedItem item = feed.next(buffer).value();
  EXPECT_EQ(item.offset, 1U);
  EXPECT_EQ(as_text(item.bytes), "bc");
  item = feed.next(buffer).value();
  EXPECT_EQ(item.offset, 3U);
  EXPECT_EQ(item.kind, FeedItem::Kind::gap);
  EXPECT_EQ(item.reason, GapReason::tap_restarted);
  item = feed.next(buffer).value();
  EXPECT_EQ(item.offset, 3U);
  EXPECT_EQ(as_text(item.bytes), "def");
  EXPECT_EQ(feed.offset(), 6U);
  EXPECT_EQ(feed.next(buffer)->kind, FeedItem::Kind::end);
}

TEST(RecordFeed, OnlyTheLastSizeAtTheFirstOffset) {
  const SessionFolder folder;
  folder.write_segment(0, "abcd");
  for (const int cols : {80, 90, 100}) folder.write_mark(size_mark(2, static_cast<std::uint16_t>(cols), 24));
  folder.write_mark(size_mark(3, 70, 24));
  folder.write_mark(size_mark(3, 60, 24));
  EXPECT_EQ(feed_from(folder, 2), "[100x24]c[70x24][60x24]d");
  EXPECT_EQ(feed_from(folder, 0), "ab[80x24][90x24][100x24]c[70x24][60x24]d");
}

TEST(RecordFeed, FollowsTheRecordWhileItGrows) {
  const SessionFolder folder;
  RecordFeed feed = RecordFeed::open(folder.path(), 0).value();
  EXPECT_EQ(drain(feed), "");
  folder.write_mark(size_mark(0, 80, 24));
  EXPECT_EQ(drain(feed), "[80x24]");
  folder.write_segment(0, "ab");
  EXPECT_EQ(drain(feed), "ab");
  folder.write_mark(size_mark(2, 90, 24));
  EXPECT_EQ(drain(feed), "[90x24]");
  folder.write_mark(size_mark(2, 91, 24));
  folder.write_segment(0, "cd");
  folder.write_segment(4, "ef");
  folder.write_mark(mark(6, MarkKind::gap, 1, 1));
  folder.write_segment(4, "gh");
  EXPECT_EQ(drain(feed), "[91x24]cdef<gap 1>gh");
  EXPECT_EQ(drain(feed), "");
}

TEST(RecordFeed, MarksBeyondTheEndOfTheLogDoNotStopIt) {
  const SessionFolder folder;
  folder.write_segment(0, "abc");
  folder.write_mark(size_mark(9, 80, 24));  // a power cut took the bytes 3 to 8
  folder.write_mark(mark(3, MarkKind::gap, kUnknownCount, 3));
  RecordFeed feed = RecordFeed::open(folder.path(), 0).value();
  EXPECT_EQ(drain(feed), "abc[80x24]<gap ?>");
  folder.write_segment(0, "new");
  EXPECT_EQ(drain(feed), "new");
}

TEST(RecordFeed, OvertakenByRetentionIsNotFound) {
  const SessionFolder folder;
  folder.write_segment(0, "0123");
  RecordFeed feed = RecordFeed::open(folder.path(), 0).value();
  EXPECT_EQ(drain(feed), "0123");
  fs::remove(folder.path() + "/log/" + segment_name(0).data());
  folder.write_segment(8, "89");
  EXPECT_EQ(drain(feed), "(not_found)");
}

TEST(RecordFeed, GoesOnBehindWhatWasSkipped) {
  const SessionFolder folder;
  folder.write_segment(0, "abc");
  RecordFeed feed = RecordFeed::open(folder.path(), 0).value();
  EXPECT_EQ(drain(feed), "abc");
  feed.skip(2);  // "de", which came before the log had it
  EXPECT_EQ(drain(feed), "");
  folder.write_segment(0, "d");
  EXPECT_EQ(drain(feed), "");
  folder.write_segment(0, "ef");
  EXPECT_EQ(drain(feed), "f");
  EXPECT_EQ(feed.offset(), 6U);
}

// The tap replaces the file of marks when it is full: each mark is still given once.
TEST(MarksTail, FollowsAReplacedFile) {
  const SessionFolder folder;
  const std::string path = folder.path() + "/marks";
  for (int i = 0; i < 100; ++i) folder.write_mark(mark(static_cast<std::uint64_t>(i), MarkKind::time));
  folder.write_mark(size_mark(100, 1, 1));
  folder.write_mark(size_mark(100, 2, 2));
  folder.write_mark(size_mark(100, 3, 3));
  folder.write_mark(size_mark(101, 4, 4));
  MarksTail tail = MarksTail::open(folder.path(), 0).value();
  const auto next_cols = [&]() -> int {
    const Mark* const found = tail.peek().value();
    if (found == nullptr) return 0;
    const int cols = size_of_value(found->value).cols;
    tail.pop();
    return cols;
  };
  EXPECT_EQ(next_cols(), 1);
  EXPECT_EQ(next_cols(), 2);
  const std::string old = file_bytes(path);
  fs::rename(path, path + ".old");
  for (int i = 0; i < 100; i += 2) folder.write_mark(mark(static_cast<std::uint64_t>(i), MarkKind::time));
  std::ofstream(path, std::ios::app | std::ios::binary) << old.substr(100 * kMarkBytes);
  fs::remove(path + ".old");
  folder.write_mark(size_mark(102, 5, 5));
  EXPECT_EQ(next_cols(), 3);
  EXPECT_EQ(next_cols(), 4);
  EXPECT_EQ(next_cols(), 5);
  EXPECT_EQ(next_cols(), 0);
  EXPECT_EQ(next_cols(), 0);
}

TEST(MarksTail, BeginsAtTheOffsetAlsoWhenTheFileComesLater) {
  const SessionFolder folder;
  MarksTail tail = MarksTail::open(folder.path(), 5).value();
  EXPECT_EQ(tail.peek().value(), nullptr);
  folder.write_mark(size_mark(4, 1, 1));
  folder.write_mark(size_mark(5, 2, 2));
  ASSERT_NE(tail.peek().value(), nullptr);
  EXPECT_EQ(tail.peek().value()->offset, 5U);
}

TEST(SizeAt, LastResizeAtOrBeforeTheOffset) {
  const SessionFolder folder;
  EXPECT_EQ(size_at(folder.path(), 0).value(), std::nullopt);
  folder.write_mark(mark(0, MarkKind::tap_started));
  EXPECT_EQ(size_at(folder.path(), 9).value(), std::nullopt);
  folder.write_mark(size_mark(2, 80, 24));
  for (std::uint64_t i = 2; i < 300; ++i) folder.write_mark(mark(i, MarkKind::time));
  folder.write_mark(size_mark(300, 90, 30));
  EXPECT_EQ(size_at(folder.path(), 1).value(), std::nullopt);
  EXPECT_EQ(size_at(folder.path(), 2).value(), (PaneSize{.cols = 80, .rows = 24}));
  EXPECT_EQ(size_at(folder.path(), 299).value(), (PaneSize{.cols = 80, .rows = 24}));
  EXPECT_EQ(size_at(folder.path(), 300).value(), (PaneSize{.cols = 90, .rows = 30}));
  EXPECT_EQ(size_at(folder.path(), kUnknownCount).value(), (PaneSize{.cols = 90, .rows = 30}));
}

// Whatever the sizes of the reads and however the record grows between them, the items are the same.
TEST(RecordFeed, AnyChunkingGivesTheSameItems) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same each time
  const auto up_to = [&](std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(random); };
  for (int round = 0; round < 20; ++round) {
    const SessionFolder folder;
    RecordFeed feed = RecordFeed::open(folder.path(), 0).value();
    std::string expected;
    std::string got;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    for (int step = 0; step < 60; ++step) {
      if (up_to(3) == 0) {
        const auto cols = static_cast<std::uint16_t>(1 + up_to(200));
        folder.write_mark(size_mark(end, cols, 24));
        expected += "[" + std::to_string(cols) + "x24]";
      } else {
        const std::string bytes(up_to(40), static_cast<char>('a' + step % 26));
        folder.write_segment(start, bytes);
        expected += bytes;
        end += bytes.size();
        if (up_to(4) == 0) start = end;
      }
      if (up_to(2) == 0) got += drain(feed, 1 + up_to(30));
    }
    got += drain(feed, 64);
    ASSERT_EQ(got, expected);
  }
}

}  // namespace
}  // namespace ccd::recording
