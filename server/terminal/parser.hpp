// Bytes into characters, control characters, sequences and strings: Paul Williams' state machine, in the shape that tmux 3.3a gives it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "terminal/interpreter.hpp"

namespace ccd::terminal {

class Parser {
 public:
  explicit Parser(Interpreter& to) : to_(to) {}

  void feed(std::string_view bytes);

  // Bytes that bring a fresh parser into this one's state: the beginning of what is not complete yet.
  [[nodiscard]] std::string pending() const;
  [[nodiscard]] bool in_sequence() const { return state_ != State::ground || utf8_size_ != 0; }
  [[nodiscard]] std::size_t memory_bytes() const { return string_.capacity(); }

 private:
  enum class State : std::uint8_t {
    ground,
    escape,
    escape_intermediate,
    sequence_entry,
    sequence_parameter,
    sequence_intermediate,
    sequence_ignore,
    device_entry,
    device_parameter,
    device_intermediate,
    device_string,
    device_escape,
    device_ignore,
    system_command,
    application_command,
    ignored_string,  // SOS, PM, and ESC k, which names a window
  };
  static constexpr std::size_t kMaxIntermediates = 3;
  static constexpr std::size_t kMaxParams = 63;  // bytes, as in tmux: longer sequences do nothing
  static constexpr std::size_t kMaxString = kMaxTitle + 16;

  const char* ground(const char* at, const char* end);
  const char* whole_sequence(const char* at, const char* end);
  const char* in_string(const char* at, const char* end);
  void byte(unsigned char c);
  void in_escape(unsigned char c);
  void in_sequence_of(unsigned char c);
  void in_device_control(unsigned char c);
  void utf8_byte(unsigned char c);
  void enter(State state);
  void leave_string();
  void add_intermediate(unsigned char c);
  void dispatch_sequence(unsigned char final);
  [[nodiscard]] std::string_view intermediates() const { return {intermediates_.data(), intermediates_size_}; }

  Interpreter& to_;
  State state_ = State::ground;
  bool discard_ = false;  // too long: read to its end, without effect
  std::uint8_t intermediates_size_ = 0;
  std::uint8_t params_size_ = 0;
  std::uint8_t utf8_size_ = 0;  // bytes that the character begun takes; 0 when none is begun
  std::uint8_t utf8_have_ = 0;
  std::array<char, kMaxIntermediates> intermediates_{};
  std::array<char, kMaxParams> params_{};
  std::array<char, 4> utf8_{};
  std::string string_;
};

}  // namespace ccd::terminal
