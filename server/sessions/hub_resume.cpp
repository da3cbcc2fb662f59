// Hub: a session that has ended goes on, in a new pane, under the same id and in the same record.
#include <algorithm>
#include <boost/json.hpp>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "sessions/hub.hpp"
#include "sessions/store.hpp"
#include "terminal/screen.hpp"

namespace ccd::sessions {

namespace {

using namespace std::chrono_literals;

// A tap ends within milliseconds of its pane; on a loaded machine some seconds.
constexpr auto kTapEndLimit = 5s;
constexpr auto kTapEndStep = 20ms;
constexpr std::size_t kNameLimit = 64;
constexpr int kUsualCols = 120;
constexpr int kUsualRows = 36;

// Off the alternate screen, and every mode that a program may have left on: the new one begins as on a new terminal. What was printed
// stays: it moves up into the scrollback.
constexpr std::string_view kPlain =
    "\x1b[?1049l\x1b[r\x1b[?6l\x1b[4l\x1b[?7h\x1b[m\x0f\x1b(B\x1b)B\x1b[?1l\x1b>\x1b[?25h\x1b[0 "
    "q\x1b[?1000l\x1b[?1002l\x1b[?1003l"
    "\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?2004l\x1b[?2026l\x1b[>4m";
constexpr std::string_view kDivider = "\x1b[2m--- started again ---\x1b[m";

// What is stored of a session, and what a new pane has anew; who watches it goes on watching.
void take_stored(Session& to, const Session& from) {
  const Session watched = to;
  to = from;
  to.viewers = watched.viewers;
  to.last_output_at = watched.last_output_at;
  to.title.clear();
  to.foreground.clear();
}

}  // namespace

std::string Hub::free_name(std::string_view wanted) const {
  std::string base;
  for (const char c : wanted.substr(0, kNameLimit)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!(base.empty() && c == '-')) base += plain ? c : '-';
  }
  if (!valid_session_name(base)) base = "session";
  const auto taken = [this](const std::string& name) {
    return reserved_names_.contains(name) || std::ranges::any_of(sessions_, [&](const auto& entry) {
             return entry.second->session().status == Status::active && entry.second->session().name == name;
           });
  };
  std::string name = base;
  for (int i = 2; taken(name); ++i) {
    const std::string number = "-" + std::to_string(i);
    name = base.substr(0, kNameLimit - number.size()) + number;
  }
  return name;
}

Task<Result<std::vector<std::pair<std::string, std::string>>>> Hub::working_folders() {
  const auto panes = co_await parts_.tmux->panes();
  std::vector<std::pair<std::string, std::string>> out;
  // No server, no programs.
  if (!panes && panes.error().kind == ErrorKind::unavailable) co_return out;
  if (!panes) co_return tl::unexpected(panes.error());
  for (const tmux::Pane& pane : *panes) {
    if (pane.dead) continue;
    for (const auto& [id, live] : sessions_)
      if (live->session().status == Status::active && live->session().pane_id == pane.pane_id)
        out.emplace_back(id, pane.path);
  }
  co_return out;
}

Task<Result<Session>> Hub::resume(std::string id, ResumeRequest request, Actor actor) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  if (found->session().status == Status::active) co_return fail(ErrorKind::conflict, "the session runs");
  if (!starting_.insert(id).second) co_return fail(ErrorKind::conflict, "the session is just being started");
  const std::string name = free_name(found->session().name);
  reserved_names_.insert(name);
  struct Leave {
    Hub* hub;
    std::string id, name;
    ~Leave() {
      hub->starting_.erase(id);
      hub->reserved_names_.erase(name);
    }
  } const leave{this, id, name};

  const Session before = found->session();
  const auto resumed = co_await resume_as(found, name, std::move(request), actor);
  if (!resumed) {
    // Its row says what is true again, also where it had been written as running.
    if (found->session().status == Status::active) {
      take_stored(found->session(), before);
      auto restore = [before](storage::Connection& db) { return update_session(db, before); };
      co_await parts_.database->transact(std::move(restore));
    }
    co_await audit_failure(actor, "session.resume", id, resumed.error());
    announce(found);
    want_reconcile();
    co_return tl::unexpected(resumed.error());
  }
  announce(found);
  // What happened to the pane meanwhile was passed over.
  want_reconcile();
  metrics().counter("sessions_resumed_total", "Sessions started again in their record").Increment();
  co_return found->session();
}

