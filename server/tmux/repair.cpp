#include "tmux/repair.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace ccd::tmux {
namespace {

// What display-message is asked for, all numbers but the last.
enum Index {
  history,
  cols,
  rows,
  cursor_x,
  cursor_y,
  cursor_on,
  insert,
  app_cursor,
  app_keypad,
  origin,
  wrap,
  mouse_standard,
  mouse_button,
  mouse_all,
  mouse_utf8,
  mouse_sgr,
  region_top,
  region_bottom,
  alternate,
  saved_x,
  saved_y,
  kNumbers
};
constexpr std::array<std::string_view, kNumbers> kNames{
    "history_size",     "pane_width",          "pane_height",         "cursor_x",       "cursor_y",
    "cursor_flag",      "insert_flag",         "keypad_cursor_flag",  "keypad_flag",    "origin_flag",
    "wrap_flag",        "mouse_standard_flag", "mouse_button_flag",   "mouse_all_flag", "mouse_utf8_flag",
    "mouse_sgr_flag",   "scroll_region_upper", "scroll_region_lower", "alternate_on",   "alternate_saved_x",
    "alternate_saved_y"};

struct Screen {
  std::array<long, kNumbers> number{};
  std::string_view tabs;  // "8,16,24"
};

// Takes one line off the front, without its LF; the whole rest when there is no LF.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

Result<Screen> parse_screen(std::string_view line) {
  Screen screen;
  for (long& value : screen.number) {
    const std::size_t end = line.find(' ');
    if (end == std::string_view::npos) return fail(ErrorKind::internal, "tmux did not describe the pane's screen");
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end + 1);
    if (word.empty()) continue;  // a flag that is off, and positions of a screen that is not saved
    const auto [stop, ec] = std::from_chars(word.data(), word.data() + word.size(), value);
    // tmux prints UINT_MAX for "no saved position": over every screen, so clamped below.
    if (ec != std::errc() || stop != word.data() + word.size())
      return fail(ErrorKind::internal, "tmux's description of the pane's screen is not what was asked for");
  }
  screen.tabs = line;
  return screen;
}

void move_to(std::string& out, long x, long y) {
  out += "\x1b[" + std::to_string(y + 1) + ';' + std::to_string(x + 1) + 'H';
}

using Lines = std::vector<std::string_view>;

Lines take_lines(std::string_view& text, long count) {
  Lines lines;
  lines.reserve(static_cast<std::size_t>(count));
  for (long i = 0; i < count; ++i) lines.push_back(take_line(text));
  return lines;
}

// tmux writes colours as changes from the cell before, over the ends of lines: what is in force where `line` begins.
std::string colours_before(const Lines& lines, std::size_t line) {
  std::string in_force;
  bool line_drawing = false;
  for (std::size_t i = 0; i < line; ++i) {
    const std::string_view text = lines[i];
    for (std::size_t at = text.find_first_of("\x1b\x0e\x0f"); at != std::string_view::npos;
         at = text.find_first_of("\x1b\x0e\x0f", at + 1)) {
      if (text[at] != '\x1b') {
        line_drawing = text[at] == '\x0e';
        continue;
      }
      const std::size_t end = text.find('m', at);
      if (!text.substr(at).starts_with("\x1b[") || end == std::string_view::npos) continue;
      const std::string_view change = text.substr(at, end + 1 - at);
      if (change.starts_with("\x1b[0") || change == "\x1b[m") in_force.clear();
      in_force += change;
      at = end;
    }
  }
  return in_force + (line_drawing ? "\x0e" : "");
}

// Lines from the top, scrolling when the screen is full. A screen that scrolls fills the new row with the colour in force, so
// the colours are put aside while it does.
void append_rows(std::string& out, const Lines& lines, long screen_rows) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (static_cast<long>(i) >= screen_rows) out += "\x1b\x37\x1b[m\n\x1b\x38\r";
    else if (i > 0) out += "\r\n";
    out += lines[i];
  }
  out += "\x0f\x1b[m";
}

void append_mode(std::string& out, std::string_view mode, bool on) {
  out += "\x1b[";
  out += mode;
  out += on ? 'h' : 'l';
}

// Tab stops every eight columns are what a terminal begins with.
void append_tabs(std::string& out, const Screen& screen) {
  std::string usual;
  for (long x = 8; x < screen.number[cols]; x += 8) usual += (usual.empty() ? "" : ",") + std::to_string(x);
  if (screen.tabs == usual) return;
  out += "\x1b[3g";
  std::string_view rest = screen.tabs;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    long x = 0;
    std::from_chars(rest.data(), rest.data() + comma, x);
    move_to(out, std::clamp(x, 0L, screen.number[cols] - 1), 0);
    out += "\x1bH";
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
}

// `row` is the captured row that the cursor is in, with the colours that it begins with.
void append_cursor(std::string& out, const Screen& screen, const std::string& row) {
  // In origin mode positions count from the region's top.
  const long top = screen.number[origin] != 0 ? screen.number[region_top] : 0;
  const long y = std::max(screen.number[cursor_y] - top, 0L);
  if (screen.number[cursor_x] < screen.number[cols]) return move_to(out, screen.number[cursor_x], y);
  // Behind the last column, so that the next character wraps: a terminal is brought there only by printing the row again.
  move_to(out, 0, y);
  out += row;
  out += "\x0f\x1b[m";
}

