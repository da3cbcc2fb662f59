// A screen written as escape sequences: see snapshot.hpp. What sequences cannot say is in restore_record.hpp.
#include "terminal/snapshot.hpp"

#include <algorithm>

#include "terminal/line_writer.hpp"
#include "terminal/model.hpp"
#include "terminal/restore_record.hpp"
#include "terminal/sgr.hpp"

namespace ccd::terminal {
namespace {

constexpr std::string_view kNoLink = "\x1b]8;;\x1b\\";

class SnapshotWriter {
 public:
  SnapshotWriter(const Model& model, std::string& out)
      : display_(model.display.state()), stream_(model.interpreter.state()), parser_(model.parser), out_(out) {}

  void write(std::uint64_t scrollback_lines) {
    // A terminal that already shows something leaves the alternate screen and forgets its scrollback too.
    // Not every terminal's reset shows a hidden cursor again.
    out_ +=
        "\x1b[?1049l\x1b"
        "c\x1b[3J\x1b[?25h";
    const Grid& main = display_.saved ? *display_.saved : display_.grid;
    record(out_, "size", {main.cols(), main.rows()});
    if (!display_.saved && display_.saved_cursor) {
      enter_alternate();
      out_ += "\x1b[?1049l\x1b[m\x1b[H";
      if (display_.saved_pen.link != 0) out_ += kNoLink;
    }
    main_screen(main, scrollback_lines);
    if (display_.saved) {
      enter_alternate();
      // Other terminals fill the alternate screen with the pen's background.
      out_ += "\x1b[m\x1b[H\x1b[2J";
      if (main.size() != display_.grid.size()) record(out_, "size", {display_.grid.cols(), display_.grid.rows()});
      out_ += "\x1b[H";
      rows(display_.grid);
    }
    tabs();
    saved_cursor();
    titles();
    cursor();
    charsets(stream_.pen);
    modes();
    style(stream_.pen.style);
    state();
    out_ += parser_.pending();
  }

 private:
  void move_to(int x, int y) { out_ += "\x1b[" + std::to_string(y + 1) + ';' + std::to_string(x + 1) + 'H'; }

  void style(const Style& style) {
    if (style.link != 0) {
      out_ += "\x1b]8;";
      out_ += display_.tables.links[style.link];
      out_ += "\x1b\\";
    }
    append_sgr(out_, style);
  }

  void enter_alternate() {
    if (display_.saved_cursor) move_to(display_.saved_cursor->x, display_.saved_cursor->y);
    style(display_.saved_pen);
    out_ += display_.saved_cursor ? "\x1b[?1049h" : "\x1b[?1047h";
    if (display_.saved_pen.link != 0) out_ += kNoLink;
  }

  void main_screen(const Grid& main, std::uint64_t scrollback_lines);
  void rows(const Grid& grid);
  void line(const LineView& whole, int cols, const Tables& tables);
  void wrap_into(const LineView& line, const Tables& tables);
  static void corrections(std::string& out, const LineView& line, int begin, const Tables& tables);
  void behind(const LineView& whole, int cols, const Tables& tables);
  void advance(const LineView& line, const LineView& next, int cols);
  void row_record(const Grid& grid, int y);
  void tabs();
  void saved_cursor();
  void titles();
  void cursor();
  void charsets(const Pen& pen);
  void modes();
  void state();

