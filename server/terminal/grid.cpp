// Cells of rows: writing, erasing, moving sideways. See grid.hpp; rows as a whole are in grid_rows.cpp.
#include "terminal/grid.hpp"

#include <algorithm>
#include <cstring>

#include "terminal/ascii_cells.hpp"

namespace ccd::terminal {

Grid::Grid(Size size, int stride, Scrollback& above)
    : above_(&above),
      cols_(size.cols),
      rows_(size.rows),
      stride_(stride),
      order_(static_cast<std::size_t>(size.rows)),
      cells_(static_cast<std::size_t>(size.rows) * static_cast<std::size_t>(stride)) {
  for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i].slot = i;
}

Cell Grid::cell(int x, int y) const {
  const GridRow& at = row(y);
  return x < at.filled ? cells(at)[x] : Cell{};
}

LineView Grid::line(int y) const { return whole_line(y).clipped(cols_); }

LineView Grid::whole_line(int y) const {
  const GridRow& at = row(y);
  return {.cells = cells(at), .filled = at.filled, .used = at.used, .wrapped = at.wrapped};
}

// What tmux has when the cells are written one by one. A run that ends exactly at a quarter or a half it gives the next step, but not
// when it reads the run in two pieces; here the pieces must not matter.
int Grid::reach_for(int end) const {
  const int quarter = cols_ / 4;
  const int half = cols_ / 2;
  if (end <= 0) return 0;
  if (end <= quarter && quarter > 1) return quarter;
  const int next = quarter > 1 ? quarter + 1 : 1;
  if (end <= half && next < half) return half;
  return std::max(end, cols_);
}

void Grid::set(int x, int y, Cell cell) {
  GridRow& at = row(y);
  fill(at, x + 1);
  extend(at, x + 1);
  Cell& to = cells(at)[x];
  if (is_large(to)) cell.style |= kLarge;
  to = cell;
  at.used = std::max(at.used, static_cast<std::uint16_t>(x + 1));
  at.has_wide = at.has_wide || (cell.glyph & (kWide | kPadding)) != 0;
  at.has_large = at.has_large || is_large(cell);
  at.changed = generation_;
}

void Grid::set_ascii(int x, int y, const char* text, int count, StyleId style) {
  GridRow& at = row(y);
  fill(at, x);
  const int end = x + count;
  const int old = at.has_large && (style & kLarge) == 0 ? std::min<int>(end, at.filled) - x : 0;
  at.has_large = at.has_large || (style & kLarge) != 0;
  extend(at, end);
  at.filled = std::max(at.filled, static_cast<std::uint16_t>(end));
  at.used = std::max(at.used, static_cast<std::uint16_t>(end));
  at.changed = generation_;
  Cell* out = cells(at) + x;
  int i = 0;
  for (; i < old; ++i) out[i] = {static_cast<unsigned char>(text[i]), style | (is_large(out[i]) ? kLarge : 0U)};
  put_ascii_cells(out + i, text + i, count - i, style);
}

void Grid::erase(GridRow& row, StyleId blank) {
  row.filled = row.used = row.reach = 0;
  row.wrapped = row.has_wide = false;
  row.has_large = (blank & kLarge) != 0;
  row.changed = generation_;
  if (blank == 0) return;
  row.filled = row.reach = static_cast<std::uint16_t>(cols_);
  std::fill_n(cells(row), cols_, Cell{kErased, blank});
}

void Grid::end_wrap_into(int y) {
  if (y > 0) row(y - 1).wrapped = false;
  else above_->unwrap_newest();
}

void Grid::clear_row(int y, StyleId blank) { clear(0, y, cols_, 1, blank); }

void Grid::clear(int x, int y, int cols, int rows, StyleId blank) {
  if (cols <= 0 || rows <= 0) return;
  if (x == 0 && cols == cols_) {
    for (int i = 0; i < rows; ++i) erase(row(y + i), blank);
    end_wrap_into(y);
    return;
  }
  for (int i = 0; i < rows; ++i) {
    GridRow& at = row(y + i);
    int end = x + cols;
    if (blank == 0) {
      const int reach = std::min<int>(at.reach, cols_);
      if (x > reach) continue;
      end = std::min(end, reach);
    }
    extend(at, end);
    fill(at, end);
    std::fill(cells(at) + x, cells(at) + std::max(x, end), Cell{kErased, blank});
    at.has_large = at.has_large || (blank & kLarge) != 0;
    at.changed = generation_;
  }
}

void Grid::move_cells(int to, int from, int y, int count, StyleId blank) {
  if (count <= 0 || to == from) return;
  GridRow& at = row(y);
  const int end = std::max(to, from) + count;
  extend(at, from + count);
  extend(at, to + count);
  fill(at, end);
  Cell* line = cells(at);
  std::memmove(line + to, line + from, static_cast<std::size_t>(count) * sizeof(Cell));
  at.used = std::max(at.used, static_cast<std::uint16_t>(to + count));
  for (int x = from; x < from + count; ++x) {
    if (x < to || x >= to + count) line[x] = {kErased, blank};
  }
  at.has_large = at.has_large || (blank & kLarge) != 0;
  at.changed = generation_;
}

void Grid::insert_cells(int x, int y, int count, StyleId blank) {
  if (x >= cols_ - 1) clear(x, y, 1, 1, blank);
  else move_cells(x + count, x, y, cols_ - x - count, blank);
}

void Grid::delete_cells(int x, int y, int count, StyleId blank) {
  move_cells(x, x + count, y, cols_ - x - count, blank);
  clear(cols_ - count, y, count, 1, blank);
}

std::size_t Grid::memory_bytes() const {
  return order_.capacity() * sizeof(GridRow) + cells_.capacity() * sizeof(Cell);
}

}  // namespace ccd::terminal
