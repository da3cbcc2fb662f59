// Follows the median of each way by small steps: a late echo now and then means nothing, many mean soon.
#include "recording/pane_tap/echo_wait.hpp"

#include <algorithm>

namespace ccd::recording::tap {
namespace {

constexpr std::int64_t kStep = 16;  // a sixteenth of the estimate

}  // namespace

void EchoWait::begin(std::int64_t now) {
  if (waiting()) return;
  since_ = now;
  const bool known = usual_[kAwake] != 0 && usual_[kAsleep] != 0;
  const bool other = ++count_ % kTryEvery == 0 || (!known && count_ % 2 == 0);
  const Way better = known && usual_[kAwake] < usual_[kAsleep] ? kAwake : kAsleep;
  way_ = other == (better == kAwake) ? kAsleep : kAwake;
}

void EchoWait::came(std::int64_t now) {
  if (waiting()) learn(now - since_);
}

void EchoWait::give_up() { learn(kAsleepMicros); }

void EchoWait::learn(std::int64_t took) {
  since_ = 0;
  took = std::clamp(took, std::int64_t{1}, kAsleepMicros);
  std::int64_t& usual = usual_[way_];
  const std::int64_t step = std::max(usual / kStep, std::int64_t{1});
  if (usual == 0) usual = took;
  else usual += std::clamp(took - usual, -step, step);
}

}  // namespace ccd::recording::tap
