// Commands for tmux as lists of arguments, and the one encoding that carries them: pure, no I/O.
//
// tmux reads a command three times over: its parser (quotes, `;`, `$`, `~`, comments), for some arguments its format expander
// (`#{}`, and `#()` which starts a program), and for pipe-pane strftime and /bin/sh. encode() neutralises the first; arguments
// that tmux expands go through escape_format() or escape_timed_format() before. docs/tmux-facts.md lists which those are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccd::tmux {

// The kernel's bound for one argument of a program (MAX_ARG_STRLEN, with its end): a longer one fails in the pane, unseen.
inline constexpr std::size_t kMaxArgument = 128 * 1024 - 1;
// All arguments of one command list: half the kernel's usual bound for argv and environment together (2 MiB).
inline constexpr std::size_t kMaxCommandBytes = 1024 * 1024;
// tmux expands a pipe's command through strftime into 8 KiB and makes it empty when it does not fit.
inline constexpr std::size_t kMaxPipeCommand = 4096;
inline constexpr std::size_t kMaxName = 64;
// Columns or rows: far beyond any screen, and a bound for tmux's memory.
inline constexpr int kMaxSide = 1000;

using Command = std::vector<std::string>;

// One line, without its newline, that tmux's parser reads as exactly these commands, in order, as one list: when one fails the
// rest do not run. The line is printable ASCII whatever the arguments are. An argument with a NUL is invalid.
Result<std::string> encode(const std::vector<Command>& commands);

// The text that tmux's format expander turns back into `text`.
std::string escape_format(std::string_view text);
// The same for the arguments that also go through strftime (pipe-pane, display-message).
std::string escape_timed_format(std::string_view text);

bool valid_id(std::string_view id, char prefix);                          // '$', '@' or '%' and 1 to 10 digits
bool valid_variable(std::string_view name);                               // [A-Za-z_][A-Za-z0-9_]{0,127}
bool valid_marker(std::string_view marker);                               // [A-Za-z0-9_:-]{1,64}
Result<> check_argument(std::string_view field, std::string_view value);  // no NUL, at most kMaxArgument
Result<> check_size(int cols, int rows);

}  // namespace ccd::tmux
