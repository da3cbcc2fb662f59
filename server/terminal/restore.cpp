// Taking on a snapshot: its sequences are fed, and its records correct what they leave open. Any bytes are taken; what makes no sense
// is left out.
#include <algorithm>

#include "terminal/line_writer.hpp"
#include "terminal/model.hpp"
#include "terminal/restore_record.hpp"
#include "terminal/screen.hpp"
#include "terminal/widths.hpp"

namespace ccd::terminal {
namespace {

int bounded(const Record& record, std::size_t index, int max) {
  return static_cast<int>(std::clamp<std::int64_t>(record.number(index, 0), 0, max));
}

void apply_wrapped(DisplayState& state, bool above) {
  if (!above) state.grid.row(state.y).wrapped = true;
  else if (state.y > 0) state.grid.row(state.y - 1).wrapped = true;
  else state.scrollback.wrap_newest();
}

void apply_cell(DisplayState& state, const Record& record) {
  const int x = bounded(record, 0, state.grid.cols() - 1);
  const std::string text = record.bytes(1);
  const Cell old = state.grid.cell(x, state.y);
  Cell cell{kPadding | ' ', 0};
  if (!text.empty()) {
    cell.style = old.style;
    const Utf8Char base = read_utf8(text.data(), text.size());
    if (text.size() > kClusterBytes || !is_title(text) || width_of(base.code_point) == Width::combining) return;
    const std::uint32_t wide = width_of(base.code_point) == Width::wide ? kWide : 0U;
    cell.glyph = base.code_point | wide;
    if (text.size() > base.size && !state.tables.clusters.full())
      cell.glyph = state.tables.clusters.intern(text) | kCluster | wide;
  }
  state.grid.set(x, state.y, cell);
}

void apply_erased(DisplayState& state, int x) {
  const Style& printed = state.tables.styles[state.grid.cell(x, state.y).style];
  const Style blank{.foreground = {}, .background = printed.background, .underline_colour = {}};
  state.grid.mark_erased(x, state.y, state.tables.styles.intern(blank));
}

void apply_drawing(DisplayState& state, int x) {
  const Cell cell = state.grid.cell(x, state.y);
  if ((cell.glyph & kCluster) == 0) return;
  Style style = state.tables.styles[cell.style];
  style.attributes |= kLineDrawing;
  state.grid.set(x, state.y, {cell.glyph, state.tables.styles.intern(style)});
}

// What corrects cells.
bool apply_to_cells(DisplayState& state, const Record& record) {
  if (record.name == "cell") apply_cell(state, record);
  else if (record.name == "erased") apply_erased(state, bounded(record, 0, kMaxLineCells));
  else if (record.name == "drawing") apply_drawing(state, bounded(record, 0, kMaxLineCells));
  else if (record.name == "large")
    state.grid.mark_large(bounded(record, 0, kMaxLineCells), state.y, bounded(record, 1, kMaxLineCells));
  else return false;
  return true;
}

void apply_state(Model& model, const Record& record) {
  DisplayState& state = model.display.state();
  Interpreter::State& stream = model.interpreter.state();
  state.x = bounded(record, 0, kMaxSize.cols);
  state.y = bounded(record, 1, state.grid.rows() - 1);
  if (state.saved_cursor) state.saved_cursor = {bounded(record, 2, kMaxSize.cols), bounded(record, 3, kMaxSize.rows)};
  stream.saved.x = bounded(record, 4, kMaxSize.cols);
  stream.saved.y = bounded(record, 5, kMaxSize.rows);
  stream.saved.origin = record.number(6, 0) == 1;
  state.scrolled = static_cast<std::size_t>(
      std::clamp<std::int64_t>(record.number(7, 0), 0, static_cast<std::int64_t>(state.scrollback.size())));
  const auto top = static_cast<std::uint64_t>(std::max<std::int64_t>(record.number(8, 0), 0));
  state.scrollback.set_first_line(top - std::min<std::uint64_t>(top, state.scrollback.size()));
  state.numbering = static_cast<std::uint64_t>(std::max<std::int64_t>(record.number(9, 0), 0));
  state.joining = record.number(11, 0) == 1;
  const std::int64_t last = record.number(10, -1);
  stream.last = last >= 0x20 && last < 0x7f ? static_cast<int>(last) : -1;
}

// Nothing but characters, their looks, steps within the row, and records: so much may be in the snapshot of a row's end.
bool only_draws(std::string_view text) {
  constexpr std::string_view kFinals = "mGXb";
  const auto skip_to = [&](std::string_view mark) {
    const std::size_t at = text.find(mark, 1);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + mark.size());
  };
  while (!text.empty()) {
    if (text.starts_with(kRecordBegin)) {
      skip_to(kRecordEnd);
    } else if (text.starts_with("\x1b]8;")) {
      skip_to(kRecordEnd);
    } else if (text.starts_with("\x1b(0") || text.starts_with("\x1b(B")) {
      text.remove_prefix(3);
    } else if (text.starts_with("\x1b[")) {
      const std::size_t final = text.find_first_not_of("0123456789;:", 2);
      if (final == std::string_view::npos || kFinals.find(text[final]) == std::string_view::npos) return false;
      text.remove_prefix(final + 1);
    } else {
      if (static_cast<unsigned char>(text.front()) < 0x20) return false;
      text.remove_prefix(1);
    }
  }
  return true;
}

// Feeds what is between the records, and gives each of these to `take`.
template <class Take>
void replay(Model& model, std::string_view snapshot, Take take) {
  while (!snapshot.empty()) {
    const std::size_t begin = std::min(snapshot.find(kRecordBegin), snapshot.size());
    model.parser.feed(snapshot.substr(0, begin));
    snapshot.remove_prefix(begin);
    if (snapshot.empty()) break;
    snapshot.remove_prefix(kRecordBegin.size());
    const std::size_t end = std::min(snapshot.find(kRecordEnd), snapshot.size());
    take(parse_record(snapshot.substr(0, end)));
    snapshot.remove_prefix(std::min(end + kRecordEnd.size(), snapshot.size()));
  }
}

// The row is drawn on a screen that is wide enough for a moment.
void apply_behind(Model& model, const Record& record) {
  constexpr int kStep = 256;  // cells: so that rows that are longer and longer do not make the screen anew each time
  constexpr std::string_view kCancel = "\x18";
  DisplayState& state = model.display.state();
  const std::string cells = record.bytes(1);
  if (!only_draws(cells)) return;
  const int cols = state.grid.cols();
  const int x = state.x;
  const int wanted = (bounded(record, 0, kMaxLineCells) + kStep - 1) / kStep * kStep;
  model.parser.feed(kCancel);
  state.grid.set_cols(std::max({cols, state.grid.stride(), wanted}));
  replay(model, cells, [&](const Record& part) { apply_to_cells(state, part); });
  model.parser.feed(kCancel);
  state.grid.set_cols(cols);
  state.x = x;
}

void apply(Model& model, const Record& record) {
  DisplayState& state = model.display.state();
  if (record.name == "size") {
    const Size size{std::max(bounded(record, 0, kMaxSize.cols), 1), std::max(bounded(record, 1, kMaxSize.rows), 1)};
    model.display.resize(size);
  } else if (record.name == "row") {
    state.grid.set_written(state.y, bounded(record, 0, kMaxLineCells), bounded(record, 1, kMaxLineCells));
  } else if (record.name == "wrapped") {
    apply_wrapped(state, record.number(0, 0) == 1);
  } else if (record.name == "behind") {
    apply_behind(model, record);
  } else if (record.name == "state") {
    apply_state(model, record);
  } else {
    apply_to_cells(state, record);
  }
}

}  // namespace

void Screen::restore(std::string_view snapshot) {
  const std::uint64_t generation = model_->generation + 1;
  auto fresh = std::make_unique<Model>(size(), model_->display.state().scrollback.limits());
  fresh->generation = generation;
  fresh->display.set_generation(generation);
  replay(*fresh, snapshot, [&](const Record& record) { apply(*fresh, record); });
  fresh->display.state().grid.touch_all();
  model_ = std::move(fresh);
}

}  // namespace ccd::terminal
