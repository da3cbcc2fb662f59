// Plain text into cells and back, sixteen at a time where the processor can: most of what a flood costs is spent here.
#pragma once

#include "terminal/cell.hpp"

namespace ccd::terminal {

// `count` cells of one style from ASCII.
void put_ascii_cells(Cell* out, const char* text, int count, StyleId style);

// The cells' characters, a byte for each, when all of them are ASCII or erased and have the first one's style. Else false, and what is
// in `out` means nothing.
bool take_ascii(char* out, const Cell* cells, int count);

}  // namespace ccd::terminal
