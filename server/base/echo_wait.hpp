// How a loop waits for the echo of input that it has passed on towards a pane: awake or asleep, whichever brings the echo sooner. The
// server and the tap each have their own.
//
// The echo comes within some 100 us. To sleep and be woken costs up to 50 us of that where a virtual processor leaves its halt; but who
// stays awake takes a processor from those who make the echo, when none is free. Nobody tells a program which is the case, so both are
// tried and measured. Pure: time comes from the caller. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ccd {

class EchoWait {
 public:
  // All times are steady microseconds. What comes later than kAsleepMicros is no echo.
  static constexpr std::int64_t kAwakeMicros = 400;
  static constexpr std::int64_t kAsleepMicros = 1000;
  // So often the way that seems worse is tried.
  static constexpr std::uint32_t kTryEvery = 16;
  // Times of each way that are remembered: their median wavers by a fifth of what single echoes do.
  static constexpr std::size_t kRemembered = 31;
  // Until so many are known of both ways they take turns.
  static constexpr std::size_t kEnough = 8;

  // Input is on its way to the pane. While an echo is awaited the first input counts.
  void begin(std::int64_t now);
  // The pane has printed something.
  void came(std::int64_t now);
  // Nothing has come in time. Who waits asleep need not say so: the next begin() does.
  void give_up();

  [[nodiscard]] bool waiting() const { return since_ != 0; }
  [[nodiscard]] bool awake() const { return way_ == kAwake; }
  // When to give up.
  [[nodiscard]] std::int64_t until() const { return since_ + (awake() ? kAwakeMicros : kAsleepMicros); }

 private:
  enum Way : std::size_t { kAsleep, kAwake };

  struct Times {
    std::array<std::uint16_t, kRemembered> last{};
    std::uint16_t count = 0;
    std::uint16_t next = 0;
    std::uint16_t median = 0;
    void add(std::uint16_t took);
  };

  void learn(std::int64_t took);

  std::int64_t since_ = 0;  // 0: no echo is awaited
  Way way_ = kAsleep;
  std::uint32_t count_ = 0;
  std::array<Times, 2> times_{};  // by way
};

}  // namespace ccd
