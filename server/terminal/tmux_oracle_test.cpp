// The real tmux shows what the model shows: crafted cases, random programs, and changes of size, each with all cells, colours, wraps,
// modes and the cursor compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "terminal/screen.hpp"
#include "terminal/testing.hpp"
#include "terminal/tmux_pane.hpp"
#include "terminal/utf8.hpp"
#include "terminal/widths.hpp"

namespace ccd::terminal {
namespace {

using testing::RandomProgram;
using testing::readable;
using testing::TmuxPane;

constexpr Size kSize{20, 6};
// Back to an empty main screen without scrollback. What this does not reset stays the same in both.
constexpr std::string_view kReset =
    "\x18\x1b[?1049l\x1b"
    "c\x1b[3J\x1b[2J\x1b[3J";

// Bytes that a program writes, or a new size.
struct Step {
  std::string bytes;
  std::optional<Size> size;
};
using Steps = std::vector<Step>;

// How many seeds a test goes through: a few, or as many as the variable SEEDS says.
std::uint32_t seeds(std::uint32_t usual) {
  const char* wanted = std::getenv("SEEDS");
  return wanted == nullptr ? usual : static_cast<std::uint32_t>(std::stoul(wanted));
}

std::string said(const Steps& steps) {
  std::string out;
  for (const Step& step : steps) {
    if (step.size) out += "<" + std::to_string(step.size->cols) + "x" + std::to_string(step.size->rows) + ">";
    else out += readable(step.bytes);
  }
  return out;
}

class TmuxOracle : public ::testing::Test {
 protected:
  // From an empty screen, what tmux shows differently at the end.
  std::string difference(const Steps& steps) {
    resize(kSize);
    write(std::string(kReset));
    std::string bytes;
    for (const Step& step : steps) {
      bytes += step.bytes;
      if (!step.size) continue;
      write(bytes);
      bytes.clear();
      resize(*step.size);
    }
    write(bytes);
    return difference_from(pane.view(), screen);
  }

  // The same with as few steps as still show a difference, for a message that can be read.
  std::string explain(Steps steps) {
    for (std::size_t i = 0; i < steps.size();) {
      Steps fewer = steps;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (difference(fewer).empty()) ++i;
      else steps = std::move(fewer);
    }
    return said(steps) + "\n" + difference(steps);
  }

  TmuxPane pane{kSize};
  Screen screen{kSize};

 private:
  void write(const std::string& bytes) {
    screen.feed(pane.write(bytes));
    unread = true;
  }
  void resize(Size size) {
    if (size == screen.size()) return;
    // What was written before has to be read before the size changes.
    if (unread) pane.view();
    unread = false;
    pane.resize(size);
    screen.resize(size);
  }

  bool unread = false;
};

// Where one width ends and another begins: every code point is compared in tests/terminal.
TEST_F(TmuxOracle, Widths) {
  std::vector<char32_t> codes;
  for (char32_t code = 0xa1; code < 0x110000; ++code) {
    const bool surrogate = code >= 0xd7ff && code <= 0xe000;
    if (!surrogate && width_of(code) != width_of(code - 1)) codes.insert(codes.end(), {code - 1, code});
  }
  std::vector<std::string> pieces;
  for (const char32_t code : codes) {
    // Wide ones in the first column are what tmux treats in a way of its own; and nothing is left to join.
    pieces.emplace_back("\x1b[H\x1b[2KX");
    append_utf8(pieces.back(), code);
  }
  constexpr std::size_t kBatch = 200;  // the answers have to fit into the terminal's queue
  for (std::size_t begin = 0; begin < pieces.size(); begin += kBatch) {
    const auto first = pieces.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = pieces.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kBatch, pieces.size()));
    const std::vector<int> columns = pane.columns_after({first, last});
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Width width = width_of(codes[begin + i]);
      const int expected = width == Width::wide ? 2 : width == Width::narrow ? 1 : 0;
      ASSERT_EQ(columns[i] - 2, expected) << "code point " << std::hex << static_cast<std::uint32_t>(codes[begin + i]);
    }
  }
}

