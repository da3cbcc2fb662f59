// Hub: what people ask for. Create, rename, end, archive; each with its audit row.
#include <sys/stat.h>
#include <algorithm>
#include <boost/json.hpp>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "sessions/hub.hpp"
#include "sessions/store.hpp"

namespace ccd::sessions {

namespace {

constexpr std::size_t kIdBytes = 10;       // 80 random bits as 20 hex digits
constexpr std::size_t kMaxSessions = 500;  // on the list; each may cost a tap, a watch and two descriptors
constexpr std::size_t kMaxCommandWords = 256;
constexpr std::size_t kMaxCommandBytes =
    64 * 1024;  // tmux takes one message of 16 KiB for its own commands: see create()
constexpr std::size_t kMaxEnvironment = 64;
constexpr std::size_t kMaxEnvironmentValue = 4096;
constexpr int kDefaultCols = 120;
constexpr int kDefaultRows = 36;
constexpr int kMinCols = 10;  // below it, no program draws anything of use
constexpr int kMinRows = 3;
constexpr int kMaxCols = 1000;  // a wall of 4K monitors; tmux keeps every cell in memory
constexpr int kMaxRows = 500;

bool valid_environment_name(std::string_view name) {
  if (name.empty() || name.size() > 128 || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

}  // namespace

std::string Hub::new_id() { return parts_.random->hex(kIdBytes); }

audit::Record Hub::record_of(const Actor& actor, std::string action, std::string target, std::string detail) const {
  return {.actor = actor.name,
          .ip = actor.ip,
          .action = std::move(action),
          .target = std::move(target),
          .outcome = audit::Outcome::ok,
          .detail = std::move(detail)};
}

Task<void> Hub::audit_failure(Actor actor, std::string action, std::string target, Error error) {
  audit::Record record = record_of(actor, std::move(action), std::move(target), "");
  record.outcome = error.kind == ErrorKind::forbidden ? audit::Outcome::denied : audit::Outcome::error;
  record.detail = boost::json::serialize(boost::json::object{{"error", error.message}});
  const auto written = co_await parts_.trail->append_now(*parts_.database, record);
  if (!written) log_error("sessions", "an audit row could not be written", {{"error", written.error().message}});
}

Task<Result<>> Hub::store(Session session, audit::Record record) {
  auto write = [session = std::move(session), record = std::move(record),
                trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(update_session(db, session));
    return trail->append(db, record);
  };
  co_return co_await parts_.database->transact(std::move(write));
}

Result<> Hub::check(const CreateRequest& request) const {
  if (!valid_session_name(request.name))
    return fail_field("name", "a name has 1 to 64 characters of A-Z, a-z, 0-9, _ and -, and does not start with -");
  if (request.command.size() > kMaxCommandWords) return fail_field("command", "at most 256 words");
  std::size_t bytes = 0;
  for (const std::string& word : request.command) {
    if (has_nul(word)) return fail_field("command", "a word must not contain a NUL byte");
    bytes += word.size();
  }
  if (bytes > kMaxCommandBytes) return fail_field("command", "at most 64 KiB in all");
  if (!request.command.empty() && request.command.front().empty())
    return fail_field("command", "the first word names the program");
  if (request.environment.size() > kMaxEnvironment) return fail_field("env", "at most 64 variables");
  for (const auto& [name, value] : request.environment) {
    if (!valid_environment_name(name)) return fail_field("env", "a variable's name has letters, digits and _ only");
    if (has_nul(value) || value.size() > kMaxEnvironmentValue)
      return fail_field("env", "a value has at most 4096 bytes and no NUL byte");
  }
  if (request.cols != 0 && (request.cols < kMinCols || request.cols > kMaxCols))
    return fail_field("cols", "10 to 1000");
  if (request.rows != 0 && (request.rows < kMinRows || request.rows > kMaxRows)) return fail_field("rows", "3 to 500");
  if (sessions_.size() >= kMaxSessions)
    return fail(ErrorKind::too_many, "there are 500 sessions: archive ended ones first");
  for (const auto& [id, live] : sessions_)
    if (live->session().status == Status::active && live->session().name == request.name)
      return fail(ErrorKind::conflict, "a session with this name runs already");
  return {};
}

Task<Result<Session>> Hub::create(CreateRequest request, Actor actor) {
  if (request.command.empty()) request.command = options_.default_command;
  if (const auto checked = check(request); !checked) {
    co_await audit_failure(actor, "session.create", request.name, checked.error());
    co_return tl::unexpected(checked.error());
  }
  auto open = [roots = parts_.project_roots, path = request.project] {
    return files::open_project_folder(*roots, path);
  };
  auto folder = co_await run_on(*parts_.pool, std::move(open));
  if (!folder) {
    co_await audit_failure(actor, "session.create", request.project, folder.error());
    co_return tl::unexpected(std::move(folder).error());
  }

  Session session;
  session.id = new_id();
  session.name = request.name;
  session.project = folder->path;
  session.command = request.command;
  session.kind = kind_of_command(request.command);
  session.created_at = parts_.clock->wall();
  session.cols = request.cols ? request.cols : kDefaultCols;
  session.rows = request.rows ? request.rows : kDefaultRows;
  const auto made = recording::create_session_folder(folder_of(session.id));
  if (!made) co_return tl::unexpected(made.error());
  auto words = co_await prepare(session, request.environment, request.launch);
  if (!words) {
    co_await audit_failure(actor, "session.create", session.name, words.error());
    co_return tl::unexpected(std::move(words).error());
  }
  request.command = words->command;
  if (!request.prompt.empty()) request.command.insert(request.command.end(), {"--", request.prompt});
  session.claude_session_id = words->conversation;

  const audit::Record record =
      record_of(actor, "session.create", session.id,
                boost::json::serialize(boost::json::object{{"name", session.name}, {"project", session.project}}));
  auto insert = [session, record, trail = parts_.trail, more = words->store,
                 asked = request.store](storage::Connection& db) -> Result<> {
    TRY(insert_session(db, session));
    if (more) TRY(more(db));
    if (asked) TRY(asked(db, session.id));
    return trail->append(db, record);
  };
  const std::string id = session.id;
  starting_.insert(id);
  const auto inserted = co_await parts_.database->transact(std::move(insert));
  if (!inserted) {
    starting_.erase(id);
    if (launcher_ != nullptr) launcher_->abandoned(id);
    co_return tl::unexpected(inserted.error());
  }
  const LivePtr live = make_live(session);
  const auto started = co_await start_pane(live, std::move(request), std::move(*folder), Record::fresh);
  starting_.erase(id);
  if (!started) {
    sessions_.erase(id);
    if (launcher_ != nullptr) launcher_->abandoned(id);
    auto erase = [id](storage::Connection& db) { return erase_unstarted(db, id); };
    co_await parts_.database->transact(std::move(erase));
    co_await audit_failure(actor, "session.create", session.name, started.error());
    want_reconcile();
    co_return tl::unexpected(started.error());
  }
  announce(live);
  want_link(id);
  // What happened to the pane meanwhile was passed over: a program that ends at once is seen now.
  want_reconcile();
  metrics().counter("sessions_created_total", "Sessions started from the dashboard").Increment();
  co_return live->session();
}

// CLAUDE_COMMAND may name a program of another name that starts Claude Code.
Kind Hub::kind_of_command(const std::vector<std::string>& command) const {
  const std::vector<std::string>& own = options_.default_command;
  const bool ours = !own.empty() && command.size() >= own.size() && std::equal(own.begin(), own.end(), command.begin());
  return ours ? Kind::claude : kind_of(command);
}

Task<Result<LaunchWords>> Hub::prepare(Session session, std::vector<std::pair<std::string, std::string>> environment,
                                       Launch launch) {
  const bool asked = launch.start != claude::Start::fresh || !launch.model.empty() || !launch.permission_mode.empty();
  if (session.kind != Kind::claude && asked)
    co_return fail_field("command", "only a command that starts Claude Code takes a conversation, a model or a mode");
  if (session.kind != Kind::claude || launcher_ == nullptr)
    co_return LaunchWords{.command = std::move(session.command)};
  LaunchRequest request{
      .folder = folder_of(session.id), .environment = std::move(environment), .launch = std::move(launch)};
  request.session = std::move(session);
  co_return co_await launcher_->prepare(std::move(request));
}

void Hub::note_conversation(const std::string& id, std::string conversation) {
  const LivePtr found = live(id);
  if (!found || found->session().claude_session_id == conversation) return;
  found->session().claude_session_id = std::move(conversation);
  announce(found);
  tasks_.spawn("sessions.conversation", store_conversation(id));
}

Task<void> Hub::store_conversation(std::string id) {
  const LivePtr found = live(id);
  if (!found) co_return;
  auto write = [copy = found->session()](storage::Connection& db) { return update_session(db, copy); };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written)
    log_warn("sessions", "a conversation's id was not stored", {{"session", id}, {"error", written.error().message}});
}

Task<Result<>> Hub::start_pane(LivePtr live, CreateRequest request, files::ProjectFolder folder, Record record) {
  const auto server = co_await parts_.tmux->ensure_server();
  if (!server) co_return tl::unexpected(server.error());
  server_ = *server;
  struct stat status{};
  if (::fstat(folder.fd.get(), &status) != 0) co_return fail_errno("look at the project folder");
  recording::TapOptions tap_options = this->tap_options();
  tap_options.cols = static_cast<std::uint16_t>(live->session().cols);
  tap_options.rows = static_cast<std::uint16_t>(live->session().rows);
  if (record == Record::goes_on) tap_options.hold = kPreloadHold;
  const auto tap = recording::tap_command(options_.pane_tap, live->folder(), tap_options);
  if (!tap) co_return tl::unexpected(tap.error());

  Session& session = live->session();
  tmux::NewSession spec;
  spec.name = session.name;
  spec.folder = session.project;
  spec.argv = {options_.pane_start, session.project, std::to_string(status.st_dev), std::to_string(status.st_ino),
               "--"};
  spec.argv.insert(spec.argv.end(), request.command.begin(), request.command.end());
  spec.environment = request.environment;
  spec.cols = session.cols;
  spec.rows = session.rows;
  spec.dashboard_id = session.id;
  spec.pipe_command = *tap;
  const auto pane = co_await parts_.tmux->create(std::move(spec));
  if (!pane) co_return tl::unexpected(pane.error());
  session.tmux_pid = server->pid;
  session.tmux_started = server->started;
  session.pane_id = pane->pane_id;
  take_live_facts(*live, *pane);
  if (const auto opened = live->open_log(); !opened) co_return opened;
  auto write = [copy = session](storage::Connection& db) { return update_session(db, copy); };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) {
    // It runs, but there is no record of where: better no session than one that nobody can find again.
    co_await parts_.tmux->end(pane->session_id);
    co_return written;
  }
  co_return Result<>{};
}

Task<Result<Session>> Hub::rename(std::string id, std::string name, Actor actor) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  if (!valid_session_name(name))
    co_return fail_field("name", "a name has 1 to 64 characters of A-Z, a-z, 0-9, _ and -, and does not start with -");
  if (found->session().name == name) co_return found->session();
  const std::string before = found->session().name;
  if (found->session().status == Status::active) {
    const auto renamed = co_await parts_.tmux->rename(found->session().tmux_session, name);
    if (!renamed) {
      co_await audit_failure(actor, "session.rename", id, renamed.error());
      co_return tl::unexpected(renamed.error());
    }
  }
  Session after = found->session();
  after.name = name;
  const audit::Record record = record_of(actor, "session.rename", id,
                                         boost::json::serialize(boost::json::object{{"from", before}, {"to", name}}));
  const auto written = co_await store(after, record);
  if (!written) co_return tl::unexpected(written.error());
  found->session().name = name;
  announce(found);
  co_return found->session();
}

