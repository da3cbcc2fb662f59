// The supervised watch of the server: what wakes it, and the looks that turn wakes into events.
//
// A client waits for a channel of the server (`wait-for`), which hooks of the server signal; it needs no session. Its end without
// a signal is how a dead server shows. A signal that nobody waits for is not safe with tmux: it keeps one, and forgets it at the
// second. So the client says when it is about to wait, and then there is a look: what came before is seen, what comes after wakes.
#include <algorithm>
#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <fstream>
#include <iterator>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "tmux/changes.hpp"
#include "tmux/listing.hpp"
#include "tmux/state.hpp"

namespace ccd::tmux {
namespace {

using namespace std::chrono_literals;
using asio::experimental::awaitable_operators::operator||;

// A look at a socket that nobody listens on costs some microseconds; this bounds how late a server is found that others start.
constexpr auto kProbeEvery = 250ms;
// Wakes come in bursts (a new session is several hooks): at most 50 looks a second, each 1 to 10 ms of tmux's time.
constexpr auto kLookGap = 20ms;
// The net under lost wakes starts no process: the server's socket and its child processes are looked at, some microseconds.
constexpr auto kLookBeside = 5s;
// A client that ends at once, again and again (no memory, no tmux program) is not started in a hot loop.
constexpr auto kFirstRetry = 10ms;
constexpr auto kLastRetry = 1000ms;
constexpr auto kSteadyAfter = 1000ms;
// After the kernel says that a pane's program ended, tmux needs a moment to see it.
constexpr auto kEndUnseenEvery = 50ms;
constexpr int kEndUnseenLooks = 20;

// For ever: that its server cannot be reached any more is seen beside it.
constexpr std::chrono::milliseconds kWaitLimit = std::chrono::hours(24 * 365);

constexpr auto kChannel = "ccd-events";
// The index keeps people's own hooks of the same name.
constexpr std::array kHooks{"session-created[1979]", "session-closed[1979]",       "session-renamed[1979]",
                            "window-linked[1979]",   "window-unlinked[1979]",      "pane-died[1979]",
                            "pane-exited[1979]",     "after-split-window[1979]",   "after-kill-pane[1979]",
                            "after-pipe-pane[1979]", "window-layout-changed[1979]"};

std::vector<std::string> waiting_client() {
  std::vector<std::string> arguments;
  for (const char* hook : kHooks) {
    arguments.insert(arguments.end(), {"set-hook", "-g", hook, std::string("wait-for -S ") + kChannel, ";"});
  }
  arguments.insert(arguments.end(), {"display-message", "-p", "waiting", ";", "wait-for", kChannel});
  return arguments;
}

// Doubling pauses that begin anew after something lasted.
class Pauses {
 public:
  std::chrono::milliseconds after(std::chrono::steady_clock::duration lasted) {
    const auto pause = lasted >= kSteadyAfter ? kFirstRetry : next_;
    next_ = std::min<std::chrono::milliseconds>(pause * 2, kLastRetry);
    return pause;
  }

