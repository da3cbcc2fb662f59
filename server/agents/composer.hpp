// The client's input line as it stands on the screen. Pure: rows in, what stands in it out.
//
// Claude Code draws it between two rules of "─", its first row beginning with "❯" (docs/claude-client.md). While a dialog stands there is none.
#pragma once

#include <string>
#include <vector>

#include "terminal/rows.hpp"

namespace ccd::agents {

struct Composer {
  bool shown = false;  // it stands on the screen
  std::string
      text{};  // what has been typed, or stands for what was pasted ("[Pasted text #1 +3 lines]"); without hints
  [[nodiscard]] bool empty() const { return shown && text.empty(); }
};

// `rows` from top to bottom; those that are blank may be left out.
Composer find_composer(const std::vector<terminal::Row>& rows);

}  // namespace ccd::agents
