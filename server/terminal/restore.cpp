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
  Cell cell{kPadding | ' ', old.style};
  if (!text.empty()) {
    const Utf8Char base = read_utf8(text.data(), text.size());
    if (text.size() > kClusterBytes || !is_title(text) || width_of(base.code_point) == Width::combining) return;
    const std::uint32_t wide = width_of(base.code_point) == Width::wide ? kWide : 0U;
    cell.glyph = base.code_point | wide;
    if (text.size() > base.size && !state.tables.clusters.full())
      cell.glyph = state.tables.clusters.intern(text) | kCluster | wide;
  }
  state.grid.set(x, state.y, cell);
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

void apply(Model& model, const Record& record) {
  DisplayState& state = model.display.state();
  if (record.name == "size") {
    const Size size{std::max(bounded(record, 0, kMaxSize.cols), 1), std::max(bounded(record, 1, kMaxSize.rows), 1)};
    model.display.resize(size);
  } else if (record.name == "row") {
    state.grid.set_written(state.y, bounded(record, 0, kMaxSize.cols), bounded(record, 1, kMaxSize.cols));
  } else if (record.name == "wrapped") {
    apply_wrapped(state, record.number(0, 0) == 1);
  } else if (record.name == "cell") {
    apply_cell(state, record);
  } else if (record.name == "state") {
    apply_state(model, record);
  }
}

}  // namespace

void Screen::restore(std::string_view snapshot) {
  const std::uint64_t generation = model_->generation + 1;
  auto fresh = std::make_unique<Model>(size(), model_->display.state().scrollback.limits());
  fresh->generation = generation;
  fresh->display.set_generation(generation);
  while (!snapshot.empty()) {
    const std::size_t begin = std::min(snapshot.find(kRecordBegin), snapshot.size());
    fresh->parser.feed(snapshot.substr(0, begin));
    snapshot.remove_prefix(begin);
    if (snapshot.empty()) break;
    snapshot.remove_prefix(kRecordBegin.size());
    const std::size_t end = std::min(snapshot.find(kRecordEnd), snapshot.size());
    apply(*fresh, parse_record(snapshot.substr(0, end)));
    snapshot.remove_prefix(std::min(end + kRecordEnd.size(), snapshot.size()));
  }
  fresh->display.state().grid.touch_all();
  model_ = std::move(fresh);
}

}  // namespace ccd::terminal
