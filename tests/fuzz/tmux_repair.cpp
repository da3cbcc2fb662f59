// Fuzzes tmux/repair: any capture becomes bytes for a terminal of the pane's size, bounded by what was captured.
//
// Input: the answer to repair_commands(): a line of numbers, then the captured lines.
#include "tmux/repair.hpp"

#include <string>

#include "support.hpp"

namespace ccd::tmux {
namespace {

// 80 columns and 3 rows, cursor at 0,2, wrapped lines on, whole region; `history` lines above and no alternate screen.
std::string numbers(std::size_t history) {
  return std::to_string(history) + " 80 3 0 2 1 0 0 0 0 1 0 0 0 0 0 0 2 0 0 0 8,16,24,32,40,48,56,64,72\n";
}

// A pane's own text is repeated as it is, and only as often as a row can be.
void check_text(std::string_view text) {
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  if (lines < 4 || lines - 4 > static_cast<std::size_t>(kRepairHistory)) return;
  const auto repair = parse_repair(numbers(lines - 4) + std::string(text));
  CHECK(repair && repair->cols == 80 && repair->rows == 3);
  std::string_view rest = text;
  std::size_t from = 0;
  for (std::size_t i = 0; i + 1 < lines; ++i) {
    const std::string_view line = fuzz::take(rest);
    from = repair->escape_sequences.find(line, from);
    CHECK(from != std::string::npos);
    from += line.size();
  }
}

}  // namespace
}  // namespace ccd::tmux

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::tmux;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  check_text(text);
  const auto repair = parse_repair(text);
  if (!repair) {
    CHECK(repair.error().kind == ccd::ErrorKind::internal);
    return 0;
  }
  CHECK(repair->cols >= 1 && repair->rows >= 1);
  // Each line comes once and one row again, its colours before it; what is added for a line, a tab stop or a mode is
  // short.
  constexpr std::size_t kPerByte = 16;
  constexpr std::size_t kFixed = 1024;
  CHECK(repair->escape_sequences.size() <= kFixed + kPerByte * size);
  CHECK(repair->escape_sequences.starts_with("\x1b[?1049l"));
  return 0;
}
