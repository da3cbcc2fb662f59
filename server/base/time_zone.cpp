#include "base/time_zone.hpp"

#include <date/tz.h>
#include <exception>

namespace ccd {

namespace {

// The library throws where a name or the whole database is missing.
const date::time_zone* find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace

bool load_time_zones() { return find_zone("UTC") != nullptr; }

bool known_time_zone(const std::string& name) { return find_zone(name) != nullptr; }

std::optional<std::chrono::seconds> utc_offset(const std::string& zone, WallMicros at) {
  const date::time_zone* found = find_zone(zone);
  if (found == nullptr) return std::nullopt;
  const std::chrono::sys_time<std::chrono::microseconds> moment{std::chrono::microseconds(at)};
  try {
    return found->get_info(std::chrono::floor<std::chrono::seconds>(moment)).offset;
  } catch (const std::exception&) {
    return std::nullopt;  // its file cannot be read
  }
}

}  // namespace ccd
