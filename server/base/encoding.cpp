#include "base/encoding.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <array>
#include <cstdint>
#include <iterator>

namespace ccd {

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hex_encode(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    const auto v = std::to_integer<unsigned>(b);
    out += kDigits[v >> 4];
    out += kDigits[v & 15];
  }
  return out;
}

std::optional<std::vector<std::byte>> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::vector<std::byte> out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return out;
}

namespace {
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> kBase64UrlValues = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kBase64Url.size(); ++i)
    table[static_cast<unsigned char>(kBase64Url[i])] = static_cast<std::int8_t>(i);
  return table;
}();
}  // namespace

std::string base64url_encode(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::byte b : bytes) {
    bits = (bits << 8) | std::to_integer<std::uint32_t>(b);
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += kBase64Url[(bits >> held) & 63];
    }
  }
  if (held > 0) out += kBase64Url[(bits << (6 - held)) & 63];
  return out;
}

std::optional<std::vector<std::byte>> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::vector<std::byte> out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const int value = kBase64UrlValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<std::byte>((bits >> held) & 0xff));
    }
  }
  // What is left over must be zero, else two texts would mean one value.
  if (held > 0 && (bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return out;
}

namespace {
struct CodePoint {
  char32_t value;
  std::size_t bytes;  // 0: not UTF-8 here
};

CodePoint decode_utf8(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto more = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned char first = at(0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first <= 0xDF && more(1))
    return {static_cast<char32_t>((first & 0x1F) << 6 | (at(1) & 0x3F)), 2};
  if (first >= 0xE0 && first <= 0xEF && more(1) && more(2)) {
    const auto v = static_cast<char32_t>((first & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F));
    if (v >= 0x800 && !(v >= 0xD800 && v <= 0xDFFF)) return {v, 3};
  }
  if (first >= 0xF0 && first <= 0xF4 && more(1) && more(2) && more(3)) {
    const auto v =
        static_cast<char32_t>((first & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F));
    if (v >= 0x10000 && v <= 0x10FFFF) return {v, 4};
  }
  return {0, 0};
}

// Characters that can hide, reorder or break a line of text.
bool deceptive(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}
}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.bytes == 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (c.value == '\\') out += "\\\\";
    else if (c.value == '\n') out += "\\n";
    else if (c.value == '\r') out += "\\r";
    else if (c.value == '\t') out += "\\t";
    else if (c.value < 0x80 && deceptive(c.value))
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(c.value));
    else if (deceptive(c.value)) fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<unsigned>(c.value));
    else out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
  return out;
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.bytes == 0) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ccd
