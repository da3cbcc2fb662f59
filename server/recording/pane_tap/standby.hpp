// A second thread that takes the tap's loop over while the disk keeps the first one waiting: tmux must always be drained.
//
// One of the two has the loop at any time, and with it all of the tap's state; it passes by acquire and release. Around
// a call that may wait for the disk the main thread offers the loop; the standby takes it only when the call lasts.
// While nothing is written both sleep: the standby costs no wake-ups.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/unique_fd.hpp"

namespace ccd::recording::tap {

class Standby {
 public:
  // `serve` is called on the standby's thread when it has the loop, and returns soon after back_fd() became readable.
  using Serve = void (*)(void* context);

  // errno or 0. Without a thread offer() and take_back() do nothing. The thread lives as long as the process.
  int start(Serve serve, void* context);

  // By the main thread, around what may wait for the disk.
  void offer();
  // Returns when the main thread has the loop again.
  enum class Meanwhile { nothing, served };
  Meanwhile take_back();

  [[nodiscard]] int back_fd() const { return back_.get(); }

 private:
  enum Holder : std::uint32_t { kMain, kOffered, kStandby };
  static void* thread(void* self);
  void run();
  void arm();

  Serve serve_ = nullptr;
  void* context_ = nullptr;
  UniqueFd timer_;
  UniqueFd back_;
  std::atomic<std::uint32_t> holder_{kMain};
  std::atomic<std::uint32_t> offers_{0};
  std::atomic<bool> armed_{false};
};

}  // namespace ccd::recording::tap
