// Tmux clients that run one command list and end, the start of a server, and the look at its socket.
#pragma once

#include <prometheus/histogram.h>
#include <sys/types.h>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/task.hpp"
#include "base/unique_fd.hpp"
#include "tmux/tmux.hpp"

namespace ccd::tmux {

// tmux answers in milliseconds, and in some tens of them while a pane floods it: after this long it is stopped or stuck.
inline constexpr std::chrono::milliseconds kCommandLimit{3000};

// The error that tmux's own message stands for. unavailable means: there is no server, for certain.
Error error_from_tmux(std::string_view message);

class Runner {
 public:
  explicit Runner(Options options);

  // A client of the running server with these arguments; it never starts a server itself (-N). Its environment is the one that
  // sessions get, because tmux copies a client's environment into what the client makes.
  [[nodiscard]] ProcessSpec client(std::vector<std::string> arguments) const;

  // Runs an encoded line (command.hpp) and gives what it printed. The line goes through standard input: other users can read a
  // process's arguments, and a line may hold a session's environment.
  Task<Result<std::string>> run(std::string line) const;

  // Starts a server unless one runs. It becomes a daemon: no child of ours, a session of its own.
  Task<Result<>> start_server() const;

  [[nodiscard]] ServerStart starts() const { return options_.start; }

  // Connects to the server's socket and leaves. The server's pid as seen from here: 0 in another pid namespace. unavailable:
  // nobody listens. Costs no process.
  [[nodiscard]] Result<pid_t> probe() const;

  // Says something to the server that it must answer, and waits for it, kCommandLimit at most. unavailable: nobody listens. timeout: it is
  // there, but stopped or stuck. Costs no process, neither here nor there.
  Task<Result<>> answers() const;

  // Where tmux makes the socket: <tmpdir or /tmp>/tmux-<uid>/<name>.
  [[nodiscard]] std::string socket_path() const;

 private:
  [[nodiscard]] Result<> check_folder() const;
  [[nodiscard]] Result<UniqueFd> connect() const;

  Options options_;
  std::vector<std::string> environment_;
  prometheus::Histogram& command_seconds_;
};

}  // namespace ccd::tmux