  const DisplayState& display_;
  const Interpreter::State& stream_;
  const Parser& parser_;
  std::string& out_;
  LineWriter writer_{out_, LineDrawing::as_charset};
  bool begun_by_wrap_ = false;  // the line before wraps when this one's first character is printed
  bool owes_wrap_ = false;      // the line before is wrapped, but printing does not make it so
};

// The character that makes the terminal wrap into the line, in the standard style: other terminals fill the row that a wrap scrolls in
// with the pen's background, and the cell that an early wrap before a wide character leaves with all of its looks.
void SnapshotWriter::wrap_into(const LineView& line, const Tables& tables) {
  const Cell first = cell_at(line, 0);
  const bool torn = is_torn(line, 0);
  if (first.glyph != kErased && !torn && tables.styles[first.style] == Style{}) return;
  writer_.standard();
  if (is_wide(first) && !torn) append_first(out_, first, tables);
  else out_ += ' ';
  out_ += "\x1b[G";
  if (first.glyph == kErased) out_ += "\x1b[X";
}

void SnapshotWriter::line(const LineView& whole, int cols, const Tables& tables) {
  const LineView line = whole.clipped(cols);
  if (begun_by_wrap_) wrap_into(line, tables);
  writer_.cells(line, 0, line.used, tables);
  corrections(out_, line, 0, tables);
  if (line.used < cols) writer_.erased(line, line.used, cols, tables);
  // After the row is painted, because erasing a whole row ends the wrap into it.
  if (owes_wrap_) record(out_, "wrapped", {1});
  owes_wrap_ = begun_by_wrap_ = false;
  behind(whole, cols, tables);
}

// Of small ASCII, printed up to the last one, nothing is. So are nearly all lines, and this is quick.
bool needs_none(const LineView& line, int begin) {
  if (begin >= line.used) return true;
  if (line.used > line.filled || line.cells[line.used - 1].glyph == kErased) return false;
  std::uint32_t glyphs = 0;
  StyleId styles = 0;
  for (int x = begin; x < line.used; ++x) {
    glyphs |= line.cells[x].glyph;
    styles |= line.cells[x].style;
  }
  return glyphs < 0x80 && (styles & kLarge) == 0;
}

// What is to be corrected of cells [begin, used), which are printed.
void SnapshotWriter::corrections(std::string& out, const LineView& line, int begin, const Tables& tables) {
  if (needs_none(line, begin)) return;
  for (int x = begin; x < line.used; ++x) {
    const Cell cell = cell_at(line, x);
    if (is_torn(line, x) || is_odd_cluster(cell, tables)) {
      std::string text;
      tables.append_text(text, cell);
      record_cell(out, x, text);
    }
    if (cell.glyph == kErased && x + 1 == line.used) record(out, "erased", {x});
    if (is_undrawn(cell, tables)) record(out, "drawing", {x});
  }
  for (int x = begin; x < line.used;) {
    int end = x;
    while (end < line.used && is_large_by_past(cell_at(line, end), tables)) ++end;
    if (end > x) record(out, "large", {x, end - x});
    x = end + 1;
  }
}

// The cells behind the edge, which show again when the screen becomes wider, as a snapshot of their own.
void SnapshotWriter::behind(const LineView& whole, int cols, const Tables& tables) {
  int end = whole.filled;
  while (end > std::max(whole.used, cols) && whole.cells[end - 1] == Cell{}) --end;
  if (end <= cols) return;
  int begin = cols;
  if (is_padding(cell_at(whole, begin)) && !is_torn(whole, begin)) --begin;
  std::string cells = "\x1b[" + std::to_string(begin + 1) + 'G';
  LineWriter writer(cells, LineDrawing::as_charset);
  writer.cells(whole, begin, whole.used, tables);
  corrections(cells, whole, begin, tables);
  writer.erased(whole, std::max(begin, whole.used), kMaxLineCells + 1, tables);
  writer.standard();
  writer_.standard();
  record_behind(out_, end, cells);
}

// Goes to the next line: by itself where the terminal wraps when the next one's first character is printed. Before a wide one that may be
// early, and then other terminals blank the cell that is left.
void SnapshotWriter::advance(const LineView& line, const LineView& next, int cols) {
  const bool early =
      line.used == cols - 1 && cell_at(line, cols - 1) == Cell{} && is_wide(cell_at(next, 0)) && !is_torn(next, 0);
  const bool full = line.used == cols || early;
  begun_by_wrap_ = line.wrapped && next.used > 0 && full && cols > 1;
  owes_wrap_ = line.wrapped && !begun_by_wrap_;
  if (begun_by_wrap_) return;
  writer_.standard();
  out_ += "\r\n";
}

void SnapshotWriter::main_screen(const Grid& main, std::uint64_t scrollback_lines) {
  const Scrollback& scrollback = display_.scrollback;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(scrollback_lines, scrollback.size()));
  Tables tables;  // of the lines that are read back: reading them must not change the screen
  Line now;
  Line next;
  if (count > 0) scrollback.read(scrollback.size() - count, tables, next);
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(now, next);
    const bool last = i + 1 == count;
    if (!last) scrollback.read(scrollback.size() - count + i + 1, tables, next);
    line(now.view(), main.cols(), tables);
    advance(now.view().clipped(main.cols()), last ? main.line(0) : next.view().clipped(main.cols()), main.cols());
  }
  rows(main);
}

void SnapshotWriter::rows(const Grid& grid) {
  for (int y = 0; y < grid.rows(); ++y) {
    const LineView now = grid.line(y);
    line(grid.whole_line(y), grid.cols(), display_.tables);
    row_record(grid, y);
    if (y + 1 < grid.rows()) advance(now, grid.line(y + 1), grid.cols());
    else if (now.wrapped) record(out_, "wrapped", {0});
  }
  writer_.standard();
}

// What printing and erasing the row does not bring about.
void SnapshotWriter::row_record(const Grid& grid, int y) {
  const LineView line = grid.whole_line(y);
  int end = line.filled;
  while (end > line.used && line.cells[end - 1] == Cell{}) --end;
  const int reach = grid.row(y).reach;
  if (end > grid.cols() || grid.reach_for(end) != reach) record(out_, "row", {line.used, reach});
}

