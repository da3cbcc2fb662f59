// The door to the model: see screen.hpp.
#include "terminal/screen.hpp"

#include <algorithm>

#include "terminal/model.hpp"

namespace ccd::terminal {
namespace {

Size clamped(Size size) { return {std::clamp(size.cols, 1, kMaxSize.cols), std::clamp(size.rows, 1, kMaxSize.rows)}; }

}  // namespace

Screen::Screen(Size size, Limits limits) : model_(std::make_unique<Model>(clamped(size), limits)) {}
Screen::Screen(Screen&&) noexcept = default;
Screen& Screen::operator=(Screen&&) noexcept = default;
Screen::~Screen() = default;

void Screen::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  model_->display.set_generation(++model_->generation);
  model_->parser.feed(bytes);
}

void Screen::resize(Size size) {
  model_->display.set_generation(++model_->generation);
  model_->display.resize(clamped(size));
}

Size Screen::size() const { return model_->display.state().grid.size(); }

Cursor Screen::cursor() const {
  const DisplayState& state = model_->display.state();
  Cursor cursor = state.cursor;
  cursor.x = std::min(state.x, state.grid.cols());
  cursor.y = state.y;
  return cursor;
}

const Modes& Screen::modes() const { return model_->display.state().modes; }
std::string_view Screen::title() const { return model_->interpreter.state().title; }
bool Screen::alternate() const { return model_->display.state().saved != nullptr; }
int Screen::scroll_top() const { return model_->display.state().region_top; }
int Screen::scroll_bottom() const { return model_->display.state().region_bottom; }

std::uint64_t Screen::first_line() const { return model_->display.state().scrollback.first_line(); }
std::uint64_t Screen::top_line() const { return first_line() + model_->display.state().scrollback.size(); }
std::uint64_t Screen::numbering() const { return model_->display.state().numbering; }
std::uint64_t Screen::generation() const { return model_->generation; }
bool Screen::in_synchronized_update() const { return model_->interpreter.state().synchronized_update; }
bool Screen::in_sequence() const { return model_->parser.in_sequence(); }

std::size_t Screen::memory_bytes() const {
  const DisplayState& state = model_->display.state();
  const Interpreter::State& stream = model_->interpreter.state();
  std::size_t bytes = sizeof(Model) + state.grid.memory_bytes() + state.scrollback.memory_bytes() +
                      state.tables.styles.memory_bytes() + state.tables.clusters.memory_bytes() +
                      state.tables.links.memory_bytes() + state.tabs.capacity() / 8 + stream.title.capacity() +
                      model_->parser.memory_bytes();
  if (state.saved) bytes += sizeof(Grid) + state.saved->memory_bytes();
  for (const std::string& title : stream.titles) bytes += sizeof(std::string) + title.capacity();
  return bytes;
}

}  // namespace ccd::terminal
