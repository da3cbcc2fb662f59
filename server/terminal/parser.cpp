// The state machine: see parser.hpp. Plain text and whole sequences take short cuts; all else goes byte by byte.
#include "terminal/parser.hpp"

#include <bit>
#include <cstring>

#include "terminal/utf8.hpp"

namespace ccd::terminal {
namespace {

constexpr unsigned char kEscape = 0x1b;
constexpr unsigned char kCancel = 0x18;
constexpr unsigned char kSubstitute = 0x1a;
constexpr unsigned char kBell = 0x07;
constexpr unsigned char kDelete = 0x7f;

constexpr bool is_control(unsigned char c) { return c < 0x20; }
constexpr bool is_intermediate(unsigned char c) { return c >= 0x20 && c <= 0x2f; }
constexpr bool is_private_marker(unsigned char c) { return c >= 0x3c && c <= 0x3f; }
constexpr bool is_final(unsigned char c) { return c >= 0x40 && c <= 0x7e; }
constexpr bool prints(unsigned char c) { return c >= 0x20 && c <= 0x7e; }

static_assert(std::endian::native == std::endian::little, "find_end_of_text() takes the first byte for the lowest");

// The first byte from `at` on that is not ASCII that prints. Eight bytes at once: of a byte below 0x20 the subtraction sets the high
// bit, of 0x7f the addition does, and the others have it. What carries over is above the first such byte, and not looked at.
const char* find_end_of_text(const char* at, const char* end) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  while (end - at >= 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, 8);
    const std::uint64_t odd = ((eight - kOnes * 0x20U) | (eight + kOnes) | eight) & (kOnes * 0x80U);
    if (odd != 0) return at + std::countr_zero(odd) / 8;
    at += 8;
  }
  while (at != end && prints(static_cast<unsigned char>(*at))) ++at;
  return at;
}

}  // namespace

void Parser::feed(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    if (state_ == State::ground && utf8_size_ == 0) at = ground(at, end);
    else if (state_ >= State::system_command) at = in_string(at, end);
    else byte(static_cast<unsigned char>(*at++));
  }
}

// Until the end, or until there is something that takes the long way.
const char* Parser::ground(const char* at, const char* end) {
  while (at != end) {
    const auto c = static_cast<unsigned char>(*at);
    if (prints(c)) {
      const char* const text_end = find_end_of_text(at, end);
      to_.print(at, static_cast<std::size_t>(text_end - at));
      at = text_end;
    } else if (c == kEscape) {
      const char* const next = whole_sequence(at, end);
      if (next == at) {
        enter(State::escape);
        return at + 1;
      }
      at = next;
    } else if (is_control(c)) {
      to_.control(c);
      ++at;
    } else if (c == kDelete) {
      ++at;
    } else {
      const char* const next = to_.print_multibyte(at, end);
      if (next == at) {
        utf8_byte(c);
        return at + 1;
      }
      at = next;
    }
  }
  return at;
}

// A control sequence that is complete and of the usual form goes to the interpreter from where it lies. Returns `at` when it is not.
const char* Parser::whole_sequence(const char* at, const char* end) {
  if (end - at < 3 || at[1] != '[') return at;
  const char* const begin = at + 2;
  const char* params = begin;
  if (is_private_marker(static_cast<unsigned char>(*params))) ++params;
  const char* const last = to_.params().read(params, end);
  if (last == end || !is_final(static_cast<unsigned char>(*last))) return at;
  if (static_cast<std::size_t>(last - params) > kMaxParams) return at;
  to_.sequence({begin, static_cast<std::size_t>(params - begin)}, *last);
  return last + 1;
}

void Parser::utf8_byte(unsigned char c) {
  // As tmux does it, a character that has begun takes its bytes even when they do not belong to it, and then does not show.
  to_.forget_last();
  if (utf8_size_ == 0) {
    utf8_size_ = static_cast<std::uint8_t>(utf8_size(c));
    utf8_have_ = 0;
    if (utf8_size_ == 0) return;
  }
  utf8_[utf8_have_++] = static_cast<char>(c);
  if (utf8_have_ < utf8_size_) return;
  utf8_size_ = 0;
  const Utf8Char character = read_utf8(utf8_.data(), utf8_have_);
  if (character.size != 0) to_.print(character.code_point);
}

// All states from device_entry on are of strings.
void Parser::enter(State state) {
  state_ = state;
  if (state == State::ground) return;
  discard_ = false;
  intermediates_size_ = 0;
  params_size_ = 0;
  string_.clear();
  if (state >= State::device_entry) to_.forget_last();
}

void Parser::leave_string() {
  if (state_ == State::system_command && !discard_) to_.operating_system_command(string_);
  if (state_ == State::application_command && !discard_) to_.application_command(string_);
  constexpr std::size_t kSmall = 256;
  if (string_.capacity() > kSmall) string_ = {};
}

// Strings end with any ESC, CAN or SUB, and take effect even so.
const char* Parser::in_string(const char* at, const char* end) {
  const auto c = static_cast<unsigned char>(*at);
  if (is_control(c)) {
    byte(c);
    return at + 1;
  }
  const char* stop = at;
  while (stop != end && !is_control(static_cast<unsigned char>(*stop))) ++stop;
  const auto length = static_cast<std::size_t>(stop - at);
  if (state_ != State::ignored_string && !discard_) {
    if (string_.size() + length > kMaxString) {
      discard_ = true;
      string_ = {};
    } else {
      string_.append(at, length);
    }
  }
  return stop;
}

