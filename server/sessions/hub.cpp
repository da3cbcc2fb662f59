// Hub: what is there. Loads the rows, listens to tmux, and makes both agree.
#include "sessions/hub.hpp"

#include <unistd.h>
#include <algorithm>
#include <array>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "claude/agent_state.hpp"
#include "sessions/foreground.hpp"
#include "sessions/store.hpp"

namespace ccd::sessions {

namespace {

using namespace std::chrono_literals;

// How exactly "last output", titles and the activity words are kept.
constexpr auto kTick = 500ms;
// What tmux told is good this long for a list that somebody asks for.
constexpr auto kFreshFor = 1s;
// Programs in the foreground come and go with output, a moment before or after it.
constexpr auto kForegroundLook = 3s;
constexpr auto kForegroundSettles = 1s;
// After a failed look at tmux.
constexpr auto kReconcileRetry = 1s;
constexpr auto kStopLimit = 3s;

// A spinner's signs: one character of three bytes.
constexpr std::size_t kMarkBytes = 3;

Actor system_actor() { return {.name = "system", .ip = ""}; }

const std::string& host_name() {
  static const std::string name = [] {
    std::array<char, 256> text{};
    return ::gethostname(text.data(), text.size() - 1) == 0 ? std::string(text.data()) : std::string();
  }();
  return name;
}

// tmux's title for a pane whose program has set none is the machine's name: it says nothing. And what begins with "Gi=" is a query for
// graphics that Claude Code sends at its start, which tmux 3.3a takes for a title.
std::string meant_title(std::string title) {
  return title == host_name() || title.starts_with("Gi=") ? std::string() : std::move(title);
}

// Another sign of the same spinner is no other title.
std::string_view without_mark(std::string_view title) {
  return claude::title_mark(title) == claude::TitleMark::none ? title : title.substr(kMarkBytes);
}

// What a page shows; "last output" alone, or another sign of the same spinner, is not worth a message every second.
bool same_for_pages(const Session& a, const Session& b) {
  Session c = b;
  c.last_output_at = a.last_output_at;
  if (claude::title_mark(a.title) == claude::TitleMark::working &&
      claude::title_mark(b.title) == claude::TitleMark::working &&
      a.title.substr(kMarkBytes) == b.title.substr(kMarkBytes))
    c.title = a.title;
  return a == c;
}

}  // namespace

Hub::Hub(asio::any_io_executor executor, Options options, Parts parts)
    : executor_(executor),
      options_(std::move(options)),
      parts_(parts),
      watcher_(executor),
      reconcile_wanted_(executor),
      tasks_(executor) {}

Hub::~Hub() = default;

Task<Result<>> Hub::start() {
  auto load = [](storage::Connection& db) { return load_sessions(db); };
  auto rows = co_await parts_.database->run(load);
  if (!rows) co_return tl::unexpected(std::move(rows).error().in("load sessions"));
  for (Session& row : *rows) {
    if (!row.adopted) row.kind = kind_of_command(row.command);
    const LivePtr live = make_live(std::move(row));
    // A session without a record can be listed all the same.
    if (const auto opened = live->open_log(); !opened && opened.error().kind != ErrorKind::not_found)
      log_warn("sessions", "no record", {{"session", live->session().id}, {"error", opened.error().message}});
  }
  parts_.tmux->on_event([this](const tmux::Event& event) {
    if (event.kind == tmux::EventKind::server_gone)
      log_warn("sessions", "the tmux server is gone", {{"pid", event.server.pid}});
    if (event.kind == tmux::EventKind::resized) note_size(event);
    else want_reconcile();
  });
  if (const auto agreed = co_await reconcile(); !agreed)
    log_warn("sessions", "tmux does not answer yet", {{"error", agreed.error().message}});
  tasks_.spawn("sessions.reconcile", reconcile_loop());
  tasks_.spawn("sessions.tick", tick_loop());
  tasks_.spawn("sessions.check", check_loop());
  if (options_.record_bytes_total > 0) tasks_.spawn("sessions.retention", retention_loop());
  tasks_.spawn("tmux.events", parts_.tmux->run_events());
  co_return Result<>{};
}

Task<void> Hub::stop() {
  tasks_.cancel();
  co_await tasks_.join(kStopLimit);
  for (auto& [id, live] : sessions_) live->drop_tap();
}

void Hub::want_reconcile() {
  reconcile_due_ = true;
  reconcile_wanted_.notify();
}

Task<void> Hub::reconcile_loop() {
  for (;;) {
    if (!reconcile_due_) co_await reconcile_wanted_.wait();
    reconcile_due_ = false;
    const auto agreed = co_await reconcile();
    if (!agreed) {
      log_warn("sessions", "sessions could not be compared with tmux", {{"error", agreed.error().message}});
      co_await sleep_for(kReconcileRetry);
      reconcile_due_ = true;
    }
  }
}

Task<void> Hub::tick_loop() {
  for (;;) {
    co_await sleep_for(kTick);
    const bool look = parts_.clock->steady() - foreground_at_ >= kForegroundLook;
    bool unseen = false;
    for (const auto& [id, live] : sessions_) {
      live->tidy();
      if (live->session().status != Status::active) continue;
      live->note_output();
      if (auto title = live->new_title()) live->session().title = meant_title(std::move(*title));
      if (look) unseen = !note_foreground(*live) || unseen;
      announce(live);
    }
    if (!look) continue;
    foreground_at_ = parts_.clock->steady();
    if (unseen) co_await refresh();
  }
}

// False when only tmux can tell (a process each time), and somebody has done something that may have changed it: typed, or set a title.
bool Hub::note_foreground(LiveSession& live) {
  const Session& session = live.session();
  const std::int64_t output = session.last_output_at.value_or(0);
  const bool settled = parts_.clock->wall() - output > std::chrono::microseconds(kForegroundSettles).count();
  if (!live.foreground_due(output, settled)) return true;
  if (const auto name = foreground_of(live.pane_pid(), static_cast<pid_t>(session.tmux_pid))) {
    live.session().foreground = *name;
    return true;
  }
  return !live.foreground_asked_for(without_mark(session.title));
}

// Everything about these sessions is known without asking tmux: their taps tell titles, /proc the programs.
bool Hub::told_without_tmux() const {
  return std::ranges::all_of(sessions_, [](const auto& entry) {
    const LiveSession& live = *entry.second;
    if (live.session().status != Status::active) return true;
    return live.linked() && foreground_of(live.pane_pid(), static_cast<pid_t>(live.session().tmux_pid)).has_value();
  });
}

void Hub::note_size(const tmux::Event& event) {
  for (const auto& [id, live] : sessions_) {
    if (live->session().status != Status::active || live->session().pane_id != event.pane_id) continue;
    live->note_pane_size(event.cols, event.rows);
    announce(live);
  }
}

Task<void> Hub::refresh() {
  const auto now = parts_.clock->steady();
  if (now - refreshed_ < kFreshFor || sessions_.empty()) co_return;
  refreshed_ = now;
  if (told_without_tmux()) {
    for (const auto& [id, live] : sessions_) {
      if (live->session().status != Status::active) continue;
      if (auto title = live->new_title()) live->session().title = meant_title(std::move(*title));
      if (const auto name = foreground_of(live->pane_pid(), static_cast<pid_t>(live->session().tmux_pid)))
        live->session().foreground = *name;
      announce(live);
    }
    co_return;
  }
  const auto panes = co_await parts_.tmux->panes();
  if (!panes) co_return;
  for (const tmux::Pane& pane : *panes) {
    for (const auto& [id, live] : sessions_) {
      if (live->session().status != Status::active || live->session().pane_id != pane.pane_id) continue;
      take_live_facts(*live, pane);
      announce(live);
    }
  }
}

// --- agreement with tmux ----------------------------------------------------------------------------------------------------

// What tmux's next answer can say is gone: one that is made while tmux is asked is in no answer, and lives.
std::set<std::string> Hub::settled() const {
  std::set<std::string> ids;
  for (const auto& [id, live] : sessions_)
    if (live->session().status == Status::active && !starting_.contains(id)) ids.insert(id);
  return ids;
}

Task<Result<>> Hub::reconcile() {
  const std::set<std::string> settled_before = settled();
  // First, because it costs no process however often it says no.
  const auto answers = co_await parts_.tmux->answers();
  if (!answers && answers.error().kind != ErrorKind::unavailable) co_return answers;
  const auto server = co_await parts_.tmux->server();
  if (!server) {
    // Only "there is none" makes sessions lost: a server that does not answer in time, or cannot be asked, may be alive.
    if (server.error().kind != ErrorKind::unavailable) co_return tl::unexpected(server.error());
    server_.reset();
    const auto lost = co_await mark_all_lost(settled_before, std::nullopt);
    co_return lost;
  }
  const auto panes = co_await parts_.tmux->panes();
  if (!panes) co_return tl::unexpected(panes.error());
  server_ = *server;
  co_return co_await reconcile_with(*server, *panes, settled_before);
}

Task<Result<>> Hub::reconcile_with(tmux::ServerId server, std::vector<tmux::Pane> panes,
                                   std::set<std::string> settled_before) {
  const auto others_lost = co_await mark_all_lost(settled_before, server);
  if (!others_lost) co_return others_lost;

  std::map<std::string, const tmux::Pane*> by_pane;
  std::map<std::string, const tmux::Pane*> by_our_id;
  for (const tmux::Pane& pane : panes) {
    by_pane[pane.pane_id] = &pane;
    if (!pane.dashboard_id.empty()) by_our_id[pane.dashboard_id] = &pane;
  }
  std::set<std::string> known_tmux_sessions;
  const std::map<std::string, LivePtr> all = sessions_;
  for (const auto& [id, live] : all) {
    Session& session = live->session();
    if (session.status != Status::active || starting_.contains(id)) continue;
    // A row without a pane: the dashboard was killed between the two. The pane carries the id, if it came to be.
    const auto found = session.pane_id.empty() ? by_our_id.find(id) : by_pane.find(session.pane_id);
    const bool there = found != (session.pane_id.empty() ? by_our_id.end() : by_pane.end());
    if (!there) {
      if (!settled_before.contains(id)) continue;
      const auto done = co_await finish(live, Status::exited, std::nullopt);
      if (!done) co_return done;
      continue;
    }
    const tmux::Pane& pane = *found->second;
    if (pane.dead) {
      const auto done = co_await finish(live, Status::exited, pane.exit_status);
      if (!done) co_return done;
      continue;
    }
    known_tmux_sessions.insert(pane.session_id);
    const bool row_changes = session.pane_id != pane.pane_id || session.name != pane.session_name ||
                             session.tmux_pid != server.pid || session.tmux_started != server.started;
    if (row_changes) {
      session.pane_id = pane.pane_id;
      session.name = pane.session_name;
      session.tmux_pid = server.pid;
      session.tmux_started = server.started;
      auto write = [copy = session](storage::Connection& db) { return update_session(db, copy); };
      const auto written = co_await parts_.database->transact(write);
      if (!written) co_return written;
    }
    take_live_facts(*live, pane);
    announce(live);
    // A pane whose pipe is somebody else's is tried again once that pipe is gone.
    if (!live->linked() && (session.terminal || !pane.piped)) want_link(id);
  }
  // Panes of ours that are dead and accounted for: kept only for their exit status, which is stored by now.
  for (const tmux::Pane& pane : panes) {
    const LivePtr known = live(pane.dashboard_id);
    if (!pane.dead || pane.dashboard_id.empty() || starting_.contains(pane.dashboard_id)) continue;
    // Of one that was started again, an earlier pane.
    const bool own = known && (known->session().pane_id.empty() || known->session().pane_id == pane.pane_id);
    if (own && known->session().status == Status::active) continue;
    const auto reaped = co_await parts_.tmux->reap(pane.pane_id);
    if (!reaped && reaped.error().kind != ErrorKind::not_found)
      log_warn("sessions", "a dead pane stays in tmux", {{"pane", pane.pane_id}, {"error", reaped.error().message}});
  }
  // What was ended while tmux was asked is still in the answer.
  std::set<std::string> ended_meanwhile;
  for (const auto& [id, live] : sessions_)
    if (live->session().status != Status::active && settled_before.contains(id))
      ended_meanwhile.insert(live->session().pane_id);
  // What is left was made by hand: the first pane of each session that nothing of ours lives in.
  for (const tmux::Pane& pane : panes) {
    if (pane.dead || known_tmux_sessions.contains(pane.session_id) || ended_meanwhile.contains(pane.pane_id)) continue;
    if (!pane.dashboard_id.empty() && starting_.contains(pane.dashboard_id)) continue;
    known_tmux_sessions.insert(pane.session_id);
    const auto adopted = co_await adopt(server, pane);
    if (!adopted)
      log_error("sessions", "a session could not be adopted",
                {{"name", pane.session_name}, {"error", adopted.error().message}});
  }
  co_return Result<>{};
}

Task<Result<>> Hub::adopt(tmux::ServerId server, tmux::Pane pane) {
  Session session;
  // A pane that carries an id of ours without a row comes from a restored, older database: its record is still there.
  const bool ours = pane.dashboard_id.size() == new_id().size() && !sessions_.contains(pane.dashboard_id);
  session.id = ours ? pane.dashboard_id : new_id();
  session.name = pane.session_name;
  session.project = pane.start_path;
  session.command = {pane.command};
  session.kind = kind_of(session.command);
  session.adopted = true;
  session.tmux_pid = server.pid;
  session.tmux_started = server.started;
  session.pane_id = pane.pane_id;
  session.created_at = parts_.clock->wall();
  const auto folder = recording::create_session_folder(folder_of(session.id));
  if (!folder) co_return folder;
  const audit::Record record = record_of(system_actor(), "session.adopt", session.id, "");
  auto write = [session, record, trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(insert_session(db, session));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(write);
  if (!written) co_return written;
  log_info("sessions", "adopted", {{"session", session.id}, {"name", session.name}});
  const LivePtr live = make_live(session);
  const auto opened = live->open_log();
  take_live_facts(*live, pane);
  announce(live);
  want_link(session.id);
  co_return opened;
}

// Sessions of another server than `except` cannot come back: tmux keeps nothing over its own end.
Task<Result<>> Hub::mark_all_lost(std::set<std::string> settled_before, std::optional<tmux::ServerId> except) {
  const std::map<std::string, LivePtr> all = sessions_;
  for (const auto& [id, live] : all) {
    const Session& session = live->session();
    if (session.status != Status::active || !settled_before.contains(id)) continue;
    if (except && session.pane_id.empty()) continue;
    if (except && session.tmux_pid == except->pid && session.tmux_started == except->started) continue;
    const auto done = co_await finish(live, Status::lost, std::nullopt);
    if (!done) co_return done;
  }
  co_return Result<>{};
}

Task<Result<>> Hub::finish(LivePtr live, Status status, std::optional<int> exit_status) {
  Session after = live->session();
  after.status = status;
  after.exit_status = exit_status;
  after.ended_at = parts_.clock->wall();
  const audit::Record record =
      record_of(system_actor(), status == Status::lost ? "session.lost" : "session.exit", after.id,
                exit_status ? R"({"exit_status":)" + std::to_string(*exit_status) + "}" : "");
  const auto written = co_await store(after, record);
  if (!written) co_return written;
  live->session().status = status;
  live->session().exit_status = exit_status;
  live->session().ended_at = after.ended_at;
  live->drop_tap();
  live->note_output();
  log_info("sessions", status == Status::lost ? "lost" : "ended", {{"session", after.id}, {"name", after.name}});
  announce(live);
  co_return Result<>{};
}

void Hub::take_live_facts(LiveSession& live, const tmux::Pane& pane) {
  Session& session = live.session();
  session.tmux_session = pane.session_id;
  session.window_id = pane.window_id;
  session.title = meant_title(pane.title);
  live.set_pane_pid(pane.pid);
  session.foreground = pane.command;
  live.note_pane_size(pane.cols, pane.rows);
}

// --- what others see --------------------------------------------------------------------------------------------------------

std::vector<Session> Hub::list() {
  std::vector<Session> out;
  for (const auto& [id, live] : sessions_) {
    live->note_output();
    live->session().activity = activity_of(live->session(), parts_.clock->wall());
    out.push_back(live->session());
  }
  std::ranges::sort(out, [](const Session& a, const Session& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  return out;
}

std::optional<Session> Hub::find(const std::string& id) {
  const LivePtr found = live(id);
  if (!found) return std::nullopt;
  found->note_output();
  found->session().activity = activity_of(found->session(), parts_.clock->wall());
  return found->session();
}

std::string_view Hub::title(const std::string& id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? std::string_view() : std::string_view(found->second->session().title);
}

pid_t Hub::pane_process(const std::string& id) {
  const LivePtr found = live(id);
  return found ? found->pane_pid() : 0;
}

Hub::LivePtr Hub::live(const std::string& id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void Hub::announce(const LivePtr& live) {
  Session& session = live->session();
  session.activity = activity_of(session, parts_.clock->wall());
  const auto known = announced_.find(session.id);
  if (known != announced_.end() && same_for_pages(known->second, session)) return;
  announced_[session.id] = session;
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const auto here = it++;  // a listener may leave while it is told
    here->changed(session);
  }
}

std::unique_ptr<Hub::Subscription> Hub::subscribe(Listener listener) {
  listeners_.push_back(std::move(listener));
  return std::make_unique<Subscription>(this, std::prev(listeners_.end()));
}

Result<std::unique_ptr<Attachment>> Hub::attach(const std::string& id, Viewer* viewer, AttachRequest request) {
  const LivePtr found = live(id);
  if (!found) return fail(ErrorKind::not_found, "there is no such session");
  TRY(found->open_log());
  auto attachment = std::make_unique<Attachment>(found, viewer, std::move(request));
  // How many watch is told with the next tick: five hundred who come at once would be 250,000 messages.
  return attachment;
}

Result<recording::LogExtent> Hub::extent(const std::string& id) {
  const LivePtr found = live(id);
  if (!found) return fail(ErrorKind::not_found, "there is no such session");
  return found->extent();
}

Result<std::size_t> Hub::read_log(const std::string& id, std::uint64_t offset, std::span<std::byte> out) {
  const LivePtr found = live(id);
  if (!found) return fail(ErrorKind::not_found, "there is no such session");
  return found->read_log(offset, out);
}

}  // namespace ccd::sessions
