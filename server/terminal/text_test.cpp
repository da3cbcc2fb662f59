// Text, pages of scrollback, rows for thumbnails, and what snapshots look like from outside.
#include <gtest/gtest.h>

#include "terminal/rows.hpp"
#include "terminal/screen.hpp"
#include "terminal/snapshot.hpp"
#include "terminal/testing.hpp"

namespace ccd::terminal {
namespace {

using testing::readable;

constexpr Size kSize{10, 3};

TEST(Text, RowsAndJoinedLines) {
  Screen screen(kSize);
  screen.feed("0123456789abc  \r\n  x  ");
  EXPECT_EQ(write_text(screen), "0123456789\nabc\n  x\n");
  EXPECT_EQ(write_text(screen, Wraps::joined), "0123456789abc\n  x\n");
}

TEST(Text, BlanksInTheMiddleOfAJoinedLineStay) {
  Screen screen(kSize);
  screen.feed("ab        cd");
  EXPECT_EQ(write_text(screen, Wraps::joined), "ab        cd\n\n");
}

TEST(Text, LineDrawingIsReadable) {
  Screen screen(kSize);
  screen.feed("\x1b(0lqk_\x1b(Bq");
  EXPECT_EQ(write_text(screen), "┌─┐_q\n\n\n");
}

TEST(Text, LinesByNumberGoFromScrollbackToScreen) {
  Screen screen(kSize);
  screen.feed("1\r\n2\r\n3\r\n4\r\n5");
  EXPECT_EQ(write_text(screen, 1, 3), "2\n3\n4\n");
  EXPECT_EQ(write_text(screen, 0, kAllLines), "1\n2\n3\n4\n5\n");
  EXPECT_EQ(write_text(screen, 7, 3), "");
  screen.feed("\r0123456789a");
  EXPECT_EQ(write_text(screen, 4, 1, Wraps::joined), "0123456789\n");
  EXPECT_EQ(write_text(screen, 3, 2, Wraps::joined), "4\n0123456789\n");
}

TEST(LinePage, HasColoursOfItsOwn) {
  Screen screen(kSize);
  screen.feed("\x1b[31mred\r\nmore\x1b[m\r\nplain\r\n4\r\n5\r\n6");
  const LinePage page = write_lines(screen, 0, 3);
  EXPECT_EQ(page.first_line, 0U);
  EXPECT_EQ(page.count, 3U);
  EXPECT_EQ(readable(page.text), readable("\x1b[31mred\x1b[m\r\n\x1b[31mmore\x1b[m\r\nplain\r\n"));
}

TEST(LinePage, WrappedLinesAreNotCut) {
  Screen screen(kSize);
  screen.feed("0123456789abc\r\n2\r\n3\r\n4\r\n");
  EXPECT_EQ(readable(write_lines(screen, 0, 3).text), readable("0123456789abc\r\n2\r\n"));
}

TEST(LinePage, SaysWhatIsStillThere) {
  Screen screen(kSize, {.scrollback_lines = 2, .scrollback_bytes = 1U << 20U});
  screen.feed("1\r\n2\r\n3\r\n4\r\n5\r\n6");
  const LinePage page = write_lines(screen, 0, 3);
  EXPECT_EQ(page.first_line, 1U);
  EXPECT_EQ(page.count, 2U);
  EXPECT_EQ(page.text, "2\r\n3\r\n");
}

TEST(Rows, RunsHaveTextAndColours) {
  Screen screen(kSize);
  screen.feed("ab\x1b[1;38;5;9mcd\x1b[m你\x1b[44m \x1b[m");
  const std::vector<Row> rows = rows_since(screen, 0);
  ASSERT_EQ(rows.size(), 3U);
  ASSERT_EQ(rows[0].runs.size(), 4U);
  EXPECT_EQ(rows[0].runs[1],
            (terminal::Run{
                .text = "cd", .cols = 2, .foreground = Colour::indexed(9), .background = {}, .attributes = kBold}));
  EXPECT_EQ(rows[0].runs[2].text, "你");
  EXPECT_EQ(rows[0].runs[2].cols, 2);
  EXPECT_EQ(rows[0].runs[3].background, Colour::basic(4));
  EXPECT_TRUE(rows[1].runs.empty());
}

TEST(Rows, OnlyWhatChangedSince) {
  Screen screen(kSize);
  screen.feed("1\r\n2\r\n3");
  const std::uint64_t before = screen.generation();
  EXPECT_TRUE(rows_since(screen, before).empty());
  screen.feed("\x1b[2;1Hx");
  const std::vector<Row> rows = rows_since(screen, before);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].y, 1);
  screen.feed("\x1b[3;1H\n");
  EXPECT_EQ(rows_since(screen, before + 1).size(), 3U) << "scrolling changes every row";
}

