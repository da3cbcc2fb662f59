// The parameters of a control sequence, as tmux reads them: numbers, missing ones, and ones with sub-parameters (4:3).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace ccd::terminal {

class Params {
 public:
  // False when tmux ignores the whole sequence: too many parameters, or a number too large. `text` outlives this.
  bool parse(std::string_view text);

  [[nodiscard]] std::size_t size() const { return size_; }
  // `standard` when it is missing; at least `minimum`; -1 when it has sub-parameters.
  [[nodiscard]] int get(std::size_t index, int minimum, int standard) const;
  // The parameter's text when it has sub-parameters, else empty.
  [[nodiscard]] std::string_view colons(std::size_t index) const;

 private:
  static constexpr std::size_t kMax = 24;  // tmux takes one less
  static constexpr int kMissing = -1;
  static constexpr int kColons = -2;
  struct Param {
    int value;
    std::string_view text;
  };
  std::size_t size_ = 0;
  std::array<Param, kMax> params_;
};

}  // namespace ccd::terminal
