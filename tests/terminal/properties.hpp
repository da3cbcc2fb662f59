// What must hold for the screen model whatever it is fed: checked on a session that is played again and again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "terminal/screen.hpp"

namespace ccd::model_tests {

// A piece of output, or a new size when `bytes` is empty and `resizes` is set.
struct Event {
  std::string bytes;
  terminal::Size size;
  bool resizes = false;
};

struct Session {
  terminal::Size size;
  terminal::Limits limits;
  std::vector<Event> events;
};

struct Verdict {
  std::uint64_t comparisons = 0;
  std::vector<std::string> findings;  // each says what was compared, where it was cut, and what differs
};

// Any chunking gives the same screen; a screen that takes a keyframe at any of `cuts` places equals the one that it was taken of, and
// ends like the one that took everything; one that takes a snapshot without scrollback shows the same picture.
Verdict check_properties(const Session& session, std::uint64_t seed, int cuts);

}  // namespace ccd::model_tests
