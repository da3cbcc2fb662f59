// Finds a place in terminal bytes from which they can be shown. Pure.
#pragma once

#include <cstddef>
#include <span>

namespace ccd::recording {

// The first index >= `from` that follows a newline and lies outside of UTF-8 characters and escape sequences, when
// `bytes` is read from its beginning; without such a newline the first index outside of both; bytes.size() when there
// is none.
std::size_t find_tail_start(std::span<const std::byte> bytes, std::size_t from);

}  // namespace ccd::recording
