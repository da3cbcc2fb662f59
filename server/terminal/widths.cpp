// A table in two stages, 2 bits a character: 256 characters make a block, and equal blocks are stored once.
#include "terminal/widths.hpp"

namespace ccd::terminal {
namespace {

#include "terminal/widths.inc"

}  // namespace

Width width_of(char32_t code_point) {
  if (code_point > 0x10ffff) return Width::dropped;
  const std::uint8_t four = kBlocks[kBlockOf[code_point >> 8U]][(code_point & 0xffU) >> 2U];
  return static_cast<Width>((static_cast<unsigned>(four) >> ((code_point & 3U) * 2U)) & 3U);
}

}  // namespace ccd::terminal