// What random programs found, as short as it gets.
TEST_F(TmuxOracle, FoundCases) {
  const std::vector<Steps> cases = {
      // Printed over itself with another colour of underlines a cell stays as it is, but not when it was erased, or was large (cell.hpp).
      {{"ab  \x1b[6Gcd \x1b[H\x1b[?7l\x1b[58;5;1mab  ccd ", {}}},
      {{"\xe6\xbc\xa2\rxy\r\x1b[?7l\x1b[58;2;1;2;3mxy", {}}},
      {{"\x1b[38;2;1;2;3mxy\x1b[m\rxy\r\x1b[?7l\x1b[58;5;1mxy", {}}},
      {{"\x1b[38;5;3mx\x1b[33my\r\x1b[?7l\x1b[38;5;3;58;5;1mx\x1b[33my", {}}},
      {{"\x1b[48;2;1;2;3m\x1b[Kx\x1b[m\rx \r\x1b[?7l\x1b[58;5;1mx ", {}}},
      {{"\x1b[53;58;5;1mxy\x1b[m\rxy\r\x1b[?7l\x1b[58;5;1mxy", {}}},
      // The same after the cells were in the scrollback, and after they were put together anew.
      {{"\xe6\xbc\xa2\rxy  \x1b[3Gz\n\n\n\n\n\n\n", {}}, {"", Size{20, 8}}, {"\x1b[H\x1b[?7l\x1b[58;5;1mxyz ", {}}},
      {{"\xe6\xbc\xa2\rxy\x1b[21Gab\x1b[Hcdefghijklmnopqrstuvwxyz\x1b[5Hend", {}},
       {"", Size{11, 6}},
       {"\x1b[H\x1b[?7l\x1b[58;5;1mcdefghijklm\nyz", {}}},
      // Half of a wide character leaves a padding cell that takes no column: then lines have more cells than the screen is wide.
      {{"\xed\x95\x9c"
        "abcdefghijklmnopqr\x1b[H\x1b[1K\x1b[6;1H\n\n",
        {}},
       {"", Size{19, 6}}},
      {{"\x1b[?47h", {}}, {"", Size{23, 5}}, {"\x1b[4h\xed\x95\x9c\x1b[22Grown\x1b[r\x1b[1K\x1b[?47l", {}}},
      // The colour of cells behind the edge comes back.
      {{"\x1b[42m\x1b[K\x1b[2;1Hx", {}}, {"", Size{9, 6}}, {"y\r\n", {}}, {"", Size{20, 6}}},
      {{"\x1b[?1049h\x1b[44mabcdefghijkl\xe6\xbc\xa2mn\x1b[K", {}},
       {"", Size{13, 6}},
       {"\x1b[2;1Hy", {}},
       {"", Size{20, 6}}},
  };
  for (const Steps& steps : cases) EXPECT_EQ(difference(steps), "") << said(steps);
}

TEST_F(TmuxOracle, RandomPrograms) {
  for (std::uint32_t seed = 1; seed <= seeds(300); ++seed) {
    RandomProgram random(seed);
    Steps steps;
    for (int i = 0; i < 40; ++i) steps.push_back({random.piece(), std::nullopt});
    if (!difference(steps).empty()) FAIL() << "seed " << seed << ": " << explain(steps);
  }
}

TEST_F(TmuxOracle, RandomSizes) {
  for (std::uint32_t seed = 1; seed <= seeds(60); ++seed) {
    RandomProgram random(seed);
    Steps steps;
    for (int i = 0; i < 50; ++i) {
      if (random.below(10) == 0) steps.push_back({"", Size{2 + random.below(40), 2 + random.below(12)}});
      else steps.push_back({random.piece(), std::nullopt});
    }
    if (!difference(steps).empty()) FAIL() << "seed " << seed << ": " << explain(steps);
  }
}

}  // namespace
}  // namespace ccd::terminal
