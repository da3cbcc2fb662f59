#include "tmux/tmux.hpp"

#include <algorithm>
#include <csignal>

#include "base/encoding.hpp"
#include "tmux/listing.hpp"
#include "tmux/repair.hpp"
#include "tmux/state.hpp"

namespace ccd::tmux {
namespace {

using namespace std::chrono_literals;

// The pane's user options. They live as long as the pane, so a dashboard that comes back finds what it had stored.
constexpr auto kIdOption = "@ccd_id";
constexpr auto kInputOption = "@ccd_in";

// tmux may need a second SIGCHLD when the first falls into the same gap; each waits twice as long: 5 to 160 ms.
constexpr int kNudges = 6;
constexpr auto kFirstNudgeWait = 5ms;

Result<> check_session(const NewSession& s) {
  if (!valid_name(s.name))
    return fail_field("name", "a name has 1 to 64 of A-Z, a-z, 0-9, _ and -, and does not start with -");
  if (!s.folder.starts_with('/')) return fail_field("folder", "the folder must be an absolute path");
  TRY(check_argument("folder", s.folder));
  if (s.argv.empty() || s.argv[0].empty()) return fail_field("argv", "a session needs a program");
  if (s.argv.size() == 1 && s.argv[0].find('=') != std::string::npos)
    return fail_field("argv", "a program without arguments must not have '=' in its name");
  for (const std::string& argument : s.argv) TRY(check_argument("argv", argument));
  for (const auto& [name, value] : s.environment) {
    if (!valid_variable(name))
      return fail_field("environment", "a variable's name has letters, digits and _, and no digit first");
    TRY(check_argument("environment", value));
  }
  TRY(check_size(s.cols, s.rows));
  if (!valid_name(s.dashboard_id)) return fail_field("dashboard_id", "an id is like a name");
  TRY(check_argument("pipe_command", s.pipe_command));
  if (s.pipe_command.size() > kMaxPipeCommand)
    return fail(ErrorKind::too_large, "a pipe's command is at most " + std::to_string(kMaxPipeCommand) + " bytes");
  return {};
}

// One list: when the name is taken nothing else runs, and tmux reads the pane's first byte after all of it.
std::vector<Command> create_commands(const NewSession& s) {
  const std::string target = "=" + s.name + ":";
  Command start{
      "new-session",          "-d", "-s", s.name, "-x", std::to_string(s.cols), "-y", std::to_string(s.rows), "-c",
      escape_format(s.folder)};
  for (const auto& [name, value] : s.environment) start.insert(start.end(), {"-e", name + "=" + value});
  start.emplace_back("--");
  // tmux gives a single argument to the user's shell.
  if (s.argv.size() == 1) start.insert(start.end(), {"env", "--"});
  start.insert(start.end(), s.argv.begin(), s.argv.end());
  std::vector<Command> commands{
      // tmux remembers the last commands with all their arguments, and this one may carry secrets.
      {"set-option", "-s", "message-limit", "0"},
      std::move(start),
      {"set-option", "-p", "-t", target, kIdOption, s.dashboard_id},
      {"set-option", "-p", "-t", target, "remain-on-exit", "on"},
      // Nothing written into the pane's screen by tmux: the record would not have it.
      {"set-option", "-p", "-t", target, "remain-on-exit-format", ""}};
  if (!s.pipe_command.empty())
    commands.push_back({"pipe-pane", "-IO", "-t", target, escape_timed_format(s.pipe_command)});
  commands.push_back({"display-message", "-p", "-t", target, pane_format()});
  return commands;
}

// One list: the marker is stored if and only if the bytes were typed.
std::vector<Command> type_commands(const std::string& pane_id, std::string_view bytes, const std::string& marker) {
  // A person's copy mode would take the bytes for its own keys.
  std::vector<Command> commands{{"copy-mode", "-q", "-t", pane_id}};
  Command send{"send-keys", "-H", "-t", pane_id};
  for (std::size_t i = 0; i < bytes.size(); ++i) send.push_back(hex_encode(as_bytes(bytes.substr(i, 1))));
  if (!bytes.empty()) commands.push_back(std::move(send));
  commands.push_back({"set-option", "-p", "-t", pane_id, kInputOption, marker});
  // tmux drops what is typed at a program that has ended.
  commands.push_back({"display-message", "-p", "-t", pane_id, "#{pane_dead}"});
  return commands;
}

bool status_missing(const std::vector<Pane>& panes) {
  return std::ranges::any_of(panes, [](const Pane& pane) { return pane.dead && !pane.exit_status; });
}

}  // namespace

Tmux::State::State(Options options, asio::any_io_executor on)
    : executor(on), runner(std::move(options)), look_wanted(on), server_wanted(on) {}

Task<Result<std::string>> Tmux::State::run(std::vector<Command> commands) {
  auto line = encode(commands);
  if (!line) co_return tl::unexpected(std::move(line).error());
  co_return co_await runner.run(*std::move(line));
}

Task<Result<std::string>> Tmux::State::ask(Command command) {
  std::vector<Command> commands;
  commands.push_back(std::move(command));
  co_return co_await run(std::move(commands));
}

Task<Result<>> Tmux::State::run_silent(Command command) {
  const auto done = co_await ask(std::move(command));
  if (!done) co_return tl::unexpected(done.error());
  co_return Result<>{};
}

bool Tmux::State::nudge() const {
  const auto pid = runner.probe();
  return pid && *pid > 0 && ::kill(*pid, SIGCHLD) == 0;
}

Task<Result<Tmux::State::Listing>> Tmux::State::list() {
  for (int nudges = 0;; ++nudges) {
    std::vector<Command> commands{ask_server(), {"list-panes", "-a", "-F", pane_format()}};
    const auto answer = co_await run(std::move(commands));
    if (!answer && answer.error().kind == ErrorKind::not_found) {
      // Without a session tmux refuses to list.
      const auto alone = co_await ask(ask_server());
      if (!alone) co_return tl::unexpected(alone.error());
      co_return Listing{.server = CO_TRY(parse_server(*alone)), .panes = {}};
    }
    if (!answer) co_return tl::unexpected(answer.error());
    const std::string_view text = *answer;
    const std::size_t first = std::min(text.find('\n'), text.size());
    Listing listing;
    listing.server = CO_TRY(parse_server(text.substr(0, first)));
    listing.panes = CO_TRY(parse_panes(text.substr(std::min(first + 1, text.size()))));
    if (!status_missing(listing.panes) || nudges == kNudges || !nudge()) co_return listing;
    co_await sleep_for(kFirstNudgeWait * (1 << nudges));
  }
}

Tmux::Tmux(Options options, asio::any_io_executor executor)
    : state_(std::make_unique<State>(std::move(options), std::move(executor))) {}
Tmux::~Tmux() = default;

Task<Result<ServerId>> Tmux::server() {
  // Costs nothing and is certain where it says no.
  if (const auto there = state_->runner.probe(); !there && there.error().kind == ErrorKind::unavailable)
    co_return tl::unexpected(there.error());
  const auto answer = co_await state_->ask(ask_server());
  if (!answer) co_return tl::unexpected(answer.error());
  co_return parse_server(*answer);
}

Task<Result<>> Tmux::answers() { return state_->runner.answers(); }

Task<Result<ServerId>> Tmux::ensure_server() {
  auto running = co_await server();
  if (running || running.error().kind != ErrorKind::unavailable) co_return running;
  if (state_->runner.starts() == ServerStart::never)
    co_return fail(ErrorKind::unavailable,
                   "there is no tmux server yet at " + state_->runner.socket_path() +
                       ": the service that runs it starts it, not the dashboard (TMUX_START=never)");
  const auto started = co_await state_->runner.start_server();
  if (!started) co_return tl::unexpected(started.error());
  running = co_await server();
  state_->server_wanted.notify();
  co_return running;
}

Task<Result<std::vector<Pane>>> Tmux::panes() {
  auto listing = co_await state_->list();
  if (!listing) co_return tl::unexpected(std::move(listing).error());
  std::vector<Pane> panes = std::move(listing->panes);
  std::ranges::sort(panes, {}, [](const Pane& pane) { return std::pair(pane.pane_id.size(), pane.pane_id); });
  co_return panes;
}

Task<Result<Pane>> Tmux::create(NewSession session) {
  CO_TRY(check_session(session));
  const auto answer = co_await state_->run(create_commands(session));
  if (!answer) co_return tl::unexpected(answer.error());
  std::vector<Pane> panes = CO_TRY(parse_panes(*answer));
  if (panes.size() != 1) co_return fail(ErrorKind::internal, "tmux did not describe the new session");
  co_return std::move(panes[0]);
}

Task<Result<>> Tmux::reap(std::string pane_id) {
  const auto listed = co_await panes();
  if (!listed) co_return tl::unexpected(listed.error());
  const auto pane = std::ranges::find(*listed, pane_id, &Pane::pane_id);
  if (pane == listed->end()) co_return fail(ErrorKind::not_found, "there is no pane " + printable(pane_id));
  if (!pane->dead) co_return fail(ErrorKind::conflict, "the pane's program still runs");
  Command command{"kill-pane", "-t", pane_id};
  co_return co_await state_->run_silent(std::move(command));
}

Task<Result<>> Tmux::rename(std::string session_id, std::string name) {
  if (!valid_id(session_id, '$')) co_return fail_field("session_id", "a tmux session's id is like $1");
  if (!valid_name(name))
    co_return fail_field("name", "a name has 1 to 64 of A-Z, a-z, 0-9, _ and -, and does not start with -");
  Command command{"rename-session", "-t", session_id, "--", name};
  co_return co_await state_->run_silent(std::move(command));
}

Task<Result<>> Tmux::end(std::string session_id) {
  if (!valid_id(session_id, '$')) co_return fail_field("session_id", "a tmux session's id is like $1");
  Command command{"kill-session", "-t", session_id};
  co_return co_await state_->run_silent(std::move(command));
}

Task<Result<>> Tmux::resize(std::string window_id, int cols, int rows) {
  if (!valid_id(window_id, '@')) co_return fail_field("window_id", "a tmux window's id is like @1");
  CO_TRY(check_size(cols, rows));
  Command command{"resize-window", "-t", window_id, "-x", std::to_string(cols), "-y", std::to_string(rows)};
  co_return co_await state_->run_silent(std::move(command));
}

Task<Result<Repair>> Tmux::pipe(std::string pane_id, std::string command, CaptureFirst capture) {
  if (!valid_id(pane_id, '%')) co_return fail_field("pane_id", "a tmux pane's id is like %1");
  CO_TRY(check_argument("command", command));
  if (command.empty()) co_return fail_field("command", "a pipe needs a command");
  if (command.size() > kMaxPipeCommand)
    co_return fail(ErrorKind::too_large, "a pipe's command is at most " + std::to_string(kMaxPipeCommand) + " bytes");
  std::vector<Command> commands;
  if (capture == CaptureFirst::yes) commands = repair_commands(pane_id);
  commands.push_back({"pipe-pane", "-IO", "-t", pane_id, escape_timed_format(command)});
  const auto answer = co_await state_->run(std::move(commands));
  if (!answer) co_return tl::unexpected(answer.error());
  if (capture == CaptureFirst::no) co_return Repair{};
  co_return parse_repair(*answer);
}

Task<Result<Repair>> Tmux::capture(std::string pane_id) {
  if (!valid_id(pane_id, '%')) co_return fail_field("pane_id", "a tmux pane's id is like %1");
  const auto answer = co_await state_->run(repair_commands(pane_id));
  if (!answer) co_return tl::unexpected(answer.error());
  co_return parse_repair(*answer);
}

Task<Result<std::string>> Tmux::capture_text(std::string pane_id, Escapes escapes) {
  if (!valid_id(pane_id, '%')) co_return fail_field("pane_id", "a tmux pane's id is like %1");
  Command command{"capture-pane", "-p", "-t", pane_id};
  if (escapes == Escapes::keep) command.emplace_back("-e");
  co_return co_await state_->ask(std::move(command));
}

Task<Result<>> Tmux::send_bytes(std::string pane_id, std::string bytes, std::string marker) {
  if (!valid_id(pane_id, '%')) co_return fail_field("pane_id", "a tmux pane's id is like %1");
  if (!valid_marker(marker)) co_return fail_field("marker", "a marker has 1 to 64 of A-Z, a-z, 0-9, _, - and :");
  if (bytes.size() > kMaxTyped)
    co_return fail(ErrorKind::too_large, "at most " + std::to_string(kMaxTyped) + " bytes are typed at once");
  std::size_t typed = 0;
  do {
    const std::size_t batch = std::min(kTypedBatch, bytes.size() - typed);
    const std::string piece = bytes.substr(typed, batch);
    typed += batch;
    const std::string stored = typed == bytes.size() ? marker : marker + "+" + std::to_string(typed);
    const auto answer = co_await state_->run(type_commands(pane_id, piece, stored));
    if (!answer) co_return tl::unexpected(answer.error());
    if (answer->starts_with('1')) co_return fail(ErrorKind::conflict, "the pane's program has ended");
  } while (typed < bytes.size());
  co_return Result<>{};
}

Task<Result<std::string>> Tmux::input_marker(std::string pane_id) {
  if (!valid_id(pane_id, '%')) co_return fail_field("pane_id", "a tmux pane's id is like %1");
  Command command{"show-options", "-p", "-v", "-q", "-t", pane_id, kInputOption};
  auto answer = co_await state_->ask(std::move(command));
  if (!answer) co_return tl::unexpected(std::move(answer).error());
  while (answer->ends_with('\n')) answer->pop_back();
  co_return answer;
}

void Tmux::on_event(std::function<void(const Event&)> handler) { state_->handler = std::move(handler); }

Task<void> Tmux::run_events() { return state_->watch_server(); }

}  // namespace ccd::tmux
