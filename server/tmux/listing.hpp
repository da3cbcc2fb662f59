// The format that asks tmux about a pane or a server, and its answer read back: pure, no I/O.
//
// tmux prints a value as it is, control bytes included, and folder names and program names may contain any. So the format itself
// replaces every control byte of a value that others choose, and U+001F between the fields cannot be forged.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "tmux/command.hpp"
#include "tmux/pane.hpp"

namespace ccd::tmux {

// For list-panes -F and display-message -p: one line a pane.
const std::string& pane_format();
// In the order of the answer, each pane once: a window linked into several sessions is listed by tmux once for each.
Result<std::vector<Pane>> parse_panes(std::string_view lines);

// The command that answers with the server's identity, and its answer.
Command ask_server();
Result<ServerId> parse_server(std::string_view line);

}  // namespace ccd::tmux
