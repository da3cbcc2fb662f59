// What no escape sequence says, put into snapshots as device control strings that other terminals ignore:
//
//   ESC P ccd ; name { ; number } ESC \          (a cell's text is hexadecimal UTF-8)
//
//   size;cols;rows            the screen has this size from here on
//   row;used;reach            of the cursor's row: cells that count as written, and what tmux would have allocated; behind the edge too
//   wrapped;above             the cursor's row (0) or the one above it (1) continues on the next one
//   cell;x;text               the cell of the cursor's row holds this, which printing does not make; padding when it is empty
//   behind;cells;snapshot     the cursor's row has so many cells; those behind the edge as sequences and records, in hexadecimal
//   erased;x                  the cell of the cursor's row was not printed
//   drawing;x                 the cell of the cursor's row was printed as one of the line-drawing set
//   large;x;count             these cells of the cursor's row are large (cell.hpp), although they do not look it
//   state;x;y;saved_x;saved_y;dec_x;dec_y;dec_origin;scrolled;top_line;numbering;last;joining    see SnapshotWriter::state()
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace ccd::terminal {

inline constexpr std::string_view kRecordBegin = "\x1bPccd;";
inline constexpr std::string_view kRecordEnd = "\x1b\\";

void record(std::string& out, std::string_view name, std::initializer_list<std::int64_t> numbers);
void record_cell(std::string& out, int x, std::string_view text);
void record_behind(std::string& out, int cells, std::string_view snapshot);

struct Record {
  std::string_view name;
  std::vector<std::string_view> fields;

  // The field's number, or `standard` when it is not there or no number.
  [[nodiscard]] std::int64_t number(std::size_t index, std::int64_t standard) const;
  // The field's bytes, written in hexadecimal; empty when they are not.
  [[nodiscard]] std::string bytes(std::size_t index) const;
};
// `text` is what stands between kRecordBegin and kRecordEnd; the record refers to it.
Record parse_record(std::string_view text);

}  // namespace ccd::terminal