 private:
  std::chrono::milliseconds next_ = kFirstRetry;
};

// The programs of its panes, and what its pipes go to. Empty where /proc does not tell.
std::string children_of(pid_t server) {
  const std::string pid = std::to_string(server);
  std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
  return {std::istreambuf_iterator<char>(file), {}};
}

auto now() { return std::chrono::steady_clock::now(); }

}  // namespace

void Tmux::State::look() {
  look_due = true;
  look_wanted.notify();
}

void Tmux::State::emit(Event event) {
  if (handler) handler(event);
}

void Tmux::State::lose_server() {
  if (!current) return;
  const ServerId lost = *current;
  current.reset();
  known.clear();
  ends.clear();
  log_warn("tmux", "the server is gone", {{"pid", lost.pid}, {"started", lost.started}});
  metrics().counter("tmux_server_losses_total", "Times that the tmux server was found gone or replaced").Increment();
  emit({.kind = EventKind::server_gone, .server = lost});
}

Task<void> Tmux::State::watch_server() {
  Pauses pauses;
  for (;;) {
    const auto there = runner.probe();
    if (!there && there.error().kind == ErrorKind::unavailable) {
      lose_server();
      co_await server_wanted.wait_for(kProbeEvery);
      continue;
    }
    const auto began = now();
    const auto answer = co_await ask(ask_server());
    const auto id = answer ? parse_server(*answer) : Result<ServerId>(tl::unexpected(answer.error()));
    if (id) {
      if (current != *id) {
        lose_server();
        current = *id;
        same_pid_namespace = there && *there == id->pid;
        log_info("tmux", "a server answers", {{"pid", id->pid}, {"started", id->started}});
        emit({.kind = EventKind::server_up, .server = *id});
      }
      co_await watch_one_server(there ? *there : 0);
      // Gone is told at once; anything else that ended the round is tried again, not in a hot loop.
      if (const auto still = runner.probe(); !still && still.error().kind == ErrorKind::unavailable) continue;
    }
    co_await sleep_for(pauses.after(now() - began));
  }
}

// Until the server is gone, or may be another one.
Task<void> Tmux::State::watch_one_server(pid_t peer) {
  auto wakes = wait_for_wakes();
  auto looks = look_loop();
  auto beside = look_beside(peer);
  bool both_failed = false;
  try {
    co_await (std::move(wakes) || std::move(looks) || std::move(beside));
  } catch (const asio::multiple_exceptions&) {
    both_failed = true;
  }
  if (!both_failed) co_return;
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    throw boost::system::system_error(asio::error::operation_aborted);
  log_error("tmux", "the watch of the server failed and begins again");
}

Task<void> Tmux::State::wait_for_wakes() {
  for (;;) {
    const auto began = now();
    ProcessSpec client = runner.client(waiting_client());
    client.time_limit = kWaitLimit;
    client.on_output = [this](std::string_view) { look(); };
    const auto ended = co_await run_process(std::move(client));
    const bool woken = ended && ended->exit_code == 0;
    if (!woken) co_return;
    // One event is several signals: the next client often finds one waiting.
    if (now() - began < kLookGap) co_await sleep_for(kLookGap);
  }
}

Task<void> Tmux::State::look_loop() {
  int unseen = 0;
  for (;;) {
    look_due = false;
    // Before the list: what comes in between is looked at once more.
    if (same_pid_namespace) known_children = children_of(current->pid);
    const auto listing = co_await list();
    if (listing) {
      if (!current || listing->server != *current) co_return;
      take(*listing);
    } else if (listing.error().kind != ErrorKind::unavailable && listing.error().kind != ErrorKind::cancelled) {
      log_warn("tmux", "the sessions could not be listed", {{"error", listing.error().message}});
      while (!co_await answers_again()) co_await sleep_for(kEndUnseenEvery);
    }
    co_await sleep_for(kLookGap);
    if (look_due) continue;
    unseen = listing && ends_unseen() ? unseen + 1 : 0;
    const bool soon = unseen > 0 && unseen <= kEndUnseenLooks;
    if (soon) nudge();
    if (soon || !listing) co_await look_wanted.wait_for(kEndUnseenEvery);
    else co_await look_wanted.wait();
  }
}

// A server that is stopped or stuck is not asked with a process again and again.
Task<bool> Tmux::State::answers_again() {
  const auto answered = co_await runner.answers();
  co_return answered || answered.error().kind != ErrorKind::timeout;
}

// Until another server, or none, is behind the socket: a client that waits for one that nobody can reach would wait for ever.
Task<void> Tmux::State::look_beside(pid_t peer) {
  for (;;) {
    co_await sleep_for(kLookBeside);
    const auto there = runner.probe();
    if (there ? *there != peer : there.error().kind == ErrorKind::unavailable) co_return;
    if (same_pid_namespace && current && children_of(current->pid) != known_children) look();
  }
}

void Tmux::State::take(const Listing& listing) {
  const std::vector<Event> events = changes(listing.server, known, listing.panes);
  known = listing.panes;
  watch_ends(known);
  for (const Event& event : events) emit(event);
}

void Tmux::State::watch_ends(const std::vector<Pane>& panes) {
  // By process too: a person can start another program in the same pane (respawn-pane).
  std::map<std::pair<std::string, pid_t>, PaneEnd> watched;
  for (const Pane& pane : panes) {
    if (pane.dead || pane.dashboard_id.empty() || !same_pid_namespace) continue;
    const std::pair key(pane.pane_id, pane.pid);
    if (const auto known_end = ends.find(key); known_end != ends.end()) {
      watched.insert(ends.extract(known_end));
      continue;
    }
    // A program that has ended and was reaped cannot be watched: tmux knows its end already.
    if (auto end = PaneEnd::watch(executor, pane.pid, [this] { look(); })) watched.emplace(key, *std::move(end));
  }
  ends = std::move(watched);
}

bool Tmux::State::ends_unseen() const {
  return std::ranges::any_of(ends, [](const auto& entry) { return entry.second.ended(); });
}

}  // namespace ccd::tmux
