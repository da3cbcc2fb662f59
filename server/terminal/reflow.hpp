// Lines put together anew for another width, with the choices that tmux 3.3a makes.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "terminal/scrollback.hpp"

namespace ccd::terminal {

class Reflow {
 public:
  struct Shape {
    int used = 0;
    bool wrapped = false;
  };

  // `screen` are the rows under the scrollback; `scrolled` as in DisplayState. Lines that go over the limits are dropped.
  Reflow(const Scrollback& scrollback, std::vector<Line> screen, Tables& tables, int cols, std::size_t scrolled);

  void run();

  // The result: what belongs on the screen, at most as many rows as there were, and what lies over it.
  std::deque<Line> rows;
  Scrollback scrollback;
  std::size_t scrolled;
  std::vector<Shape> shapes;  // of all lines, those that were dropped too

 private:
  Line* peek(std::size_t ahead);
  void emit(Line line);
  void join(Line& to, int width);
  void split(Line line, int at);

  const Scrollback& old_;
  std::vector<Line> screen_;
  Tables& tables_;
  int cols_;
  std::size_t screen_rows_;
  std::size_t next_ = 0;    // the next line to be read from what was
  std::size_t taken_ = 0;   // lines that are done with
  std::deque<Line> ahead_;  // read, but not done with
};

// Where the cursor is, told in a way that does not depend on the width: so many cells into a line, lines counted without wraps.
struct WrapPosition {
  bool at_end = false;
  std::size_t cells = 0;
  std::size_t line = 0;
};
inline constexpr WrapPosition kBehindAll{.at_end = true, .cells = 0, .line = std::numeric_limits<std::size_t>::max()};
// `shape(i)` of each line from the top, of which there are `count`; y counts from there too.
template <class Shape>
WrapPosition wrap_position(Shape shape, int x, std::size_t y) {
  WrapPosition position;
  for (std::size_t i = 0; i < y; ++i) {
    const Reflow::Shape line = shape(i);
    if (line.wrapped) {
      position.cells += static_cast<std::size_t>(line.used);
    } else {
      position.cells = 0;
      ++position.line;
    }
  }
  if (x >= shape(y).used) position.at_end = true;
  else position.cells += static_cast<std::size_t>(x);
  return position;
}

struct Place {
  int x = 0;
  std::size_t y = 0;
};
Place unwrap_position(const std::vector<Reflow::Shape>& shapes, WrapPosition position);

}  // namespace ccd::terminal