Task<Result<>> Hub::end(std::string id, Actor actor) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  if (found->session().status != Status::active) co_return fail(ErrorKind::conflict, "the session has ended already");
  if (starting_.contains(id)) co_return fail(ErrorKind::conflict, "the session is just starting");
  const auto ended = co_await parts_.tmux->end(found->session().tmux_session);
  if (!ended && ended.error().kind != ErrorKind::not_found) {
    co_await audit_failure(actor, "session.end", id, ended.error());
    co_return ended;
  }
  Session after = found->session();
  if (after.status == Status::active) {
    after.status = Status::exited;
    after.ended_at = parts_.clock->wall();
  }
  const audit::Record record = record_of(actor, "session.end", id, "");
  const auto written = co_await store(after, record);
  if (!written) co_return written;
  found->session().status = after.status;
  found->session().ended_at = after.ended_at;
  found->drop_tap();
  announce(found);
  co_return Result<>{};
}

Task<Result<Session>> Hub::archive(std::string id, Actor actor) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  if (found->session().status == Status::active)
    co_return fail(ErrorKind::conflict, "the session still runs: end it first");
  Session after = found->session();
  after.status = Status::archived;
  const audit::Record record = record_of(actor, "session.archive", id, "");
  const auto written = co_await store(after, record);
  if (!written) co_return tl::unexpected(written.error());
  found->session().status = Status::archived;
  sessions_.erase(id);
  announced_.erase(id);
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const auto here = it++;
    here->removed(id);
  }
  co_return after;
}

}  // namespace ccd::sessions
