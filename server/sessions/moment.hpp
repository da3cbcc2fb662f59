// What a session's screen was at a time in its record.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "terminal/screen.hpp"

namespace ccd::sessions {

// More output than this between a keyframe and the moment is not replayed whole (about half a second).
inline constexpr std::uint64_t kMaxMomentReplay = std::uint64_t{64} * 1024 * 1024;

struct Moment {
  std::uint64_t offset = 0;  // of the log: the screen is what the bytes before it drew
  WallMicros at =
      0;  // when the last of what is seen began to come, to a tenth of a second: at or before what was asked for
  WallMicros first_at = 0;  // of the record that is kept
  WallMicros last_at = 0;
  // What came before the replayed part is known. Otherwise rows that nothing has drawn since may be missing.
  bool exact = true;
  terminal::Screen screen;
};

// `size` is the pane's, for records that do not say it. not_found: nothing of that time is kept (the message says from when on), or nothing
// was recorded. Blocks on the disk, for up to a second: on the pool.
Result<Moment> moment_at(const std::string& folder, WallMicros at, terminal::Size size);

}  // namespace ccd::sessions
