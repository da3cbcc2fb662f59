// For tests: pieces of terminal programs, valid and half-valid, put together from a seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "terminal/screen.hpp"

namespace ccd::terminal::testing {

class RandomProgram {
 public:
  explicit RandomProgram(std::uint32_t seed) : random_(seed) {}

  // So many pieces: text, controls, sequences, strings.
  std::string bytes(int pieces);
  // One piece.
  std::string piece();
  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }

 private:
  std::string text();
  std::string sequence();
  std::string sgr();
  std::string mode();
  std::string odd();
  std::string number();

  std::mt19937 random_;
};

// Feeds the bytes in pieces of random sizes.
void feed_in_pieces(Screen& screen, std::string_view bytes, std::uint32_t seed);

// The bytes as a C string would be written, for messages.
std::string readable(std::string_view bytes);

}  // namespace ccd::terminal::testing
