// The room's door: one pane's screen, scrollback and modes, as tmux 3.3a keeps them, computed from the bytes its program writes.
//
// Pure: no I/O, no clock, no threads. One Screen belongs to one thread. Nothing fails and nothing throws but std::bad_alloc; all
// that is kept is bounded, whatever arrives. The same bytes in any pieces give the same screen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ccd::terminal {

class Model;

struct Size {
  int cols = 80;
  int rows = 24;
  friend bool operator==(Size, Size) = default;
};
// A wall of 4K monitors. Sizes beyond are clamped, at the other end to 1.
inline constexpr Size kMaxSize{1000, 500};

struct Limits {
  std::size_t scrollback_lines = 10'000;
  std::size_t scrollback_bytes =
      16U << 20U;  // of encoded lines: 10,000 lines of 200 columns that change colour every few cells
};

enum class CursorShape : std::uint8_t { standard, block, underline, bar };

struct Cursor {
  int x = 0;  // equal to the width when the next character wraps
  int y = 0;
  bool visible = true;
  bool blinking = false;
  CursorShape shape = CursorShape::standard;
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

enum class MouseMode : std::uint8_t { off, clicks, buttons, all };  // ?1000, ?1002, ?1003

struct Modes {
  bool insert = false;              // SM 4
  bool origin = false;              // ?6
  bool wrap = true;                 // ?7
  bool application_cursor = false;  // ?1
  bool application_keypad = false;  // ESC =
  bool bracketed_paste = false;     // ?2004
  bool focus_events = false;        // ?1004
  bool mouse_utf8 = false;          // ?1005
  bool mouse_sgr = false;           // ?1006
  bool extended_keys = false;       // modifyOtherKeys
  MouseMode mouse = MouseMode::off;
  friend bool operator==(const Modes&, const Modes&) = default;
};

class Screen {
 public:
  explicit Screen(Size size, Limits limits = {});
  Screen(Screen&&) noexcept;
  Screen& operator=(Screen&&) noexcept;
  ~Screen();

  // What the pane's program wrote.
  void feed(std::string_view bytes);

  // As tmux resizes a pane: the main screen and its scrollback reflow, the alternate screen does not.
  void resize(Size size);

  // Takes on what a snapshot (snapshot.hpp) describes, size and all; what was there before is gone. Feeding the same bytes
  // gives the same picture, but not what no escape sequence can say: numbers of lines, and wraps that printing cannot make.
  void restore(std::string_view snapshot);

  [[nodiscard]] Size size() const;
  [[nodiscard]] Cursor cursor() const;
  [[nodiscard]] const Modes& modes() const;
  [[nodiscard]] std::string_view title() const;  // UTF-8 without control characters, at most kMaxTitle bytes
  [[nodiscard]] bool alternate() const;          // the alternate screen is shown
  [[nodiscard]] int scroll_top() const;          // first and last row of the scroll region
  [[nodiscard]] int scroll_bottom() const;

  // Lines of the main screen have numbers: the first that ever scrolled off is 0, top_line() is the first one that is still on
  // the screen, and [first_line(), top_line()) is the scrollback that is kept. A change of the width, and of the height where it
  // takes lines back, gives lines new numbers and a new numbering().
  [[nodiscard]] std::uint64_t first_line() const;
  [[nodiscard]] std::uint64_t top_line() const;
  [[nodiscard]] std::uint64_t numbering() const;

  // Grows with every feed, resize and restore that was given something. See rows.hpp.
  [[nodiscard]] std::uint64_t generation() const;

  // The program has begun an update of the screen (?2026 h) and not ended it. tmux ignores this; a snapshot may wait for its
  // end, but not for ever, because programs die in the middle.
  [[nodiscard]] bool in_synchronized_update() const;

  // The bytes so far end inside an escape sequence or a character. A snapshot then ends with that beginning.
  [[nodiscard]] bool in_sequence() const;

  [[nodiscard]] std::size_t memory_bytes() const;

  // For the rest of the room (snapshot, text, rows).
  [[nodiscard]] const Model& model() const { return *model_; }

 private:
  std::unique_ptr<Model> model_;
};

// A title longer than this is not taken. tmux takes up to 1 MiB; no program has a use for it, and each viewer is told the title.
inline constexpr std::size_t kMaxTitle = 4096;

// In words the first thing in which two screens differ, empty when nothing does: screens, scrollback, line numbers, pen, cursors,
// modes, tabs, links, titles, wraps, what of their past matters (cell.hpp), cells behind the edge of a screen that became narrower, and
// the sequence they are in. Not the generation.
std::string first_difference(const Screen& a, const Screen& b);
inline bool operator==(const Screen& a, const Screen& b) { return first_difference(a, b).empty(); }

}  // namespace ccd::terminal
