// The way of the pane's output into the log: at first held back until the preload is there, then straight through; held
// again while the disk keeps the log waiting.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "recording/format.hpp"
#include "recording/pane_tap/late_output.hpp"
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

  // Between the two the log is another thread's: nothing here touches it.
  void begin_late() { late_now_ = true; }
  void end_late() { late_now_ = false; }
  [[nodiscard]] bool late_now() const { return late_now_; }
  [[nodiscard]] const LateOutput& late() const { return late_[late_index_]; }
  // For move_to(); what comes late while that waits goes to the other one.
  LateOutput& take_late();

 private:
  LogWriter* log_;
  std::int64_t hold_until_;
  LateOutput held_;
  ReservedBuffer preload_{kMaxPreloadBytes};
  bool late_now_ = false;
  std::size_t late_index_ = 0;
  std::array<LateOutput, 2> late_;
};

}  // namespace ccd::recording::tap
