// Screens and lines as plain text, and pages of scrollback: see snapshot.hpp.
#include <algorithm>

#include "terminal/line_writer.hpp"
#include "terminal/model.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::terminal {
namespace {

// A line of text. One that continues keeps the blanks at its end, because they are in the middle of what people see as a line.
void append_line(std::string& out, const LineView& line, const Tables& tables, Wraps wraps) {
  const bool joined = wraps == Wraps::joined && line.wrapped;
  const int end = joined ? line.used : end_of_text(line);
  for (int x = 0; x < end; ++x) append_readable(out, cell_at(line, x), tables);
  if (!joined) out += '\n';
}

const Grid& main_grid(const DisplayState& state) { return state.saved ? *state.saved : state.grid; }

// Calls take(line, tables) for lines of scrollback and main screen by number; the number of the first one, and of the one behind the last.
struct Range {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};
template <class Take>
Range for_lines(const DisplayState& state, std::uint64_t first, std::uint64_t count, Take take) {
  const Grid& main = main_grid(state);
  const std::uint64_t oldest = state.scrollback.first_line();
  const std::uint64_t top = oldest + state.scrollback.size();
  const std::uint64_t end = top + static_cast<std::uint64_t>(main.rows());
  Range range;
  range.first = std::clamp(first, oldest, end);
  range.end = count > end - std::min(first, end) ? end : std::clamp(first + count, range.first, end);
  Tables tables;  // of the lines that are read back: reading them must not change the screen
  Line line;
  for (std::uint64_t number = range.first; number < range.end; ++number) {
    if (number >= top) {
      take(main.line(static_cast<int>(number - top)), state.tables);
    } else {
      state.scrollback.read(number - oldest, tables, line);
      take(line.view().clipped(main.cols()), tables);
    }
  }
  return range;
}

}  // namespace

std::string write_text(const Screen& screen, Wraps wraps) {
  const DisplayState& state = screen.model().display.state();
  std::string out;
  for (int y = 0; y < state.grid.rows(); ++y) append_line(out, state.grid.line(y), state.tables, wraps);
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

std::string write_text(const Screen& screen, std::uint64_t first_line, std::uint64_t count, Wraps wraps) {
  std::string out;
  for_lines(screen.model().display.state(), first_line, count,
            [&](const LineView& line, const Tables& tables) { append_line(out, line, tables, wraps); });
  if (!out.empty() && !out.ends_with('\n')) out += '\n';  // the last line may continue behind what was asked for
  return out;
}

LinePage write_lines(const Screen& screen, std::uint64_t first_line, std::uint64_t count) {
  const DisplayState& state = screen.model().display.state();
  const int cols = main_grid(state).cols();
  LinePage page{.first_line = 0, .count = 0, .numbering = state.numbering, .text = {}};
  LineWriter writer(page.text, LineDrawing::as_unicode);
  const Range range = for_lines(state, first_line, count, [&](const LineView& line, const Tables& tables) {
    int end = line.filled;
    while (end > 0 && line.cells[end - 1] == Cell{}) --end;
    const bool continues = line.wrapped && line.used >= cols - 1;
    writer.cells(line, 0, continues ? line.used : end, tables);
    writer.standard();
    if (!continues) page.text += "\r\n";
  });
  page.first_line = range.first;
  page.count = range.end - range.first;
  return page;
}

}  // namespace ccd::terminal
