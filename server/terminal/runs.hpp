// A line as runs of cells that look the same. Internal to the room.
#pragma once

#include <vector>

#include "terminal/rows.hpp"
#include "terminal/scrollback.hpp"
#include "terminal/tables.hpp"

namespace ccd::terminal {

// From the left edge; plain blanks at the end are left out.
std::vector<Run> runs_of(const LineView& line, const Tables& tables);

}  // namespace ccd::terminal
