// Cells written out: as escape sequences with as few changes of style as needed, or as plain text.
#pragma once

#include <string>

#include "terminal/scrollback.hpp"
#include "terminal/tables.hpp"

namespace ccd::terminal {

enum class LineDrawing : std::uint8_t { as_charset, as_unicode };

// Writes cells one after the other and remembers the style that is in force. Begins with the standard one.
class LineWriter {
 public:
  LineWriter(std::string& out, LineDrawing drawing) : out_(out), drawing_(drawing) {}

  // Cells [begin, end) of a line. As text, all are printed; as escape sequences, erased ones are gone over, but for the last one.
  void cells(const LineView& line, int begin, int end, const Tables& tables);
  // The erased cells [begin, cols), without a word about plain ones at the end. The cursor is at `begin`.
  void erased(const LineView& line, int begin, int cols, const Tables& tables);
  void style(const Style& style, const LinkTable& links);
  void standard() { style({}, std::string_view{}); }

 private:
  void style(const Style& style, std::string_view link);
  void ascii(const Cell* cells, int count);
  int erased_run(const LineView& line, int x, int end, int cols, const Tables& tables);

  std::string& out_;
  LineDrawing drawing_;
  Style style_{};
  std::string link_;
};

// What the letter stands for in the line-drawing set; itself when it stands for nothing.
char32_t line_drawing(unsigned char letter);

// The first of the cell's characters.
void append_first(std::string& out, Cell cell, const Tables& tables);
// The text of the cell as people read it.
void append_readable(std::string& out, Cell cell, const Tables& tables);

// One past the last cell of the line that is not a blank, whatever its colours.
int end_of_text(const LineView& line);
// The cell at x, where cells behind the filled ones are blanks.
inline Cell cell_at(const LineView& line, int x) { return x < line.filled ? line.cells[x] : Cell{}; }
// A letter of the line-drawing set with a mark on it, which tmux shows as the letter.
bool is_undrawn(Cell cell, const Tables& tables);
// An ASCII cell that is large only because of what stood there before.
bool is_large_by_past(Cell cell, const Tables& tables);
// A wide character without its padding cell or a padding cell without its character: insertions and deletions make them.
bool is_torn(const LineView& line, int x);
// A cell of several characters that are not in one cell when they are printed again: a joiner had no room in it, or was the last.
bool is_odd_cluster(Cell cell, const Tables& tables);

}  // namespace ccd::terminal
