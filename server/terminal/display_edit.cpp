// Erasing, inserting and deleting, the reset, and the two screens. See display.hpp.
#include <algorithm>

#include "terminal/display.hpp"

namespace ccd::terminal {

void Display::insert_chars(int count, StyleId blank) {
  count = std::min(std::max(count, 1), cols() - s_.x);
  if (count > 0) s_.grid.insert_cells(s_.x, s_.y, count, blank);
}

void Display::delete_chars(int count, StyleId blank) {
  count = std::min(std::max(count, 1), cols() - s_.x);
  if (count > 0) s_.grid.delete_cells(s_.x, s_.y, count, blank);
}

void Display::erase_chars(int count, StyleId blank) {
  count = std::min(std::max(count, 1), cols() - s_.x);
  if (count > 0) s_.grid.clear(s_.x, s_.y, count, 1, blank);
}

// Outside the scroll region tmux inserts and deletes down to the end of the screen, and when it inserts more rows than it moves it
// leaves those that it should have erased.
void Display::insert_lines(int count, StyleId blank) {
  const bool inside = s_.y >= s_.region_top && s_.y <= s_.region_bottom;
  const int end = inside ? s_.region_bottom + 1 : rows();
  count = std::min(std::max(count, 1), end - s_.y);
  const int kept = end - s_.y - count;
  s_.grid.move_rows(s_.y + count, s_.y, kept, blank);
  if (!inside) return;
  if (kept < count) s_.grid.clear(0, s_.y + kept, cols(), count - kept, blank);
  else if (kept > count) s_.grid.end_wrap_into(s_.y + kept);
}

void Display::delete_lines(int count, StyleId blank) {
  const bool inside = s_.y >= s_.region_top && s_.y <= s_.region_bottom;
  const int end = inside ? s_.region_bottom + 1 : rows();
  count = std::min(std::max(count, 1), end - s_.y);
  s_.grid.move_rows(s_.y, s_.y + count, end - s_.y - count, blank);
  s_.grid.clear(0, end - count, cols(), count, blank);
}

void Display::erase_line(StyleId blank) {
  if (s_.grid.row(s_.y).reach != 0 || blank != 0) s_.grid.clear_row(s_.y, blank);
}

void Display::erase_to_end_of_line(StyleId blank) {
  if (s_.x == 0) return erase_line(blank);
  if (s_.x > cols() - 1 || (blank == 0 && s_.x >= s_.grid.row(s_.y).reach)) return;
  s_.grid.clear(s_.x, s_.y, cols() - s_.x, 1, blank);
}

void Display::erase_to_start_of_line(StyleId blank) {
  if (s_.x >= cols() - 1) return erase_line(blank);
  s_.grid.clear(0, s_.y, s_.x + 1, 1, blank);
}

// The rows down to the last that was written go into the scrollback.
void Display::clear_into_history(StyleId blank) {
  int last = rows();
  while (last > 0 && s_.grid.row(last - 1).used == 0) --last;
  if (last == 0) return s_.grid.clear(0, 0, cols(), rows(), blank);
  for (int i = 0; i < last; ++i) {
    push_history(0);
    s_.grid.roll_up(0, rows() - 1, blank);
  }
  if (last < rows()) s_.grid.clear(0, 0, cols(), rows() - last, blank);
  s_.scrolled = 0;
}

void Display::erase_screen(StyleId blank) {
  if (keeps_history()) clear_into_history(blank);
  else s_.grid.clear(0, 0, cols(), rows(), blank);
}

void Display::erase_to_end_of_screen(StyleId blank) {
  if (s_.x == 0 && s_.y == 0 && keeps_history()) return clear_into_history(blank);
  if (s_.x < cols()) s_.grid.clear(s_.x, s_.y, cols() - s_.x, 1, blank);
  s_.grid.clear(0, s_.y + 1, cols(), rows() - s_.y - 1, blank);
}

void Display::erase_to_start_of_screen(StyleId blank) {
  s_.grid.clear(0, 0, cols(), s_.y, blank);
  s_.grid.clear(0, s_.y, std::min(s_.x + 1, cols()), 1, blank);
}

void Display::clear_history() {
  s_.scrollback.clear();
  s_.scrolled = 0;
}

void Display::alignment_pattern() {
  const std::string line(static_cast<std::size_t>(cols()), 'E');
  for (int y = 0; y < rows(); ++y) s_.grid.set_ascii(0, y, line.data(), cols(), 0);
  s_.x = s_.y = 0;
  s_.region_top = 0;
  s_.region_bottom = rows() - 1;
}

void Display::reset() {
  reset_tabs();
  set_region(0, rows() - 1);
  s_.modes = {};
  s_.cursor.visible = true;
  s_.cursor.blinking = false;
  erase_screen(0);
  s_.x = s_.y = 0;
}

void Display::show_alternate(const Style& pen, SaveCursor save) {
  if (s_.saved) return;
  const Size size = s_.grid.size();
  s_.saved = std::make_unique<Grid>(std::move(s_.grid));
  s_.grid = Grid(size, s_.scrollback);
  s_.scrollback.unwrap_newest();
  set_generation(s_.generation);
  s_.grid.touch_all();
  if (save == SaveCursor::yes) s_.saved_cursor = {s_.x, s_.y};
  s_.saved_pen = pen;
}

std::optional<Style> Display::show_main(SaveCursor restore) {
  const Size size = s_.grid.size();
  // tmux puts the alternate screen together anew here, and what then has no room on it stays in the scrollback.
  if (s_.saved) resize_screen(s_.saved->size(), true);
  std::optional<Style> pen;
  if (restore == SaveCursor::yes && s_.saved_cursor) {
    s_.x = s_.saved_cursor->x;
    s_.y = s_.saved_cursor->y;  // under the last row when it was put aside on a higher screen
    pen = s_.saved_pen;
  }
  if (s_.saved) {
    s_.grid = std::move(*s_.saved);
    s_.saved.reset();
    set_generation(s_.generation);
    s_.grid.touch_all();
    resize_screen(size, true);
  }
  s_.x = std::min(s_.x, cols() - 1);
  s_.y = std::min(s_.y, rows() - 1);
  return pen;
}

}  // namespace ccd::terminal
