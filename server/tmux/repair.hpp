// What a pane shows, as tmux tells it, turned into bytes that make another terminal show the same: pure, no I/O.
//
// tmux 3.3a does not tell everything. Not in a repair, so the reader keeps what it had: bracketed paste, focus reporting, cursor
// shape, the colours that the next character gets, DECSC's saved cursor of the screen in use, links, and which rows were wrapped.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "tmux/command.hpp"
#include "tmux/pane.hpp"

namespace ccd::tmux {

// Lines of scrollback in a repair: 2,000 coloured lines cost tmux 13 ms of its one thread. ops/tmux.conf keeps as many.
inline constexpr int kRepairHistory = 2000;

// The commands whose output parse_repair() reads. One list, so no byte of the pane is taken in between.
std::vector<Command> repair_commands(const std::string& pane_id);
Result<Repair> parse_repair(std::string_view output);

}  // namespace ccd::tmux
