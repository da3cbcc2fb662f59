// How many columns a character takes: exactly what Debian's tmux 3.3a says, held against it by a test.
#pragma once

#include <cstdint>

namespace ccd::terminal {

enum class Width : std::uint8_t {
  combining,  // goes onto the character on the left
  narrow,
  wide,
  dropped,  // tmux does not show it at all: control characters, and what its C library does not know
};

namespace detail {
// In two stages, 2 bits a character: 256 characters make a block, and equal blocks are stored once.
extern const std::uint8_t kBlockOf[];
extern const std::uint8_t kBlocks[][64];
}  // namespace detail

inline Width width_of(char32_t code_point) {
  if (code_point > 0x10ffff) return Width::dropped;
  const std::uint8_t four = detail::kBlocks[detail::kBlockOf[code_point >> 8U]][(code_point & 0xffU) >> 2U];
  return static_cast<Width>((static_cast<unsigned>(four) >> ((code_point & 3U) * 2U)) & 3U);
}

}  // namespace ccd::terminal
