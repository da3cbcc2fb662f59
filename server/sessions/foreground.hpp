// Which program is in the foreground of a pane, from /proc: no process is started for it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace ccd::sessions {

// The name as tmux tells it: the base name of the first word of its command line. None when the pane's process cannot be seen from
// here, as in another container: `pane` must be a child of `server`, and that a tmux.
std::optional<std::string> foreground_of(pid_t pane, pid_t server);

// Of /proc/PID/stat; none for what is no such line. Pure.
struct ProcessStat {
  std::string name{};
  pid_t parent = 0;
  pid_t foreground = 0;  // process group in the foreground of its terminal; -1: it has none
};
std::optional<ProcessStat> parse_stat(std::string_view text);

// "/usr/bin/claude" -> "claude", "-bash" -> "bash". Pure.
std::string program_name(std::string_view first_word);

}  // namespace ccd::sessions
