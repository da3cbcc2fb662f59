// Lines by number as runs: see rows.hpp.
#include <algorithm>

#include "terminal/model.hpp"
#include "terminal/rows.hpp"
#include "terminal/runs.hpp"

namespace ccd::terminal {

std::vector<LineRow> line_rows(const Screen& screen, std::uint64_t first_line, std::uint64_t count) {
  const DisplayState& state = screen.model().display.state();
  const std::uint64_t oldest = state.scrollback.first_line();
  const std::uint64_t top = oldest + state.scrollback.size();
  const std::uint64_t end = top + static_cast<std::uint64_t>(state.grid.rows());
  const std::uint64_t from = std::clamp(first_line, oldest, end);
  const std::uint64_t until = from + std::min(count, end - from);
  std::vector<LineRow> rows;
  rows.reserve(static_cast<std::size_t>(until - from));
  Tables tables;  // of the lines that are read back: reading them must not change the screen
  Line line;
  for (std::uint64_t number = from; number < until; ++number) {
    if (number >= top) {
      const LineView shown = state.grid.line(static_cast<int>(number - top));
      rows.push_back({.line = number, .wrapped = shown.wrapped, .runs = runs_of(shown, state.tables)});
      continue;
    }
    state.scrollback.read(number - oldest, tables, line);
    const LineView kept = line.view();
    rows.push_back({.line = number, .wrapped = kept.wrapped, .runs = runs_of(kept, tables)});
  }
  return rows;
}

}  // namespace ccd::terminal
