// Chunks of encoded lines and where each begins: see scrollback.hpp.
#include "terminal/scrollback.hpp"

#include <algorithm>
#include <cstring>

#include "terminal/ascii_cells.hpp"
#include "terminal/line_codec.hpp"

namespace ccd::terminal {
namespace {

// Some hundred lines: few allocations in a flood, and little is kept for nothing when a screen is idle.
constexpr std::size_t kChunkBytes = 32U << 10U;

// One past the last cell that is not a standard blank, and at least what was written.
int cells_to_keep(const LineView& line) {
  int cells = line.filled;
  while (cells > line.used && line.cells[cells - 1] == Cell{}) --cells;
  return cells;
}

}  // namespace

char* Scrollback::reserve(std::size_t bytes) {
  if (chunks_.empty() || chunks_.back().capacity - chunks_.back().size < bytes) {
    const std::size_t capacity = std::max(kChunkBytes, bytes);
    // Not value-initialised: every byte is written before it is read.
    chunks_.push_back({.bytes = std::unique_ptr<char[]>(new char[capacity]),
                       .size = 0,
                       .capacity = static_cast<std::uint32_t>(capacity)});
  }
  return chunks_.back().bytes.get() + chunks_.back().size;
}

void Scrollback::finish(std::size_t bytes) {
  Chunk& chunk = chunks_.back();
  lines_.push_back({.chunk = first_chunk_ + static_cast<std::uint32_t>(chunks_.size() - 1), .offset = chunk.size});
  chunk.size += static_cast<std::uint32_t>(bytes);
  bytes_ += bytes;
  while (!lines_.empty() && (lines_.size() > limits_.scrollback_lines || bytes_ > limits_.scrollback_bytes))
    drop_oldest();
}

bool Scrollback::append_ascii(const LineView& line, int cells, const Tables& tables) {
  const StyleId style = cells > 0 ? line.cells[0].style : 0;
  if (cells > 0 && (line.cells[cells - 1].style != style || tables.styles[style].link != 0)) return false;
  const bool styled = style != 0;
  const auto flags =
      static_cast<std::uint8_t>(codec::kPlain | (styled ? codec::kStyled : 0U) | (line.wrapped ? codec::kWrapped : 0U));
  char* const begin = reserve(codec::kMaxPrefix + static_cast<std::size_t>(cells));
  char* out = codec::put(
      begin,
      {.flags = flags, .used = static_cast<std::uint16_t>(line.used), .cells = static_cast<std::uint16_t>(cells)});
  if (styled) {
    constexpr std::uint16_t kOneRun = 1;
    std::memcpy(out, &kOneRun, 2);
    out = codec::put_run(out + 2, static_cast<std::uint16_t>(cells), style, tables.styles);
  }
  if (!take_ascii(out, line.cells, cells)) return false;
  finish(static_cast<std::size_t>(out - begin) + static_cast<std::size_t>(cells));
  return true;
}

void Scrollback::append(const LineView& line, const Tables& tables) {
  const int cells = cells_to_keep(line);
  if (append_ascii(line, cells, tables)) return;
  const std::size_t room = codec::max_size(line, cells, tables);
  if (scratch_.size() < room) scratch_.resize(room);
  const auto size = static_cast<std::size_t>(codec::encode(scratch_.data(), line, cells, tables) - scratch_.data());
  std::memcpy(reserve(size), scratch_.data(), size);
  finish(size);
  if (scratch_.size() > kChunkBytes) scratch_ = {};
}

std::size_t Scrollback::record_size(std::size_t index) const {
  const Place place = lines_[index];
  const bool last_of_chunk = index + 1 == lines_.size() || lines_[index + 1].chunk != place.chunk;
  return (last_of_chunk ? chunks_[place.chunk - first_chunk_].size : lines_[index + 1].offset) - place.offset;
}

void Scrollback::drop_oldest() {
  bytes_ -= record_size(0);
  lines_.pop_front();
  ++first_line_;
  const std::uint32_t keep =
      lines_.empty() ? first_chunk_ + static_cast<std::uint32_t>(chunks_.size()) : lines_[0].chunk;
  for (; first_chunk_ < keep; ++first_chunk_) chunks_.pop_front();
}

void Scrollback::drop_newest() {
  const Place place = lines_.back();
  bytes_ -= record_size(lines_.size() - 1);
  lines_.pop_back();
  Chunk& chunk = chunks_[place.chunk - first_chunk_];
  chunk.size = place.offset;
  if (chunk.size == 0) chunks_.pop_back();
}

void Scrollback::read(std::size_t index, Tables& tables, Line& into) const {
  codec::decode(at(lines_[index]), tables, into);
}

void Scrollback::unwrap_newest() { set_newest_wrapped(false); }
void Scrollback::wrap_newest() { set_newest_wrapped(true); }

void Scrollback::set_newest_wrapped(bool wrapped) {
  if (lines_.empty()) return;
  const Place place = lines_.back();
  char& flags = chunks_[place.chunk - first_chunk_].bytes[place.offset];
  const unsigned others = static_cast<unsigned char>(flags) & ~unsigned{codec::kWrapped};
  flags = static_cast<char>(others | (wrapped ? codec::kWrapped : 0U));
}

void Scrollback::clear() {
  first_line_ += lines_.size();
  lines_.clear();
  lines_.shrink_to_fit();
  chunks_.clear();
  first_chunk_ = 0;
  bytes_ = 0;
}

bool Scrollback::wrapped(std::size_t index) const {
  return (codec::head(at(lines_[index])).flags & codec::kWrapped) != 0;
}
int Scrollback::used(std::size_t index) const { return codec::head(at(lines_[index])).used; }

std::size_t Scrollback::memory_bytes() const {
  std::size_t bytes = lines_.size() * sizeof(Place) + scratch_.capacity();
  for (const Chunk& chunk : chunks_) bytes += chunk.capacity + sizeof(Chunk);
  return bytes;
}

}  // namespace ccd::terminal
