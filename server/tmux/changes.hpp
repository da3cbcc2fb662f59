// What happened between two lists of panes, as events: pure. Events come from state, not from what tmux happened to announce, so
// a look that comes late (after a restart, a lost wake-up) tells the same as many looks in time.
#pragma once

#include <vector>

#include "tmux/pane.hpp"

namespace ccd::tmux {

// Sessions closed first, then renamed, then panes that died, then new sizes, and one sessions_changed at the end when panes came, went or moved, or
// their pipes were opened or closed.
std::vector<Event> changes(ServerId server, const std::vector<Pane>& before, const std::vector<Pane>& after);

}  // namespace ccd::tmux
