// One character cell, eight bytes: what stands in it, and the number of its style in the screen's table.
#pragma once

#include <cstdint>

namespace ccd::terminal {

// Numbers in the tables of styles.hpp and clusters.hpp. Style 0 is the standard one. Above a style's number may stand kLarge.
using StyleId = std::uint32_t;
using ClusterId = std::uint32_t;

// tmux stores a cell in few bytes, or in its large form when it needs one (see needs_large()), and once it has taken the large form it
// keeps it until the cell is erased. What is printed over a small cell that looks the same leaves it as it is, so one must know.
inline constexpr StyleId kLarge = 1U << 31U;
constexpr StyleId style_number(StyleId id) { return id & ~kLarge; }

// What stands where nothing was printed since it was erased. It shows as a blank, but is not what printing a blank leaves.
inline constexpr std::uint32_t kErased = 0;

struct Cell {
  std::uint32_t glyph = kErased;  // a code point, or a number in the table of clusters; and the bits below
  StyleId style = 0;

  friend constexpr bool operator==(Cell, Cell) = default;
};
static_assert(sizeof(Cell) == 8);

inline constexpr std::uint32_t kGlyphMask = (1U << 21U) - 1;  // code points end at 0x10ffff
inline constexpr std::uint32_t kPadding = 1U << 29U;          // the right half of the wide character on the left
inline constexpr std::uint32_t kWide = 1U << 30U;
inline constexpr std::uint32_t kCluster = 1U << 31U;  // a character with combining ones on it

// A blank that was printed.
inline constexpr Cell kBlank{' ', 0};

constexpr bool is_padding(Cell cell) { return (cell.glyph & kPadding) != 0; }
constexpr bool is_wide(Cell cell) { return (cell.glyph & kWide) != 0; }
// Columns that the cell takes when a line is put together anew.
constexpr int columns_of(Cell cell) { return is_padding(cell) ? 0 : is_wide(cell) ? 2 : 1; }
// A single ASCII character and nothing else, or an erased cell.
constexpr bool is_ascii(Cell cell) { return cell.glyph < 0x80; }
constexpr bool is_blank(Cell cell) { return cell.glyph == ' ' || cell.glyph == kErased; }
// The code point of a cell without a cluster, as it shows.
constexpr std::uint32_t code_point(Cell cell) { return cell.glyph == kErased ? ' ' : cell.glyph & kGlyphMask; }
constexpr bool is_large(Cell cell) { return !is_ascii(cell) || (cell.style & kLarge) != 0; }

}  // namespace ccd::terminal
