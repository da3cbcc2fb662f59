// Time zones by name, as the machine's own database (tzdata) has them. Thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace ccd {

// Reads the list of names: a millisecond, a tenth of a second from a cold disk. Called once at start, so that the loop never waits for it.
// False when the machine has no database; then no name is known.
bool load_time_zones();

// "Europe/Berlin", "UTC"; false for a name that is not in the database.
bool known_time_zone(const std::string& name);

// What is added to UTC there at that moment; none for an unknown name.
std::optional<std::chrono::seconds> utc_offset(const std::string& zone, WallMicros at);

}  // namespace ccd
