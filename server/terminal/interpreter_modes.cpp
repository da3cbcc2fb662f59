// Modes, titles and links: see interpreter.hpp.
#include <algorithm>

#include "terminal/interpreter.hpp"
#include "terminal/widths.hpp"

namespace ccd::terminal {
namespace {

// Programs push a title when they start and pop it at their end; more than some nested ones are a mistake or an attack.
constexpr std::size_t kMaxTitles = 16;

}  // namespace

void Interpreter::private_sequence(char final) {
  if (final != 'h' && final != 'l') return;
  for (std::size_t i = 0; i < params_.size(); ++i) set_private_mode(params_.get(i, 0, -1), final == 'h');
  s_.last = -1;
}

void Interpreter::set_mode(int mode, bool on) {
  constexpr int kInsert = 4;
  if (mode == kInsert) display_.modes().insert = on;
}

// ?3 changes no columns in tmux, but clears the screen.
void Interpreter::column_mode() {
  display_.move_to(0, 0, Origin::by_mode);
  display_.erase_screen(blank());
}

void Interpreter::set_private_mode(int mode, bool on) {
  Modes& modes = display_.modes();
  Cursor& cursor = display_.state().cursor;
  switch (mode) {
    case 1: modes.application_cursor = on; return;
    case 3: return column_mode();
    case 6: modes.origin = on; return display_.move_to(0, 0, Origin::by_mode);
    case 7: modes.wrap = on; return;
    case 12: cursor.blinking = on; return;
    case 25: cursor.visible = on; return;
    case 1000: return mouse_mode(on ? MouseMode::clicks : MouseMode::off);
    case 1001:
      if (!on) mouse_mode(MouseMode::off);
      return;
    case 1002: return mouse_mode(on ? MouseMode::buttons : MouseMode::off);
    case 1003: return mouse_mode(on ? MouseMode::all : MouseMode::off);
    case 1004: modes.focus_events = on; return;
    case 1005: modes.mouse_utf8 = on; return;
    case 1006: modes.mouse_sgr = on; return;
    case 2004: modes.bracketed_paste = on; return;
    case 2026: s_.synchronized_update = on; return;
    case 47:
    case 1047:
    case 1049: break;
    default: return;
  }
  const SaveCursor cursor_too = mode == 1049 ? SaveCursor::yes : SaveCursor::no;
  if (on) {
    display_.show_alternate(s_.pen.style, cursor_too);
  } else if (const std::optional<Style> style = display_.show_main(cursor_too)) {
    s_.pen.style = *style;
    pen_changed();
  }
}

void Interpreter::cursor_style(int number) {
  Cursor& cursor = display_.state().cursor;
  if (number < 0 || number > 6) return;
  constexpr CursorShape kShapes[] = {CursorShape::standard,  CursorShape::block,     CursorShape::block,
                                     CursorShape::underline, CursorShape::underline, CursorShape::bar,
                                     CursorShape::bar};
  cursor.shape = kShapes[number];
  cursor.blinking = number % 2 == 1;
}

// CSI t: of all of its operations only the stack of titles changes anything. The others are skipped with their numbers.
void Interpreter::window_operations() {
  for (std::size_t i = 0;; ++i) {
    const int operation = params_.get(i, 0, -1);
    switch (operation) {
      case -1: return;
      case 3:
      case 4:
      case 8:
        if (params_.get(++i, 0, -1) == -1) return;
        [[fallthrough]];
      case 9:
      case 10:
        if (params_.get(++i, 0, -1) == -1) return;
        break;
      case 22:
      case 23: {
        const int what = params_.get(++i, 0, -1);
        if (what == -1) return;
        if (what != 0 && what != 2) break;
        if (operation == 22) push_title();
        else pop_title();
        break;
      }
      default: break;
    }
  }
}

void Interpreter::push_title() {
  if (s_.titles.size() == kMaxTitles) s_.titles.erase(s_.titles.begin());
  s_.titles.push_back(s_.title);
}

void Interpreter::pop_title() {
  if (s_.titles.empty()) return;
  s_.title = std::move(s_.titles.back());
  s_.titles.pop_back();
}

bool is_title(std::string_view text) {
  while (!text.empty()) {
    const Utf8Char character = read_utf8(text.data(), text.size());
    if (character.size == 0 || width_of(character.code_point) == Width::dropped) return false;
    text.remove_prefix(character.size);
  }
  return true;
}

void Interpreter::set_title(std::string_view text) {
  if (text.size() <= kMaxTitle && is_title(text)) s_.title = text;
}

void Interpreter::set_link(std::string_view text) {
  const std::size_t semicolon = text.find(';');
  const bool ends = semicolon == std::string_view::npos || semicolon + 1 == text.size();
  // What a viewer's terminal would not take is no link.
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  s_.pen.style.link = ends || !plain ? std::uint16_t{0} : display_.link(text, s_.pen.style, s_.saved.pen.style);
  pen_changed();
}

void Interpreter::operating_system_command(std::string_view text) {
  constexpr std::size_t kMaxDigits = 5;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > kMaxDigits) return;
  int number = 0;
  for (const char digit : text.substr(0, digits)) number = number * 10 + (digit - '0');
  text.remove_prefix(digits);
  if (text.starts_with(';')) text.remove_prefix(1);
  if (number == 0 || number == 2) set_title(text);
  if (number == 8) set_link(text);
}

void Interpreter::application_command(std::string_view text) { set_title(text); }

}  // namespace ccd::terminal
