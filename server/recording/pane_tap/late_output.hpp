// What the pane printed while the disk kept the log waiting: held in memory up to a bound, then counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "recording/format.hpp"
#include "recording/pane_tap/log_writer.hpp"
#include "recording/pane_tap/reserved_buffer.hpp"

namespace ccd::recording::tap {

class LateOutput {
 public:
  // Returns how many of the bytes, from the first on, the log will have. Once bytes were dropped, later ones are too:
  // what is held stays one piece.
  std::size_t append(std::span<const std::byte> bytes);
  void resize(PaneSize size);

  [[nodiscard]] bool empty() const { return held_.size() == 0 && dropped_ == 0 && size_ == PaneSize{}; }
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  // Writes it all, then the gap; after that it is empty.
  void move_to(LogWriter& log, GapReason reason);

 private:
  // A flood at tmux's full speed (27 MB/s) fills it in 0.6 s; it costs memory only while there is something in it.
  static constexpr std::size_t kMaxBytes = std::size_t{16} * 1024 * 1024;

  ReservedBuffer held_{kMaxBytes};
  std::uint64_t dropped_ = 0;
  PaneSize size_{};          // the last resize; zeros: none was
  std::size_t size_at_ = 0;  // in held_
};

}  // namespace ccd::recording::tap
