// How one cell of a terminal looks: colours, attributes and link. Plain values, shared by all of the room.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace ccd::terminal {

// A colour as the program gave it, because what "red" is belongs to the viewer's theme.
class Colour {
 public:
  enum class Kind : std::uint8_t {
    standard,  // what the terminal uses without any colour
    basic,     // 0 to 7 of SGR 30-37 and 40-47, 8 to 15 of SGR 90-97 and 100-107
    indexed,   // 0 to 255 of SGR 38;5 and 48;5
    rgb,       // 0xRRGGBB of SGR 38;2 and 48;2
  };

  constexpr Colour() = default;
  static constexpr Colour basic(std::uint32_t index) { return Colour(Kind::basic, index); }
  static constexpr Colour indexed(std::uint32_t index) { return Colour(Kind::indexed, index); }
  static constexpr Colour rgb(std::uint32_t rrggbb) { return Colour(Kind::rgb, rrggbb); }
  static constexpr Colour from_bits(std::uint32_t bits) {
    return Colour(static_cast<Kind>((bits >> 24U) & 3U), bits & 0xffffffU);
  }

  [[nodiscard]] constexpr Kind kind() const { return static_cast<Kind>(bits_ >> 24U); }
  [[nodiscard]] constexpr std::uint32_t value() const { return bits_ & 0xffffffU; }
  [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool is_standard() const { return bits_ == 0; }
  friend constexpr bool operator==(Colour, Colour) = default;

 private:
  constexpr Colour(Kind kind, std::uint32_t value) : bits_(static_cast<std::uint32_t>(kind) << 24U | value) {}
  std::uint32_t bits_ = 0;
};

enum class Underline : std::uint8_t { none, single, doubled, curly, dotted, dashed };

// Bits of Style::attributes. The kind of underline stands in three bits of its own.
enum Attribute : std::uint16_t {
  kBold = 1U << 0U,
  kDim = 1U << 1U,
  kItalic = 1U << 2U,
  kBlink = 1U << 3U,
  kReverse = 1U << 4U,
  kHidden = 1U << 5U,
  kStrike = 1U << 6U,
  kOverline = 1U << 7U,
  kLineDrawing = 1U << 8U,  // the cell holds a letter that stands for a line-drawing character (SO, ESC ( 0)
};
inline constexpr unsigned kUnderlineShift = 9;
inline constexpr std::uint16_t kUnderlineMask = 7U << kUnderlineShift;

struct Style {
  Colour foreground;
  Colour background;
  Colour underline_colour;
  std::uint16_t attributes = 0;  // Attribute bits and the kind of underline
  std::uint16_t link = 0;        // number in the screen's table of links; 0 is none

  [[nodiscard]] constexpr Underline underline() const {
    return static_cast<Underline>((attributes & kUnderlineMask) >> kUnderlineShift);
  }
  constexpr void set_underline(Underline kind) {
    attributes =
        static_cast<std::uint16_t>((attributes & ~kUnderlineMask) | (static_cast<unsigned>(kind) << kUnderlineShift));
  }
  // As two words, which is what it is compared by most often.
  friend constexpr bool operator==(const Style& a, const Style& b) {
    using Words = std::array<std::uint64_t, 2>;
    return std::bit_cast<Words>(a) == std::bit_cast<Words>(b);
  }
};
static_assert(sizeof(Style) == 16);

// tmux has no room for these in the small form of a cell (cell.hpp): 24-bit colours, the colour of an underline, other underlines than the
// single one, and the line above.
constexpr bool needs_large(const Style& style) {
  return style.foreground.kind() == Colour::Kind::rgb || style.background.kind() == Colour::Kind::rgb ||
         !style.underline_colour.is_standard() || style.underline() > Underline::single ||
         (style.attributes & kOverline) != 0;
}

}  // namespace ccd::terminal
