// Holds output back until the preload, then lets it through.
#include "recording/pane_tap/output_path.hpp"

namespace ccd::recording::tap {

std::size_t OutputPath::write(std::span<const std::byte> bytes) {
  if (late_now_) return late_[late_index_].append(bytes);
  return holding() ? held_.append(bytes) : log_->append(bytes);
}

bool OutputPath::resize(PaneSize size) {
  if (!late_now_ && !holding()) return log_->resize(size);
  (late_now_ ? late_[late_index_] : held_).resize(size);
  return false;
}

void OutputPath::stop_holding() {
  if (!holding()) return;
  hold_until_ = 0;
  held_.move_to(*log_, GapReason::hold_full);
  preload_.release();
}

OutputPath::PreloadAnswer OutputPath::preload(PreloadPart part, std::span<const std::byte> bytes) {
  const bool last = part == PreloadPart::last;
  if (!holding()) return {.final = last, .status = PreloadStatus::too_late};
  if (preload_.append(bytes) < bytes.size()) {
    stop_holding();
    return {.final = true, .status = PreloadStatus::too_large};
  }
  if (!last) return {};
  const std::uint64_t offset = log_->end();
  log_->mark(MarkKind::preload, 0, preload_.size());
  log_->append(preload_.bytes());
  stop_holding();
  return {.final = true, .status = PreloadStatus::taken, .offset = offset};
}

LateOutput& OutputPath::take_late() {
  LateOutput& taken = late_[late_index_];
  late_index_ = 1 - late_index_;
  return taken;
}

}  // namespace ccd::recording::tap
