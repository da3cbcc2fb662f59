// For tests: a pane of a private tmux, fed through its own terminal device, and what it shows, held against a Screen.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "terminal/screen.hpp"

namespace ccd::terminal::testing {

// tmux's own account of a pane, in its words.
struct TmuxView {
  std::vector<std::string> values;  // of kFormats
  std::string cells;                // capture-pane -e -N with the scrollback
  std::string joined;               // capture-pane -J with the scrollback
};

class TmuxPane {
 public:
  explicit TmuxPane(Size size);
  ~TmuxPane();
  TmuxPane(const TmuxPane&) = delete;
  TmuxPane& operator=(const TmuxPane&) = delete;

  // Writes as the pane's program would, with a mark behind it, and returns what the model has to be fed with.
  std::string write(std::string_view bytes);
  void resize(Size size);
  // Once tmux has read up to the last mark.
  TmuxView view();
  // Asks the terminal after each piece where the cursor is: its column, from 1.
  std::vector<int> columns_after(const std::vector<std::string>& pieces);
  std::string tmux(std::vector<std::string> arguments);

 private:
  void send(std::string_view bytes);

  std::string dir_;  // the server's socket is in it
  UniqueFd terminal_;
  int marks_ = 0;
};

// In words what tmux shows differently, empty when nothing.
std::string difference_from(const TmuxView& view, const Screen& screen);

}  // namespace ccd::terminal::testing
