// The cursor, tabs and the scroll region. See display.hpp.
#include <algorithm>

#include "terminal/display.hpp"

namespace ccd::terminal {
namespace {

constexpr int kTabWidth = 8;

}  // namespace

Display::Display(Size size, Limits limits) : s_(size, limits) { reset_tabs(); }

void Display::set_generation(std::uint64_t generation) {
  s_.generation = generation;
  s_.grid.set_generation(generation);
}

void Display::set_cursor(std::optional<int> x, std::optional<int> y) {
  if (x) s_.x = *x > cols() ? cols() - 1 : std::max(*x, 0);
  if (y) s_.y = std::clamp(*y, 0, rows() - 1);
}

void Display::move_to(std::optional<int> x, std::optional<int> y, Origin origin) {
  if (y && origin == Origin::by_mode && s_.modes.origin)
    y = *y > s_.region_bottom - s_.region_top ? s_.region_bottom : *y + s_.region_top;
  if (x) x = std::min(*x, cols() - 1);
  set_cursor(x, y);
}

void Display::up(int count) {
  count = std::min(std::max(count, 1), s_.y < s_.region_top ? s_.y : s_.y - s_.region_top);
  set_cursor(s_.x == cols() ? s_.x - 1 : s_.x, s_.y - count);
}

void Display::down(int count) {
  count = std::min(std::max(count, 1), (s_.y > s_.region_bottom ? rows() - 1 : s_.region_bottom) - s_.y);
  set_cursor(s_.x == cols() ? s_.x - 1 : s_.x, s_.y + count);
}

void Display::right(int count) {
  count = std::max(count, 1);
  const int room = cols() - 1 - s_.x;
  if (room < 0) s_.x = cols() - 1;
  else s_.x += std::min(count, room);
}

void Display::left(int count) {
  count = std::min(std::max(count, 1), s_.x);
  if (count > 0) set_cursor(s_.x - count, std::nullopt);
}

void Display::backspace() {
  if (s_.x > 0) {
    set_cursor(s_.x - 1, std::nullopt);
  } else if (s_.y > 0 && s_.grid.row(s_.y - 1).wrapped) {
    --s_.y;
    s_.x = cols() - 1;
  }
}

void Display::tab() {
  if (s_.x >= cols() - 1) return;
  do ++s_.x;
  while (s_.x < cols() - 1 && !s_.tabs[static_cast<std::size_t>(s_.x)]);
}

void Display::back_tab(int count) {
  int x = std::min(s_.x, cols() - 1);
  while (x > 0 && count-- > 0) {
    do --x;
    while (x > 0 && !s_.tabs[static_cast<std::size_t>(x)]);
  }
  s_.x = x;
}

void Display::set_tab() {
  if (s_.x < cols()) s_.tabs[static_cast<std::size_t>(s_.x)] = true;
}

void Display::clear_tab() {
  if (s_.x < cols()) s_.tabs[static_cast<std::size_t>(s_.x)] = false;
}

void Display::clear_tabs() { s_.tabs.assign(static_cast<std::size_t>(cols()), false); }

void Display::reset_tabs() {
  clear_tabs();
  for (int x = kTabWidth; x < cols(); x += kTabWidth) s_.tabs[static_cast<std::size_t>(x)] = true;
}

void Display::set_region(int top, int bottom) {
  top = std::min(top, rows() - 1);
  bottom = std::min(bottom, rows() - 1);
  if (top >= bottom) return;  // one row is no region
  s_.x = s_.y = 0;
  s_.region_top = top;
  s_.region_bottom = bottom;
}

void Display::line_feed(Wrapped wrapped, StyleId blank) {
  if (wrapped == Wrapped::yes) s_.grid.row(s_.y).wrapped = true;
  if (s_.y == s_.region_bottom) scroll_region_up(s_.region_top, s_.region_bottom, blank);
  else if (s_.y < rows() - 1) ++s_.y;
}

void Display::reverse_line_feed(StyleId blank) {
  if (s_.y == s_.region_top)
    s_.grid.move_rows(s_.region_top + 1, s_.region_top, s_.region_bottom - s_.region_top, blank);
  else if (s_.y > 0) --s_.y;
}

void Display::push_history(int y) {
  s_.scrollback.append(s_.grid.whole_line(y), s_.tables);
  s_.scrolled = std::min(s_.scrolled + 1, s_.scrollback.size());
}

void Display::scroll_region_up(int top, int bottom, StyleId blank) {
  if (!keeps_history()) return s_.grid.move_rows(top, top + 1, bottom - top, blank);
  push_history(top);
  s_.grid.roll_up(top, bottom, blank);
}

void Display::scroll_up(int count, StyleId blank) {
  count = std::clamp(count, 1, s_.region_bottom - s_.region_top + 1);
  for (int i = 0; i < count; ++i) scroll_region_up(s_.region_top, s_.region_bottom, blank);
}

void Display::scroll_down(int count, StyleId blank) {
  count = std::clamp(count, 1, s_.region_bottom - s_.region_top + 1);
  for (int i = 0; i < count; ++i)
    s_.grid.move_rows(s_.region_top + 1, s_.region_top, s_.region_bottom - s_.region_top, blank);
}

}  // namespace ccd::terminal
