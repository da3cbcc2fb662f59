// Hub: the way into each pane. Connects to a session's pane-tap, starts a new one where it is gone, and sets sizes.
#include <algorithm>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "sessions/hub.hpp"

namespace ccd::sessions {

namespace {

using namespace std::chrono_literals;

// A tap that tmux has just started opens its socket within some milliseconds; a loaded machine gets two seconds.
constexpr auto kTapStartLimit = 2s;
constexpr auto kTapLockLimit = 500ms;
constexpr auto kTapFirstPause = 5ms;
constexpr auto kTapLongestPause = 200ms;
// Before another try after a tap that could not be started: the cause (a full disk, a missing program) seldom goes by itself.
constexpr auto kRelinkPause = 5s;
// Pulling at a window's edge makes many sizes: the last one within this time counts.
constexpr auto kResizeSettle = 40ms;

}  // namespace

std::string Hub::folder_of(const std::string& id) const { return options_.data_dir + "/sessions/" + id; }

recording::TapOptions Hub::tap_options() const {
  recording::TapOptions options;
  options.keep_bytes = options_.record_bytes_per_session;
  options.segment_bytes =
      std::min<std::uint64_t>(options.segment_bytes, std::max<std::uint64_t>(options.keep_bytes / 4, 64 * 1024));
  return options;
}

Hub::LivePtr Hub::make_live(Session session) {
  LiveSessionHost host;
  host.link_down = [this](const std::string& id) { want_link(id); };
  host.resize = [this](const std::string& id, int cols, int rows) { want_resize(id, cols, rows); };
  host.mark_size = [this](const std::string& id, int cols, int rows) {
    if (!resizing_.contains(id)) tasks_.spawn("sessions.size", mark_size(id, cols, rows));
  };
  host.spawn = [this](std::string name, Task<void> task) { tasks_.spawn(std::move(name), std::move(task)); };
  std::string folder = folder_of(session.id);
  const std::string id = session.id;
  const LiveSessionParts parts{.executor = executor_,
                               .pool = parts_.pool,
                               .watcher = &watcher_,
                               .clock = parts_.clock,
                               .record_bytes = options_.record_bytes_per_session};
  auto live = std::make_shared<LiveSession>(std::move(session), std::move(folder), parts, std::move(host));
  sessions_[id] = live;
  return live;
}

void Hub::want_link(const std::string& id) {
  if (!linking_.insert(id).second) return;
  tasks_.spawn("sessions.link", link(id));
}

// Connects to the tap of one session; when none answers, finds out whether the pane lives and starts one.
Task<void> Hub::link(std::string id) {
  struct Leave {
    std::set<std::string>* set;
    std::string id;
    ~Leave() { set->erase(id); }
  } const leave{&linking_, id};

  const LivePtr session = live(id);
  if (!session || session->session().status != Status::active) co_return;
  const auto deadline = parts_.clock->steady() + kTapStartLimit;
  auto pause = std::chrono::steady_clock::duration(kTapFirstPause);
  while (parts_.clock->steady() < deadline) {
    const auto connected = co_await session->connect_tap();
    if (connected || session->linked()) co_return;
    // Nobody has taken the folder for so long: none is starting, and waiting does not help.
    const auto running = recording::tap_running(session->folder());
    if (running && !*running && parts_.clock->steady() > deadline - kTapStartLimit + kTapLockLimit) break;
    co_await sleep_for(pause);
    pause = std::min<std::chrono::steady_clock::duration>(pause * 2, kTapLongestPause);
  }
  if (session->session().status != Status::active) co_return;
  const auto repaired = co_await repair_pipe(session);
  if (!repaired) {
    log_warn("sessions", "a session has no tap", {{"session", id}, {"error", repaired.error().message}});
    if (!session->session().terminal) co_return;
    co_await sleep_for(kRelinkPause);
    want_reconcile();
  }
}

// The pane lives and nobody reads it: capture its screen and open a new pipe in one step, so that the record goes on with a
// screen that is right.
Task<Result<>> Hub::repair_pipe(LivePtr session) {
  const auto panes = co_await parts_.tmux->panes();
  if (!panes) co_return tl::unexpected(panes.error());
  const auto pane = std::ranges::find(*panes, session->session().pane_id, &tmux::Pane::pane_id);
  if (pane == panes->end() || pane->dead) {
    want_reconcile();
    co_return Result<>{};
  }
  const auto running = recording::tap_running(session->folder());
  // It records; a second one could not take its folder. Only input waits until it answers.
  if (pane->piped && running && *running) co_return fail(ErrorKind::unavailable, "the tap runs, but does not answer");
  if (pane->piped) {
    // Somebody else's pipe-pane: taking it would break what they record.
    session->session().terminal = false;
    announce(session);
    co_return fail(ErrorKind::conflict, "the pane's pipe is in use by another program");
  }
  recording::TapOptions options = tap_options();
  options.hold = kPreloadHold;
  options.cols = static_cast<std::uint16_t>(pane->cols);
  options.rows = static_cast<std::uint16_t>(pane->rows);
  const auto command = recording::tap_command(options_.pane_tap, session->folder(), options);
  if (!command) co_return tl::unexpected(command.error());
  const auto repair = co_await parts_.tmux->pipe(session->session().pane_id, *command, tmux::CaptureFirst::yes);
  if (!repair) co_return tl::unexpected(repair.error());
  metrics().counter("tap_starts_total", "Taps started on running panes").Increment();

  const auto connected = co_await connect_new_tap(session);
  if (!connected) co_return connected;
  session->session().terminal = true;
  announce(session);
  co_return session->preload(repair->escape_sequences);
}

// tmux has just started it.
Task<Result<>> Hub::connect_new_tap(LivePtr session) {
  const auto deadline = parts_.clock->steady() + kTapStartLimit;
  auto pause = std::chrono::steady_clock::duration(kTapFirstPause);
  for (;;) {
    const auto connected = co_await session->connect_tap();
    if (connected || parts_.clock->steady() >= deadline) co_return connected;
    co_await sleep_for(pause);
    pause = std::min<std::chrono::steady_clock::duration>(pause * 2, kTapLongestPause);
  }
}

// Somebody has changed the window's size in tmux itself.
Task<void> Hub::mark_size(std::string id, int cols, int rows) {
  const LivePtr session = live(id);
  if (!session) co_return;
  const bool marked = co_await session->mark_resize(cols, rows);
  if (!marked) session->set_size(cols, rows);
  announce(session);
}

void Hub::want_resize(const std::string& id, int cols, int rows) {
  wanted_sizes_[id] = {cols, rows};
  if (!resizing_.insert(id).second) return;
  tasks_.spawn("sessions.resize", resize_loop(id));
}

Task<void> Hub::resize_loop(std::string id) {
  struct Leave {
    std::set<std::string>* set;
    std::string id;
    ~Leave() { set->erase(id); }
  } const leave{&resizing_, id};

  while (wanted_sizes_.contains(id)) {
    co_await sleep_for(kResizeSettle);
    const auto [cols, rows] = wanted_sizes_[id];
    wanted_sizes_.erase(id);
    const LivePtr session = live(id);
    if (!session || session->session().status != Status::active || session->session().window_id.empty()) co_return;
    const int cols_before = session->session().cols;
    const int rows_before = session->session().rows;
    // First, so that what the program draws for its new size comes behind the mark.
    const bool marked = co_await session->mark_resize(cols, rows);
    const auto done = co_await parts_.tmux->resize(session->session().window_id, cols, rows);
    if (!done) {
      if (marked) co_await session->mark_resize(cols_before, rows_before);
      log_warn("sessions", "resize failed", {{"session", id}, {"error", done.error().message}});
      continue;
    }
    if (!marked) session->set_size(cols, rows);
    announce(session);
  }
}

}  // namespace ccd::sessions
