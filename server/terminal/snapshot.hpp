// A screen as bytes for others: as escape sequences that rebuild it, as text, and as pages of scrollback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "terminal/screen.hpp"

namespace ccd::terminal {

inline constexpr std::uint64_t kAllLines = std::numeric_limits<std::uint64_t>::max();

struct SnapshotOptions {
  // How many lines of scrollback, the newest, go in front of the screen.
  std::uint64_t scrollback_lines = 0;
};

// Standard sequences, beginning with a full reset, that make a terminal of the same size show and continue the same: both screens,
// pen, cursors, modes, tabs, scroll region, character sets, title, links. At the end the beginning of the sequence that the bytes
// so far end in, if any. Few DCS strings that other terminals ignore tell Screen::restore() what has no sequence; with kAllLines
// that makes the snapshot a keyframe: restore() gives a screen equal to this one.
std::string write_snapshot(const Screen& screen, SnapshotOptions options = {});

enum class Wraps : std::uint8_t {
  kept,    // a line per row
  joined,  // rows that the terminal wrapped are one line, with the blanks that they end in
};

// UTF-8 text, a newline after each line, blanks at the ends of lines dropped, line drawing as its Unicode characters.
std::string write_text(const Screen& screen, Wraps wraps = Wraps::kept);

// The same of lines by number, scrollback and main screen alike; lines that are not kept are left out.
std::string write_text(const Screen& screen, std::uint64_t first_line, std::uint64_t count, Wraps wraps = Wraps::kept);

struct LinePage {
  std::uint64_t first_line = 0;  // of what is in the page: later than asked when lines have been trimmed
  std::uint64_t count = 0;
  std::uint64_t numbering = 0;  // see Screen::numbering()
  std::string text;  // UTF-8 with SGR and OSC 8; each line begins and ends with the terminal's own colours, and ends
                     // in CR LF, or, where the terminal wrapped it, in nothing
};

// At most `count` lines of scrollback and main screen from `first_line` on.
LinePage write_lines(const Screen& screen, std::uint64_t first_line, std::uint64_t count);

}  // namespace ccd::terminal
