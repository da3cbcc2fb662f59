// Reading and writing SGR: see sgr.hpp.
#include "terminal/sgr.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>

namespace ccd::terminal {
namespace {

constexpr int kForegroundColour = 38;
constexpr int kBackgroundColour = 48;
constexpr int kUnderlineColour = 58;
constexpr int kMaxChannel = 255;

bool is_colour(int code) { return code == kForegroundColour || code == kBackgroundColour || code == kUnderlineColour; }

void set_colour(Style& style, int code, Colour colour) {
  if (code == kForegroundColour) style.foreground = colour;
  else if (code == kBackgroundColour) style.background = colour;
  else style.underline_colour = colour;
}

// An index out of range gives the standard colour; of underlines it changes nothing.
void set_indexed(Style& style, int code, int index) {
  if (index >= 0 && index <= kMaxChannel) set_colour(style, code, Colour::indexed(static_cast<std::uint32_t>(index)));
  else if (code != kUnderlineColour) set_colour(style, code, {});
}

bool set_rgb(Style& style, int code, int red, int green, int blue) {
  const auto good = [](int channel) { return channel >= 0 && channel <= kMaxChannel; };
  if (!good(red) || !good(green) || !good(blue)) return false;
  const auto part = [](int channel) { return static_cast<std::uint32_t>(channel); };
  set_colour(style, code, Colour::rgb(part(red) << 16U | part(green) << 8U | part(blue)));
  return true;
}

// One parameter with sub-parameters: 4:3, 38:5:7, 38:2:1:2:3, 38:2::1:2:3.
void apply_colons(Style& style, std::string_view text) {
  constexpr std::size_t kMaxParts = 8;
  std::array<int, kMaxParts> part;
  part.fill(-1);
  std::size_t count = 0;
  while (true) {
    const std::string_view word = text.substr(0, text.find(':'));
    if (!word.empty()) {
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), part[count]);
      if (error != std::errc()) return;
    }
    if (++count == kMaxParts) return;
    if (word.size() == text.size()) break;
    text.remove_prefix(word.size() + 1);
  }
  if (part[0] == 4) {
    if (count == 2 && part[1] >= 0 && part[1] <= 5) style.set_underline(static_cast<Underline>(part[1]));
    return;
  }
  if (!is_colour(part[0]) || count < 3) return;
  if (part[1] == 5) set_indexed(style, part[0], part[2]);
  if (part[1] != 2) return;
  const std::size_t red = count == 5 ? 2 : 3;  // six parts have a colour space in front of the channels
  if (count >= red + 3) set_rgb(style, part[0], part[red], part[red + 1], part[red + 2]);
}

void apply_plain(Style& style, int code) {
  const auto on = [&](unsigned bits) { style.attributes = static_cast<std::uint16_t>(style.attributes | bits); };
  const auto off = [&](unsigned bits) { style.attributes = static_cast<std::uint16_t>(style.attributes & ~bits); };
  const auto colour = [&](int base) { return Colour::basic(static_cast<std::uint32_t>(code - base)); };
  switch (code) {
    case 0: {
      const std::uint16_t link = style.link;
      style = {};
      style.link = link;
      return;
    }
    case 1: return on(kBold);
    case 2: return on(kDim);
    case 3: return on(kItalic);
    case 4: return style.set_underline(Underline::single);
    case 5:
    case 6: return on(kBlink);
    case 7: return on(kReverse);
    case 8: return on(kHidden);
    case 9: return on(kStrike);
    case 21: return style.set_underline(Underline::doubled);
    case 22: return off(kBold | kDim);
    case 23: return off(kItalic);
    case 24: return style.set_underline(Underline::none);
    case 25: return off(kBlink);
    case 27: return off(kReverse);
    case 28: return off(kHidden);
    case 29: return off(kStrike);
    case 39: style.foreground = {}; return;
    case 49: style.background = {}; return;
    case 53: return on(kOverline);
    case 55: return off(kOverline);
    case 59: style.underline_colour = {}; return;
    default: break;
  }
  if (code >= 30 && code <= 37) style.foreground = colour(30);
  else if (code >= 40 && code <= 47) style.background = colour(40);
  else if (code >= 90 && code <= 97) style.foreground = colour(90 - 8);
  else if (code >= 100 && code <= 107) style.background = colour(100 - 8);
}

void append_number(std::string& out, unsigned value) {
  char digits[12];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// ";38;5;7" and the like; the basic colours begin at `base`, or have no short form when it is 0.
void append_colour(std::string& out, Colour colour, unsigned base, unsigned code) {
  const auto number = [&](unsigned value) { append_number(out += ';', value); };
  const std::uint32_t value = colour.value();
  switch (colour.kind()) {
    case Colour::Kind::standard: return;
    case Colour::Kind::basic: return number(value < 8 ? base + value : base + 60 + value - 8);
    case Colour::Kind::indexed:
      number(code);
      out += ";5";
      return number(value);
    case Colour::Kind::rgb:
      number(code);
      out += ";2";
      number(value >> 16U);
      number((value >> 8U) & 0xffU);
      return number(value & 0xffU);
  }
}

}  // namespace

void apply_sgr(Style& style, const Params& params) {
  if (params.size() == 0) return apply_plain(style, 0);
  for (std::size_t i = 0; i < params.size(); ++i) {
    const int code = params.get(i, 0, 0);
    if (code == -1) {
      apply_colons(style, params.colons(i));
    } else if (is_colour(code)) {
      const int kind = params.get(++i, 0, -1);
      if (kind == 5) set_indexed(style, code, params.get(++i, 0, -1));
      // tmux reads on behind the 2 when the channels are not good.
      if (kind == 2 &&
          set_rgb(style, code, params.get(i + 1, 0, -1), params.get(i + 2, 0, -1), params.get(i + 3, 0, -1)))
        i += 3;
    } else {
      apply_plain(style, code);
    }
  }
}

void append_sgr(std::string& out, const Style& style) {
  static constexpr std::array<std::pair<std::uint16_t, std::string_view>, 8> kCodes{{{kBold, ";1"},
                                                                                     {kDim, ";2"},
                                                                                     {kItalic, ";3"},
                                                                                     {kBlink, ";5"},
                                                                                     {kReverse, ";7"},
                                                                                     {kHidden, ";8"},
                                                                                     {kStrike, ";9"},
                                                                                     {kOverline, ";53"}}};
  std::string codes;
  for (const auto& [bit, code] : kCodes) {
    if ((style.attributes & bit) != 0) codes += code;
  }
  if (style.underline() == Underline::single) codes += ";4";
  else if (style.underline() != Underline::none)
    append_number(codes += ";4:", static_cast<unsigned>(style.underline()));
  append_colour(codes, style.foreground, 30, 38);
  append_colour(codes, style.background, 40, 48);
  append_colour(codes, style.underline_colour, 0, 58);
  if (codes.empty()) return;
  out += "\x1b[";
  out.append(codes, 1);
  out += 'm';
}

}  // namespace ccd::terminal