Task<Result<>> Hub::resume_as(LivePtr found, std::string name, ResumeRequest request, Actor actor) {
  Session after = found->session();
  const std::string id = after.id;
  CreateRequest again{.name = std::move(name),
                      .project = after.project,
                      .command = std::move(request.command),
                      .environment = std::move(request.environment),
                      .cols = request.cols,
                      .rows = request.rows};
  if (again.command.empty()) again.command = after.command;
  if (const auto checked = check(again); !checked) co_return checked;
  auto open = [roots = parts_.project_roots, path = after.project] { return files::open_project_folder(*roots, path); };
  auto folder = co_await run_on(*parts_.pool, std::move(open));
  if (!folder) co_return tl::unexpected(std::move(folder).error().in("the session's folder " + after.project));
  const auto way = co_await make_way(found);
  if (!way) co_return way;

  after.name = again.name;
  after.status = Status::active;
  after.project = folder->path;
  after.command = again.command;
  after.kind = kind_of_command(again.command);
  after.adopted = false;
  after.pane_id.clear();
  after.ended_at.reset();
  after.exit_status.reset();
  // tmux told the size while it ran; of a session that was over when this dashboard started, its record does.
  const terminal::Size size = co_await last_size(found);
  after.cols = again.cols > 0 ? again.cols : size.cols;
  after.rows = again.rows > 0 ? again.rows : size.rows;
  auto words = co_await prepare(after, again.environment, std::move(request.launch));
  if (!words) co_return tl::unexpected(std::move(words).error());
  again.command = words->command;
  if (!words->conversation.empty()) after.claude_session_id = words->conversation;
  // As active before the pane is there: who finds the pane after a crash finds its row.
  const audit::Record record =
      record_of(actor, "session.resume", id,
                boost::json::serialize(boost::json::object{
                    {"name", after.name}, {"project", after.project}, {"conversation", after.claude_session_id}}));
  auto write = [after, record, trail = parts_.trail, more = words->store](storage::Connection& db) -> Result<> {
    TRY(update_session(db, after));
    if (more) TRY(more(db));
    return trail->append(db, record);
  };
  auto done = co_await parts_.database->transact(std::move(write));
  if (done) {
    take_stored(found->session(), after);
    // Before the pane: its first hook may come before all of the rest is done.
    announce(found);
    done = co_await start_again(found, std::move(again), std::move(*folder));
  }
  if (!done && launcher_ != nullptr) launcher_->abandoned(id);
  co_return done;
}

Task<terminal::Size> Hub::last_size(LivePtr live) {
  const Session& session = live->session();
  if (session.cols > 0 && session.rows > 0) co_return terminal::Size{.cols = session.cols, .rows = session.rows};
  const auto mirror = co_await live->mirror();
  if (!mirror) co_return terminal::Size{.cols = kUsualCols, .rows = kUsualRows};
  co_return (*mirror)->screen().size();
}

// Nothing of the session's last life is in the way: its kept pane, which has its name, and its tap, which holds its folder.
Task<Result<>> Hub::make_way(LivePtr live) {
  const std::string id = live->session().id;
  const auto panes = co_await parts_.tmux->panes();
  if (panes) {
    for (const tmux::Pane& pane : *panes)
      if (pane.dead && pane.dashboard_id == id) co_await parts_.tmux->reap(pane.pane_id);
  }
  live->drop_tap();
  const auto deadline = parts_.clock->steady() + kTapEndLimit;
  for (;;) {
    const auto running = recording::tap_running(live->folder());
    if (!running || !*running) co_return Result<>{};
    if (parts_.clock->steady() >= deadline)
      co_return fail(ErrorKind::conflict, "the session's last program has not ended yet: try again in a moment");
    co_await sleep_for(kTapEndStep);
  }
}

Task<Result<>> Hub::start_again(LivePtr live, CreateRequest request, files::ProjectFolder folder) {
  // Before the pane: its first output must come behind this.
  std::string page = co_await new_page(live);
  const auto started = co_await start_pane(live, std::move(request), std::move(folder), Record::goes_on);
  if (!started) co_return started;
  const auto connected = co_await connect_new_tap(live);
  // It runs; the link is tried again as for any session. Only the screen then begins with what was there before.
  const auto said = connected ? live->preload(page) : connected;
  if (!said) {
    log_warn("sessions", "the record goes on without a mark",
             {{"session", live->session().id}, {"error", said.error().message}});
    want_link(live->session().id);
  }
  live->session().terminal = true;
  co_return Result<>{};
}

// What is written to the record between the last program's output and the next one's.
Task<std::string> Hub::new_page(LivePtr live) {
  const int rows = live->session().rows > 0 ? live->session().rows : kUsualRows;
  int used = rows;
  std::string out(kPlain);
  const auto mirror = co_await live->mirror();
  if (mirror && (*mirror)->screen().alternate()) {
    out += "\x1b[H\x1b[2J";
    used = 0;
  } else if (mirror) {
    used = std::min((*mirror)->screen().cursor().y + 1, rows);
    out += "\r\n";
  }
  out += kDivider;
  out += "\x1b[" + std::to_string(rows) + ";1H" +
         std::string(static_cast<std::size_t>(std::min(used + 1, rows)), '\n') + "\x1b[H\x1b[2J";
  co_return out;
}

}  // namespace ccd::sessions
