// The parameters of a control sequence, as tmux reads them: numbers, missing ones, and ones with sub-parameters (4:3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ccd::terminal {

class Params {
 public:
  // False when tmux ignores the whole sequence: too many parameters, or a number too large. `text` outlives this.
  bool parse(std::string_view text);

  [[nodiscard]] std::size_t size() const { return size_; }
  // `standard` when it is missing; at least `minimum`; -1 when it has sub-parameters.
  [[nodiscard]] int get(std::size_t index, int minimum, int standard) const;
  // The parameter's text, which has sub-parameters.
  [[nodiscard]] std::string_view colons(std::size_t index) const;

 private:
  static constexpr std::size_t kMax = 24;  // tmux takes one less
  static constexpr int kMissing = -1;
  static constexpr int kColons = -2;
  struct Param {
    int value;
    std::uint16_t begin;  // of its text, and the length
    std::uint16_t length;
  };
  std::size_t size_ = 0;
  std::string_view text_;
  std::array<Param, kMax> params_;
};

}  // namespace ccd::terminal
