// The machine's monotonic clock for short waits that belong to no test's Clock: pane-tap, which links little else, and EchoWait's users.
#pragma once

#include <chrono>
#include <cstdint>

namespace ccd {

inline std::int64_t steady_micros() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace ccd
