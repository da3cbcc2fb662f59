#include "base/busy_poll.hpp"

#include <sched.h>

namespace ccd {

bool BusyPoll::expecting() const { return until_ != std::chrono::steady_clock::time_point{} && clock_->steady() < until_; }

void BusyPoll::run(boost::asio::io_context& loop) {
  while (!loop.stopped()) {
    if (!expecting()) {
      until_ = {};
      if (loop.run_one() == 0) return;
    } else if (loop.poll_one() == 0) {
      ::sched_yield();
    }
  }
}

}  // namespace ccd
