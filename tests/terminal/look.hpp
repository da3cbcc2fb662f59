// What a screen shows, as JSON in the notation of look.mjs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "terminal/screen.hpp"

namespace ccd::model_tests {

enum class History : std::uint8_t {
  none,
  rows,   // `history`: the scrollback as rows, like the screen's
  pages,  // `historyLines`: the same as write_lines() writes each line
};

enum class Torn : bool {
  kept,   // half a wide character counts as the whole, as tmux captures it
  blank,  // as viewers are shown it
};

// One object with the fields that XtermOracle.look() and Pane.look() have too.
std::string look(const terminal::Screen& screen, History history, Torn torn);

void append_json_string(std::string& out, std::string_view text);

}  // namespace ccd::model_tests
