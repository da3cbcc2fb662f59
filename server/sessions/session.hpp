// What a session is: one agent (or shell) in one tmux pane, with its record. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace ccd::sessions {

// Stored. `lost` means that the tmux server which held the pane is gone: nothing is deleted, the record can be read.
enum class Status { active, exited, lost, archived };
// What it does right now, as far as output and title tell.
enum class Activity { working, idle, unknown, exited, lost };
enum class Kind { claude, shell, other };

std::string_view to_string(Status status);
std::string_view to_string(Activity activity);
std::string_view to_string(Kind kind);
std::optional<Status> status_from(std::string_view word);

struct Session {
  // Stored in the table `sessions`.
  std::string id;    // 20 characters of [a-z0-9]; the name of its folder under DATA_DIR/sessions
  std::string name;  // as shown; for sessions made here also tmux's name: [A-Za-z0-9_-]{1,64}
  Status status = Status::active;
  std::string host = "local";
  std::string project;  // canonical path of the folder it started in
  std::vector<std::string> command;
  Kind kind = Kind::other;
  bool adopted = false;           // somebody made it by hand on the dashboard's tmux socket
  std::string claude_session_id;  // UUID, or empty
  std::int64_t tmux_pid = 0;      // identity of the tmux server: pid and start time (seconds since the epoch)
  std::int64_t tmux_started = 0;
  std::string pane_id;  // "%3"; empty between the row's insertion and the pane's creation
  WallMicros created_at = 0;
  std::optional<WallMicros> ended_at;
  std::optional<int> exit_status;  // none: it ended while nobody could see how

  // Live: what tmux and the record say now. Not stored.
  std::string tmux_session;  // "$2"
  std::string window_id;     // "@2"
  std::string title;
  std::string foreground;  // name of the program in the foreground
  int cols = 0;
  int rows = 0;
  int viewers = 0;
  std::optional<WallMicros> last_output_at;
  Activity activity = Activity::unknown;
  bool terminal = true;  // false: the pane's pipe is in use by another program, so it can only be listed

  bool operator==(const Session&) const = default;
};

// A name for a new session: 1 to 64 characters of [A-Za-z0-9_-], not starting with '-'.
bool valid_session_name(std::string_view name);

// From the words of a command: its first word's base name.
Kind kind_of(const std::vector<std::string>& command);

// The states above from what is known. A Claude Code title starts with a spinner's sign while it works and with another
// mark when idle; everything else works while it prints.
Activity activity_of(const Session& session, WallMicros now);

}  // namespace ccd::sessions
