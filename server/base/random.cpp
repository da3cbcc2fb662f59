#include "base/random.hpp"

#include <sys/random.h>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/encoding.hpp"

namespace ccd {

std::string Random::token(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  fill(raw);
  return base64url_encode(raw);
}

std::string Random::hex(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  fill(raw);
  return hex_encode(raw);
}

void SystemRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      std::abort();  // no secret may ever come from anything weaker
    }
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace ccd
