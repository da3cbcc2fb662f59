// Compares medians: a late echo now and then means nothing, many mean soon.
#include "base/echo_wait.hpp"

#include <algorithm>

namespace ccd {

void EchoWait::begin(std::int64_t now) {
  if (waiting()) {
    if (now < until()) return;
    give_up();
  }
  since_ = now;
  ++count_;
  const bool known = std::ranges::all_of(times_, [](const Times& times) { return times.count >= kEnough; });
  const Way better = times_[kAwake].median < times_[kAsleep].median ? kAwake : kAsleep;
  const bool other = count_ % kTryEvery == 0;
  if (known) way_ = other == (better == kAwake) ? kAsleep : kAwake;
  else way_ = count_ % 2 == 0 ? kAwake : kAsleep;
}

void EchoWait::came(std::int64_t now) {
  if (waiting()) learn(now - since_);
}

void EchoWait::give_up() { learn(kAsleepMicros); }

void EchoWait::learn(std::int64_t took) {
  since_ = 0;
  times_[way_].add(static_cast<std::uint16_t>(std::clamp(took, std::int64_t{0}, kAsleepMicros)));
}

void EchoWait::Times::add(std::uint16_t took) {
  last[next] = took;
  next = static_cast<std::uint16_t>((next + 1) % kRemembered);
  if (count < kRemembered) ++count;
  auto sorted = last;
  const auto middle = sorted.begin() + count / 2;
  std::nth_element(sorted.begin(), middle, sorted.begin() + count);
  median = *middle;
}

}  // namespace ccd