void Parser::byte(unsigned char c) {
  const bool device_string = state_ == State::device_string || state_ == State::device_escape;
  if (!device_string && (c == kEscape || c == kCancel || c == kSubstitute)) {
    leave_string();
    if (c == kEscape) return enter(State::escape);
    utf8_size_ = 0;
    to_.control(c);
    return enter(State::ground);
  }
  switch (state_) {
    case State::ground:
      // Only while a character has begun; see feed().
      if (c >= 0x80) return utf8_byte(c);
      if (c == kDelete) return;
      utf8_size_ = 0;
      if (is_control(c)) return to_.control(c);
      return to_.print(reinterpret_cast<const char*>(&c), 1);
    case State::escape:
    case State::escape_intermediate: return in_escape(c);
    case State::sequence_entry:
    case State::sequence_parameter:
    case State::sequence_intermediate:
    case State::sequence_ignore: return in_sequence_of(c);
    case State::system_command:
      if (c != kBell) return;
      leave_string();
      return enter(State::ground);
    case State::application_command:
    case State::ignored_string: return;
    default: return in_device_control(c);
  }
}

void Parser::add_intermediate(unsigned char c) {
  if (intermediates_size_ == kMaxIntermediates) discard_ = true;
  else intermediates_[intermediates_size_++] = static_cast<char>(c);
}

void Parser::in_escape(unsigned char c) {
  if (is_control(c)) {
    utf8_size_ = 0;
    return to_.control(c);
  }
  if (c >= kDelete) return;
  if (is_intermediate(c)) {
    add_intermediate(c);
    state_ = State::escape_intermediate;
    return;
  }
  if (state_ == State::escape) {
    switch (c) {
      case 'P': return enter(State::device_entry);
      case 'X':
      case '^':
      case 'k': return enter(State::ignored_string);
      case '[': return enter(State::sequence_entry);
      case ']': return enter(State::system_command);
      case '_': return enter(State::application_command);
      default: break;
    }
  }
  if (!discard_) to_.escape(intermediates(), static_cast<char>(c));
  enter(State::ground);
}

void Parser::dispatch_sequence(unsigned char final) {
  to_.params().read(params_.data(), params_.data() + params_size_);
  if (!discard_) to_.sequence(intermediates(), static_cast<char>(final));
  enter(State::ground);
}

void Parser::in_sequence_of(unsigned char c) {
  if (is_control(c)) {
    utf8_size_ = 0;
    return to_.control(c);
  }
  if (c >= kDelete) return;
  if (state_ == State::sequence_ignore) {
    if (is_final(c)) enter(State::ground);
    return;
  }
  if (is_final(c)) return dispatch_sequence(c);
  if (is_intermediate(c)) {
    add_intermediate(c);
    state_ = State::sequence_intermediate;
  } else if (state_ == State::sequence_intermediate || (state_ == State::sequence_parameter && is_private_marker(c))) {
    state_ = State::sequence_ignore;
  } else if (is_private_marker(c)) {
    add_intermediate(c);
    state_ = State::sequence_parameter;
  } else {
    if (params_size_ == kMaxParams) discard_ = true;
    else params_[params_size_++] = static_cast<char>(c);
    state_ = State::sequence_parameter;
  }
}

// Device control strings do nothing: only where they end matters.
void Parser::in_device_control(unsigned char c) {
  switch (state_) {
    case State::device_string:
      if (c == kEscape) state_ = State::device_escape;
      return;
    case State::device_escape:
      if (c == '\\') enter(State::ground);
      else state_ = State::device_string;
      return;
    case State::device_ignore: return;
    default: break;
  }
  if (is_control(c) || c >= kDelete) return;
  if (is_final(c)) state_ = State::device_string;
  else if (is_intermediate(c)) state_ = State::device_intermediate;
  else if (c == ':' || state_ == State::device_intermediate) state_ = State::device_ignore;
  else if (is_private_marker(c) && state_ == State::device_parameter) state_ = State::device_ignore;
  else state_ = State::device_parameter;
}

std::string Parser::pending() const {
  std::string out(utf8_.data(), utf8_size_ == 0 ? 0U : utf8_have_);
  const std::string_view ignored = "\x1b[0<";
  switch (state_) {
    case State::ground: return out;
    case State::escape:
    case State::escape_intermediate:
      out += '\x1b';
      out += intermediates();
      if (discard_) out += ' ';
      return out;
    case State::sequence_entry:
    case State::sequence_parameter:
    case State::sequence_intermediate: {
      if (discard_) return out += ignored;
      const bool marked = intermediates_size_ > 0 && is_private_marker(static_cast<unsigned char>(intermediates_[0]));
      out += "\x1b[";
      out += intermediates().substr(0, marked ? 1 : 0);
      out.append(params_.data(), params_size_);
      return out += intermediates().substr(marked ? 1 : 0);
    }
    case State::sequence_ignore: return out += ignored;
    case State::device_entry: return out += "\x1bP";
    case State::device_parameter: return out += "\x1bP0";
    case State::device_intermediate: return out += "\x1bP ";
    case State::device_string: return out += "\x1bPq";
    case State::device_escape: return out += "\x1bPq\x1b";
    case State::device_ignore: return out += "\x1bP:";
    // A command without a number does nothing, whatever else comes.
    case State::system_command: return out += "\x1b]" + (discard_ ? std::string("x") : string_);
    case State::application_command: return out += discard_ ? std::string("\x1bX") : "\x1b_" + string_;
    case State::ignored_string: return out += "\x1bX";
  }
  return out;
}

}  // namespace ccd::terminal
