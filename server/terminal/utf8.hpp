// UTF-8 one character at a time: writing, and reading what is known to be whole.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ccd::terminal {

struct Utf8Char {
  char32_t code_point = 0;
  std::size_t size = 0;  // bytes it takes; 0 when it is not a character (overlong, surrogate, too large, cut off)
};

constexpr std::size_t utf8_size(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

// The character at the beginning of `text`, which is not empty.
constexpr Utf8Char read_utf8(const char* text, std::size_t length) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto more = [&](std::size_t i) { return static_cast<char32_t>(byte(i) & 0x3fU); };
  const std::size_t size = utf8_size(byte(0));
  if (size == 1) return {byte(0), 1};
  if (size == 0 || size > length) return {};
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
  }
  if (size == 2) return {(byte(0) & 0x1fU) << 6U | more(1), 2};
  if (size == 3) {
    const char32_t code = static_cast<char32_t>(byte(0) & 0xfU) << 12U | more(1) << 6U | more(2);
    return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? Utf8Char{} : Utf8Char{code, 3};
  }
  const char32_t code = static_cast<char32_t>(byte(0) & 7U) << 18U | more(1) << 12U | more(2) << 6U | more(3);
  return code < 0x10000 || code > 0x10ffff ? Utf8Char{} : Utf8Char{code, 4};
}

// The same for what does not begin with ASCII, in few steps where four bytes can be looked at together.
inline Utf8Char read_multibyte(const char* text, std::size_t length) {
  static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");
  std::uint32_t four = 0;
  if (length < sizeof four) return read_utf8(text, length);
  std::memcpy(&four, text, sizeof four);
  const auto more = [&](unsigned byte) { return (four >> (8 * byte)) & 0x3fU; };
  if ((four & 0xc0c0f0U) == 0x8080e0U) {
    const char32_t code = (four & 0xfU) << 12U | more(1) << 6U | more(2);
    return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? Utf8Char{} : Utf8Char{code, 3};
  }
  if ((four & 0xc0c0c0f8U) == 0x808080f0U) {
    const char32_t code = (four & 7U) << 18U | more(1) << 12U | more(2) << 6U | more(3);
    return code < 0x10000 || code > 0x10ffff ? Utf8Char{} : Utf8Char{code, 4};
  }
  return read_utf8(text, length);
}

// Writes at most four bytes to `out`; how many.
constexpr std::size_t put_utf8(char32_t code, char* out) {
  const auto tail = [&](unsigned shift) { return static_cast<char>(0x80U | ((code >> shift) & 0x3fU)); };
  if (code < 0x80) {
    out[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<char>(0xc0U | code >> 6U);
    out[1] = tail(0);
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<char>(0xe0U | code >> 12U);
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xf0U | code >> 18U);
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

inline void append_utf8(std::string& out, char32_t code) {
  char bytes[4];
  out.append(bytes, put_utf8(code, bytes));
}

}  // namespace ccd::terminal
