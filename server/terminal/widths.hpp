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

Width width_of(char32_t code_point);

}  // namespace ccd::terminal
