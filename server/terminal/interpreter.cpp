// Printing, control characters and control sequences: see interpreter.hpp. Strings and modes are in interpreter_modes.cpp.
#include "terminal/interpreter.hpp"

#include <algorithm>

#include "terminal/sgr.hpp"
#include "terminal/widths.hpp"

namespace ccd::terminal {

void Interpreter::refresh_pen() {
  StyleTable& styles = display_.tables().styles;
  if (styles.wants_collection()) {
    display_.collect_styles(s_.pen.style, s_.saved.pen.style);
    pen_changed();
  }
  pen_id_ = styles.intern(s_.pen.style);
}

void Interpreter::refresh_blank() {
  blank_id_ = display_.tables().styles.intern(
      {.foreground = {}, .background = s_.pen.style.background, .underline_colour = {}});
}

void Interpreter::print(const char* text, std::size_t count) {
  s_.last = static_cast<unsigned char>(text[count - 1]);
  const bool drawing = s_.pen.shifted ? s_.pen.g1_drawing : s_.pen.g0_drawing;
  StyleId style = pen();
  if (!drawing && !display_.modes().insert && display_.modes().wrap) {
    display_.print(text, static_cast<int>(count), style);
    return;
  }
  if (drawing) {
    Style drawn = s_.pen.style;
    drawn.attributes |= kLineDrawing;
    style = display_.tables().styles.intern(drawn);
  }
  for (std::size_t i = 0; i < count; ++i) display_.print_cell({static_cast<unsigned char>(text[i]), style});
}

void Interpreter::print(char32_t character) {
  s_.last = -1;
  switch (width_of(character)) {
    case Width::dropped: return;
    case Width::combining: return display_.combine(character);
    case Width::narrow: return display_.print_cell({static_cast<std::uint32_t>(character), pen()});
    case Width::wide: return display_.print_cell({static_cast<std::uint32_t>(character) | kWide, pen()});
  }
}

const char* Interpreter::print_multibyte(const char* at, const char* end) {
  while (at != end && static_cast<unsigned char>(*at) >= 0x80) {
    const char* const next = display_.print_run(at, end, pen());
    if (next != at) {
      s_.last = -1;
      at = next;
      continue;
    }
    const Utf8Char character = read_multibyte(at, static_cast<std::size_t>(end - at));
    if (character.size == 0) break;
    print(character.code_point);
    at += character.size;
  }
  return at;
}

void Interpreter::control(unsigned char character) {
  switch (character) {
    case '\b': display_.backspace(); break;
    case '\t': display_.tab(); break;
    case '\n':
    case '\v':
    case '\f': display_.line_feed(Wrapped::no, blank()); break;
    case '\r': display_.carriage_return(); break;
    case 0x0e: s_.pen.shifted = true; break;
    case 0x0f: s_.pen.shifted = false; break;
    default: break;
  }
  s_.last = -1;
}

void Interpreter::reset() {
  s_.pen = {};
  s_.saved = {.pen = {}, .x = 0, .y = 0, .origin = s_.saved.origin};
  s_.synchronized_update = false;
  pen_changed();
  display_.reset();
}

void Interpreter::save() {
  const DisplayState& display = display_.state();
  s_.saved = {.pen = s_.pen, .x = display.x, .y = display.y, .origin = display.modes.origin};
}

void Interpreter::restore() {
  s_.pen = s_.saved.pen;
  pen_changed();
  display_.modes().origin = s_.saved.origin;
  display_.move_to(s_.saved.x, s_.saved.y, Origin::absolute);
}

void Interpreter::escape(std::string_view intermediates, char final) {
  if (intermediates == "(" || intermediates == ")") {
    bool& drawing = intermediates == "(" ? s_.pen.g0_drawing : s_.pen.g1_drawing;
    if (final != '0' && final != 'B') return;
    drawing = final == '0';
  } else if (intermediates == "#" && final == '8') {
    display_.alignment_pattern();
  } else if (!intermediates.empty()) {
    return;
  } else {
    switch (final) {
      case '7': save(); break;
      case '8': restore(); break;
      case '=': display_.modes().application_keypad = true; break;
      case '>': display_.modes().application_keypad = false; break;
      case 'D': display_.line_feed(Wrapped::no, blank()); break;
      case 'E':
        display_.carriage_return();
        display_.line_feed(Wrapped::no, blank());
        break;
      case 'H': display_.set_tab(); break;
      case 'M': display_.reverse_line_feed(blank()); break;
      case 'c': reset(); break;
      case '\\': break;
      default: return;
    }
  }
  s_.last = -1;
}

void Interpreter::sequence(std::string_view intermediates, char final) {
  if (!params_.good()) return;
  if (!intermediates.empty()) {
    if (intermediates == " " && final == 'q') cursor_style(params_.get(0, 0, 0));
    else if (intermediates == "?") return private_sequence(final);
    else if (intermediates == ">" && final == 'm') {
      const int what = params_.get(0, 0, 0);
      const int value = params_.get(1, 0, 0);
      if (what == 0 || (what == 4 && value == 0)) display_.modes().extended_keys = false;
      else if (what == 4 && (value == 1 || value == 2)) display_.modes().extended_keys = true;
    } else if (intermediates == ">" && final == 'n') {
      if (params_.get(0, 0, 0) == 4) display_.modes().extended_keys = false;
    } else if (intermediates != ">" || (final != 'c' && final != 'q')) {
      return;
    }
    s_.last = -1;
    return;
  }
  if (final == 'm') {
    apply_sgr(s_.pen.style, params_);
    pen_changed();
    s_.last = -1;
  } else if (move(final) || edit(final)) {
    s_.last = -1;
  } else {
    other(final);
  }
}

// Control functions that move the cursor. Those with a number that has sub-parameters do nothing.
bool Interpreter::move(char final) {
  const int n = params_.get(0, 1, 1);
  const bool good = n != -1;
  switch (final) {
    case 'A':
      if (good) display_.up(n);
      return true;
    case 'B':
      if (good) display_.down(n);
      return true;
    case 'C':
      if (good) display_.right(n);
      return true;
    case 'D':
      if (good) display_.left(n);
      return true;
    case 'E':
    case 'F':
      if (!good) return true;
      display_.carriage_return();
      if (final == 'E') display_.down(n);
      else display_.up(n);
      return true;
    case 'G':
    case '`':
      if (good) display_.move_to(n - 1, std::nullopt, Origin::by_mode);
      return true;
    case 'd':
      if (good) display_.move_to(std::nullopt, n - 1, Origin::by_mode);
      return true;
    case 'H':
    case 'f': {
      const int column = params_.get(1, 1, 1);
      if (good && column != -1) display_.move_to(column - 1, n - 1, Origin::by_mode);
      return true;
    }
    case 'Z':
      if (good) display_.back_tab(n);
      return true;
    case 's': save(); return true;
    case 'u': restore(); return true;
    case 'r': {
      const int bottom = params_.get(1, 1, display_.state().grid.rows());
      if (good && bottom != -1) display_.set_region(n - 1, bottom - 1);
      return true;
    }
    default: return false;
  }
}

bool Interpreter::edit(char final) {
  const int n = params_.get(0, 1, 1);
  const bool good = n != -1;
  switch (final) {
    case '@':
      if (good) display_.insert_chars(n, blank());
      return true;
    case 'P':
      if (good) display_.delete_chars(n, blank());
      return true;
    case 'X':
      if (good) display_.erase_chars(n, blank());
      return true;
    case 'L':
      if (good) display_.insert_lines(n, blank());
      return true;
    case 'M':
      if (good) display_.delete_lines(n, blank());
      return true;
    case 'S':
      if (good) display_.scroll_up(n, blank());
      return true;
    case 'T':
      if (good) display_.scroll_down(n, blank());
      return true;
    case 'J': erase_display(); return true;
    case 'K': erase_line(); return true;
    default: return false;
  }
}

void Interpreter::erase_display() {
  switch (params_.get(0, 0, 0)) {
    case 0: return display_.erase_to_end_of_screen(blank());
    case 1: return display_.erase_to_start_of_screen(blank());
    case 2: return display_.erase_screen(blank());
    case 3:
      if (params_.get(1, 0, 0) == 0) display_.clear_history();
      return;
    default: return;
  }
}

void Interpreter::erase_line() {
  switch (params_.get(0, 0, 0)) {
    case 0: return display_.erase_to_end_of_line(blank());
    case 1: return display_.erase_to_start_of_line(blank());
    case 2: return display_.erase_line(blank());
    default: return;
  }
}

// What is not known does not take away the character that REP repeats.
void Interpreter::other(char final) {
  switch (final) {
    case 'b': {
      const int wanted = params_.get(0, 1, 1);
      const int room = display_.state().grid.cols() - display_.state().x;
      const char character = static_cast<char>(s_.last);
      if (s_.last != -1) {
        for (int i = std::min(wanted, room); i > 0; --i) print(&character, 1);
      }
      break;
    }
    case 'g': {
      const int what = params_.get(0, 0, 0);
      if (what == 0) display_.clear_tab();
      if (what == 3) display_.clear_tabs();
      break;
    }
    case 'h':
    case 'l':
      for (std::size_t i = 0; i < params_.size(); ++i) set_mode(params_.get(i, 0, -1), final == 'h');
      break;
    case 't': window_operations(); break;
    case 'c':
    case 'n': break;  // questions, which tmux answers
    default: return;
  }
  s_.last = -1;
}

}  // namespace ccd::terminal
