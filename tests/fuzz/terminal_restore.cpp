// Fuzzes Screen::restore(): whatever is in a damaged keyframe, the screen stays sane and goes on.
//
// Input: a keyframe, as write_snapshot() with all lines makes it, or anything else.
#include <string_view>

#include "support.hpp"
#include "terminal/rows.hpp"
#include "terminal/screen.hpp"
#include "terminal/snapshot.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::terminal;
  constexpr Limits kLimits{.scrollback_lines = 60, .scrollback_bytes = 16U << 10U};
  // The largest screen twice, with its tables.
  constexpr std::size_t kMemoryMax = 64U << 20U;
  Screen screen({20, 5}, kLimits);
  screen.restore(ccd::fuzz::as_text(data, size));
  CHECK(screen.size().cols >= 1 && screen.size().cols <= kMaxSize.cols);
  CHECK(screen.size().rows >= 1 && screen.size().rows <= kMaxSize.rows);
  CHECK(screen.cursor().x >= 0 && screen.cursor().x <= screen.size().cols);
  CHECK(screen.cursor().y >= 0 && screen.cursor().y < screen.size().rows);
  CHECK(screen.memory_bytes() <= kMemoryMax);
  // What was taken on can be written and taken on again.
  Screen again({7, 3}, kLimits);
  again.restore(write_snapshot(screen, {kAllLines}));
  CHECK(first_difference(again, screen).empty());
  for (Screen* one : {&screen, &again}) {
    one->feed(
        "on\r\n\x1b[2;3H\x1b[J\x1b"
        "8\xe6\xbc\xa2\tx");
    one->resize({33, 9});
    CHECK(rows_since(*one, 0).size() == 9);
  }
  CHECK(first_difference(again, screen).empty());
  return 0;
}
