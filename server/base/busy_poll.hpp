// Keeps the loop awake for a moment after an event whose answer is on its way, instead of sleeping and being woken.
//
// Waking a sleeping thread costs more than everything this program does for a keystroke: about 25 us in a virtual machine, where the
// processor has to leave its halt, against 2 us for a look at what is ready. A keystroke's echo comes back within some 100 us, so
// the loop looks for it, giving way to every other program between two looks, and sleeps as soon as it came or the time is over.
// Lives on the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "base/clock.hpp"

namespace ccd {

class BusyPoll {
 public:
  // A slow program is not worth more: at ten keys a second this is at most 0.3 % of a core.
  static constexpr std::chrono::microseconds kLongest{300};

  explicit BusyPoll(const Clock* clock) : clock_(clock) {}

  // Something that is answered soon has been sent.
  void expect() { until_ = clock_->steady() + kLongest; }
  // It came. Without it the time runs out.
  void arrived() { until_ = {}; }
  [[nodiscard]] bool expecting() const;

  // io_context::run(), awake while something is expected.
  void run(boost::asio::io_context& loop);

 private:
  const Clock* clock_;
  std::chrono::steady_clock::time_point until_{};
};

}  // namespace ccd
