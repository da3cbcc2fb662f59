// A repair written to a fresh tmux pane makes that pane show what the first one shows: tmux itself is the judge.
#include "tmux/repair.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <fstream>

#include "tmux/testing.hpp"

namespace ccd::tmux {
namespace {

using testing::TmuxTest;
using namespace std::chrono_literals;

constexpr int kCols = 40;
constexpr int kRows = 12;

class RepairOfAPane : public TmuxTest {
 protected:
  RepairOfAPane() { EXPECT_TRUE(run(tmux_.ensure_server())); }

  // A pane in which `bytes` were printed and nothing else happens.
  Pane shows(const std::string& name, const std::string& bytes) {
    write(path(name + ".bytes"), bytes);
    NewSession session = cat(name);
    session.cols = kCols;
    session.rows = kRows;
    session.argv = {"sh",
                    "-c",
                    "stty raw -echo; cat \"$1\"; touch \"$2\"; exec sleep 1000",
                    "sh",
                    path(name + ".bytes"),
                    path(name + ".done")};
    const auto pane = run(tmux_.create(session));
    EXPECT_TRUE(pane);
    EXPECT_TRUE(run_until([&] { return std::filesystem::exists(path(name + ".done")); }));
    // What was written before the file was made is read by tmux before it reads the next command.
    settle(pane->pane_id);
    return *pane;
  }

  void settle(const std::string& pane_id) {
    std::string before;
    EXPECT_TRUE(run_until([&] {
      const std::string now = facts(pane_id);
      return now == std::exchange(before, now);
    }));
  }

  static void write(const std::filesystem::path& file, std::string_view bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
  }

  // Everything that tmux tells about a pane's screen: both screens, scrollback, cursor, modes, tabs.
  std::string facts(const std::string& pane_id) {
    return hand({"display-message", "-p", "-t", pane_id,
                 "cursor #{cursor_x},#{cursor_y} shown #{cursor_flag} insert #{insert_flag} keys #{keypad_cursor_flag}"
                 "#{keypad_flag} origin #{origin_flag} wrap #{wrap_flag} mouse "
                 "#{mouse_standard_flag}#{mouse_button_flag}"
                 "#{mouse_all_flag}#{mouse_utf8_flag}#{mouse_sgr_flag} region "
                 "#{scroll_region_upper},#{scroll_region_lower}"
                 " alternate #{alternate_on} tabs #{pane_tabs} history #{history_size}"}) +
           hand({"capture-pane", "-p", "-e", "-N", "-S", "-", "-t", pane_id}) +
           hand({"capture-pane", "-p", "-e", "-N", "-a", "-q", "-t", pane_id}) +
           hand({"capture-pane", "-p", "-P", "-C", "-t", pane_id});
  }

  std::string repair_of(const Pane& pane) {
    const auto repair = run(tmux_.pipe(pane.pane_id, "exec cat > /dev/null", CaptureFirst::yes));
    EXPECT_TRUE(repair) << repair.error().message;
    EXPECT_EQ(repair->cols, kCols);
    EXPECT_EQ(repair->rows, kRows);
    return repair->escape_sequences;
  }

  void expect_same(const std::string& what, const std::string& bytes) {
    SCOPED_TRACE(what);
    const std::string name = "case" + std::to_string(++cases_);
    const Pane original = shows(name, bytes);
    const Pane copy = shows(name + "-copy", repair_of(original));
    EXPECT_EQ(facts(original.pane_id), facts(copy.pane_id));
  }

