// Lines that have left the screen, stored as text with runs of styles: one byte a character for plain ones. Oldest lines go first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "terminal/screen.hpp"
#include "terminal/tables.hpp"

namespace ccd::terminal {

// A row's cells where they lie. Cells from `filled` on are standard blanks.
struct LineView {
  const Cell* cells = nullptr;
  int filled = 0;
  int used = 0;  // one past the last cell that was ever written: what a change of the width puts together
  bool wrapped = false;

  // Without what lies behind this width.
  [[nodiscard]] LineView clipped(int cols) const {
    return {
        .cells = cells, .filled = filled < cols ? filled : cols, .used = used < cols ? used : cols, .wrapped = wrapped};
  }
};

// No line is put together from more cells: those of padding take no room, so without this there would be no end.
inline constexpr int kMaxLineCells = 4 * kMaxSize.cols;

struct Line {
  std::vector<Cell> cells;
  int used = 0;
  bool wrapped = false;

  [[nodiscard]] LineView view() const { return {cells.data(), static_cast<int>(cells.size()), used, wrapped}; }
};

class Scrollback {
 public:
  explicit Scrollback(Limits limits) : limits_(limits) {}

  void append(const LineView& line, const Tables& tables);
  // Takes the newest line off again. There is one.
  void drop_newest();
  // Replaces `into`; the tables take what the line refers to, and collect nothing meanwhile.
  void read(std::size_t index, Tables& tables, Line& into) const;
  // The newest line no longer continues on the screen.
  void unwrap_newest();
  void wrap_newest();
  void clear();

  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  // Lines that were dropped at the front, or cleared, since the beginning: the number of the oldest one kept.
  [[nodiscard]] std::uint64_t first_line() const { return first_line_; }
  void set_first_line(std::uint64_t number) { first_line_ = number; }
  [[nodiscard]] bool wrapped(std::size_t index) const;
  [[nodiscard]] int used(std::size_t index) const;

  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::uint32_t size = 0;
    std::uint32_t capacity = 0;
  };
  struct Place {
    std::uint32_t chunk = 0;  // counted from the beginning, first_chunk_ is the oldest one kept
    std::uint32_t offset = 0;
  };

  [[nodiscard]] const char* at(Place place) const {
    return chunks_[place.chunk - first_chunk_].bytes.get() + place.offset;
  }
  [[nodiscard]] std::size_t record_size(std::size_t index) const;
  char* reserve(std::size_t bytes);
  void finish(std::size_t bytes);
  bool append_ascii(const LineView& line, int cells, const Tables& tables);
  void drop_oldest();
  void set_newest_wrapped(bool wrapped);

  Limits limits_;
  std::deque<Chunk> chunks_;
  std::deque<Place> lines_;
  std::uint32_t first_chunk_ = 0;
  std::uint64_t first_line_ = 0;
  std::size_t bytes_ = 0;  // of the lines kept
  std::string scratch_;    // a line that is being encoded
};

}  // namespace ccd::terminal
