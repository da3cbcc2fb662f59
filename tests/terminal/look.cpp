// Looks into the model's own grid, cell by cell: an oracle compares all that there is, also what no public function tells.
#include "look.hpp"

#include <array>
#include <cstdio>

#include "terminal/model.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::model_tests {
namespace {

using terminal::Colour;
using terminal::Screen;
using terminal::Style;

std::string colour_name(Colour colour) {
  if (colour.is_standard()) return "";
  if (colour.kind() != Colour::Kind::rgb) return std::to_string(colour.value());
  std::array<char, 8> name{};
  std::snprintf(name.data(), name.size(), "#%06x", colour.value());
  return name.data();
}

std::string style_name(const Style& style) {
  constexpr std::array<std::pair<std::uint16_t, char>, 8> kLetters{{{terminal::kBold, 'b'},
                                                                    {terminal::kDim, 'd'},
                                                                    {terminal::kItalic, 'i'},
                                                                    {terminal::kBlink, 'k'},
                                                                    {terminal::kReverse, 'r'},
                                                                    {terminal::kHidden, 'h'},
                                                                    {terminal::kStrike, 's'},
                                                                    {terminal::kOverline, 'o'}}};
  std::string flags;
  for (const auto& [bit, letter] : kLetters)
    if ((style.attributes & bit) != 0) flags += letter;
  if (style.underline() != terminal::Underline::none)
    flags += "u" + std::to_string(static_cast<int>(style.underline()));
  const std::string fg = colour_name(style.foreground);
  const std::string bg = colour_name(style.background);
  const std::string us = colour_name(style.underline_colour);
  if (fg.empty() && bg.empty() && us.empty() && flags.empty()) return "";
  return fg + ',' + bg + ',' + us + ',' + flags;
}

// For ` to ~, as the VT100 draws them.
constexpr std::array<std::string_view, 31> kDrawing{"◆", "▒", "␉", "␌", "␍", "␊", "°", "±", "␤", "␋", "┘",
                                                    "┐", "┌", "└", "┼", "⎺", "⎻", "─", "⎼", "⎽", "├", "┤",
                                                    "┴", "┬", "│", "≤", "≥", "π", "≠", "£", "·"};

struct RowLook {
  std::string text;
  std::string wide;   // columns of wide characters, "1,4"
  std::string links;  // "[3,\"https://...\"],..."
};

void append_cell(std::string& out, const terminal::Tables& tables, terminal::Cell cell, const Style& style) {
  // What combines with a letter makes it a letter again: so it is what tmux prints.
  const std::uint32_t letter = cell.glyph & terminal::kGlyphMask;
  const bool drawing = (style.attributes & terminal::kLineDrawing) != 0 && (cell.glyph & terminal::kCluster) == 0;
  if (drawing && letter >= '`' && letter <= '~') out += kDrawing[letter - '`'];
  else tables.append_text(out, cell);
}

// Half of a wide character whose other half was written over: tmux keeps it, viewers see a blank.
bool is_torn(const terminal::LineView& line, int x) {
  if (is_padding(line.cells[x])) return x == 0 || !(is_wide(line.cells[x - 1]) || is_padding(line.cells[x - 1]));
  return is_wide(line.cells[x]) && (x + 1 >= line.filled || !is_padding(line.cells[x + 1]));
}

RowLook row_look(const terminal::LineView& line, const terminal::Tables& tables, Torn torn) {
  RowLook row;
  std::string before;
  std::size_t end = 0;  // blanks in the standard style from here on do not count
  for (int x = 0; x < line.filled; ++x) {
    terminal::Cell cell = line.cells[x];
    if (torn == Torn::blank && is_torn(line, x)) cell.glyph = ' ';
    if (is_padding(cell)) continue;
    const Style& style = tables.styles[cell.style];
    if (is_wide(cell)) row.wide += (row.wide.empty() ? "" : ",") + std::to_string(x);
    if (style.link != 0) {
      const std::string_view link = tables.links[style.link];
      row.links += (row.links.empty() ? "[" : ",[") + std::to_string(x) + ',';
      append_json_string(row.links, link.substr(link.find(';') + 1));
      row.links += ']';
    }
    const std::string name = style_name(style);
    if (name != before) row.text += '\x01' + name + '\x02';
    before = name;
    append_cell(row.text, tables, cell, style);
    if (!name.empty() || !is_blank(cell)) end = row.text.size();
  }
  row.text.resize(end);
  return row;
}

void append_flag(std::string& out, const char* name, bool on) {
  out += '"';
  out += name;
  out += on ? "\":true," : "\":false,";
}

void append_modes(std::string& out, const Screen& screen) {
  const terminal::Modes& modes = screen.modes();
  constexpr std::array<int, 4> kMouse{0, 1000, 1002, 1003};
  out += "\"modes\":{";
  append_flag(out, "insert", modes.insert);
  append_flag(out, "cursorKeys", modes.application_cursor);
  append_flag(out, "keypad", modes.application_keypad);
  append_flag(out, "origin", modes.origin);
  append_flag(out, "wrap", modes.wrap);
  append_flag(out, "mouseUtf8", modes.mouse_utf8);
  append_flag(out, "mouseSgr", modes.mouse_sgr);
  append_flag(out, "bracketedPaste", modes.bracketed_paste);
  append_flag(out, "focus", modes.focus_events);
  out += "\"mouse\":" + std::to_string(kMouse[static_cast<std::size_t>(modes.mouse)]) + "},";
}

std::string pair_text(int a, int b) { return '[' + std::to_string(a) + ',' + std::to_string(b) + ']'; }

void append_tabs(std::string& out, const std::vector<bool>& tabs) {
  std::string text;
  for (std::size_t x = 0; x < tabs.size(); ++x)
    if (tabs[x]) text += (text.empty() ? "" : ",") + std::to_string(x);
  out += "\"tabs\":\"" + text + "\",";
}

void append_rows(std::string& out, const terminal::DisplayState& display, Torn torn) {
  std::string rows;
  std::string wide;
  std::string links;
  for (int y = 0; y < display.grid.rows(); ++y) {
    const RowLook row = row_look(display.grid.line(y), display.tables, torn);
    const char* comma = y == 0 ? "" : ",";
    rows += comma;
    append_json_string(rows, row.text);
    wide += comma + ('[' + row.wide + ']');
    links += comma + ('[' + row.links + ']');
  }
  out += "\"rows\":[" + rows + "],\"wide\":[" + wide + "],\"links\":[" + links + "],";
}

// As wide as the screen, as tmux captures it: a padding cell without its character takes no column when lines are put together anew, so
// lines can have more cells.
void append_history(std::string& out, const terminal::Scrollback& scrollback, int cols) {
  out += "\"history\":[";
  terminal::Line line;
  for (std::size_t i = 0; i < scrollback.size(); ++i) {
    terminal::Tables tables;
    scrollback.read(i, tables, line);
    if (i > 0) out += ',';
    append_json_string(out, row_look(line.view().clipped(cols), tables, Torn::kept).text);
  }
  out += "],";
}

// Each as a page of one line gives it.
void append_pages(std::string& out, const Screen& screen) {
  out += "\"historyLines\":[";
  for (std::uint64_t line = screen.first_line(); line < screen.top_line(); ++line) {
    if (line != screen.first_line()) out += ',';
    append_json_string(out, write_lines(screen, line, 1).text);
  }
  out += "],";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += code.data();
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string look(const Screen& screen, History history, Torn torn) {
  const terminal::DisplayState& display = screen.model().display.state();
  // The cursor's own column can be beyond the screen's width, which Screen::cursor() does not give out.
  std::string out = "{\"size\":" + pair_text(screen.size().cols, screen.size().rows) + ',';
  out += "\"cursor\":" + pair_text(display.x, display.y) + ',';
  append_flag(out, "cursorVisible", screen.cursor().visible);
  append_flag(out, "alternate", screen.alternate());
  append_modes(out, screen);
  out += "\"region\":" + pair_text(screen.scroll_top(), screen.scroll_bottom()) + ',';
  append_tabs(out, display.tabs);
  append_rows(out, display, torn);
  if (history == History::rows) append_history(out, display.scrollback, display.grid.cols());
  if (history == History::pages) append_pages(out, screen);
  out += "\"historySize\":" + std::to_string(screen.top_line() - screen.first_line()) + ",\"title\":";
  append_json_string(out, screen.title());
  return out + '}';
}

}  // namespace ccd::model_tests
