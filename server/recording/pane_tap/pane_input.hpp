// Writes one batch of input at a time to the pane, which may take it slowly or not at all.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "recording/format.hpp"
#include "recording/pane_tap/input_state.hpp"

namespace ccd::recording::tap {

// One write to the pane: the most that is in doubt when the tap is killed in the middle of it.
inline constexpr std::size_t kWriteBytes = 4096;

class PaneInput {
 public:
  enum class Progress {
    done,     // all of the batch is written and its number is stored
    waiting,  // push() again when the descriptor is writable
    closed,   // the pane takes no input any more
  };

  // `fd` must not block.
  explicit PaneInput(int fd) : fd_(fd) {}

  // A batch of at most kMaxInputBytes that decide() said to take, while busy() is false. Keeps a copy of what the pane
  // does not take at once.
  Progress start(const InputState::Decision& decision, std::span<const std::byte> bytes);
  Progress push();
  [[nodiscard]] bool busy() const { return slot_ != nullptr; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  Progress write_out(InputState::Slot& slot, std::span<const std::byte> bytes);

  int fd_;
  bool closed_ = false;
  InputState::Slot* slot_ = nullptr;  // of the batch that waits
  std::size_t from_ = 0;              // in rest_
  std::size_t to_ = 0;
  std::array<std::byte, kMaxInputBytes> rest_;
};

}  // namespace ccd::recording::tap
