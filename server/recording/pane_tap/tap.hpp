// pane-tap's loop: drains the pane first, then serves input. While the disk makes the log wait, the standby's thread runs
// it.
#pragma once

#include <poll.h>
#include <cstdint>
#include <span>

#include "base/echo_wait.hpp"
#include "base/unique_fd.hpp"
#include "recording/pane_tap/input_server.hpp"
#include "recording/pane_tap/input_state.hpp"
#include "recording/pane_tap/log_writer.hpp"
#include "recording/pane_tap/options.hpp"
#include "recording/pane_tap/output_path.hpp"
#include "recording/pane_tap/pane_input.hpp"
#include "recording/pane_tap/standby.hpp"

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
  enum class Turn { go_on, stopped, pane_closed };
  // What the log is being given while the disk makes it wait.
  struct Pending {
    std::uint64_t offset = 0;  // of the log before it
    std::uint64_t size = 0;
    std::span<const std::byte> unseen{};  // of it, what nobody was shown
    bool certain = false;                 // that the disk takes it: no loss came before
  };
  Turn turn(int stop);
  void serve();
  Pane drain();
  void write(std::span<const std::byte> bytes);
  void write_late(std::span<const std::byte> bytes);
  void catch_up();
  [[nodiscard]] int wait_millis() const;
  int wait(std::span<pollfd> polls, int millis);
  int wait_for_echo(std::span<pollfd> polls);
  void on_time();
  [[nodiscard]] RecordPlace place() const { return {.end = log_.end(), .notes = log_.notes()}; }
  void tell();

  LogWriter log_;
  OutputPath output_;
  InputState state_;
  PaneInput pane_;
  InputServer server_;
  PaneSize size_;  // of the pane when the tap was started
  Standby standby_;
  Pending pending_;
  Pane pane_state_ = Pane::quiet;
  bool served_ = false;  // the other thread had the loop during this turn
  EchoWait echo_;
};

}  // namespace ccd::recording::tap
