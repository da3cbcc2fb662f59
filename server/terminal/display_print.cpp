// Printing characters, and the room that wide ones take and leave. See display.hpp.
#include <algorithm>
#include <array>

#include "terminal/display.hpp"
#include "terminal/widths.hpp"

namespace ccd::terminal {
namespace {

constexpr char32_t kJoiner = 0x200d;

// As tmux compares looks here: without the colour of underlines.
bool looks_equal(const Style& a, const Style& b) {
  return a.foreground == b.foreground && a.background == b.background && a.attributes == b.attributes;
}
bool is_plain(const Style& style) { return looks_equal(style, {}); }
bool is_indexed(Colour colour) { return colour.kind() == Colour::Kind::indexed; }

// tmux leaves a cell alone that is small, was printed, has none of its 256 colours, and looks like the new one.
bool keeps(Cell old, Cell cell, const Tables& tables) {
  if (is_large(old) || old.glyph != cell.glyph) return false;
  const Style& was = tables.styles[old.style];
  return !is_indexed(was.foreground) && !is_indexed(was.background) && looks_equal(was, tables.styles[cell.style]);
}

// A run of plain characters begins at x: what it cuts off on the left becomes blank. As tmux does it, a wide character in the first
// column stays.
void cut_left(Grid& grid, int x, int y) {
  int at = x;
  for (; at > 0 && is_padding(grid.cell(at, y)); --at) grid.set(at, y, kBlank);
  if (at > 0 && is_wide(grid.cell(at, y))) grid.set(at, y, kBlank);
}

// The padding from x on has lost its character.
bool cut_right(Grid& grid, int x, int y) {
  bool cut = false;
  for (; x < grid.cols() && is_padding(grid.cell(x, y)); ++x, cut = true) grid.set(x, y, kBlank);
  return cut;
}

}  // namespace

void Display::print(const char* text, int count, StyleId style) {
  while (count > 0) {
    if (s_.x >= cols()) {
      line_feed(Wrapped::yes, 0);
      s_.x = 0;
    }
    const int part = std::min(count, cols() - s_.x);
    const GridRow& row = s_.grid.row(s_.y);
    const bool wide = row.has_wide && s_.x < row.filled;
    if (wide && s_.x != 0) cut_left(s_.grid, s_.x, s_.y);
    s_.grid.set_ascii(s_.x, s_.y, text, part, style);
    s_.x += part;
    if (wide) cut_right(s_.grid, s_.x, s_.y);
    text += part;
    count -= part;
  }
}

const char* Display::print_run(const char* at, const char* end, StyleId style) {
  if (!s_.modes.wrap || s_.modes.insert || s_.joining) return at;
  GridRow& row = s_.grid.row(s_.y);
  if (s_.x < row.filled || s_.x >= cols()) return at;
  Cell* const cells = s_.grid.room(row, s_.x);
  const int cols = this->cols();
  int x = s_.x;
  bool wide = false;
  while (at != end && static_cast<unsigned char>(*at) >= 0x80) {
    const Utf8Char character = read_multibyte(at, static_cast<std::size_t>(end - at));
    if (character.size == 0) break;
    const Width width = width_of(character.code_point);
    if (width == Width::wide && x + 2 <= cols) {
      cells[x] = {static_cast<std::uint32_t>(character.code_point) | kWide, style};
      cells[x + 1] = {kPadding | ' ', 0};
      wide = true;
      x += 2;
    } else if (width == Width::narrow && x < cols) {
      cells[x++] = {static_cast<std::uint32_t>(character.code_point), style};
    } else {
      break;
    }
    at += character.size;
  }
  if (x > s_.x) s_.grid.wrote(row, x, wide);
  s_.x = x;
  return at;
}

// Blanks what a character of this width at x would cut in two. True when there was something.
bool Display::make_room(int x, int width) {
  Grid& grid = s_.grid;
  const Cell old = grid.cell(x, s_.y);
  bool cut = false;
  if (is_padding(old)) {
    int at = x;
    for (; at > 0 && is_padding(grid.cell(at, s_.y)); --at) grid.set(at, s_.y, kBlank);
    grid.set(at, s_.y, kBlank);
    cut = true;
  }
  if (width != 1 || columns_of(old) != 1) cut = cut_right(grid, x + width, s_.y) || cut;
  return cut;
}

// What stays where a cell is kept: all but the link, which tmux does not know.
StyleId Display::without_underline_colour(StyleId id) {
  Style style = s_.tables.styles[id];
  style.underline_colour = {};
  return s_.tables.styles.intern(style);
}

void Display::print_cell(Cell cell) {
  if (s_.joining) {
    char bytes[4];
    return append_joined({bytes, put_utf8(cell.glyph & kGlyphMask, bytes)});
  }
  const int width = columns_of(cell);
  const bool wraps = s_.modes.wrap;
  if (GridRow& row = s_.grid.row(s_.y); wraps && !s_.modes.insert && s_.x >= row.filled && s_.x + width <= cols()) {
    s_.grid.append(row, s_.x, cell, width);
    s_.x += width;
    return;
  }
  if (width > cols()) return;
  if (!wraps && width > 1 && s_.x != cols() && s_.x > cols() - width) return;
  bool changes = false;
  if (s_.modes.insert) {
    s_.grid.insert_cells(s_.x, s_.y, width, 0);
    changes = true;
  }
  if (wraps && s_.x > cols() - width) {
    line_feed(Wrapped::yes, 0);
    s_.x = 0;
  }
  if (s_.x > cols() - width) return;
  if (s_.grid.row(s_.y).has_wide) changes = make_room(s_.x, width) || changes;
  for (int i = 1; i < width; ++i) s_.grid.set(s_.x + i, s_.y, {kPadding | ' ', 0});
  // tmux leaves out a blank where there was no cell yet, so that it does not count as written.
  const bool exists = s_.x < s_.grid.row(s_.y).reach;
  if (!changes && exists && keeps(s_.grid.cell(s_.x, s_.y), cell, s_.tables))
    cell.style = without_underline_colour(cell.style);
  if (changes || exists || cell.glyph != ' ' || !is_plain(s_.tables.styles[cell.style])) s_.grid.set(s_.x, s_.y, cell);
  const int last = wraps ? 0 : 1;
  const int end = cols() - last - width;  // less than nothing is everything in tmux's unsigned numbers
  s_.x = s_.x <= end || end < 0 ? s_.x + width : cols() - last;
}

void Display::combine(char32_t mark) {
  if (mark == kJoiner) {
    s_.joining = true;
    return;
  }
  char bytes[4];
  const std::string_view text(bytes, put_utf8(mark, bytes));
  if (s_.joining) append_joined(text);
  else append_to_left(text, {});
}

// tmux takes the joiner if there is room for it, and then what is joined.
void Display::append_joined(std::string_view text) {
  s_.joining = false;
  append_to_left("\u200d", text);
}

// Of the two each that there is room for.
void Display::append_to_left(std::string_view first, std::string_view second) {
  // Behind the edge too, after the alternate screen became narrower.
  int x = std::min(s_.x, s_.grid.stride()) - 1;
  while (x >= 0 && is_padding(s_.grid.cell(x, s_.y))) --x;
  if (x < 0) return;
  const Cell cell = s_.grid.cell(x, s_.y);
  std::array<char, kClusterBytes + 4> all;
  const std::size_t before = s_.tables.put_text(cell, all.data());
  std::size_t size = before;
  for (const std::string_view text : {first, second}) {
    if (size + text.size() <= kClusterBytes) size += text.copy(all.data() + size, text.size());
  }
  if (size == before) return;
  if (s_.tables.clusters.wants_collection()) collect_clusters();
  if (s_.tables.clusters.full()) return;
  s_.grid.set(x, s_.y, {s_.tables.clusters.intern({all.data(), size}) | kCluster | (cell.glyph & kWide), cell.style});
}

void Display::collect_clusters() {
  ClusterTable& clusters = s_.tables.clusters;
  std::vector<bool> used(clusters.size());
  const auto mark = [&](Cell cell) {
    if ((cell.glyph & kCluster) != 0) used[cell.glyph & kGlyphMask] = true;
  };
  s_.grid.visit_cells([&](Cell& cell) { mark(cell); });
  if (s_.saved) s_.saved->visit_cells([&](Cell& cell) { mark(cell); });
  const std::vector<ClusterId> numbers = clusters.keep(used);
  const auto renumber = [&](Cell& cell) {
    if ((cell.glyph & kCluster) != 0) cell.glyph = numbers[cell.glyph & kGlyphMask] | (cell.glyph & ~kGlyphMask);
  };
  s_.grid.visit_cells(renumber);
  if (s_.saved) s_.saved->visit_cells(renumber);
}

void Display::collect_styles(Style& pen, Style& saved_pen) {
  Tables& tables = s_.tables;
  std::vector<bool> used(tables.styles.size());
  const auto mark = [&](Cell& cell) { used[style_number(cell.style)] = true; };
  s_.grid.visit_cells(mark);
  if (s_.saved) s_.saved->visit_cells(mark);
  const std::vector<StyleId> numbers = tables.styles.keep(used);
  const auto renumber = [&](Cell& cell) { cell.style = numbers[style_number(cell.style)] | (cell.style & kLarge); };
  s_.grid.visit_cells(renumber);
  if (s_.saved) s_.saved->visit_cells(renumber);
  if (!tables.links.empty()) collect_links(pen, saved_pen);
}

// Those that no style has any more.
void Display::collect_links(Style& pen, Style& saved_pen) {
  Tables& tables = s_.tables;
  std::vector<bool> linked(tables.links.size());
  for (StyleId id = 0; id < tables.styles.size(); ++id) linked[tables.styles[id].link] = true;
  linked[pen.link] = linked[saved_pen.link] = linked[s_.saved_pen.link] = true;
  const std::vector<std::uint16_t> links = tables.links.keep(linked);
  tables.styles.renumber_links(links);
  for (Style* style : {&pen, &saved_pen, &s_.saved_pen}) style->link = links[style->link];
}

std::uint16_t Display::link(std::string_view text, Style& pen, Style& saved_pen) {
  // As often as this, and not each time, a full table is looked through for links that nothing shows any more.
  constexpr int kTries = 1024;
  if (text.empty() || text.size() > LinkTable::kMaxLinkBytes) return 0;
  if (!s_.tables.links.has_room(text) && refused_links_++ % kTries == 0) collect_styles(pen, saved_pen);
  return s_.tables.links.intern(text);
}

}  // namespace ccd::terminal
