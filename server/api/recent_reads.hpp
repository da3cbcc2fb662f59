// Who has read which conversation or terminal's record not long ago: a reading leaves its row in the trail, and the pages behind it none of their own.
//
// Lives on the loop. Bounded: what is forgotten early leaves one row more, never one less.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "base/clock.hpp"

namespace ccd::api {

// Who reads on for longer leaves another row.
inline constexpr std::chrono::minutes kReadWindow{15};
inline constexpr std::size_t kMaxRecentReads = 4096;

struct Reading {
  std::string who{};
  std::string ip{};  // a login that is used from elsewhere is another reader
  std::string session{};
  std::string agent{};    // of a subagent; empty: the session's own conversation
  bool terminal = false;  // what its terminal shows or showed, not its conversation
  bool denied = false;
  auto operator<=>(const Reading&) const = default;
};

class RecentReads {
 public:
  explicit RecentReads(const Clock* clock) : clock_(clock) {}

  // Whether this one is to be written down; from then on it counts as written.
  bool begins(const Reading& reading);
  // Its row could not be written: the next page tries again.
  void forget(const Reading& reading) { written_.erase(reading); }
  [[nodiscard]] std::size_t size() const { return written_.size(); }

 private:
  void make_room();

  const Clock* clock_;  // outlives this
  std::map<Reading, std::chrono::steady_clock::time_point> written_;
};

}  // namespace ccd::api