// The rows that have not changed look as they did, whatever happens in between.
TEST(Rows, UnchangedRowsAreTheSame) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    testing::RandomProgram random(seed);
    Screen screen({20, 6});
    std::vector<Row> shown = rows_since(screen, 0);
    std::uint64_t generation = screen.generation();
    for (int i = 0; i < 20; ++i) {
      screen.feed(random.bytes(2));
      for (Row& row : rows_since(screen, generation)) shown[static_cast<std::size_t>(row.y)] = std::move(row);
      generation = screen.generation();
      const std::vector<Row> now = rows_since(screen, 0);
      for (std::size_t y = 0; y < now.size(); ++y)
        ASSERT_EQ(shown[y].runs, now[y].runs) << "seed " << seed << " row " << y;
    }
  }
}

TEST(Snapshot, OfAColouredScreenIsSmall) {
  Screen screen({200, 50});
  for (int i = 0; i < 50; ++i) {
    for (int k = 0; k < 25; ++k)
      screen.feed("\x1b[38;5;" + std::to_string((i * 7 + k) % 256) + ";48;5;" + std::to_string(k) + "mcolour ");
  }
  EXPECT_LT(write_snapshot(screen).size(), 64U << 10U);
  screen.feed(
      "\x1b"
      "c\x1b[3J");
  EXPECT_LT(write_snapshot(screen).size(), 200U) << "an empty screen";
}

TEST(Snapshot, HasNoScrollbackUnlessAsked) {
  Screen screen(kSize);
  screen.feed("1\r\n2\r\n3\r\n4\r\n5");
  Screen fresh(kSize);
  fresh.restore(write_snapshot(screen));
  EXPECT_EQ(fresh.first_line(), 2U);
  EXPECT_EQ(fresh.top_line(), 2U);
  EXPECT_EQ(write_text(fresh), write_text(screen));
  fresh.restore(write_snapshot(screen, {.scrollback_lines = 1}));
  EXPECT_EQ(fresh.first_line(), 1U);
  EXPECT_EQ(write_text(fresh, 1, 1), "2\n");
}

TEST(Snapshot, FedToAScreenInUseShowsTheSame) {
  Screen screen({20, 6});
  screen.feed("one\r\n\x1b[31mtwo\x1b[2;4r\x1b[?25l");
  Screen other({20, 6});
  other.feed("\x1b[?1049hother\x1b[5;5r\x1b[4h\x1b[?6h");
  other.feed(write_snapshot(screen));
  EXPECT_EQ(write_text(other), write_text(screen));
  EXPECT_EQ(other.cursor(), screen.cursor());
  EXPECT_EQ(other.modes(), screen.modes());
  EXPECT_EQ(other.alternate(), screen.alternate());
  EXPECT_EQ(other.top_line(), 0U) << "what was there before is not in the scrollback";
}

TEST(Snapshot, CarriesTheBeginningOfASequence) {
  Screen screen(kSize);
  screen.feed("a\x1b[3");
  Screen fresh(kSize);
  fresh.restore(write_snapshot(screen));
  EXPECT_TRUE(fresh.in_sequence());
  fresh.feed("1mb");
  screen.feed("1mb");
  EXPECT_EQ(first_difference(screen, fresh), "");
}

// Restoring takes any bytes, as a keyframe that a disk has spoilt.
TEST(Restore, TakesAnyBytes) {
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    testing::RandomProgram random(seed);
    Screen screen({20, 6});
    screen.feed(random.bytes(30));
    std::string snapshot = write_snapshot(screen, {.scrollback_lines = kAllLines});
    for (int i = 0; i < 4; ++i) {
      const auto at = static_cast<std::size_t>(random.below(static_cast<int>(snapshot.size())));
      if (i % 2 == 0) snapshot[at] = static_cast<char>(random.below(256));
      else
        snapshot.insert(
            at,
            "\x1bPccd;" + std::string(i == 1 ? "size;999999;3" : "state;5000;900;1;2;3;4;1;77;1;1;200;1") + "\x1b\\");
    }
    Screen spoilt({20, 6});
    spoilt.restore(snapshot);
    spoilt.feed(random.bytes(30));
    spoilt.resize({1 + random.below(40), 1 + random.below(12)});
    spoilt.feed(random.bytes(10));
    write_snapshot(spoilt, {.scrollback_lines = kAllLines});
  }
}

}  // namespace
}  // namespace ccd::terminal
