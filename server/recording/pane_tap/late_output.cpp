// Keeps output, the last resize in it, and what did not fit, in their order.
#include "recording/pane_tap/late_output.hpp"

namespace ccd::recording::tap {

std::size_t LateOutput::append(std::span<const std::byte> bytes) {
  const std::size_t taken = dropped_ == 0 ? held_.append(bytes) : 0;
  dropped_ += bytes.size() - taken;
  return taken;
}

void LateOutput::resize(PaneSize size) {
  size_ = size;
  size_at_ = held_.size();
}

void LateOutput::move_to(LogWriter& log, GapReason reason) {
  log.append(held_.bytes().first(size_at_));
  if (size_ != PaneSize{}) log.resize(size_);
  log.append(held_.bytes().subspan(size_at_));
  if (dropped_ > 0) log.add_gap(reason, dropped_);
  held_.release();
  dropped_ = 0;
  size_ = {};
  size_at_ = 0;
}

}  // namespace ccd::recording::tap
