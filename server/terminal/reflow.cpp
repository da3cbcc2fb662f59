// Joining and splitting lines: see reflow.hpp.
#include "terminal/reflow.hpp"

#include <algorithm>
#include <utility>

namespace ccd::terminal {
namespace {

struct Measure {
  int width = 0;
  int fits = 0;  // cells that go into one row, when not all of them do
};

Measure measure(const Line& line, int cols) {
  Measure result;
  bool over = false;
  for (int i = 0; i < line.used; ++i) {
    const int columns = columns_of(line.cells[static_cast<std::size_t>(i)]);
    if (!over && result.width + columns > cols) {
      over = true;
      result.fits = i;
    }
    result.width += columns;
  }
  return result;
}

// Cells are printed anew: an erased one becomes a blank, and one that was large without a need becomes small, or the other way round
// where it goes onto a large one.
void put(Line& line, Cell cell, const StyleTable& styles) {
  if (cell.glyph == kErased) cell.glyph = ' ';
  cell.style = style_number(cell.style) | (needs_large(styles[cell.style]) ? kLarge : 0U);
  const auto at = static_cast<std::size_t>(line.used++);
  if (at == line.cells.size()) return line.cells.push_back(cell);
  if (is_large(line.cells[at])) cell.style |= kLarge;
  line.cells[at] = cell;
}

}  // namespace

Reflow::Reflow(const Scrollback& scrollback, std::vector<Line> screen, Tables& tables, int cols, std::size_t scrolled)
    : scrollback(scrollback.limits()),
      scrolled(scrolled),
      old_(scrollback),
      screen_(std::move(screen)),
      tables_(tables),
      cols_(cols),
      screen_rows_(screen_.size()) {
  this->scrollback.set_first_line(scrollback.first_line());
}

// The line `ahead` lines after the one that is next; null at the end.
Line* Reflow::peek(std::size_t ahead) {
  while (ahead_.size() <= ahead) {
    if (next_ < old_.size()) {
      ahead_.emplace_back();
      old_.read(next_, tables_, ahead_.back());
    } else if (next_ < old_.size() + screen_rows_) {
      ahead_.push_back(std::move(screen_[next_ - old_.size()]));
    } else {
      return nullptr;
    }
    ++next_;
  }
  return &ahead_[ahead];
}

void Reflow::emit(Line line) {
  // Erased cells behind the edge stay, as in tmux: they show again when the screen becomes wider.
  const auto used = static_cast<std::size_t>(line.used);
  while (line.cells.size() > used && line.cells.back() == Cell{}) line.cells.pop_back();
  shapes.push_back({line.used, line.wrapped});
  rows.push_back(std::move(line));
  if (rows.size() <= screen_rows_) return;
  scrollback.append(rows.front().view(), tables_);
  rows.pop_front();
}

void Reflow::run() {
  while (peek(0) != nullptr) {
    Line line = std::move(ahead_.front());
    ahead_.pop_front();
    const Measure size = measure(line, cols_);
    if (size.width > cols_) {
      split(std::move(line), size.fits);
    } else {
      if (size.width < cols_ && line.wrapped) join(line, size.width);
      emit(std::move(line));
    }
    ++taken_;
  }
  while (rows.size() < screen_rows_) emit({});
  scrolled = std::min(scrolled, scrollback.size());
}

// Fills `to`, which is the next to be emitted and `width` wide, from the lines that continue it.
void Reflow::join(Line& to, int width) {
  std::size_t lines = 0;
  Line* from = nullptr;
  int taken = 0;
  bool wrapped = true;
  while (Line* next = peek(lines)) {
    wrapped = wrapped && next->wrapped;
    if (next->used == 0) {
      if (!wrapped) break;
      ++lines;
      continue;
    }
    if (width + columns_of(next->cells[0]) > cols_ || to.used == kMaxLineCells) break;
    from = next;
    for (taken = 0; taken < from->used; ++taken) {
      const Cell cell = from->cells[static_cast<std::size_t>(taken)];
      if (width + columns_of(cell) > cols_ || to.used == kMaxLineCells) break;
      width += columns_of(cell);
      put(to, cell, tables_.styles);
    }
    ++lines;
    if (!wrapped || taken != from->used || width == cols_) break;
  }
  if (from == nullptr) return;
  if (taken != from->used) {
    from->cells.resize(static_cast<std::size_t>(from->used));
    from->cells.erase(from->cells.begin(), from->cells.begin() + taken);
    from->used -= taken;
    --lines;
  } else if (!wrapped) {
    to.wrapped = false;
  }
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(lines));
  taken_ += lines;
  const std::size_t at = shapes.size();
  if (scrolled > at + lines) scrolled -= lines;
  else if (scrolled > at) scrolled = at;
}

void Reflow::split(Line line, int at) {
  const bool wrapped = line.wrapped;
  std::size_t lines = 2;
  Line rest;
  int width = 0;
  Line first;
  first.cells.assign(line.cells.begin(), line.cells.begin() + at);
  first.used = at;
  first.wrapped = true;
  emit(std::move(first));
  for (int i = at; i < line.used; ++i) {
    const Cell cell = line.cells[static_cast<std::size_t>(i)];
    if (width + columns_of(cell) > cols_ || rest.used == kMaxLineCells) {
      rest.wrapped = true;
      emit(std::exchange(rest, {}));
      width = 0;
      ++lines;
    }
    width += columns_of(cell);
    put(rest, cell, tables_.styles);
  }
  rest.wrapped = wrapped;
  if (taken_ <= scrolled) scrolled += lines - 1;
  if (width < cols_ && wrapped) join(rest, width);
  emit(std::move(rest));
}

Place unwrap_position(const std::vector<Reflow::Shape>& shapes, WrapPosition position) {
  std::size_t y = 0;
  for (std::size_t line = 0; y + 1 < shapes.size() && line != position.line; ++y) {
    if (!shapes[y].wrapped) ++line;
  }
  const auto used = [&] { return static_cast<std::size_t>(shapes[y].used); };
  const auto continues = [&] { return shapes[y].wrapped && y + 1 < shapes.size(); };
  if (position.at_end) {
    while (continues()) ++y;
    position.cells = used();
  } else {
    for (; continues() && position.cells >= used(); ++y) position.cells -= used();
  }
  return {.x = static_cast<int>(position.cells), .y = y};
}

}  // namespace ccd::terminal
