// Changing the size of a screen: rows that go and come back, and the new width. See display.hpp.
#include <algorithm>

#include "terminal/display.hpp"
#include "terminal/reflow.hpp"

namespace ccd::terminal {

void Display::resize(Size size) { resize_screen(size, s_.saved == nullptr); }

void Display::resize_screen(Size size, bool reflowed) {
  int y = s_.y;
  if (size.rows != rows()) resize_rows(size.rows, y);
  if (size.cols != cols()) {
    if (reflowed) reflow(size.cols, s_.x, y);
    else s_.grid.set_cols(size.cols);
    reset_tabs();
  }
  // The cursor's line went into the scrollback.
  if (y < 0) s_.x = y = 0;
  s_.y = y;
  s_.grid.touch_all();
}

// Lower: rows under the cursor go first, then the top ones, into the scrollback where there is one. Higher: what came into the
// scrollback by scrolling comes back. `y` may become negative only by reflow().
void Display::resize_rows(int wanted, int& y) {
  int needed = rows() - wanted;
  if (needed > 0) {
    // A cursor under the last row, which show_main() leaves for a moment, is far above it in tmux's unsigned numbers.
    const int below = y >= rows() ? needed : std::min(needed, rows() - 1 - y);
    if (below > 0) {
      s_.grid.clear(0, rows() - below, cols(), below, 0);
      s_.grid.drop_rows_below(below);
      needed -= below;
    }
    if (needed > 0 && keeps_history()) {
      for (int i = 0; i < needed; ++i) push_history(i);
      s_.grid.drop_rows_above(needed);
      y -= needed;
    } else if (needed > 0) {
      s_.grid.move_rows(0, needed, rows() - needed, 0);
      s_.grid.clear(0, rows() - needed, cols(), needed, 0);
      s_.grid.drop_rows_below(needed);
      y -= needed;
    }
  } else {
    const int back =
        keeps_history() ? static_cast<int>(std::min<std::size_t>(s_.scrolled, static_cast<std::size_t>(-needed))) : 0;
    if (back > 0) {
      s_.grid.add_rows_above(back);
      Line line;
      for (int i = back - 1; i >= 0; --i) {
        s_.scrollback.read(s_.scrollback.size() - 1, s_.tables, line);
        s_.scrollback.drop_newest();
        s_.grid.load(i, line);
      }
      s_.scrolled -= static_cast<std::size_t>(back);
      y += back;
      ++s_.numbering;
    }
    if (-needed > back) s_.grid.add_rows_below(-needed - back);
  }
  s_.region_top = 0;
  s_.region_bottom = wanted - 1;
}

void Display::reflow(int new_cols, int& x, int& y) {
  const std::size_t above = s_.scrollback.size();
  const auto shape = [&](std::size_t i) -> Reflow::Shape {
    if (i < above) return {s_.scrollback.used(i), s_.scrollback.wrapped(i)};
    const GridRow& row = s_.grid.row(static_cast<int>(i - above));
    return {row.used, row.wrapped};
  };
  // Under the last row tmux reads what its memory holds there. That is no line, as a rule, and then the cursor goes behind the last one.
  const WrapPosition position = y < rows() ? wrap_position(shape, x, above + static_cast<std::size_t>(y)) : kBehindAll;

  std::vector<Line> screen;
  for (int i = 0; i < rows(); ++i) {
    const LineView view = s_.grid.whole_line(i);
    screen.push_back({std::vector<Cell>(view.cells, view.cells + view.filled), view.used, view.wrapped});
  }
  Reflow result(s_.scrollback, std::move(screen), s_.tables, new_cols, s_.scrolled);
  result.run();

  int stride = new_cols;
  for (const Line& line : result.rows) stride = std::max(stride, static_cast<int>(line.cells.size()));
  Grid grid({new_cols, rows()}, stride, s_.scrollback);
  grid.set_generation(s_.generation);
  for (int i = 0; i < rows(); ++i) grid.load(i, result.rows[static_cast<std::size_t>(i)]);
  s_.grid = std::move(grid);
  s_.scrollback = std::move(result.scrollback);
  s_.scrolled = result.scrolled;
  ++s_.numbering;

  const Place place = unwrap_position(result.shapes, position);
  x = place.x;
  y = static_cast<int>(static_cast<std::ptrdiff_t>(place.y) - static_cast<std::ptrdiff_t>(result.shapes.size()) +
                       rows());
}

}  // namespace ccd::terminal
