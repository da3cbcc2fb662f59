#include "sessions/title_scan.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "terminal/screen.hpp"

namespace ccd::sessions {

namespace {

constexpr char kEscape = '\x1b';
constexpr char kBell = '\x07';
// "ESC ] 2 ;" and the two bytes that end it.
constexpr std::size_t kAround = 6;

// As the screen takes one: UTF-8 without control characters.
bool good(std::string_view title) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return title.size() <= terminal::kMaxTitle && std::ranges::none_of(title, control) && valid_utf8(title);
}

}  // namespace

bool TitleScan::feed(std::string_view bytes) {
  if (rest_.empty()) return scan(bytes);
  const std::string text = std::exchange(rest_, {}) + std::string(bytes);
  return scan(text);
}

bool TitleScan::scan(std::string_view text) {
  bool found = false;
  for (std::size_t at = text.find(kEscape); at != std::string_view::npos; at = text.find(kEscape, at + 1)) {
    const std::string_view here = text.substr(at);
    const bool is_title =
        here.size() < 4 ? std::string_view("\x1b]0;").starts_with(here) || std::string_view("\x1b]2;").starts_with(here)
                        : here.starts_with("\x1b]0;") || here.starts_with("\x1b]2;");
    if (!is_title) continue;
    const std::size_t end =
        here.size() < 4 ? std::string_view::npos : here.find_first_of(std::string{kBell, kEscape}, 4);
    const bool open = end == std::string_view::npos || (here[end] == kEscape && end + 1 == here.size());
    if (open) {
      if (here.size() <= terminal::kMaxTitle + kAround) rest_ = here;
      return found;
    }
    const std::string_view title = here.substr(4, end - 4);
    const bool ended = here[end] == kBell || here[end + 1] == '\\';
    if (!ended || !good(title)) continue;
    title_ = title;
    found = true;
  }
  return found;
}

}  // namespace ccd::sessions
