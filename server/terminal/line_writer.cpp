// Writing cells: see line_writer.hpp.
#include "terminal/line_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "terminal/sgr.hpp"
#include "terminal/widths.hpp"

namespace ccd::terminal {
namespace {

// Runs of one character from this length on are shorter as "repeat".
constexpr int kLongRun = 8;

void append_sequence(std::string& out, int number, char final) {
  char digits[12];
  out += "\x1b[";
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  out += final;
}

// Attributes can be added to the ones in force, but not taken away without a reset.
bool only_adds(const Style& from, const Style& to) {
  const unsigned flags = from.attributes & ~unsigned{kUnderlineMask};
  return (flags & ~to.attributes) == 0 && (from.underline() == Underline::none || to.underline() == from.underline() ||
                                           to.underline() != Underline::none);
}

// The parts of `to` that differ, as a style that append_sgr() can write; false when a colour goes back to the standard one.
bool additions(const Style& from, const Style& to, Style& added) {
  if (!only_adds(from, to)) return false;
  added.attributes = static_cast<std::uint16_t>(to.attributes & ~from.attributes & ~unsigned{kUnderlineMask});
  if (to.underline() != from.underline()) added.set_underline(to.underline());
  const auto colour = [](Colour was, Colour is, Colour& add) {
    if (was == is) return true;
    add = is;
    return !is.is_standard();
  };
  return colour(from.foreground, to.foreground, added.foreground) &&
         colour(from.background, to.background, added.background) &&
         colour(from.underline_colour, to.underline_colour, added.underline_colour);
}

std::string_view first_character(std::string_view text) {
  return text.substr(0, read_utf8(text.data(), text.size()).size);
}

// Terminals do not agree how many columns the character takes. The others: Latin, Greek and Cyrillic, punctuation, line drawing,
// Chinese, Japanese and Korean.
bool is_doubtful(Cell cell) {
  if (is_ascii(cell)) return false;
  if ((cell.glyph & kCluster) != 0) return true;
  const std::uint32_t code = cell.glyph & kGlyphMask;
  const auto in = [&](std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; };
  return code != ' ' && !in(0xa1, 0xac) && !in(0xae, 0x2ff) && !in(0x370, 0x52f) && !in(0x2010, 0x2027) &&
         !in(0x2500, 0x259f) && !in(0x3041, 0x3096) && !in(0x30a1, 0x30ff) && !in(0x4e00, 0x9fff) &&
         !in(0xac00, 0xd7a3) && !in(0xff01, 0xff60);
}

constexpr std::uint16_t kNotSgr = kLineDrawing;

// How many cells from x on are printed ASCII of one style.
int ascii_run(const LineView& line, int x, int end) {
  end = std::min(end, line.filled);
  int next = x;
  while (next < end && is_ascii(line.cells[next]) && line.cells[next].glyph != kErased &&
         line.cells[next].style == line.cells[x].style)
    ++next;
  return next - x;
}

}  // namespace

void LineWriter::style(const Style& style, const LinkTable& links) { this->style(style, links[style.link]); }

void LineWriter::style(const Style& style, std::string_view link) {
  Style to = style;
  to.link = 0;
  if (drawing_ == LineDrawing::as_unicode) to.attributes &= static_cast<std::uint16_t>(~unsigned{kNotSgr});
  if (link != link_) {
    out_ += "\x1b]8;";
    out_ += link.empty() ? ";" : link;
    out_ += "\x1b\\";
    link_ = link;
  }
  if (to == style_) return;
  if (((to.attributes ^ style_.attributes) & kNotSgr) != 0)
    out_ += (to.attributes & kNotSgr) != 0 ? "\x1b(0" : "\x1b(B";
  Style from = style_;
  Style target = to;
  from.attributes &= static_cast<std::uint16_t>(~unsigned{kNotSgr});
  target.attributes &= static_cast<std::uint16_t>(~unsigned{kNotSgr});
  Style added;
  if (additions(from, target, added)) {
    append_sgr(out_, added);
  } else if (target == Style{}) {
    out_ += "\x1b[m";
  } else {
    const std::size_t begin = out_.size();
    append_sgr(out_, target);
    out_.insert(begin + 2, "0;");  // CSI 0; ...
  }
  style_ = to;
}

// Most of what is written is this: it is copied, and then looked at for what is shorter in another way.
void LineWriter::ascii(const Cell* cells, int count) {
  const std::size_t begin = out_.size();
  out_.resize(begin + static_cast<std::size_t>(count));
  char* const text = out_.data() + begin;
  int run = 0;
  bool long_run = false;
  for (int i = 0; i < count; ++i) {
    text[i] = static_cast<char>(cells[i].glyph);
    run = i > 0 && text[i] == text[i - 1] ? run + 1 : 1;
    long_run = long_run || run >= kLongRun;
  }
  if (!long_run || (style_.attributes & kLineDrawing) != 0 || drawing_ == LineDrawing::as_unicode) return;
  out_.resize(begin);
  for (int i = 0; i < count; i += run) {
    run = 1;
    while (i + run < count && cells[i + run].glyph == cells[i].glyph) ++run;
    const auto character = static_cast<char>(cells[i].glyph);
    if (run < kLongRun) {
      out_.append(static_cast<std::size_t>(run), character);
    } else {
      out_ += character;
      append_sequence(out_, run - 1, 'b');
    }
  }
}

void LineWriter::cells(const LineView& line, int begin, int end, const Tables& tables) {
  bool doubt = false;  // where the cursor is
  for (int x = begin; x < end;) {
    const Cell cell = cell_at(line, x);
    if (is_padding(cell) && !is_torn(line, x)) {
      ++x;
      continue;
    }
    // One step for all doubtful characters in a row, and one before the last, so that the terminal is at the edge behind it.
    const bool last = x + columns_of(cell) >= end;
    if (doubt && drawing_ == LineDrawing::as_charset && (last || !is_doubtful(cell))) {
      append_sequence(out_, x + 1, 'G');
      doubt = false;
    }
    doubt = doubt || is_doubtful(cell);
    if (is_torn(line, x)) {
      style(tables.styles[cell.style], tables.links);
      out_ += ' ';
      ++x;
      continue;
    }
    // The last cell is printed, so that the row counts as written up to here.
    if (drawing_ == LineDrawing::as_charset && cell.glyph == kErased && x + 1 < end) {
      x = erased_run(line, x, end - 1, end, tables);
      continue;
    }
    const Style& looks = tables.styles[cell.style];
    const bool spelt_out = drawing_ == LineDrawing::as_unicode && (looks.attributes & kLineDrawing) != 0;
    if (const int count = spelt_out ? 0 : ascii_run(line, x, end); count > 0) {
      style(looks, tables.links);
      ascii(line.cells + x, count);
      x += count;
      continue;
    }
    if (is_undrawn(cell, tables)) {
      Style plain = looks;
      plain.attributes &= static_cast<std::uint16_t>(~unsigned{kLineDrawing});
      style(plain, tables.links);
    } else {
      style(looks, tables.links);
    }
    if (drawing_ == LineDrawing::as_unicode) append_readable(out_, cell, tables);
    else if (is_odd_cluster(cell, tables)) append_first(out_, cell, tables);
    else tables.append_text(out_, cell);
    ++x;
  }
}

// Erased cells of one style from x on, at most up to `end`. Where they end.
int LineWriter::erased_run(const LineView& line, int x, int end, int cols, const Tables& tables) {
  const Cell cell = cell_at(line, x);
  int next = x + 1;
  while (next < end && cell_at(line, next) == cell) ++next;
  if (cell.style != 0) {
    style(tables.styles[cell.style], tables.links);
    if (next == cols) out_ += "\x1b[K";
    else append_sequence(out_, next - x, 'X');
  }
  if (next < cols) append_sequence(out_, next + 1, 'G');
  return next;
}

void LineWriter::erased(const LineView& line, int begin, int cols, const Tables& tables) {
  int end = std::min(line.filled, cols);
  while (end > begin && line.cells[end - 1] == Cell{}) --end;
  for (int x = begin; x < end;) x = erased_run(line, x, cols, cols, tables);
}

char32_t line_drawing(unsigned char letter) {
  constexpr unsigned char kFirst = 0x60;
  static constexpr std::array<char32_t, 31> kCharacters{
      U'\u25c6', U'\u2592', U'\u2409', U'\u240c', U'\u240d', U'\u240a', U'\u00b0', U'\u00b1',
      U'\u2424', U'\u240b', U'\u2518', U'\u2510', U'\u250c', U'\u2514', U'\u253c', U'\u23ba',
      U'\u23bb', U'\u2500', U'\u23bc', U'\u23bd', U'\u251c', U'\u2524', U'\u2534', U'\u252c',
      U'\u2502', U'\u2264', U'\u2265', U'\u03c0', U'\u2260', U'\u00a3', U'\u00b7'};
  return letter >= kFirst && letter < kFirst + kCharacters.size() ? kCharacters[letter - kFirst] : letter;
}

void append_first(std::string& out, Cell cell, const Tables& tables) {
  if ((cell.glyph & kCluster) != 0) out += first_character(tables.clusters[cell.glyph & kGlyphMask]);
  else tables.append_text(out, cell);
}

void append_readable(std::string& out, Cell cell, const Tables& tables) {
  const bool drawn = (tables.styles[cell.style].attributes & kLineDrawing) != 0;
  if (drawn && is_ascii(cell)) append_utf8(out, line_drawing(static_cast<unsigned char>(code_point(cell))));
  else tables.append_text(out, cell);
}

int end_of_text(const LineView& line) {
  int end = line.filled;
  while (end > 0 && is_blank(line.cells[end - 1])) --end;
  return end;
}

bool is_odd_cluster(Cell cell, const Tables& tables) {
  constexpr char32_t kJoiner = 0x200d;
  if ((cell.glyph & kCluster) == 0) return false;
  std::string_view text = tables.clusters[cell.glyph & kGlyphMask];
  text.remove_prefix(first_character(text).size());
  bool joined = false;
  while (!text.empty()) {
    const Utf8Char next = read_utf8(text.data(), text.size());
    if (!joined && width_of(next.code_point) != Width::combining) return true;
    joined = next.code_point == kJoiner;
    // Two joiners count as one, and ASCII is joined only in some modes.
    if (joined && (text.size() == next.size || text.substr(next.size).starts_with("\xe2\x80\x8d"))) return true;
    if (next.code_point < 0x80) return true;
    text.remove_prefix(next.size);
  }
  return false;
}

bool is_undrawn(Cell cell, const Tables& tables) {
  return (cell.glyph & kCluster) != 0 && (tables.styles[cell.style].attributes & kLineDrawing) != 0;
}

bool is_large_by_past(Cell cell, const Tables& tables) {
  return is_ascii(cell) && (cell.style & kLarge) != 0 && !needs_large(tables.styles[cell.style]);
}

bool is_torn(const LineView& line, int x) {
  const Cell cell = cell_at(line, x);
  if (is_wide(cell)) return !is_padding(cell_at(line, x + 1));
  return is_padding(cell) && (x == 0 || !is_wide(cell_at(line, x - 1)));
}

}  // namespace ccd::terminal
