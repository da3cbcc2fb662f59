// The title that a pane's program sets, from the bytes it writes, for screens that nobody computes. Pure.
//
// Sees OSC 0 and 2, which is how programs set it; a stack of titles, or one behind an APC, is only known where the screen is computed.
#pragma once

#include <string>
#include <string_view>

namespace ccd::sessions {

class TitleScan {
 public:
  // The next bytes of the record. True when a title was set in them.
  bool feed(std::string_view bytes);
  // Bytes were passed over: what was begun before them is void.
  void skip() { rest_.clear(); }
  [[nodiscard]] const std::string& title() const { return title_; }

 private:
  bool scan(std::string_view text);

  std::string title_;
  std::string rest_;  // the beginning of a title whose end has not come; at most terminal::kMaxTitle and a little
};

}  // namespace ccd::sessions
