// One character cell, eight bytes: what stands in it, and the number of its style in the screen's table.
#pragma once

#include <cstdint>

namespace ccd::terminal {

// Numbers in the tables of styles.hpp and clusters.hpp. Style 0 is the standard one.
using StyleId = std::uint32_t;
using ClusterId = std::uint32_t;

struct Cell {
  std::uint32_t glyph = ' ';  // a code point, or a number in the table of clusters; and the bits below
  StyleId style = 0;

  friend constexpr bool operator==(Cell, Cell) = default;
};
static_assert(sizeof(Cell) == 8);

inline constexpr std::uint32_t kGlyphMask = (1U << 21U) - 1;  // code points end at 0x10ffff
inline constexpr std::uint32_t kPadding = 1U << 29U;          // the right half of the wide character on the left
inline constexpr std::uint32_t kWide = 1U << 30U;
inline constexpr std::uint32_t kCluster = 1U << 31U;  // a character with combining ones on it

constexpr bool is_padding(Cell cell) { return (cell.glyph & kPadding) != 0; }
constexpr bool is_wide(Cell cell) { return (cell.glyph & kWide) != 0; }
// Columns that the cell takes when a line is put together anew.
constexpr int columns_of(Cell cell) { return is_padding(cell) ? 0 : is_wide(cell) ? 2 : 1; }
// A single ASCII character and nothing else.
constexpr bool is_ascii(Cell cell) { return cell.glyph < 0x80; }

}  // namespace ccd::terminal
