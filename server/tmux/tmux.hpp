// The tmux server's lifecycle, its sessions and its events, by commands that cannot be steered by the strings they carry.
//
// Never by control mode (tmux -C): a control client that connects while sessions come or go can crash the server, and with it
// every agent (docs/decisions/0009-tmux-control.md). Every command is a short-lived client, 3 to 5 ms.
//
// Everything runs on one io_context; nothing is thread-safe. tmux has 3 s for each command, 5 s to start. A Tmux outlives every task
// that it returned. Kinds of errors: not_found (no such session, pane or window), conflict (name taken, or a pane whose program
// has ended), invalid (the input; `field` names it), unavailable (there is no server, for certain; see send_bytes), timeout (a
// server that does not answer: stopped or stuck, not gone), internal (anything else that tmux said).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "tmux/pane.hpp"

namespace ccd::tmux {

// `never`: the server is another service's, and is waited for.
enum class ServerStart { when_needed, never };

struct Options {
  std::string program = "tmux";
  std::string socket_name = "claude-dashboard";  // tmux -L
  std::string config_file;                       // ops/tmux.conf, read when a server is started; empty: /dev/null
  std::string tmpdir;  // TMUX_TMPDIR: the folder of the socket's folder; empty: tmux's own (/tmp)
  ServerStart start = ServerStart::when_needed;
  std::vector<std::string> pass_environment{};  // names that sessions inherit beside those of environment.hpp
};

// One call of send_bytes: what a person can paste and a program reads in good time.
inline constexpr std::size_t kMaxTyped = 64 * 1024;
// One step of it: 256 bytes become 1.5 KB of command.
inline constexpr std::size_t kTypedBatch = 256;

enum class CaptureFirst { no, yes };
enum class Escapes { strip, keep };

// True for a name that create() and rename() take: [A-Za-z0-9_-]{1,64}, not starting with '-'.
bool valid_name(std::string_view name);

// The argv as text for /bin/sh that runs exactly that program (`exec 'pane-tap' '...'`): what NewSession::pipe_command wants.
std::string pipe_command_line(const std::vector<std::string>& argv);

class Tmux {
 public:
  Tmux(Options options, asio::any_io_executor executor);
  ~Tmux();
  Tmux(const Tmux&) = delete;
  Tmux& operator=(const Tmux&) = delete;

  // The server that answers now. Never starts one.
  Task<Result<ServerId>> server();
  // Whether a server answers, without a process: what health asks, by the clock. Errors: unavailable, timeout.
  Task<Result<>> answers();
  // The server that answers, started when there is none (ServerStart::never: then `unavailable`): daemonised, with this process's umask and an environment made from an allowlist
  // (see environment.hpp): what the dashboard has in its own environment does not reach a pane.
  Task<Result<ServerId>> ensure_server();

  // Every pane of every session, hand-made ones too, ordered by pane id. No session at all is an empty list.
  Task<Result<std::vector<Pane>>> panes();

  // Starts the session; its pipe gets the pane's very first byte. The pane is kept when its program ends (remain-on-exit), so
  // that the exit status can be read also when the dashboard was down then: call reap() after reading it.
  Task<Result<Pane>> create(NewSession session);
  // Ends a kept pane whose program has ended; conflict when it still runs.
  Task<Result<>> reap(std::string pane_id);
  Task<Result<>> rename(std::string session_id, std::string name);
  Task<Result<>> end(std::string session_id);
  Task<Result<>> resize(std::string window_id, int cols, int rows);

  // Opens the pane's pipe in both directions to `command` (from pipe_command_line); a pipe that is open is replaced.
  // CaptureFirst::yes: the result holds exactly what came before the pipe's first byte, up to kRepairHistory lines back.
  Task<Result<Repair>> pipe(std::string pane_id, std::string command, CaptureFirst capture);
  // What the pane shows now, up to kRepairHistory lines back. Nobody can say which byte of its output it belongs to.
  Task<Result<Repair>> capture(std::string pane_id);
  // The visible screen, one line a row, trailing spaces dropped.
  Task<Result<std::string>> capture_text(std::string pane_id, Escapes escapes);

  // For panes whose pipe belongs to somebody else: types the bytes, at most kMaxTyped, and stores `marker`
  // ([A-Za-z0-9_:-]{1,64}) in the same step as the last of them. A step types at most kTypedBatch bytes; when it was not the
  // last, what it stores is "<marker>+<bytes typed so far>". After unavailable or timeout input_marker() tells what was typed.
  // Ends a mode of tmux (copy mode) that somebody has put the pane in.
  Task<Result<>> send_bytes(std::string pane_id, std::string bytes, std::string marker);
  // The marker stored last, or empty: what a dashboard that comes back asks before it sends again.
  Task<Result<std::string>> input_marker(std::string pane_id);

  // Called on the loop, in order, while run_events() runs. One handler; set it before.
  void on_event(std::function<void(const Event&)> handler);
  // Watches the server until cancelled; starts none. Reports its loss within 2 s, and changes that nobody saw when it looks again.
  Task<void> run_events();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccd::tmux
