// Holds output back until the preload, then lets it through.
#include "recording/pane_tap/output_path.hpp"

namespace ccd::recording::tap {

std::size_t OutputPath::write(std::span<const std::byte> bytes) {
  if (!holding()) return log_->append(bytes);
  // Once bytes were dropped, later ones are too: what is held stays one piece.
  const std::size_t taken = overflow_ == 0 ? held_.append(bytes) : 0;
  overflow_ += bytes.size() - taken;
  return taken;
}

bool OutputPath::resize(PaneSize size) {
  if (!holding()) return log_->resize(size);
  held_size_ = size;
  held_size_at_ = held_.size();
  return false;
}

void OutputPath::stop_holding() {
  if (!holding()) return;
  hold_until_ = 0;
  log_->append(held_.bytes().first(held_size_at_));
  if (held_size_ != PaneSize{}) log_->resize(held_size_);
  log_->append(held_.bytes().subspan(held_size_at_));
  if (overflow_ > 0) log_->add_gap(GapReason::hold_full, overflow_);
  held_.release();
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

}  // namespace ccd::recording::tap
