// What the tmux room tells about a server, its panes and its events: plain values.
#pragma once

#include <sys/types.h>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace ccd::tmux {

// A tmux server's identity: a pid alone comes back after a reboot or in another container.
struct ServerId {
  pid_t pid = 0;             // #{pid}, in the server's own pid namespace: never signal it
  std::int64_t started = 0;  // #{start_time}: Unix time in seconds
  friend auto operator<=>(const ServerId&, const ServerId&) = default;
};

// One pane as tmux reported it at one moment. Text fields are what other programs chose: any UTF-8, cut at a bound,
// with every control character already replaced by '?'. Never put one into a command.
struct Pane {
  std::string pane_id;     // "%1"; unique in one server, never used again by it
  std::string window_id;   // "@1"
  std::string session_id;  // "$1"
  std::string session_name;
  pid_t pid = 0;  // of the pane's first process, in the server's pid namespace
  int cols = 0;
  int rows = 0;
  std::string title;    // what the program set by OSC 0 or 2
  std::string command;  // the foreground program's name
  std::string
      start_path;     // the folder it was started with (as asked for: not proof that the folder was there); any bytes
  std::string path;   // the foreground program's folder now; any bytes; empty when it cannot be read
  bool dead = false;  // the program has ended and the pane was kept (see Tmux::create)
  std::optional<int> exit_status;  // of a dead pane: exit code, or 128 + signal
  bool piped = false;              // somebody's pipe-pane is open on it
  WallMicros created = 0;          // of the session; whole seconds
  WallMicros activity = 0;         // last output in the window; whole seconds
  std::string dashboard_id;        // the pane's user option @ccd_id, or empty: a session made by hand
  bool alternate = false;          // the alternate screen is on
  bool in_mode = false;            // somebody is in copy mode or another mode of tmux
  int attached_clients = 0;        // terminals attached to the session; control connections do not count
};

struct NewSession {
  std::string name;               // [A-Za-z0-9_-]{1,64}, not starting with '-'
  std::string folder;             // absolute
  std::vector<std::string> argv;  // at least one; argv[0] is looked up in the session's PATH; never a shell's text
  std::vector<std::pair<std::string, std::string>> environment;  // names [A-Za-z_][A-Za-z0-9_]*
  int cols = 80;
  int rows = 24;
  std::string dashboard_id;  // becomes @ccd_id; [A-Za-z0-9_-]{1,64}
  std::string pipe_command;  // text for /bin/sh, from pipe_command_line(); empty: no pipe
};

// Bytes that, written to a terminal of the pane's size, make it show what the pane showed.
struct Repair {
  std::string escape_sequences;
  int cols = 0;
  int rows = 0;
};

enum class EventKind {
  server_up,    // a server answers (first sight, or another than before); `server` is its identity
  server_gone,  // `server` answers no more
  sessions_changed,  // sessions, windows or panes came, went or were replaced, or a pane's pipe was opened or closed: list again
  session_closed,  // `session_id` and `name` are gone
  renamed,         // `session_id` is now called `name`
  resized,         // `pane_id` has `cols` and `rows` now
  pane_died,       // the program of `pane_id` has ended; the pane waits for reap()
};

struct Event {
  EventKind kind = EventKind::sessions_changed;
  ServerId server{};
  std::string session_id{};
  std::string name{};
  std::string pane_id{};
  std::optional<int> exit_status{};
  int cols = 0;
  int rows = 0;
};

}  // namespace ccd::tmux
