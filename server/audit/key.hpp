// The audit trail's key: 32 random bytes in a file of its own, so that who can write the database cannot forge the
// chain.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"

namespace ccd::audit {

inline constexpr std::size_t kKeyBytes = 32;
using Key = std::array<std::byte, kKeyBytes>;

// Reads the key at `path`, or makes it (mode 0600, never over an existing file, durable on return). Refuses a file that
// is not regular, not ours, of another size, or that others can read (`forbidden`, with the chmod that mends it).
Result<Key> load_or_create_key(const std::string& path, Random& random);

}  // namespace ccd::audit
