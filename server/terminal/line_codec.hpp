// How a line of scrollback is written as bytes.
//
//   line:   head [runs] text
//   head:   u8 flags, u16 used, u16 cells                          (little endian; cells from there on are standard blanks)
//   runs:   u16 count, then for each: u16 cells, style             (only with kStyled; all cells are in a run)
//   style:  u8 mask, then what it names: foreground, background, underline colour (u8 kind, then u8, or 3 bytes for rgb),
//           u16 attributes, link (u16 size, bytes); and whether the cells are large (cell.hpp)
//   text:   UTF-8 of all cells. A character of two columns has its padding cell with it. With kPlain it is ASCII, a byte a cell.
//           0x00: an erased cell; 0x01 after a wide character: its padding cell is missing; 0x02: a padding cell that belongs to
//           nothing; 0x03 u8 size: so many bytes are one cell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "terminal/scrollback.hpp"

namespace ccd::terminal::codec {

inline constexpr std::uint8_t kWrapped = 1;
inline constexpr std::uint8_t kPlain = 2;
inline constexpr std::uint8_t kStyled = 4;
inline constexpr std::size_t kHeadSize = 5;
// One run and its style without a link, and the same behind a head.
inline constexpr std::size_t kMaxRun = 2 + 1 + 3 * 4 + 2;
inline constexpr std::size_t kMaxPrefix = kHeadSize + 2 + kMaxRun;
// Behind the text, so that characters can be read four bytes at once.
inline constexpr std::size_t kSpareBytes = 3;

struct Head {
  std::uint8_t flags = 0;
  std::uint16_t used = 0;
  std::uint16_t cells = 0;
};

inline char* put(char* out, Head head) {
  out[0] = static_cast<char>(head.flags);
  std::memcpy(out + 1, &head.used, 2);
  std::memcpy(out + 3, &head.cells, 2);
  return out + kHeadSize;
}
inline Head head(const char* record) {
  Head head;
  head.flags = static_cast<std::uint8_t>(record[0]);
  std::memcpy(&head.used, record + 1, 2);
  std::memcpy(&head.cells, record + 3, 2);
  return head;
}

// One run of `cells` cells. Of a link only that there is one.
char* put_run(char* out, std::uint16_t cells, StyleId id, const StyleTable& styles);

// Any line; `cells` of it are not standard blanks at the end. Behind what was written. `out` has room for max_size().
char* encode(char* out, const LineView& line, int cells, const Tables& tables);
std::size_t max_size(const LineView& line, int cells, const Tables& tables);
void decode(const char* record, Tables& tables, Line& into);

}  // namespace ccd::terminal::codec
