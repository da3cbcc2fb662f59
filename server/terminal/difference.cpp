// In what two screens differ, for tests and for the check against tmux: see first_difference() in screen.hpp.
#include <algorithm>

#include "terminal/line_writer.hpp"
#include "terminal/model.hpp"
#include "terminal/screen.hpp"

namespace ccd::terminal {
namespace {

struct Side {
  explicit Side(const Model& model)
      : display(model.display.state()), stream(model.interpreter.state()), parser(model.parser) {}
  const DisplayState& display;
  const Interpreter::State& stream;
  const Parser& parser;
};

bool same_style(const Style& a, const LinkTable& a_links, const Style& b, const LinkTable& b_links) {
  Style plain_a = a;
  Style plain_b = b;
  plain_a.link = plain_b.link = 0;
  return plain_a == plain_b && a_links[a.link] == b_links[b.link];
}

bool same_pen(const Pen& a, const LinkTable& a_links, const Pen& b, const LinkTable& b_links) {
  return same_style(a.style, a_links, b.style, b_links) && a.g0_drawing == b.g0_drawing &&
         a.g1_drawing == b.g1_drawing && a.shifted == b.shifted;
}

std::string describe(Cell cell, const Tables& tables) {
  std::string text;
  tables.append_text(text, cell);
  const Style& style = tables.styles[cell.style];
  return '"' + text + "\" " + (cell.glyph == kErased ? "erased " : "") + (is_large(cell) ? "large " : "") +
         (is_padding(cell) ? "padding "
          : is_wide(cell)  ? "wide "
                           : "") +
         "fg " + std::to_string(style.foreground.bits()) + " bg " + std::to_string(style.background.bits()) +
         " attributes " + std::to_string(style.attributes) +
         (style.link == 0 ? "" : " link " + std::string(tables.links[style.link]));
}

std::string line_difference(const std::string& where, const LineView& a, const Tables& a_tables, const LineView& b,
                            const Tables& b_tables) {
  for (int x = 0; x < std::max(a.filled, b.filled); ++x) {
    const Cell one = cell_at(a, x);
    const Cell two = cell_at(b, x);
    std::string one_text;
    std::string two_text;
    a_tables.append_text(one_text, one);
    b_tables.append_text(two_text, two);
    if (one_text == two_text && columns_of(one) == columns_of(two) && is_large(one) == is_large(two) &&
        (one.glyph == kErased) == (two.glyph == kErased) &&
        same_style(a_tables.styles[one.style], a_tables.links, b_tables.styles[two.style], b_tables.links))
      continue;
    return where + ", column " + std::to_string(x) + ": " + describe(one, a_tables) + " and " + describe(two, b_tables);
  }
  if (a.used != b.used) return where + ": written " + std::to_string(a.used) + " and " + std::to_string(b.used);
  if (a.wrapped != b.wrapped)
    return where + ": wrapped " + std::to_string(a.wrapped) + " and " + std::to_string(b.wrapped);
  return {};
}

std::string grid_difference(const std::string& what, const Grid& a, const Tables& a_tables, const Grid& b,
                            const Tables& b_tables) {
  if (a.size() != b.size()) return what + ": sizes";
  for (int y = 0; y < a.rows(); ++y) {
    const std::string where = what + " row " + std::to_string(y);
    std::string difference = line_difference(where, a.whole_line(y), a_tables, b.whole_line(y), b_tables);
    if (!difference.empty()) return difference;
    if (a.row(y).reach != b.row(y).reach)
      return where + ": allocated " + std::to_string(a.row(y).reach) + " and " + std::to_string(b.row(y).reach);
  }
  return {};
}

std::string scrollback_difference(const DisplayState& a, const DisplayState& b) {
  if (a.scrollback.size() != b.scrollback.size())
    return "lines of scrollback: " + std::to_string(a.scrollback.size()) + " and " +
           std::to_string(b.scrollback.size());
  if (a.scrollback.first_line() != b.scrollback.first_line()) return "numbers of lines";
  Tables a_tables;
  Tables b_tables;
  Line one;
  Line two;
  for (std::size_t i = 0; i < a.scrollback.size(); ++i) {
    a.scrollback.read(i, a_tables, one);
    b.scrollback.read(i, b_tables, two);
    std::string difference =
        line_difference("scrollback " + std::to_string(i), one.view(), a_tables, two.view(), b_tables);
    if (!difference.empty()) return difference;
  }
  return {};
}

std::string cursor_difference(const DisplayState& a, const DisplayState& b) {
  if (a.x != b.x || a.y != b.y)
    return "cursor: " + std::to_string(a.x) + ',' + std::to_string(a.y) + " and " + std::to_string(b.x) + ',' +
           std::to_string(b.y);
  if (!(a.cursor == b.cursor)) return "cursor's look";
  if (!(a.modes == b.modes)) return "modes";
  if (a.joining != b.joining) return "what is to be joined";
  if (a.tabs != b.tabs) return "tabs";
  if (a.region_top != b.region_top || a.region_bottom != b.region_bottom) return "scroll region";
  if (a.scrolled != b.scrolled) return "lines that come back";
  if (a.numbering != b.numbering) return "numbering";
  if (a.saved_cursor.has_value() != b.saved_cursor.has_value()) return "whether a cursor is put aside";
  if (!a.saved_cursor) return {};
  if (a.saved_cursor->x != b.saved_cursor->x || a.saved_cursor->y != b.saved_cursor->y) return "cursor put aside";
  if (!same_style(a.saved_pen, a.tables.links, b.saved_pen, b.tables.links)) return "pen put aside";
  return {};
}

std::string stream_difference(const Side& a, const Side& b) {
  const LinkTable& a_links = a.display.tables.links;
  const LinkTable& b_links = b.display.tables.links;
  if (!same_pen(a.stream.pen, a_links, b.stream.pen, b_links)) return "pen";
  const Interpreter::State::Saved& one = a.stream.saved;
  const Interpreter::State::Saved& two = b.stream.saved;
  if (!same_pen(one.pen, a_links, two.pen, b_links)) return "saved pen";
  if (one.x != two.x || one.y != two.y || one.origin != two.origin) return "saved cursor";
  if (a.stream.title != b.stream.title || a.stream.titles != b.stream.titles) return "titles";
  if (a.stream.last != b.stream.last) return "character to repeat";
  if (a.stream.synchronized_update != b.stream.synchronized_update) return "synchronized update";
  if (a.parser.pending() != b.parser.pending()) return "the sequence they are in";
  return {};
}

}  // namespace

std::string first_difference(const Screen& a, const Screen& b) {
  const Side one(a.model());
  const Side two(b.model());
  if (a.alternate() != b.alternate()) return "which screen is shown";
  const Tables& a_tables = one.display.tables;
  const Tables& b_tables = two.display.tables;
  std::string difference = grid_difference("screen", one.display.grid, a_tables, two.display.grid, b_tables);
  if (difference.empty() && one.display.saved)
    difference = grid_difference("main screen", *one.display.saved, a_tables, *two.display.saved, b_tables);
  if (difference.empty()) difference = cursor_difference(one.display, two.display);
  if (difference.empty()) difference = stream_difference(one, two);
  if (difference.empty()) difference = scrollback_difference(one.display, two.display);
  return difference;
}

}  // namespace ccd::terminal
