// The way of the pane's output into the log: at first held back until the preload is there, then straight through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "recording/format.hpp"
#include "recording/pane_tap/log_writer.hpp"
#include "recording/pane_tap/reserved_buffer.hpp"

namespace ccd::recording::tap {

class OutputPath {
 public:
  // Holds until `hold_until` (steady milliseconds); 0: not at all. The log outlives this.
  OutputPath(LogWriter* log, std::int64_t hold_until) : log_(log), hold_until_(hold_until) {}

  // Returns how many of the bytes, from the first on, the log has or will have.
  std::size_t write(std::span<const std::byte> bytes);
  // The pane has this size for what is written from now on. False when the record says so only later.
  bool resize(PaneSize size);

  [[nodiscard]] bool holding() const { return hold_until_ != 0; }
  [[nodiscard]] std::int64_t hold_until() const { return hold_until_; }
  // Ends the hold without a preload: what was held goes to the log.
  void stop_holding();

  struct PreloadAnswer {
    bool final = false;  // else more parts are expected and nothing is said
    PreloadStatus status = PreloadStatus::taken;
    std::uint64_t offset = 0;
  };
  // A preload is taken whole or not at all: until its last part it waits in memory.
  PreloadAnswer preload(PreloadPart part, std::span<const std::byte> bytes);

 private:
  // What a pane prints while the dashboard captures its screen; a flood of 27 MB/s (tmux's own limit) fills it in 0.6
  // s.
  static constexpr std::size_t kMaxHeldBytes = std::size_t{16} * 1024 * 1024;

  LogWriter* log_;
  std::int64_t hold_until_;
  ReservedBuffer held_{kMaxHeldBytes};
  std::uint64_t overflow_ = 0;  // bytes that did not fit in held_
  ReservedBuffer preload_{kMaxPreloadBytes};
  PaneSize held_size_{};          // the last resize during the hold; zeros: none was
  std::size_t held_size_at_ = 0;  // in held_
};

}  // namespace ccd::recording::tap
