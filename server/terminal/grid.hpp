// The rows of one screen: cells, and what a row remembers of how it was written. Moving rows moves no cells.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "terminal/cell.hpp"
#include "terminal/screen.hpp"
#include "terminal/scrollback.hpp"

namespace ccd::terminal {

// Of a size that is a power of two: rows are looked up all the time, and bounds are checked.
struct alignas(32) GridRow {
  std::uint32_t slot = 0;    // where its cells are
  std::uint16_t filled = 0;  // cells from here on are standard blanks, whatever their memory holds
  std::uint16_t used = 0;    // one past the last cell that was written; erasing does not lower it
  // What tmux would have allocated: it takes a quarter, a half or the whole width. Some of its shortcuts look at that.
  std::uint16_t reach = 0;
  bool wrapped = false;    // continues on the next row
  bool has_wide = false;   // wide characters may be in it
  bool has_large = false;  // large cells may be in it
  std::uint64_t changed = 0;
};

class Grid {
 public:
  // `above` is the line over the top row, for wraps that end there. It outlives the grid.
  Grid(Size size, Scrollback& above) : Grid(size, size.cols, above) {}
  // With room for more cells in a row than it has columns.
  Grid(Size size, int stride, Scrollback& above);

  [[nodiscard]] Size size() const { return {cols_, rows_}; }
  [[nodiscard]] int cols() const { return cols_; }
  [[nodiscard]] int rows() const { return rows_; }

  [[nodiscard]] int stride() const { return stride_; }

  GridRow& row(int y) { return order_[place(y)]; }
  [[nodiscard]] const GridRow& row(int y) const { return order_[place(y)]; }
  [[nodiscard]] Cell cell(int x, int y) const;
  [[nodiscard]] LineView line(int y) const;
  // With the cells behind the edge, which were cut off or came with padding cells that belong to nothing.
  [[nodiscard]] LineView whole_line(int y) const;

  // Writing. The cells are inside the grid; a row that is written is marked as changed. Cells that are large stay so.
  void set(int x, int y, Cell cell);
  // One character and its padding, where nothing was written yet: x is not less than the row's `filled`, and there is room.
  void append(GridRow& row, int x, Cell cell, int width) {
    fill(row, x);
    Cell* const out = cells(row) + x;
    out[0] = cell;
    if (width == 2) out[1] = {kPadding | ' ', 0};
    const auto end = static_cast<std::uint16_t>(x + width);
    row.filled = row.used = end;
    row.has_wide = row.has_wide || width == 2;
    row.has_large = row.has_large || is_large(cell);
    extend(row, end);
    row.changed = generation_;
  }
  // The same for several: the row's cells, of which those from x on may be written, and after that what they are written up to.
  Cell* room(GridRow& row, int x) {
    fill(row, x);
    return cells(row);
  }
  void wrote(GridRow& row, int end, bool wide) {
    row.filled = row.used = static_cast<std::uint16_t>(end);
    row.has_wide = row.has_wide || wide;
    row.has_large = true;
    extend(row, end);
    row.changed = generation_;
  }
  void set_ascii(int x, int y, const char* text, int count, StyleId style);
  // Makes the cells up to `end` a part of what tmux would have allocated.
  void extend(GridRow& row, int end) {
    if (end > row.reach) row.reach = static_cast<std::uint16_t>(reach_for(end));
  }
  // What tmux allocates for so many cells.
  [[nodiscard]] int reach_for(int end) const;

  // Erasing, with the blank of a style that has nothing but a background. Whole rows forget how they were written.
  void clear(int x, int y, int cols, int rows, StyleId blank);
  void clear_row(int y, StyleId blank);
  void move_cells(int to, int from, int y, int count, StyleId blank);
  void insert_cells(int x, int y, int count, StyleId blank);
  void delete_cells(int x, int y, int count, StyleId blank);

  // Rows [from, from + count) to `to`; what they leave behind is erased. Wraps into and out of the rows end as they do in tmux.
  void move_rows(int to, int from, int count, StyleId blank);
  // The row above y no longer continues on y.
  void end_wrap_into(int y);
  // The rows of the region go up by one, without touching wraps: the first one is gone, the last one erased.
  void roll_up(int top, int bottom, StyleId blank);

  // Columns and rows that are cut off are lost at a later growth only where tmux loses them as well.
  void set_cols(int cols);
  void add_rows_below(int count);
  void add_rows_above(int count);  // load() each of them then
  void drop_rows_above(int count);
  void drop_rows_below(int count);
  void load(int y, const Line& line);
  // For Screen::restore(), where printing gave another past. The row has these cells, whatever they hold, written and allocated.
  void set_written(int y, int used, int reach);
  void mark_erased(int x, int y, StyleId blank);
  void mark_large(int x, int y, int count);

  void set_generation(std::uint64_t generation) { generation_ = generation; }
  // When the row last changed, by being written or moved.
  [[nodiscard]] std::uint64_t changed(int y) const;
  void touch_all() { all_changed_ = generation_; }

  // All cells that hold something, for the collection of tables.
  template <class Visit>
  void visit_cells(Visit visit) {
    for (GridRow& row : order_) {
      for (int x = 0; x < row.filled; ++x) visit(cells(row)[x]);
    }
  }
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  [[nodiscard]] std::size_t place(int y) const {
    const int at = first_ + y;
    return static_cast<std::size_t>(at >= rows_ ? at - rows_ : at);
  }
  Cell* cells(const GridRow& row) { return cells_.data() + std::size_t{row.slot} * static_cast<std::size_t>(stride_); }
  [[nodiscard]] const Cell* cells(const GridRow& row) const {
    return cells_.data() + std::size_t{row.slot} * static_cast<std::size_t>(stride_);
  }
  void fill(GridRow& row, int end) {
    if (end <= row.filled) return;
    std::fill(cells(row) + row.filled, cells(row) + end, Cell{});
    row.filled = static_cast<std::uint16_t>(end);
  }
  void erase(GridRow& row, StyleId blank);
  void straighten();
  void rebuild(int stride, int rows_above, int rows);

  Scrollback* above_;
  int cols_;
  int rows_;
  int stride_;     // cells a row has room for: cols_, or more after the screen became narrower
  int first_ = 0;  // where row 0 is in order_, so that scrolling the whole screen moves nothing
  std::uint64_t generation_ = 0;
  std::uint64_t all_changed_ = 0;
  std::vector<GridRow> order_;
  std::vector<Cell> cells_;
};

}  // namespace ccd::terminal