 private:
  int cases_ = 0;
};

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(i) + "\r\n";
  return text;
}

TEST_F(RepairOfAPane, EmptyAndPlainScreens) {
  expect_same("empty", "");
  expect_same("hello", "hello\r\nworld");
  expect_same("full", lines(0, kRows) + "last");
}

TEST_F(RepairOfAPane, ScrollbackAndItsColours) {
  expect_same("scrolled", lines(0, 100));
  std::string colours;
  for (int i = 0; i < 60; ++i)
    colours += "\x1b[" + std::to_string(31 + i % 7) + "mfore \x1b[" + std::to_string(41 + i % 5) + "m back \x1b[38;5;" +
               std::to_string(i * 3) + "m\x1b[48;2;1;2;" + std::to_string(i) + "m\x1b[4mtrue  \x1b[K\x1b[1mx\r\n";
  expect_same("colours", colours);
  expect_same("open colour", "\x1b[41m" + lines(0, 30) + "\x1b[1;7mend");
}

TEST_F(RepairOfAPane, WideCombiningAndDrawnCharacters) {
  expect_same("wide", "日本語テキスト👍 é e\xcc\x81 ñ\r\n" + std::string(kCols - 1, 'x') + "日\r\nnext");
  expect_same("drawn", "\x1b(0lqqqk\r\nx   x\x1b(B text\r\n\x1b(0mqqqj\x1b(B" + lines(0, 5));
  expect_same("drawn and scrolled", "\x1b(0lqqqk\r\nx   x\r\n\x1b(B" + lines(0, 20) + "\x1b(0qqq\x1b(B");
}

TEST_F(RepairOfAPane, CursorAndModes) {
  expect_same("cursor", lines(0, 5) + "\x1b[3;7H\x1b[?25l");
  expect_same("modes", "\x1b[?1h\x1b=\x1b[4h\x1b[?7l\x1b[5;5Hx");
  expect_same("mouse", "\x1b[?1000h\x1b[?1006h");
  expect_same("mouse buttons", "\x1b[?1002h\x1b[?1005h");
  expect_same("mouse all", "\x1b[?1003h\x1b[?1006h");
  expect_same("region", lines(0, 11) + "\x1b[3;9r\x1b[4;2H");
  expect_same("origin", lines(0, 11) + "\x1b[3;9r\x1b[?6h\x1b[2;4H");
  expect_same("tabs", "\x1b[3g\x1b[1;5H\x1bH\x1b[1;17H\x1bH\x1b[2;1Ha\tb\tc");
  expect_same("no tabs", "\x1b[3g");
}

TEST_F(RepairOfAPane, TheCursorBehindTheLastColumn) {
  expect_same("behind", lines(0, 3) + "\x1b[32m" + std::string(kCols, 'y'));
  expect_same("behind, scrolled", lines(0, 40) + "\x1b[44m" + std::string(kCols - 1, 'y') + "\x1b[33mz");
}

TEST_F(RepairOfAPane, TheAlternateScreen) {
  expect_same("alternate", lines(0, 30) + "\x1b[33mmain\x1b[?1049h\x1b[2J\x1b[3;3H\x1b[44mfull screen\x1b[10;1Hbottom");
  expect_same("alternate, open colour", "\x1b[42m" + lines(0, 30) + "\x1b[?1049h\x1b[Htop\x1b[?25l");
  expect_same("and back", lines(0, 30) + "\x1b[?1049hxxx\x1b[?1049lback");
}

TEST_F(RepairOfAPane, AnUnfinishedSequenceContinues) {
  const Pane original = shows("cut", "red comes\x1b[3");
  const std::string repair = repair_of(original);
  EXPECT_TRUE(repair.ends_with("\x1b[3"));
  const Pane copy = shows("cut-copy", repair + "1mred");
  EXPECT_EQ(run(tmux_.capture_text(copy.pane_id, Escapes::keep)).value().substr(0, 17), "red comes\x1b[31mred");
}

// What the busy program below prints in `rounds` rounds. It clears the scrollback now and then, so that it stays shorter than a
// repair however long the program runs.
std::string busy_output(int rounds) {
  std::string text;
  for (int i = 0; i < rounds; ++i) {
    const std::string number = std::to_string(i);
    text += "\x1b[3" + std::to_string(i % 8) + "m" + number + " \x1b[1mabc\x1b[0m|";
    if (i % 500 == 499) text += "\x1b[3J";
  }
  return text;
}

// The capture ends exactly where the pipe begins. The pipe's bytes, to the end, say how much was printed before them, and the repair
// must show that: a byte that is in both or in neither would show. (The two played together would not always show what the pane
// shows: of a cut behind a change of colour tmux does not tell the colour.)
TEST_F(RepairOfAPane, IsExactWhileTheProgramWrites) {
  for (int trial = 0; trial < 5; ++trial) {
    SCOPED_TRACE(trial);
    const std::string name = "busy" + std::to_string(trial);
    NewSession session = cat(name);
    session.cols = kCols;
    session.rows = kRows;
    session.argv = {
        "sh", "-c",
        "i=0; while [ ! -e \"$1\" ]; do printf '\\033[3%dm%d \\033[1mabc\\033[0m|' $((i % 8)) $i;"
        " [ $((i % 500)) = 499 ] && printf '\\033[3J'; i=$((i + 1)); done; printf 'rounds=%d.' $i; exec sleep 1000",
        "sh", path(name + ".stop")};
    const auto pane = run(tmux_.create(session));
    ASSERT_TRUE(pane);
    ASSERT_TRUE(
        run_until([&] { return hand({"display-message", "-p", "-t", pane->pane_id, "#{history_size}"}) != "0\n"; }));
    const std::string pipe_file = path(name + ".pipe");
    const std::string pipe = pipe_command_line({"sh", "-c", "exec cat > \"$1\"", "sh", pipe_file});
    const auto repair = run(tmux_.pipe(pane->pane_id, pipe, CaptureFirst::yes));
    ASSERT_TRUE(repair);
    write(path(name + ".stop"), "");
    ASSERT_TRUE(run_until([&] { return read(pipe_file).ends_with('.'); }));

    const std::string piped = read(pipe_file);
    const std::size_t end = piped.rfind("rounds=");
    ASSERT_NE(end, std::string::npos);
    const std::string printed = busy_output(std::stoi(piped.substr(end + 7))) + piped.substr(end);
    ASSERT_TRUE(printed.ends_with(piped));
    const Pane before = shows(name + "-before", printed.substr(0, printed.size() - piped.size()));
    const Pane copy = shows(name + "-copy", repair->escape_sequences);
    EXPECT_EQ(facts(before.pane_id), facts(copy.pane_id));
  }
}

TEST(Repair, NonsenseIsAnErrorAndNothingWorse) {
  EXPECT_FALSE(parse_repair(""));
  EXPECT_FALSE(parse_repair("\n\n\n"));
  EXPECT_FALSE(parse_repair("1 2 3\nx\n"));
  std::string numbers;
  for (int i = 0; i < 21; ++i) numbers += "1 ";
  EXPECT_TRUE(parse_repair(numbers + "8\nhistory\nrow\nsaved\n\n"));
  EXPECT_FALSE(parse_repair(numbers + "8\nhistory\n"));
  EXPECT_FALSE(parse_repair("99999999999999999999 " + numbers + "\nhistory\nrow\n\n\n"));
  std::string negative;
  for (int i = 0; i < 21; ++i) negative += "-5 ";
  EXPECT_FALSE(parse_repair(negative + "8\nhistory\nrow\n\n\n"));
}

}  // namespace
}  // namespace ccd::tmux
