// What a screen shows, row by row as text with colours, for thumbnails; and which rows changed since a generation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "terminal/screen.hpp"
#include "terminal/style.hpp"

namespace ccd::terminal {

// Cells next to each other that look the same.
struct Run {
  std::string text;  // UTF-8, line drawing as its Unicode characters
  int cols = 0;      // cells that the text takes
  Colour foreground;
  Colour background;
  std::uint16_t attributes = 0;  // as in Style
  friend bool operator==(const Run&, const Run&) = default;
};

struct Row {
  int y = 0;
  std::uint64_t generation = 0;  // when the row last changed
  std::vector<Run> runs;         // from the left edge; plain blanks at the end are left out
};

// The rows of the screen that is shown that changed after `generation`, from top to bottom; with 0 all of them. A caller keeps
// screen.generation() from before its call and asks with it the next time.
std::vector<Row> rows_since(const Screen& screen, std::uint64_t generation);

// A line by its number (Screen::first_line()), for reading at another width.
struct LineRow {
  std::uint64_t line = 0;
  bool wrapped = false;  // the terminal wrapped it: the next line goes on with it
  std::vector<Run> runs;
};

// At most `count` lines of scrollback and main screen from `first_line` on; lines that are not kept are left out. While the alternate
// screen is shown its rows stand in place of the main screen's, with their numbers.
std::vector<LineRow> line_rows(const Screen& screen, std::uint64_t first_line, std::uint64_t count);

}  // namespace ccd::terminal
