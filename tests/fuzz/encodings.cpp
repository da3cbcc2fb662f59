// Fuzzes base/encoding: each encoding is undone by its decoder, decoders take one text per value, printable text is
// harmless.
#include "base/encoding.hpp"

#include <optional>
#include <string>

#include "support.hpp"

namespace ccd {
namespace {

// RFC 3629's own table: the length of the well-formed character at the front, or 0.
std::size_t character(std::string_view text) {
  const auto in = [&](std::size_t i, unsigned low, unsigned high) {
    return i < text.size() && static_cast<unsigned char>(text[i]) >= low && static_cast<unsigned char>(text[i]) <= high;
  };
  const auto tail = [&](std::size_t i) { return in(i, 0x80, 0xBF); };
  if (in(0, 0x00, 0x7F)) return 1;
  if (in(0, 0xC2, 0xDF) && tail(1)) return 2;
  if (in(0, 0xE0, 0xE0) && in(1, 0xA0, 0xBF) && tail(2)) return 3;
  if ((in(0, 0xE1, 0xEC) || in(0, 0xEE, 0xEF)) && tail(1) && tail(2)) return 3;
  if (in(0, 0xED, 0xED) && in(1, 0x80, 0x9F) && tail(2)) return 3;
  if (in(0, 0xF0, 0xF0) && in(1, 0x90, 0xBF) && tail(2) && tail(3)) return 4;
  if (in(0, 0xF1, 0xF3) && tail(1) && tail(2) && tail(3)) return 4;
  if (in(0, 0xF4, 0xF4) && in(1, 0x80, 0x8F) && tail(2) && tail(3)) return 4;
  return 0;
}

bool well_formed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string utf8(unsigned c) {
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  return {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
          static_cast<char>(0x80 | (c & 0x3F))};
}

// What printable() was given: that there is one way back shows that no two texts look the same in a log.
std::string undo_printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '\\') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    CHECK(text.size() >= 2);
    const char kind = text[1];
    text.remove_prefix(2);
    if (kind == '\\') out += '\\';
    else if (kind == 'n') out += '\n';
    else if (kind == 'r') out += '\r';
    else if (kind == 't') out += '\t';
    else if (kind == 'x') {
      out += static_cast<char>(std::stoul(std::string(text.substr(0, 2)), nullptr, 16));
      text.remove_prefix(2);
    } else {
      CHECK(kind == 'u' && text.starts_with('{'));
      const std::string digits(text.substr(1, text.find('}') - 1));
      out += utf8(static_cast<unsigned>(std::stoul(digits, nullptr, 16)));
      text.remove_prefix(digits.size() + 2);
    }
  }
  return out;
}

bool harmless(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return false;
    if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;  // C1
    if (byte != 0xD8 && byte != 0xE2 && byte != 0xEF) continue;
    // Marks that reorder the text around them, line and paragraph separators, the byte order mark.
    for (const std::string_view mark : {"\xD8\x9C", "\xE2\x80\x8E", "\xE2\x80\x8F", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                        "\xE2\x80\xAA", "\xE2\x80\xAB", "\xE2\x80\xAC", "\xE2\x80\xAD", "\xE2\x80\xAE",
                                        "\xE2\x81\xA6", "\xE2\x81\xA7", "\xE2\x81\xA8", "\xE2\x81\xA9", "\xEF\xBB\xBF"})
      if (text.substr(i).starts_with(mark)) return false;
  }
  return true;
}

void check_codes(std::string_view text) {
  const std::string hex = hex_encode(as_bytes(text));
  const auto from_hex = hex_decode(hex);
  CHECK(from_hex && as_text(*from_hex) == text);
  const std::string base64 = base64url_encode(as_bytes(text));
  const auto from_base64 = base64url_decode(base64);
  CHECK(from_base64 && as_text(*from_base64) == text);
  CHECK(base64.find_first_of("+/=\r\n") == std::string::npos);

  // As a text to decode: what is taken is the one text for its value (hex: but for its case).
  if (const auto bytes = base64url_decode(text)) CHECK(base64url_encode(*bytes) == text);
  if (const auto bytes = hex_decode(text)) {
    std::string lower(text);
    for (char& c : lower)
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    CHECK(hex_encode(*bytes) == lower);
  }
}

}  // namespace
}  // namespace ccd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd;
  const std::string_view text = fuzz::as_text(data, size);
  check_codes(text);
  CHECK(valid_utf8(text) == well_formed(text));
  const std::string shown = printable(text);
  CHECK(well_formed(shown) && harmless(shown));
  CHECK(undo_printable(shown) == text);
  const std::string_view head = text.substr(0, size / 2);
  const std::string_view tail = text.substr(size - size / 2);
  CHECK(equal_constant_time(head, tail) == (head == tail));
  CHECK(equal_constant_time(text, std::string(text)));
  return 0;
}
