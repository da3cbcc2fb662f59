// Splitting parameters: see params.hpp.
#include "terminal/params.hpp"

#include <limits>

namespace ccd::terminal {

// More digits than the short way takes: leading zeros, as a rule.
std::uint64_t Params::long_number(const char* at, const char* end) {
  constexpr std::uint64_t kTooLarge = std::uint64_t{1} << 40U;
  std::uint64_t value = 0;
  for (; at != end; ++at) {
    if (value < kTooLarge) value = value * 10 + (static_cast<unsigned char>(*at) - '0');
  }
  return value;
}

const char* Params::read(const char* at, const char* end) {
  constexpr std::ptrdiff_t kSafeDigits = 9;
  const auto digit = [](const char* c) { return static_cast<unsigned>(static_cast<unsigned char>(*c)) - '0'; };
  constexpr unsigned kColon = ':' - '0';
  std::size_t size = 0;  // not size_, because the text could be there for all that compilers know
  bool good = true;
  for (const char* const first = at;; ++at) {
    const char* const begin = at;
    unsigned value = 0;
    while (at != end && digit(at) <= 9) value = value * 10 + digit(at++);
    int shown = begin == at ? kMissing : static_cast<int>(value);
    if (at - begin > kSafeDigits) {
      const std::uint64_t number = long_number(begin, at);
      const bool large = number > std::numeric_limits<int>::max();
      good = good && (!large || (at != end && *at == ':'));
      shown = large ? 0 : static_cast<int>(number);
    }
    if (at != end && *at == ':') {
      while (at != end && digit(at) <= kColon) ++at;
      shown = kColons;
    }
    const bool more = at != end && *at == ';';
    if (at == first && !more) break;  // there are none
    if (size < kMax) params_[size++] = {begin, static_cast<std::uint32_t>(at - begin), shown};
    if (!more) break;
  }
  size_ = size;
  good_ = good && size < kMax;
  return at;
}

}  // namespace ccd::terminal
