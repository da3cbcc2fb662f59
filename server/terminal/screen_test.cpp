// What bytes do to a screen, case by case: the table is what people read to learn how tmux 3.3a sees a sequence. Also titles, modes,
// numbers of lines, and that nothing grows without bound.
#include "terminal/screen.hpp"

#include <gtest/gtest.h>

#include "terminal/snapshot.hpp"
#include "terminal/testing.hpp"

namespace ccd::terminal {
namespace {

using testing::readable;

constexpr Size kSize{10, 4};

struct Case {
  std::string_view name;
  std::string_view bytes;
  std::string_view rows;  // separated by '|', those at the end that are empty left out
  int x;
  int y;
};

// Rows as text, without the empty ones at the end.
std::string rows_of(const Screen& screen) {
  std::string text = write_text(screen);
  while (text.ends_with('\n')) text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = '|';
  }
  return text;
}

constexpr Case kCases[] = {
    {"text wraps when the next character comes", "0123456789", "0123456789", 10, 0},
    {"and goes on in the next row", "0123456789ab", "0123456789|ab", 2, 1},
    {"line feed keeps the column", "ab\ncd", "ab|  cd", 4, 1},
    {"vertical tab and form feed are line feeds", "a\vb\fc", "a| b|  c", 3, 2},
    {"backspace goes back over a wrap", "0123456789a\b\bX", "012345678X|a", 10, 0},
    {"but not over the end of a line", "ab\r\n\bX", "ab|X", 1, 1},
    {"tabs every eight columns, the last one is the edge", "a\tb\tc", "a       bc", 10, 0},
    {"tabs can be set and cleared", "\x1b[3g\x1b[4G\x1bH\ra\tb\x1b[Zc", "a  c", 4, 0},
    {"cursor left of a pending wrap is the last column", "0123456789\x1b[DX", "012345678X", 10, 0},
    {"cursor addresses are clamped", "\x1b[99;99Hx", "|||         x", 10, 3},
    {"sub-parameters where none belong do nothing", "a\x1b[1:2Hb", "ab", 2, 0},
    {"control characters work inside a sequence", "ab\x1b[1\rCc", "ac", 2, 0},
    {"cancel ends a sequence",
     "ab\x1b[3\x18"
     "Cc",
     "abCc", 4, 0},
    {"an unknown sequence leaves the character to repeat", "a\x1b[I\x1b[3b", "aaaa", 4, 0},
    {"another one takes it away", "a\x1b[m\x1b[3b", "a", 1, 0},
    {"too many parameters do nothing", "\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;2Cx", "x", 1, 0},
    {"too large a number does nothing", "\x1b[99999999999Cx", "x", 1, 0},
    {"insert and delete characters", "abcdef\r\x1b[2@\x1b[5G\x1b[P", "  abdef", 4, 0},
    {"erase characters", "abcdef\r\x1b[2Cx\x1b[2X", "abx  f", 3, 0},
    {"insert mode", "bc\r\x1b[4ha", "abc", 1, 0},
    {"without wrapping the last column is written again", "\x1b[?7l0123456789ab", "012345678b", 9, 0},
    {"erase to the left", "abcdef\x1b[3G\x1b[1K", "   def", 2, 0},
    {"erase below", "ab\r\ncd\r\nef\x1b[2;2H\x1b[J", "ab|c", 1, 1},
    {"insert lines in the region", "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[2H\x1b[L", "1||2|4", 0, 1},
    {"outside of it down to the end", "1\r\n2\r\n3\r\n4\x1b[3;4r\x1b[H\x1b[L", "|1|2|3", 0, 0},
    {"delete lines", "1\r\n2\r\n3\r\n4\x1b[2H\x1b[M", "1|3|4", 0, 1},
    {"reverse line feed scrolls at the top", "1\r\n2\x1b[H\x1bMx", "x|1|2", 1, 0},
    {"origin mode counts from the region", "\x1b[2;3r\x1b[?6hx\x1b[9;9Hy", "|x|        y", 9, 2},
    {"a region of one row is none", "a\x1b[2;2rb", "ab", 2, 0},
    {"save and restore",
     "\x1b[2;2H\x1b"
     "7\x1b[Ha\x1b"
     "8b",
     "a| b", 2, 1},
    {"restore without save goes home",
     "\x1b[3;3Ha\x1b"
     "8b",
     "b||  a", 1, 0},
    {"alternate screen and back", "main\x1b[?1049halt\x1b[?1049lX", "mainX", 5, 0},
    {"the cursor stays where it is on the alternate screen", "main\x1b[?1049halt", "    alt", 7, 0},
    {"?47 leaves the cursor", "ab\x1b[?47h\x1b[3;3H\x1b[?47lX", "ab||  X", 3, 2},
    {"full reset stays on the alternate screen",
     "main\x1b[?1049halt\x1b"
     "cx",
     "x", 1, 0},
    {"alignment pattern", "\x1b#8\x1b[2;2Hx", "EEEEEEEEEE|ExEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE", 2, 1},
    {"wide characters take two columns", "a你b", "a你b", 4, 0},
    {"and wrap as a whole", "012345678你", "012345678|你", 2, 1},
    {"half of one overwritten leaves a blank", "a你b\x1b[3Gx", "a xb", 3, 0},
    {"but not in the first column, by plain text", "你\x1b[2Gx", "你x", 2, 0},
    {"combining goes to the left", "e\xcc\x81x", "e\xcc\x81x", 2, 0},
    {"and is dropped in the first column", "\xcc\x81x", "x", 1, 0},
    {"a joiner takes the next character along", "👩\xe2\x80\x8d👩x", "👩\xe2\x80\x8d👩x", 3, 0},
    {"but not a plain one",
     "a\xe2\x80\x8d"
     "b",
     "ab", 2, 0},
    {"bytes that are not UTF-8 are dropped",
     "a\xff\xc0\x80\xed\xa0\x80"
     "b",
     "ab", 2, 0},
    {"C1 characters are dropped, as bytes and in UTF-8",
     "a\x9b"
     "1mb\xc2\x9b"
     "1mc",
     "a1mb1mc", 7, 0},
    {"a character is not interrupted by a sequence", "\xe4\x1b[m\xbd\xa0", "你", 2, 0},
    {"line drawing", "\x1b(0lqk\x1b(Bq", "┌─┐q", 4, 0},
    {"line drawing by shift", "\x1b)0\x0eq\x0fq", "─q", 2, 0},
    {"strings leave no trace",
     "a\x1bPq1\x1b\\b\x1b^x\x1b\\c\x1bXy\x1b\\d\x1bkn\x1b\\e\x1b]9;x\x07"
     "f",
     "abcdef", 6, 0},
    {"a string ends with any escape", "a\x1b]0;t\x1b[2Cb", "a  b", 4, 0},
    {"links are text", "\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\.", "link.", 5, 0},
    {"soft reset is not known to tmux", "ab\x1b[4h\x1b[!p\rx", "xab", 1, 0},
    {"?3 clears and goes home", "ab\x1b[?3hx", "x", 1, 0},
};

TEST(Screen, Table) {
  for (const Case& test : kCases) {
    SCOPED_TRACE(std::string(test.name) + ": " + readable(test.bytes));
    Screen screen(kSize);
    screen.feed(test.bytes);
    EXPECT_EQ(rows_of(screen), test.rows);
    EXPECT_EQ(screen.cursor().x, test.x);
    EXPECT_EQ(screen.cursor().y, test.y);
  }
}

TEST(Screen, ModesAreTracked) {
  Screen screen(kSize);
  screen.feed("\x1b[4h\x1b[?1;6;1002;1004;1005;1006;2004h\x1b[?7l\x1b=\x1b[>4;1m");
  const Modes all{.insert = true,
                  .origin = true,
                  .wrap = false,
                  .application_cursor = true,
                  .application_keypad = true,
                  .bracketed_paste = true,
                  .focus_events = true,
                  .mouse_utf8 = true,
                  .mouse_sgr = true,
                  .extended_keys = true,
                  .mouse = MouseMode::buttons};
  EXPECT_EQ(screen.modes(), all);
  screen.feed("\x1b[?1003h\x1b[?1000l");
  EXPECT_EQ(screen.modes().mouse, MouseMode::off);
  screen.feed(
      "\x1b"
      "c");
  EXPECT_EQ(screen.modes(), Modes{});
}

TEST(Screen, CursorHasShapeAndVisibility) {
  Screen screen(kSize);
  screen.feed("\x1b[5 q\x1b[?25l");
  EXPECT_EQ(screen.cursor(), (Cursor{.x = 0, .y = 0, .visible = false, .blinking = true, .shape = CursorShape::bar}));
  screen.feed("\x1b[2 q\x1b[?25h\x1b[7 q");
  EXPECT_EQ(screen.cursor(), (Cursor{.x = 0, .y = 0, .visible = true, .blinking = false, .shape = CursorShape::block}));
}

TEST(Screen, SynchronizedUpdateIsRemembered) {
  Screen screen(kSize);
  screen.feed("\x1b[?2026hab");
  EXPECT_TRUE(screen.in_synchronized_update());
  screen.feed("\x1b[?2026l");
  EXPECT_FALSE(screen.in_synchronized_update());
  EXPECT_EQ(rows_of(screen), "ab");
}

TEST(Screen, TitlesAreWhatTmuxTakes) {
  struct {
    std::string_view bytes;
    std::string_view title;
  } const cases[] = {{"\x1b]0;one\x07", "one"},
                     {"\x1b]2;two\x1b\\", "two"},
                     {"\x1b]1;icon\x07", ""},
                     {"\x1b]2;✳ näme\x07", "✳ näme"},
                     {"\x1b]2;bad \xff\x07", ""},
                     {"\x1b]2;cut\x18", "cut"},
                     {"\x1b]2;a\tb\x07", "ab"},
                     {"\x1bkwindow\x1b\\", ""},
                     {"\x1b_Gi=31,a=q;AAAA\x1b\\", "Gi=31,a=q;AAAA"},  // tmux takes any application command for a title
                     {"\x1b]2;one\x07\x1b[22;0t\x1b]2;two\x07\x1b[23;0t", "one"},
                     {"\x1b]2;one\x07\x1b[23;0t", "one"}};
  for (const auto& test : cases) {
    Screen screen(kSize);
    screen.feed(test.bytes);
    EXPECT_EQ(screen.title(), test.title) << readable(test.bytes);
  }
}

TEST(Screen, LinesKeepTheirNumbers) {
  Screen screen(kSize, {.scrollback_lines = 5, .scrollback_bytes = 1U << 20U});
  for (int i = 0; i < 12; ++i) screen.feed(std::to_string(i) + "\r\n");
  EXPECT_EQ(screen.first_line(), 4U);
  EXPECT_EQ(screen.top_line(), 9U);
  EXPECT_EQ(write_text(screen, 0, 6), "4\n5\n");
  EXPECT_EQ(write_text(screen, 8, 2), "8\n9\n");
  screen.feed("\x1b[3J");
  EXPECT_EQ(screen.first_line(), 9U);
  EXPECT_EQ(screen.top_line(), 9U);
}

TEST(Screen, ClearedScreenGoesIntoTheScrollback) {
  Screen screen(kSize);
  screen.feed("a\r\nb\x1b[2J");
  EXPECT_EQ(screen.top_line(), 2U);
  EXPECT_EQ(write_text(screen, 0, 2), "a\nb\n");
}

TEST(Screen, AlternateScreenKeepsNoScrollback) {
  Screen screen(kSize);
  screen.feed("\x1b[?1049h");
  for (int i = 0; i < 20; ++i) screen.feed("line\r\n");
  EXPECT_EQ(screen.top_line(), 0U);
}

TEST(Screen, WidthChangesReflow) {
  Screen screen(kSize);
  screen.feed("0123456789abcde\r\nxy");
  screen.resize({5, 4});
  EXPECT_EQ(rows_of(screen), "56789|abcde|xy");  // the first row has gone into the scrollback
  const std::uint64_t numbering = screen.numbering();
  screen.resize({20, 4});
  EXPECT_EQ(rows_of(screen), "0123456789abcde|xy");
  EXPECT_NE(screen.numbering(), numbering);
  EXPECT_EQ(screen.cursor().x, 2);
  EXPECT_EQ(screen.cursor().y, 1);
}

TEST(Screen, HigherScreenTakesLinesBack) {
  Screen screen(kSize);
  screen.feed("1\r\n2\r\n3\r\n4\r\n5\r\n6");
  screen.resize({10, 2});
  EXPECT_EQ(rows_of(screen), "5|6");
  screen.resize({10, 6});
  EXPECT_EQ(rows_of(screen), "1|2|3|4|5|6");
  EXPECT_EQ(screen.top_line(), 0U);
}

TEST(Screen, SizesAreClamped) {
  Screen screen({0, -5});
  EXPECT_EQ(screen.size(), (Size{1, 1}));
  screen.feed("ab你\x1b[5;5H\x1b[L\x1b[P\x1b[@");
  screen.resize({100'000, 100'000});
  EXPECT_EQ(screen.size(), kMaxSize);
}

// Whatever arrives, a screen of this size stays under the bound.
TEST(Screen, MemoryIsBounded) {
  const std::size_t kBound = 6U << 20U;
  const Limits limits{.scrollback_lines = 10'000, .scrollback_bytes = 1U << 20U};
  const auto floods = std::to_array<std::string (*)(int)>({
      [](int i) { return "\x1b]2;" + std::string(static_cast<std::size_t>(i % 9000), 't') + "\x07\x1b[22;0t"; },
      [](int) { return "\x1b]0;" + std::string(5000, 'x'); },
      [](int) { return "\x1bP" + std::string(5000, 'x'); },
      [](int) { return "\x1b[" + std::string(5000, '1'); },
      [](int i) { return "\x1b]8;;http://" + std::to_string(i) + std::string(1000, 'u') + "\x1b\\link\r\n"; },
      [](int i) { return "\x1b[38;2;" + std::to_string(i % 256) + ';' + std::to_string(i / 256 % 256) + ";7mx"; },
      [](int i) { return "a\xcc\x81\xcc" + std::string(1, static_cast<char>(0x80 + i % 0x30)) + "\xcc\x82\xcc\x83"; },
      [](int) { return std::string(3000, 'w'); },
      [](int i) { return "\x1b[48;5;" + std::to_string(i % 256) + "mx\x1b[1;41m \x1b[7m你\r\n"; },
  });
  for (std::size_t flood = 0; flood < floods.size(); ++flood) {
    Screen screen({200, 50}, limits);
    for (int i = 0; i < 5'000; ++i) screen.feed(floods[flood](i));
    EXPECT_LT(screen.memory_bytes(), kBound) << "flood " << flood;
  }
}

TEST(Screen, IdleScreenIsSmall) {
  Screen screen({200, 50});
  screen.feed("$ ");
  EXPECT_LT(screen.memory_bytes(), 100U << 10U);
}

}  // namespace
}  // namespace ccd::terminal
