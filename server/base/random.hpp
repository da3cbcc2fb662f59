// Randomness, given to rooms by constructor so that tests can set it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace ccd {

class Random {
 public:
  virtual ~Random() = default;
  // Fills with unpredictable bytes. Never fails: the process ends if the kernel cannot give any.
  virtual void fill(std::span<std::byte> out) = 0;

  // `bytes` random bytes as unpadded base64url: 32 bytes give 43 characters and 256 bits.
  std::string token(std::size_t bytes);
  // `bytes` random bytes as lower-case hex.
  std::string hex(std::size_t bytes);
};

// getrandom(2).
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace ccd
