// Encoding and decoding one line of scrollback: see line_codec.hpp.
#include "terminal/line_codec.hpp"

#include "terminal/widths.hpp"

namespace ccd::terminal::codec {
namespace {

constexpr char kNoPadding = 1;
constexpr char kLonePadding = 2;
constexpr char kManyBytes = 3;

enum Mask : unsigned {
  kForeground = 1,
  kBackground = 2,
  kUnderlineColour = 4,
  kAttributes = 8,
  kLink = 16,
  kLargeForm = 32
};

unsigned mask_of(const Style& style) {
  return (style.foreground.is_standard() ? 0U : kForeground) | (style.background.is_standard() ? 0U : kBackground) |
         (style.underline_colour.is_standard() ? 0U : kUnderlineColour) | (style.attributes == 0 ? 0U : kAttributes) |
         (style.link == 0 ? 0U : kLink);
}

char* put_u16(char* out, std::uint16_t value) {
  std::memcpy(out, &value, 2);
  return out + 2;
}

std::uint16_t take_u16(const char*& at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, 2);
  at += 2;
  return value;
}

char* put_colour(char* out, Colour colour) {
  *out++ = static_cast<char>(colour.kind());
  const std::uint32_t value = colour.value();
  *out++ = static_cast<char>(value & 0xffU);
  if (colour.kind() != Colour::Kind::rgb) return out;
  *out++ = static_cast<char>((value >> 8U) & 0xffU);
  *out++ = static_cast<char>(value >> 16U);
  return out;
}

Colour take_colour(const char*& at) {
  const auto byte = [&] { return static_cast<std::uint32_t>(static_cast<unsigned char>(*at++)); };
  const auto kind = static_cast<Colour::Kind>(byte());
  std::uint32_t value = byte();
  if (kind == Colour::Kind::rgb) {
    value |= byte() << 8U;
    value |= byte() << 16U;
  }
  return Colour::from_bits(static_cast<std::uint32_t>(kind) << 24U | value);
}

StyleId take_style(const char*& at, Tables& tables) {
  Style style;
  const auto mask = static_cast<unsigned char>(*at++);
  if ((mask & kForeground) != 0) style.foreground = take_colour(at);
  if ((mask & kBackground) != 0) style.background = take_colour(at);
  if ((mask & kUnderlineColour) != 0) style.underline_colour = take_colour(at);
  if ((mask & kAttributes) != 0) style.attributes = take_u16(at);
  if ((mask & kLink) != 0) {
    const std::uint16_t size = take_u16(at);
    style.link = tables.links.intern({at, size});
    at += size;
  }
  return tables.styles.intern(style) | ((mask & kLargeForm) != 0 ? kLarge : 0U);
}

// The first cell behind those that look like the one at x. Padding cells have no looks of their own.
int end_of_run(const LineView& line, int x, int cells) {
  const StyleId id = line.cells[x].style;
  do ++x;
  while (x < cells && (line.cells[x].style == id || is_padding(line.cells[x])));
  return x;
}

char* put_runs(char* out, const LineView& line, int cells, const Tables& tables) {
  char* const count_at = out;
  out += 2;
  std::uint16_t count = 0;
  for (int x = 0; x < cells; ++count) {
    const StyleId id = line.cells[x].style;
    const int end = end_of_run(line, x, cells);
    out = put_run(out, static_cast<std::uint16_t>(end - x), id, tables.styles);
    x = end;
    const std::uint16_t link = tables.styles[id].link;
    if (link == 0) continue;
    const std::string_view text = tables.links[link];
    out = put_u16(out, static_cast<std::uint16_t>(text.size()));
    out += text.copy(out, text.size());
  }
  put_u16(count_at, count);
  return out;
}

char* put_text(char* out, const LineView& line, int cells, const Tables& tables) {
  for (int x = 0; x < cells; ++x) {
    const Cell cell = line.cells[x];
    if (is_ascii(cell)) {
      *out++ = static_cast<char>(cell.glyph);
      continue;
    }
    if (is_padding(cell)) {
      *out++ = kLonePadding;
      continue;
    }
    if ((cell.glyph & kCluster) != 0) {
      const std::size_t size = tables.put_text(cell, out + 2);
      out[0] = kManyBytes;
      out[1] = static_cast<char>(size);
      out += 2 + size;
    } else {
      out += put_utf8(cell.glyph & kGlyphMask, out);
    }
    if (!is_wide(cell)) continue;
    if (x + 1 < cells && is_padding(line.cells[x + 1])) ++x;
    else *out++ = kNoPadding;
  }
  // decode_text() looks at the byte behind a wide character, and at four bytes of each.
  for (std::size_t i = 0; i < kSpareBytes; ++i) *out++ = '\0';
  return out;
}

// Reads characters into cells until there are `count`.
void decode_text(const char* text, std::size_t count, Tables& tables, std::vector<Cell>& cells) {
  std::size_t x = 0;
  while (x < count) {
    if (*text == kLonePadding) {
      cells[x++] = {kPadding | ' ', 0};
      ++text;
      continue;
    }
    std::size_t size = 0;
    if (*text == kManyBytes) {
      size = static_cast<unsigned char>(text[1]);
      text += 2;
    }
    const Utf8Char base = static_cast<unsigned char>(*text) < 0x80 ? Utf8Char{static_cast<unsigned char>(*text), 1}
                                                                   : read_multibyte(text, kSpareBytes + 1);
    std::uint32_t glyph = base.code_point;
    if (size > 0 && !tables.clusters.full()) glyph = tables.clusters.intern({text, size}) | kCluster;
    text += size > 0 ? size : base.size;
    const bool wide = width_of(base.code_point) == Width::wide;
    cells[x++].glyph = glyph | (wide ? kWide : 0U);
    if (!wide) continue;
    if (*text == kNoPadding) ++text;
    else if (x < count) cells[x++] = {kPadding | ' ', 0};
  }
}

}  // namespace

