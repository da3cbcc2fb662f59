// Splitting parameters: see params.hpp.
#include "terminal/params.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace ccd::terminal {

bool Params::parse(std::string_view text) {
  size_ = 0;
  if (text.empty()) return true;
  std::size_t begin = 0;
  std::int64_t value = 0;
  bool colons = false;
  for (std::size_t i = 0;; ++i) {
    const bool at_end = i == text.size();
    if (!at_end && text[i] != ';') {
      if (text[i] == ':') colons = true;
      // Stays too large once it is, whatever follows.
      else value = std::min<std::int64_t>(value * 10 + (text[i] - '0'), std::int64_t{1} << 40U);
      continue;
    }
    Param& param = params_[size_];
    if (i == begin) {
      param = {kMissing, {}};
    } else if (colons) {
      param = {kColons, text.substr(begin, i - begin)};
    } else {
      if (value > std::numeric_limits<int>::max()) return false;
      param = {static_cast<int>(value), {}};
    }
    if (++size_ == kMax) return false;
    if (at_end) return true;
    begin = i + 1;
    value = 0;
    colons = false;
  }
}

int Params::get(std::size_t index, int minimum, int standard) const {
  if (index >= size_ || params_[index].value == kMissing) return standard;
  if (params_[index].value == kColons) return -1;
  return std::max(params_[index].value, minimum);
}

std::string_view Params::colons(std::size_t index) const { return params_[index].text; }

}  // namespace ccd::terminal
