// Fuzzes terminal/screen: any bytes in any pieces with any sizes between them give one screen, within its memory; a keyframe of it
// restores it, and a snapshot is bytes that it takes itself.
//
// Input: columns, rows (a byte each), then the pane's output, in which 0xFF C R is a new size (UTF-8 has no 0xFF).
#include "terminal/screen.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "support.hpp"
#include "terminal/rows.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::terminal {
namespace {

constexpr char kResize = '\xff';
// Small limits are reached by small inputs.
constexpr Limits kLimits{.scrollback_lines = 60, .scrollback_bytes = 16U << 10U};
// Over what a screen of 256 x 256 cells twice, its tables and its scrollback take, whatever the input was.
constexpr std::size_t kMemoryMax = 24U << 20U;

Size take_size(std::string_view& rest) {
  const auto byte = [&] {
    if (rest.empty()) return 0;
    const int value = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    return value;
  };
  // A wide character on a screen of one column is nothing that a viewer could show the same.
  const int cols = std::max(byte(), 2);
  return {cols, byte()};
}

void check_sane(const Screen& screen) {
  const Size size = screen.size();
  const Cursor cursor = screen.cursor();
  CHECK(size.cols >= 1 && size.rows >= 1 && size.cols <= kMaxSize.cols && size.rows <= kMaxSize.rows);
  CHECK(cursor.x >= 0 && cursor.x <= size.cols && cursor.y >= 0 && cursor.y < size.rows);
  CHECK(screen.scroll_top() >= 0 && screen.scroll_top() <= screen.scroll_bottom() &&
        screen.scroll_bottom() < size.rows);
  CHECK(screen.title().size() <= kMaxTitle);
  CHECK(screen.first_line() <= screen.top_line());
  CHECK(screen.top_line() - screen.first_line() <= kLimits.scrollback_lines);
  CHECK(screen.memory_bytes() <= kMemoryMax);
}

void check_rows(const Screen& screen) {
  const auto rows = rows_since(screen, 0);
  CHECK(rows.size() == static_cast<std::size_t>(screen.size().rows));
  for (const Row& row : rows) {
    int cols = 0;
    for (const Run& run : row.runs) cols += run.cols;
    CHECK(cols <= screen.size().cols);
  }
}

bool same_picture(const std::vector<Row>& a, const std::vector<Row>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Row& x, const Row& y) { return x.runs == y.runs; });
}

// As write_lines() and write_text() promise: pages put together are the whole.
void check_pages(const Screen& screen) {
  const LinePage all = write_lines(screen, screen.first_line(), kAllLines);
  // The main screen keeps the height that it had when the alternate one came up.
  const std::uint64_t end = all.first_line + all.count;
  CHECK(all.first_line == screen.first_line() && end > screen.top_line());
  CHECK(screen.alternate() || end == screen.top_line() + static_cast<std::uint64_t>(screen.size().rows));
  std::string pages;
  for (std::uint64_t line = screen.first_line(); line < end; line += 7) pages += write_lines(screen, line, 7).text;
  CHECK(pages == all.text);
}

void check_snapshots(const Screen& screen) {
  Screen restored({5, 2}, kLimits);
  restored.feed("x\x1b[31m\x1b[?1049h\x1b]0;");
  restored.restore(write_snapshot(screen, {kAllLines}));
  CHECK(first_difference(restored, screen).empty());
  // Without the scrollback the picture is the same; fed as any bytes, all but the characters that printing cannot join.
  const std::string picture = write_snapshot(screen);
  Screen shown({5, 2}, kLimits);
  shown.restore(picture);
  CHECK(same_picture(rows_since(shown, 0), rows_since(screen, 0)));
  Screen viewer(screen.size(), kLimits);
  viewer.feed(picture);
  for (const Screen* one : {&shown, &viewer})
    CHECK(one->cursor() == screen.cursor() && one->modes() == screen.modes() && one->title() == screen.title());
  // What comes next is the same for both.
  constexpr std::string_view kNext =
      "next \xe6\xbc\xa2\x1b[2b\tq\x0eq\x0f\r\n\x1b"
      "8after";
  restored.feed(kNext);
  Screen again({5, 2}, kLimits);
  again.restore(write_snapshot(screen, {kAllLines}));
  again.feed(kNext);
  CHECK(first_difference(restored, again).empty());
}

}  // namespace
}  // namespace ccd::terminal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::terminal;
  const std::string_view input = ccd::fuzz::as_text(data, size);
  std::string_view rest = input;
  const Size first = take_size(rest);
  Screen whole(first, kLimits);
  Screen pieces(first, kLimits);
  ccd::fuzz::Pieces lengths(input);
  while (!rest.empty()) {
    const std::string_view output = rest.substr(0, rest.find(kResize));
    rest.remove_prefix(output.size());
    whole.feed(output);
    for (std::string_view left = output; !left.empty();) {
      const std::size_t length = lengths.next(left.size());
      pieces.feed(left.substr(0, length));
      left.remove_prefix(length);
    }
    check_sane(whole);
    if (rest.empty()) break;
    rest.remove_prefix(1);
    const Size next = take_size(rest);
    whole.resize(next);
    pieces.resize(next);
    check_sane(whole);
  }
  CHECK(first_difference(whole, pieces).empty());
  check_rows(whole);
  check_pages(whole);
  check_snapshots(whole);
  return 0;
}
