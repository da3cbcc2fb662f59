// How the tap waits for the echo of input that it has given to the pane: awake or asleep, whichever brings the echo sooner.
//
// The echo comes within some 100 us. To sleep and be woken costs up to 50 us of that where a virtual processor leaves its halt; but who
// stays awake takes a processor from those who make the echo, when none is free. Nobody tells a program which is the case, so both are
// tried and measured. Pure: time comes from the caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ccd::recording::tap {

class EchoWait {
 public:
  // All times are steady microseconds. What comes later than kAsleepMicros is no echo.
  static constexpr std::int64_t kAwakeMicros = 300;
  static constexpr std::int64_t kAsleepMicros = 1000;
  // So often the way that seems worse is tried.
  static constexpr std::uint32_t kTryEvery = 16;

  // The pane has got input. While an echo is awaited the first input counts.
  void begin(std::int64_t now);
  // The pane has printed something.
  void came(std::int64_t now);
  // Nothing has come in time. Until then acknowledgements wait for it as well.
  void give_up();

  [[nodiscard]] bool waiting() const { return since_ != 0; }
  [[nodiscard]] bool awake() const { return way_ == kAwake; }
  // When to give up.
  [[nodiscard]] std::int64_t until() const { return since_ + (awake() ? kAwakeMicros : kAsleepMicros); }

 private:
  enum Way : std::size_t { kAsleep, kAwake };
  void learn(std::int64_t took);

  std::int64_t since_ = 0;  // 0: no echo is awaited
  Way way_ = kAsleep;
  std::uint32_t count_ = 0;
  std::array<std::int64_t, 2> usual_{};  // by way: close to the median of what the echo took; 0: not known
};

}  // namespace ccd::recording::tap