char* put_run(char* out, std::uint16_t cells, StyleId id, const StyleTable& styles) {
  const Style& style = styles[id];
  out = put_u16(out, cells);
  *out++ = static_cast<char>(mask_of(style) | ((id & kLarge) != 0 ? kLargeForm : 0U));
  if (!style.foreground.is_standard()) out = put_colour(out, style.foreground);
  if (!style.background.is_standard()) out = put_colour(out, style.background);
  if (!style.underline_colour.is_standard()) out = put_colour(out, style.underline_colour);
  if (style.attributes != 0) out = put_u16(out, style.attributes);
  return out;
}

std::size_t max_size(const LineView& line, int cells, const Tables& tables) {
  constexpr std::size_t kMaxCell = kMaxRun + 2 + kClusterBytes + 1;
  std::size_t size = kHeadSize + 2 + static_cast<std::size_t>(cells) * kMaxCell + kSpareBytes;
  if (tables.links.empty()) return size;
  for (int x = 0; x < cells; x = end_of_run(line, x, cells))
    size += 2 + tables.links[tables.styles[line.cells[x].style].link].size();
  return size;
}

char* encode(char* out, const LineView& line, int cells, const Tables& tables) {
  out = put(out, {.flags = static_cast<std::uint8_t>(kStyled | (line.wrapped ? kWrapped : 0U)),
                  .used = static_cast<std::uint16_t>(line.used),
                  .cells = static_cast<std::uint16_t>(cells)});
  return put_text(put_runs(out, line, cells, tables), line, cells, tables);
}

void decode(const char* record, Tables& tables, Line& into) {
  const Head head = codec::head(record);
  const char* at = record + kHeadSize;
  into.cells.assign(head.cells, Cell{});
  into.used = head.used;
  into.wrapped = (head.flags & kWrapped) != 0;
  if ((head.flags & kStyled) != 0) {
    std::size_t x = 0;
    for (std::uint16_t runs = take_u16(at); runs > 0; --runs) {
      const std::size_t end = x + take_u16(at);
      const StyleId id = take_style(at, tables);
      for (; x < end; ++x) into.cells[x].style = id;
    }
  }
  if ((head.flags & kPlain) != 0) {
    for (Cell& cell : into.cells) cell.glyph = static_cast<unsigned char>(*at++);
    return;
  }
  decode_text(at, head.cells, tables, into.cells);
}

}  // namespace ccd::terminal::codec
