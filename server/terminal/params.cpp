// Splitting parameters: see params.hpp.
#include "terminal/params.hpp"

#include <algorithm>
#include <limits>

namespace ccd::terminal {

bool Params::parse(std::string_view text) {
  // Over every number that is taken, and stays so however many digits follow.
  constexpr std::int64_t kTooLarge = std::int64_t{1} << 40U;
  size_ = 0;
  text_ = text;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end || (size_ > 0 && at[-1] == ';')) {
    const char* const begin = at;
    std::int64_t value = 0;
    bool colons = false;
    for (; at != end && *at != ';'; ++at) {
      if (*at == ':') colons = true;
      else if (value < kTooLarge) value = value * 10 + (*at - '0');
    }
    if (at == begin) value = kMissing;
    else if (colons) value = kColons;
    else if (value > std::numeric_limits<int>::max()) return false;
    params_[size_] = {static_cast<int>(value), static_cast<std::uint16_t>(begin - text.data()),
                      static_cast<std::uint16_t>(at - begin)};
    if (++size_ == kMax) return false;
    if (at == end) break;
    ++at;
  }
  return true;
}

int Params::get(std::size_t index, int minimum, int standard) const {
  if (index >= size_ || params_[index].value == kMissing) return standard;
  if (params_[index].value == kColons) return -1;
  return std::max(params_[index].value, minimum);
}

std::string_view Params::colons(std::size_t index) const {
  return text_.substr(params_[index].begin, params_[index].length);
}

}  // namespace ccd::terminal
