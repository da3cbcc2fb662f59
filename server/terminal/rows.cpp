// Rows for thumbnails: see rows.hpp.
#include "terminal/rows.hpp"

#include "terminal/line_writer.hpp"
#include "terminal/model.hpp"
#include "terminal/runs.hpp"

namespace ccd::terminal {
namespace {

constexpr std::uint16_t kShown = static_cast<std::uint16_t>(~unsigned{kLineDrawing});

bool looks_like(const Run& run, const Style& style) {
  return run.foreground == style.foreground && run.background == style.background &&
         run.attributes == (style.attributes & kShown);
}

}  // namespace

std::vector<Run> runs_of(const LineView& line, const Tables& tables) {
  int end = line.filled;
  while (end > 0 && line.cells[end - 1] == Cell{}) --end;
  std::vector<Run> runs;
  for (int x = 0; x < end; ++x) {
    const Cell cell = line.cells[x];
    if (is_padding(cell) && !is_torn(line, x)) {
      ++runs.back().cols;
      continue;
    }
    const Style& style = tables.styles[cell.style];
    if (runs.empty() || !looks_like(runs.back(), style))
      runs.push_back({.text = {},
                      .cols = 0,
                      .foreground = style.foreground,
                      .background = style.background,
                      .attributes = static_cast<std::uint16_t>(style.attributes & kShown)});
    Run& run = runs.back();
    if (is_torn(line, x)) run.text += ' ';
    else append_readable(run.text, cell, tables);
    ++run.cols;
  }
  return runs;
}

std::vector<Row> rows_since(const Screen& screen, std::uint64_t generation) {
  const DisplayState& state = screen.model().display.state();
  std::vector<Row> rows;
  for (int y = 0; y < state.grid.rows(); ++y) {
    const std::uint64_t changed = state.grid.changed(y);
    if (generation != 0 && changed <= generation) continue;
    rows.push_back({.y = y, .generation = changed, .runs = runs_of(state.grid.line(y), state.tables)});
  }
  return rows;
}

}  // namespace ccd::terminal