void append_modes(std::string& out, const Screen& screen) {
  const auto on = [&](Index i) { return screen.number[i] != 0; };
  append_mode(out, "4", on(insert));
  append_mode(out, "?1", on(app_cursor));
  out += on(app_keypad) ? "\x1b=" : "\x1b>";
  append_mode(out, "?7", on(wrap));
  append_mode(out, "?25", on(cursor_on));
  for (const auto mode : {"?1000", "?1002", "?1003", "?1005", "?1006"}) append_mode(out, mode, false);
  if (on(mouse_standard)) append_mode(out, "?1000", true);
  if (on(mouse_button)) append_mode(out, "?1002", true);
  if (on(mouse_all)) append_mode(out, "?1003", true);
  if (on(mouse_utf8)) append_mode(out, "?1005", true);
  if (on(mouse_sgr)) append_mode(out, "?1006", true);
}

// `\ooo` (three octal digits) becomes that byte; a backslash that does not begin one stays.
std::string unescape_octal(std::string_view text) {
  const auto octal = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && octal(i + 1) && text[i + 1] <= '3' && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Off the alternate screen, whole region, no origin, no insert, wrap, plain characters (G1 is line drawing, as tmux captures it),
// empty screen and scrollback.
constexpr std::string_view kBlank =
    "\x1b[?1049l\x1b[r\x1b[?6l\x1b[4l\x1b[?7h\x1b[m\x0f\x1b(B\x1b)0\x1b[H\x1b[2J\x1b[3J";

}  // namespace

std::vector<Command> repair_commands(const std::string& pane_id) {
  std::string format;
  for (const std::string_view name : kNames) format += "#{" + std::string(name) + "} ";
  format += "#{pane_tabs}";
  // The line of numbers comes first: it says how many lines the captures have, so nothing in them can be taken for it.
  // The last is what the pane has sent of a sequence that is not complete yet, with bytes that do not print as \ooo.
  return {{"display-message", "-p", "-t", pane_id, format},
          {"capture-pane", "-p", "-e", "-N", "-S", std::to_string(-kRepairHistory), "-t", pane_id},
          {"capture-pane", "-p", "-e", "-N", "-a", "-q", "-t", pane_id},
          {"capture-pane", "-p", "-P", "-C", "-t", pane_id}};
}

Result<Repair> parse_repair(std::string_view output) {
  const Screen screen = TRY(parse_screen(take_line(output)));
  const long height = screen.number[rows];
  const long width = screen.number[cols];
  const bool on_alternate = screen.number[alternate] != 0;
  const long kept = std::min<long>(screen.number[history], kRepairHistory);
  if (height < 1 || width < 1 || kept < 0) return fail(ErrorKind::internal, "tmux's pane has no size");
  // Without a saved screen the second capture is one empty line.
  const long expected = kept + height + (on_alternate ? height : 1);
  if (std::count(output.begin(), output.end(), '\n') < expected)
    return fail(ErrorKind::internal, "tmux's capture has fewer lines than its pane");
  const Lines capture = take_lines(output, kept + height);
  Lines saved = take_lines(output, on_alternate ? height : 1);

  Repair repair{
      .escape_sequences = std::string(kBlank), .cols = static_cast<int>(width), .rows = static_cast<int>(height)};
  std::string& out = repair.escape_sequences;
  if (!on_alternate) {
    append_rows(out, capture, height);
  } else {
    // The main screen is the history of the first capture and the rows that tmux put aside, which begin without colours.
    const std::string first_saved = "\x0f\x1b[m" + std::string(saved[0]);
    saved[0] = first_saved;
    Lines main(capture.begin(), capture.begin() + kept);
    main.insert(main.end(), saved.begin(), saved.end());
    append_rows(out, main, height);
    move_to(out, std::clamp(screen.number[saved_x], 0L, width - 1), std::clamp(screen.number[saved_y], 0L, height - 1));
    out += "\x1b[?1049h\x1b[H\x1b[2J" + colours_before(capture, static_cast<std::size_t>(kept));
    append_rows(out, Lines(capture.begin() + kept, capture.end()), height);
  }
  append_tabs(out, screen);
  if (screen.number[region_top] != 0 || screen.number[region_bottom] != height - 1)
    out += "\x1b[" + std::to_string(screen.number[region_top] + 1) + ';' +
           std::to_string(screen.number[region_bottom] + 1) + 'r';
  append_mode(out, "?6", screen.number[origin] != 0);
  const auto row = static_cast<std::size_t>(kept + std::clamp(screen.number[cursor_y], 0L, height - 1));
  append_cursor(out, screen, colours_before(capture, row) + std::string(capture[row]));
  out += "\x1b)B";
  append_modes(out, screen);
  std::string_view pending = output;
  if (pending.ends_with('\n')) pending.remove_suffix(1);
  out += unescape_octal(pending);
  return repair;
}

}  // namespace ccd::tmux
