// Keeps all sessions' records together under one budget. The budget of one session is its pane-tap's business
// (TapOptions::keep_bytes).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace ccd::recording {

struct RetentionOptions {
  std::uint64_t total_bytes = 0;  // of logs, marks and keyframes of all sessions; 0: no bound
  // What a running session keeps of its log whatever the others need: an hour of work of an agent.
  std::uint64_t running_floor_bytes = std::uint64_t{16} * 1024 * 1024;
};

struct RetentionSession {
  enum class State { running, ended };
  std::string dir;
  State state = State::running;
};

struct RetentionReport {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;  // over total_bytes when nothing more may go
  std::uint64_t segments_deleted = 0;
  std::size_t still_written = 0;  // ended sessions whose tap has not ended yet: theirs may go a moment later
};

// Deletes segments, oldest first in each session, until the records fit:
//   1. of ended sessions all but the newest segment, the output that is longest ago first;
//   2. of running sessions, the largest record first, what a good keyframe at or after its end makes needless, down to
//      the floor and never the newest segment;
//   3. of ended sessions the newest segment too, the one that is longest ago first.
// Keyframes below a log's new beginning go as well. Killed at any moment it leaves logs that can be read, and the next
// call goes on. A session whose folder cannot be read is skipped with a warning. Blocks on local disk: call it on the
// pool, one call at a time.
RetentionReport enforce_total_budget(const std::vector<RetentionSession>& sessions, const RetentionOptions& options);

}  // namespace ccd::recording
