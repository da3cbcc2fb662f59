// Random terminal programs: see testing.hpp.
#include "terminal/testing.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace ccd::terminal::testing {
namespace {

template <std::size_t N>
std::string pick(RandomProgram& from, const std::array<std::string_view, N>& choices) {
  return std::string(choices[static_cast<std::size_t>(from.below(static_cast<int>(N)))]);
}

}  // namespace

std::string RandomProgram::number() {
  switch (below(8)) {
    case 0: return "";
    case 1: return "0";
    case 2: return std::to_string(below(300));
    default: return std::to_string(1 + below(12));
  }
}

std::string RandomProgram::text() {
  switch (below(8)) {
    case 0: return pick<8>(*this, {"é", "ü", "€", "─", "→", "ß", "я", "🯰"});
    case 1: return pick<8>(*this, {"你", "好", "한", "🙂", "👩", "日本", "🚀", "ー"});
    case 2:
      return pick<8>(*this,
                     {"\xcc\x81", "\xcc\x88", "\xef\xb8\x8f", "e\xcc\x81", "你\xcc\x81",
                      // tmux forgets a joiner at the end of what it reads at once: so it stands before a character.
                      "\xe2\x80\x8d👩", "\xe2\x80\x8d\xcc\x81", "\xe2\x80\x8d\ré"});
    case 3: return std::string(static_cast<std::size_t>(1 + below(50)), static_cast<char>('a' + below(26)));
    case 4: return std::string(static_cast<std::size_t>(1 + below(6)), ' ');
    default: {
      std::string word;
      for (int i = 1 + below(9); i > 0; --i) word += static_cast<char>(0x21 + below(94));
      return word;
    }
  }
}

std::string RandomProgram::sgr() {
  std::string out = "\x1b[";
  for (int i = 1 + below(3); i > 0; --i) {
    switch (below(10)) {
      case 0: out += std::to_string(below(110)); break;
      case 1: out += "38;5;" + std::to_string(below(260)); break;
      case 2: out += "48;2;" + std::to_string(below(256)) + ';' + std::to_string(below(256)) + ";1"; break;
      case 3:
        out += pick<8>(*this, {"38:5:9", "48:2:1:2:3", "38:2::4:5:6", "4:3", "58:5:1", "4:0", "4:9", "38:2:1"});
        break;
      case 4: out += std::to_string(40 + below(8)); break;
      case 5: out += std::to_string(30 + below(8)); break;
      case 6: out += pick<8>(*this, {"0", "", "1", "4", "7", "58;5;3", "53", "9"}); break;
      default: out += std::to_string(below(30)); break;
    }
    if (i > 1) out += ';';
  }
  return out + 'm';
}

std::string RandomProgram::mode() {
  static constexpr std::array<std::string_view, 12> kModes{"4",   "?1",    "?3",    "?6",    "?7", "?25",
                                                           "?47", "?1049", "?1047", "?1049", "?6", "?7"};
  static constexpr std::array<std::string_view, 9> kUnseen{"?12",   "?1000", "?1002", "?1003", "?1004",
                                                           "?1005", "?1006", "?2004", "?2026"};
  const std::string name = below(4) == 0 ? pick(*this, kUnseen) : pick(*this, kModes);
  return "\x1b[" + name + (below(3) == 0 ? 'h' : 'l');
}

std::string RandomProgram::sequence() {
  static constexpr std::string_view kFinals = "ABCDEFGHJKLMSTXZbdfgrsu`HHKKJXLMr@PP";
  std::string out = "\x1b[";
  out += number();
  if (below(3) == 0) out += ';' + number();
  return out + kFinals[static_cast<std::size_t>(below(static_cast<int>(kFinals.size())))];
}

std::string RandomProgram::odd() {
  switch (below(9)) {
    case 0:
      return pick<8>(*this, {"\x1b[38;5", "\x1b[", "\x1b", "\x1b]0;half", "\x1b(", "\xe4\xbd", "\xf0\x9f", "\x1b[1:"});
    case 1: return "\x1b[" + std::string(static_cast<std::size_t>(below(80)), ';') + 'm';
    case 2:
      return pick<8>(*this, {"\xff", "\xc0\x80", "\xed\xa0\x80", "\x80", "\xf4\x90\x80\x80", "\xe4\x20",
                             "\xe4\x1b[m\xbd\xa0", "\x7f"});
    case 3:
      return pick<6>(*this, {"\x1b]0;title\x07", "\x1b]2;other\x1b\\", "\x1b_apc\x1b\\", "\x1b^pm\x1b\\",
                             "\x1bkname\x1b\\", "\x1bXsos\x1b\\"});
    case 4:
      return pick<6>(*this, {"\x1bPq1;2\x1b\\", "\x1bP1$r\x1b\\", "\x1b]8;;http://x/\x1b\\", "\x1b]8;;\x1b\\",
                             "\x1b]8;id=1;file:///a\x07", "\x1b[22;0t"});
    case 5:
      return pick<8>(*this, {"\x1b[2;3<4m", "\x1b[?1$p", "\x1b[99999999999m", "\x1b[1 A", "\x1b[>4;1m", "\x1b[4 q",
                             "\x1b[!p", "\x1b[=1c"});
    case 6: return pick<4>(*this, {"\x18", "\x1a", "\x1b[3\x18", "\x1b[5\n;2H"});
    case 7: return pick<4>(*this, {"\x1b(0", "\x1b(B", "\x1b)0", "\x1b)B"});
    default: {
      std::string bytes;
      for (int i = 1 + below(5); i > 0; --i) bytes += static_cast<char>(below(256));
      return bytes;
    }
  }
}

std::string RandomProgram::piece() {
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
    case 3: return text();
    case 4:
    case 5: return pick<8>(*this, {"\r\n", "\n", "\r", "\b", "\t", "\r\n", "\x0e", "\x0f"});
    case 6:
    case 7: return sgr();
    case 8:
      return pick<8>(*this, {"\x1b"
                             "7",
                             "\x1b"
                             "8",
                             "\x1b"
                             "D",
                             "\x1b"
                             "E",
                             "\x1b"
                             "M",
                             "\x1b"
                             "H",
                             "\x1b=", "\x1b>"});
    case 9: return mode();
    case 10:
      return below(8) == 0 ? pick<4>(*this, {"\x1b#8",
                                             "\x1b"
                                             "c",
                                             "\x1b[3J", "\x1b[2J"})
                           : sequence();
    case 11: return "\x1b[" + std::to_string(1 + below(9)) + ';' + std::to_string(1 + below(24)) + 'H';
    case 12: return odd();
    default: return sequence();
  }
}

std::string RandomProgram::bytes(int pieces) {
  std::string out;
  for (int i = 0; i < pieces; ++i) out += piece();
  return out;
}

void feed_in_pieces(Screen& screen, std::string_view bytes, std::uint32_t seed) {
  std::mt19937 random(seed);
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + random() % 7);
    screen.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

std::string readable(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\\' || byte == '"') (out += '\\') += c;
    else if (byte >= 0x20 && byte < 0x7f) out += c;
    else ((out += "\\x") += kDigits[byte >> 4U]) += kDigits[byte & 0xfU];
  }
  return out;
}

}  // namespace ccd::terminal::testing