void SnapshotWriter::tabs() {
  constexpr std::size_t kUsual = 8;
  const std::vector<bool>& tabs = display_.tabs;
  bool usual = true;
  for (std::size_t x = 0; x < tabs.size(); ++x) usual = usual && tabs[x] == (x > 0 && x % kUsual == 0);
  if (usual) return;
  out_ += "\x1b[3g";
  for (std::size_t x = 0; x < tabs.size(); ++x) {
    if (tabs[x]) out_ += "\x1b[" + std::to_string(x + 1) + "G\x1bH";
  }
}

void SnapshotWriter::saved_cursor() {
  const Interpreter::State::Saved& saved = stream_.saved;
  const Size size = display_.grid.size();
  if (saved.pen == Pen{} && saved.x == 0 && saved.y == 0 && !saved.origin) return;
  if (saved.origin) out_ += "\x1b[?6h";
  move_to(std::min(saved.x, size.cols - 1), std::min(saved.y, size.rows - 1));
  charsets(saved.pen);
  style(saved.pen.style);
  out_ +=
      "\x1b"
      "7\x1b[m\x1b(B\x1b)B\x0f";
  if (saved.pen.style.link != 0) out_ += kNoLink;
  if (saved.origin) out_ += "\x1b[?6l";
}

void SnapshotWriter::titles() {
  for (const std::string& title : stream_.titles) out_ += "\x1b]2;" + title + "\x1b\\\x1b[22;2t";
  out_ += "\x1b]2;" + stream_.title + "\x1b\\";
}

void SnapshotWriter::cursor() {
  const Grid& grid = display_.grid;
  const bool region = display_.region_top != 0 || display_.region_bottom != grid.rows() - 1;
  if (region)
    out_ += "\x1b[" + std::to_string(display_.region_top + 1) + ';' + std::to_string(display_.region_bottom + 1) + 'r';
  if (display_.modes.origin) out_ += "\x1b[?6h";
  const int y = display_.modes.origin ? std::max(display_.y - display_.region_top, 0) : display_.y;
  if (display_.x < grid.cols()) return move_to(display_.x, y);
  // Behind the last column: a terminal is brought there only by printing the last character again.
  LineView line = grid.line(display_.y);
  const bool unwritten = line.used < grid.cols();
  line.used = grid.cols();
  const int last =
      grid.cols() -
      (grid.cols() > 1 && is_padding(cell_at(line, grid.cols() - 1)) && !is_torn(line, grid.cols() - 1) ? 2 : 1);
  move_to(last, y);
  writer_.cells(line, last, line.used, display_.tables);
  corrections(out_, line, last, display_.tables);
  writer_.standard();
  const GridRow& row = grid.row(display_.y);
  if (unwritten) record(out_, "row", {row.used, row.reach});
}

void SnapshotWriter::charsets(const Pen& pen) {
  if (pen.g0_drawing) out_ += "\x1b(0";
  if (pen.g1_drawing) out_ += "\x1b)0";
  if (pen.shifted) out_ += '\x0e';
}

void SnapshotWriter::modes() {
  const Modes& modes = display_.modes;
  const Cursor& cursor = display_.cursor;
  const auto set = [&](bool on, std::string_view sequence) {
    if (on) out_ += sequence;
  };
  set(modes.insert, "\x1b[4h");
  set(!modes.wrap, "\x1b[?7l");
  set(modes.application_cursor, "\x1b[?1h");
  set(modes.application_keypad, "\x1b=");
  set(modes.bracketed_paste, "\x1b[?2004h");
  set(modes.focus_events, "\x1b[?1004h");
  set(modes.mouse == MouseMode::clicks, "\x1b[?1000h");
  set(modes.mouse == MouseMode::buttons, "\x1b[?1002h");
  set(modes.mouse == MouseMode::all, "\x1b[?1003h");
  set(modes.mouse_utf8, "\x1b[?1005h");
  set(modes.mouse_sgr, "\x1b[?1006h");
  set(modes.extended_keys, "\x1b[>4;1m");
  set(stream_.synchronized_update, "\x1b[?2026h");
  if (cursor.shape != CursorShape::standard)
    out_ += "\x1b[" + std::to_string(2 * static_cast<int>(cursor.shape)) + " q";
  set(cursor.blinking, "\x1b[?12h");
  set(!cursor.visible, "\x1b[?25l");
}

void SnapshotWriter::state() {
  const auto& saved = display_.saved_cursor;
  const Interpreter::State::Saved& dec = stream_.saved;
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  record(out_, "state",
         {display_.x, display_.y, saved ? saved->x : 0, saved ? saved->y : 0, dec.x, dec.y, dec.origin ? 1 : 0,
          number(display_.scrolled), number(display_.scrollback.first_line() + display_.scrollback.size()),
          number(display_.numbering), stream_.last, display_.joining ? 1 : 0});
}

}  // namespace

std::string write_snapshot(const Screen& screen, SnapshotOptions options) {
  std::string out;
  SnapshotWriter(screen.model(), out).write(options.scrollback_lines);
  return out;
}

}  // namespace ccd::terminal
