// What the parts of Tmux share: the ways to tmux, and what the watch knows.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "tmux/command.hpp"
#include "tmux/pane_end.hpp"
#include "tmux/runner.hpp"
#include "tmux/tmux.hpp"

namespace ccd::tmux {

struct Tmux::State {
  State(Options options, asio::any_io_executor on);

  Task<Result<std::string>> run(std::vector<Command> commands);
  Task<Result<std::string>> ask(Command command);
  Task<Result<>> run_silent(Command command);

  struct Listing {
    ServerId server;
    std::vector<Pane> panes;
  };
  Task<Result<Listing>> list();
  // Makes tmux look after its children. False when its process cannot be signalled from here.
  bool nudge() const;

  // The watch (watch.cpp).
  Task<void> watch_server();
  Task<void> watch_one_server(pid_t peer);
  Task<bool> answers_again();
  Task<void> wait_for_wakes();
  Task<void> look_loop();
  Task<void> look_beside(pid_t peer);
  void look();
  void take(const Listing& listing);
  void watch_ends(const std::vector<Pane>& panes);
  bool ends_unseen() const;
  void emit(Event event);
  void lose_server();

  asio::any_io_executor executor;
  Runner runner;
  std::function<void(const Event&)> handler;

  std::optional<ServerId> current;                        // the server that events have been about
  std::vector<Pane> known;                                // its panes when last looked at
  std::string known_children;                             // its child processes then, as /proc has them
  std::map<std::pair<std::string, pid_t>, PaneEnd> ends;  // by pane and process
  bool look_due = false;
  bool same_pid_namespace = false;
  Notifier look_wanted;
  Notifier server_wanted;  // a server may have come up
};

}  // namespace ccd::tmux
