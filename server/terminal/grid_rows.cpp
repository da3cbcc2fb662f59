// Rows as a whole: moving, scrolling, growing and shrinking. See grid.hpp.
#include <algorithm>

#include "terminal/grid.hpp"

namespace ccd::terminal {

std::uint64_t Grid::changed(int y) const { return std::max(row(y).changed, all_changed_); }

void Grid::straighten() {
  if (first_ == 0) return;
  std::rotate(order_.begin(), order_.begin() + first_, order_.end());
  first_ = 0;
}

void Grid::roll_up(int top, int bottom, StyleId blank) {
  if (top == 0 && bottom == rows_ - 1) {
    first_ = first_ + 1 == rows_ ? 0 : first_ + 1;
    all_changed_ = generation_;
  } else {
    straighten();
    std::rotate(order_.begin() + top, order_.begin() + top + 1, order_.begin() + bottom + 1);
    for (int y = top; y <= bottom; ++y) row(y).changed = generation_;
  }
  erase(row(bottom), blank);
}

void Grid::move_rows(int to, int from, int count, StyleId blank) {
  if (count <= 0 || to == from) return;
  straighten();
  end_wrap_into(to);
  const auto first = order_.begin();
  const int distance = to < from ? from - to : to - from;
  const int low = std::min(to, from);
  const int high = std::max(to, from) + count;
  if (count <= distance) std::swap_ranges(first + from, first + from + count, first + to);
  else if (to < from) std::rotate(first + low, first + from, first + high);
  else std::rotate(first + low, first + high - distance, first + high);
  for (int y = low; y < high; ++y) row(y).changed = generation_;
  for (int y = from; y < from + count; ++y) {
    if (y < to || y >= to + count) erase(row(y), blank);
  }
  if (from < to || from >= to + count) end_wrap_into(from);
}

void Grid::rebuild(int stride, int rows_above, int rows) {
  straighten();
  std::vector<Cell> cells(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride));
  std::vector<GridRow> order(static_cast<std::size_t>(rows));
  for (int y = 0; y < rows; ++y) {
    GridRow& to = order[static_cast<std::size_t>(y)];
    const int from = y - rows_above;
    if (from >= 0 && from < rows_) {
      to = row(from);
      const Cell* line = this->cells(to);
      std::copy_n(line, std::min<int>(to.filled, stride),
                  cells.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(stride));
      to.filled = static_cast<std::uint16_t>(std::min<int>(to.filled, stride));
    }
    to.slot = static_cast<std::uint32_t>(y);
  }
  cells_ = std::move(cells);
  order_ = std::move(order);
  stride_ = stride;
  rows_ = rows;
  all_changed_ = generation_;
}

void Grid::set_cols(int cols) {
  if (cols > stride_) rebuild(cols, 0, rows_);
  cols_ = cols;
  all_changed_ = generation_;
}

void Grid::add_rows_below(int count) { rebuild(stride_, 0, rows_ + count); }

void Grid::add_rows_above(int count) { rebuild(stride_, count, rows_ + count); }

void Grid::drop_rows_above(int count) { rebuild(stride_, -count, rows_ - count); }

void Grid::drop_rows_below(int count) { rebuild(stride_, 0, rows_ - count); }

void Grid::load(int y, const Line& line) {
  GridRow& at = row(y);
  erase(at, 0);
  int count = std::min(static_cast<int>(line.cells.size()), stride_);
  while (count > line.used && line.cells[static_cast<std::size_t>(count) - 1] == Cell{}) --count;
  std::copy_n(line.cells.data(), count, cells(at));
  at.filled = static_cast<std::uint16_t>(count);
  at.used = static_cast<std::uint16_t>(std::min(line.used, stride_));
  at.wrapped = line.wrapped;
  at.has_wide = at.has_large = true;  // a row that says so and has none is only a little slower
  extend(at, count);
}

void Grid::set_written(int y, int used, int reach) {
  GridRow& at = row(y);
  used = std::clamp(used, 0, stride_);
  fill(at, used);
  for (int x = used; x < at.filled; ++x) {
    if (cells(at)[x].glyph != kErased) cells(at)[x] = {};
  }
  at.used = static_cast<std::uint16_t>(used);
  at.reach = static_cast<std::uint16_t>(std::max(reach, used));
}

void Grid::mark_erased(int x, int y, StyleId blank) {
  if (x < row(y).filled) cells(row(y))[x] = {kErased, blank};
}

void Grid::mark_large(int x, int y, int count) {
  GridRow& at = row(y);
  for (const int end = std::min<int>(x + count, at.filled); x < end; ++x) cells(at)[x].style |= kLarge;
  at.has_large = true;
}

}  // namespace ccd::terminal
