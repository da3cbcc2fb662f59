// Time, given to rooms by constructor so that tests can set it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace ccd {

// Microseconds since the Unix epoch: the unit of every stored and sent time.
using WallMicros = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  // Can jump when somebody sets the machine's clock: for records, never for deadlines.
  [[nodiscard]] virtual WallMicros wall() const = 0;
  // Never jumps: for deadlines and throttling.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallMicros wall() const override;
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const override;
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallMicros start) : wall_(start) {}
  [[nodiscard]] WallMicros wall() const override { return wall_; }
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const override { return steady_; }
  void advance(std::chrono::microseconds by) {
    wall_ += by.count();
    steady_ += by;
  }
  // Moves only the wall clock, as an operator or NTP does.
  void jump(std::chrono::microseconds by) { wall_ += by.count(); }

 private:
  WallMicros wall_;
  std::chrono::steady_clock::time_point steady_{std::chrono::hours(1)};
};

// "2026-11-23T14:20:00Z" (UTC, seconds) and "2026-11-23T14:20:00.123456Z".
std::string iso_seconds(WallMicros at);
std::string iso_micros(WallMicros at);

}  // namespace ccd
