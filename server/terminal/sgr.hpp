// SGR, the control function for colours and attributes: both ways.
#pragma once

#include <string>

#include "terminal/params.hpp"
#include "terminal/style.hpp"

namespace ccd::terminal {

// What `CSI params m` does to a style. Links stay as they are.
void apply_sgr(Style& style, const Params& params);

// The sequence that brings any terminal from its standard style to this one ("" for the standard one). Of colours and attributes;
// links and line drawing are other sequences.
void append_sgr(std::string& out, const Style& style);

}  // namespace ccd::terminal
