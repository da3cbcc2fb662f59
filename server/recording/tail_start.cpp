// A scanner that knows where escape sequences and UTF-8 characters begin and end, and nothing else of them.
#include "recording/tail_start.hpp"

#include <cstdint>
#include <optional>

namespace ccd::recording {
namespace {

// Knows only where sequences begin and end (ECMA-48 and xterm's strings), not what they mean.
class Scanner {
 public:
  void take(std::uint8_t c) {
    if (c == kCancel || c == kSubstitute) return reset();
    if (c == kEscape) {
      state_ = State::escape;
      continuation_ = 0;
      return;
    }
    switch (state_) {
      case State::ground: return ground(c);
      case State::escape: return escape(c);
      case State::escape_intermediate:
        if (c >= 0x30) state_ = State::ground;
        return;
      case State::control:
        if (c >= 0x40) state_ = State::ground;
        return;
      case State::string:
        if (c == kBell) state_ = State::ground;
        return;
    }
  }
  [[nodiscard]] bool between() const { return state_ == State::ground && continuation_ == 0; }

 private:
  enum class State { ground, escape, escape_intermediate, control, string };
  static constexpr std::uint8_t kBell = 0x07;
  static constexpr std::uint8_t kCancel = 0x18;
  static constexpr std::uint8_t kSubstitute = 0x1A;
  static constexpr std::uint8_t kEscape = 0x1B;

  void reset() {
    state_ = State::ground;
    continuation_ = 0;
  }
  void ground(std::uint8_t c) {
    if (c >= 0xF0 && c < 0xF8) continuation_ = 3;
    else if (c >= 0xE0 && c < 0xF0) continuation_ = 2;
    else if (c >= 0xC0 && c < 0xE0) continuation_ = 1;
    else if (c >= 0x80 && c < 0xC0 && continuation_ > 0) --continuation_;
    else continuation_ = 0;
  }
  void escape(std::uint8_t c) {
    if (c == '[') state_ = State::control;
    else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_' || c == 'k') state_ = State::string;
    else if (c >= 0x20 && c < 0x30) state_ = State::escape_intermediate;
    else if (c >= 0x30) state_ = State::ground;
    // Control characters act inside a sequence without ending it.
  }

  State state_ = State::ground;
  int continuation_ = 0;
};

}  // namespace

std::size_t find_tail_start(std::span<const std::byte> bytes, std::size_t from) {
  Scanner scanner;
  std::optional<std::size_t> outside;
  for (std::size_t i = 0; i <= bytes.size(); ++i) {
    if (i >= from && scanner.between()) {
      if (i > 0 && bytes[i - 1] == std::byte{'\n'}) return i;
      // A character's continuation bytes come only after its first byte, so a cut before one is inside of it.
      const bool continues = i < bytes.size() && (bytes[i] & std::byte{0xC0}) == std::byte{0x80};
      if (!outside && !continues) outside = i;
    }
    if (i < bytes.size()) scanner.take(std::to_integer<std::uint8_t>(bytes[i]));
  }
  return outside.value_or(bytes.size());
}

}  // namespace ccd::recording
