// Hex, base64url, and text made safe to print.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ccd {

std::span<const std::byte> as_bytes(std::string_view text);
std::string_view as_text(std::span<const std::byte> bytes);

std::string hex_encode(std::span<const std::byte> bytes);
std::optional<std::vector<std::byte>> hex_decode(std::string_view text);

// RFC 4648 section 5 without padding. Decoding is strict: one text for one value, so padding, line breaks, characters
// outside the alphabet and non-zero trailing bits are refused.
std::string base64url_encode(std::span<const std::byte> bytes);
std::optional<std::vector<std::byte>> base64url_decode(std::string_view text);

// The text with C0, DEL, C1 (also as UTF-8), bidirectional controls, line separators, backslash and invalid UTF-8 written
// as \n, \xHH or \u{HEX}: safe on a terminal and in a line-oriented log.
std::string printable(std::string_view text);

// True for well-formed UTF-8 (no surrogates, no overlong forms).
bool valid_utf8(std::string_view text);

// Compares in a time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace ccd
