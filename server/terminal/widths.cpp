// The table of widths: see widths.hpp.
#include "terminal/widths.hpp"

namespace ccd::terminal::detail {

#include "terminal/widths.inc"

}  // namespace ccd::terminal::detail
