// What the fuzz targets share: a check that ends the program, an input in fields, and an input in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// A property that holds for every input. It stays in every build: without it a target would only find crashes.
#define CHECK(...)                                                                          \
  do {                                                                                      \
    if (!(__VA_ARGS__)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #__VA_ARGS__); \
      std::abort();                                                                         \
    }                                                                                       \
  } while (false)

namespace ccd::fuzz {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Takes what comes before the first `end` (or all) off the front: seeds stay files that a person can write.
inline std::string_view take(std::string_view& rest, char end = '\n') {
  const std::string_view field = rest.substr(0, rest.find(end));
  rest.remove_prefix(std::min(field.size() + 1, rest.size()));
  return field;
}

// Sizes of the pieces in which a stream arrives: any, mostly small, and always the same for the same input.
class Pieces {
 public:
  explicit Pieces(std::string_view input) {
    for (const char c : input) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;  // FNV-1a
  }
  // 1 to `left`; `left` is at least 1.
  std::size_t next(std::size_t left) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    const std::size_t longest = (state_ & 7) == 0 ? 4096 : 16;
    return std::min(left, 1 + static_cast<std::size_t>(state_ >> 32) % longest);
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace ccd::fuzz
