// pane-tap's loop: drains the pane first, then serves input.
#pragma once

#include <poll.h>
#include <cstdint>
#include <span>

#include "base/unique_fd.hpp"
#include "recording/pane_tap/input_server.hpp"
#include "recording/pane_tap/input_state.hpp"
#include "recording/pane_tap/log_writer.hpp"
#include "recording/pane_tap/options.hpp"
#include "recording/pane_tap/output_path.hpp"
#include "recording/pane_tap/pane_input.hpp"

namespace ccd::recording::tap {

class Tap {
 public:
  explicit Tap(const Options& options);

  // The working directory is the session's folder and the lock is held. errno or 0; says what failed on standard error.
  int open();
  // Until the pane ends or `stop_signals` (a signalfd) is readable.
  void run(int stop_signals);

 private:
  enum class Pane { quiet, flooding, closed };
  Pane drain();
  void write(std::span<const std::byte> bytes);
  [[nodiscard]] int wait_millis() const;
  int wait(std::span<pollfd> polls, int millis);
  void on_time();

  LogWriter log_;
  OutputPath output_;
  InputState state_;
  PaneInput pane_;
  InputServer server_;
  PaneSize size_;  // of the pane when the tap was started
  std::int64_t awake_until_ = 0;  // steady microseconds; 0: sleep
};

}  // namespace ccd::recording::tap
