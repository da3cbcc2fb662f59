// The parameters of a control sequence, as tmux reads them: numbers, missing ones, and ones with sub-parameters (4:3).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ccd::terminal {

class Params {
 public:
  // Reads them up to the first byte that belongs to none, or `end`; where that is. The text outlives this.
  const char* read(const char* at, const char* end);
  // tmux ignores a whole sequence with too many parameters, or with a number too large.
  [[nodiscard]] bool good() const { return good_; }

  [[nodiscard]] std::size_t size() const { return size_; }
  // `standard` when it is missing; at least `minimum`; -1 when it has sub-parameters.
  [[nodiscard]] int get(std::size_t index, int minimum, int standard) const {
    if (index >= size_) return standard;
    const int value = params_[index].value;
    if (value >= 0) return std::max(value, minimum);
    return value == kMissing ? standard : -1;
  }
  // The parameter's text, which has sub-parameters.
  [[nodiscard]] std::string_view colons(std::size_t index) const {
    return {params_[index].begin, params_[index].length};
  }

 private:
  [[nodiscard]] static std::uint64_t long_number(const char* at, const char* end);

  static constexpr std::size_t kMax = 24;  // tmux takes one less
  static constexpr int kMissing = -1;
  static constexpr int kColons = -2;
  struct Param {
    const char* begin;  // its text
    std::uint32_t length;
    int value;
  };
  std::size_t size_ = 0;
  bool good_ = true;
  std::array<Param, kMax> params_;
};

}  // namespace ccd::terminal
