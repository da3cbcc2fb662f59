// Writes a batch to the pane piece by piece, with its progress in the mapped table.
#include "recording/pane_tap/pane_input.hpp"

#include <algorithm>
#include <cerrno>

#include "recording/pane_tap/system.hpp"

namespace ccd::recording::tap {

PaneInput::Progress PaneInput::start(const InputState::Decision& decision, std::span<const std::byte> bytes) {
  from_ = 0;
  to_ = 0;
  const std::span<const std::byte> wanted = bytes.subspan(std::min(decision.skip, bytes.size()));
  const Progress progress = write_out(*decision.slot, wanted);
  if (progress != Progress::waiting) return progress;
  const std::span<const std::byte> rest = wanted.subspan(from_);
  std::copy(rest.begin(), rest.end(), rest_.begin());
  from_ = 0;
  to_ = rest.size();
  slot_ = decision.slot;
  return Progress::waiting;
}

PaneInput::Progress PaneInput::push() {
  const Progress progress = write_out(*slot_, std::span(rest_).subspan(from_, to_ - from_));
  if (progress != Progress::waiting) slot_ = nullptr;
  return progress;
}

// Moves from_ on by what was written.
PaneInput::Progress PaneInput::write_out(InputState::Slot& slot, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    InputState::begin_write(slot);
    const std::ptrdiff_t n = write_some(fd_, bytes.first(std::min(bytes.size(), kWriteBytes)));
    const int error = n < 0 ? errno : 0;
    InputState::end_write(slot, n > 0 ? static_cast<std::size_t>(n) : 0);
    if (error == EAGAIN) return Progress::waiting;
    if (n <= 0) {
      closed_ = true;
      return Progress::closed;
    }
    from_ += static_cast<std::size_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  InputState::complete(slot, wall_micros());
  return Progress::done;
}

}  // namespace ccd::recording::tap
