// Tells when a pane's first process has ended, from the kernel.
//
// tmux cannot be relied on for this: its libutempter (Debian builds tmux with it) sets SIGCHLD aside while it runs a helper at
// the end of every pane, so in a third of the cases tmux does not notice the end of the program, and neither keeps its exit
// status nor runs the pane-died hook until some other child of it ends. See docs/tmux-facts.md.
#pragma once

#include <sys/types.h>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"

namespace ccd::tmux {

class PaneEnd {
 public:
  // `pid` must be of this pid namespace and not yet reaped. `ended` is called once, on the executor, unless *this goes first.
  static Result<PaneEnd> watch(const asio::any_io_executor& executor, pid_t pid, std::function<void()> ended);
  PaneEnd(PaneEnd&&) noexcept;
  PaneEnd& operator=(PaneEnd&&) noexcept;
  ~PaneEnd();

  [[nodiscard]] bool ended() const;

 private:
  struct Shared;
  explicit PaneEnd(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace ccd::tmux
