#include "base/clock.hpp"

#include <fmt/format.h>
#include <ctime>

namespace ccd {

WallMicros SystemClock::wall() const {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::chrono::steady_clock::time_point SystemClock::steady() const { return std::chrono::steady_clock::now(); }

namespace {
constexpr WallMicros kMicrosPerSecond = 1'000'000;

std::tm utc(WallMicros at, WallMicros* micros) {
  WallMicros seconds = at / kMicrosPerSecond;
  *micros = at % kMicrosPerSecond;
  if (*micros < 0) {
    *micros += kMicrosPerSecond;
    --seconds;
  }
  const std::time_t t = seconds;
  std::tm out{};
  gmtime_r(&t, &out);
  return out;
}
}  // namespace

std::string iso_seconds(WallMicros at) {
  WallMicros micros = 0;
  const std::tm t = utc(at, &micros);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

std::string iso_micros(WallMicros at) {
  WallMicros micros = 0;
  const std::tm t = utc(at, &micros);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                     t.tm_min, t.tm_sec, micros);
}

}  // namespace ccd
