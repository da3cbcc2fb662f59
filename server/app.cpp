#include "app.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.hpp"
#include "audit/anchor.hpp"
#include "audit/key.hpp"
#include "audit/trail.hpp"
#include "backup/restore.hpp"
#include "backup/schedule.hpp"
#include "base/busy_poll.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "files/upload.hpp"
#include "health/checks.hpp"
#include "http/server.hpp"
#include "sessions/hub.hpp"
#include "rooms.hpp"
#include "standby.hpp"
#include "storage/inspect.hpp"
#include "storage/lease.hpp"
#include "storage/lease_door.hpp"
#include "vitals.hpp"

namespace ccd {

namespace {

using namespace std::chrono_literals;

// After SIGTERM: requests end, sockets are closed with 1012, then whatever is left is cut. Below the 10 s that Docker waits.
constexpr auto kDrainLimit = 5s;
constexpr auto kPartStopLimit = 2s;
// In a hand-over somebody waits for the database: pages are told to come again, and have this long to say goodbye.
constexpr auto kHandOverDrain = 1s;
// A holder that was killed a moment ago may not be gone yet.
constexpr auto kLeaseGrace = 2s;
// How often a write that was refused because another dashboard has the database is noticed.
constexpr auto kFenceLook = 250ms;
// Hashing takes two at most, the rest serves file reads and folder listings.
constexpr std::size_t kPoolThreads = 4;
// One socket, one request, two descriptors a session: as many as the machine lets us have.
void raise_descriptor_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

int refuse(const Error& error, int exit_code) {
  log_error("main", "refused to start", {{"reason", config::refusal(error)}, {"exit_code", exit_code}});
  return exit_code;
}

// The rooms in the order they are made; destroyed in the opposite one.
class App {
 public:
  App(const config::Config& config, Standby::Start start)
      : config_(config), start_(start), lease_(config.database_path) {}

  // 0, or the exit code of the refusal, which has been printed.
  int make();
  // The exit code, or kHandedOver.
  int run();

 private:
  enum class End { none, signal, handed_over, fenced };

  int take_lease();
  int make_places();
  int make_door();
  int make_storage();
  int make_rooms();
  int make_api();
  int make_rest();
  void secure_schema(const std::vector<std::string>& applied);
  [[nodiscard]] std::string claude_word() const;
  Task<bool> database_answers();
  Task<http::Response> answer(std::shared_ptr<http::Request> request);
  Task<void> main_task();
  Task<int> become_holder();
  Task<bool> start_serving();
  Task<void> watch_signals();
  Task<void> watch_fence();
  void end(End why);
  Task<void> stop();
  Task<void> close_storage();

  const config::Config& config_;
  const Standby::Start start_;
  asio::io_context loop_{1};
  asio::thread_pool pool_{kPoolThreads};
  SystemClock clock_;
  BusyPoll busy_poll_{&clock_};
  SystemRandom random_;
  storage::Lease lease_;
  std::unique_ptr<storage::LeaseDoor> lease_door_;
  std::unique_ptr<storage::Database> database_;
  audit::Key audit_key_{};
  std::unique_ptr<audit::Trail> trail_;
  std::unique_ptr<audit::Anchor> anchor_;
  std::unique_ptr<auth::Service> auth_;
  std::optional<auth::OriginPolicy> origins_;
  std::optional<files::Roots> project_roots_;
  std::optional<files::Roots> file_roots_;
  std::unique_ptr<tmux::Tmux> tmux_;
  std::unique_ptr<sessions::Hub> hub_;
  std::unique_ptr<health::Checks> health_;
  std::unique_ptr<Standby> standby_;
  std::unique_ptr<backup::Schedule> backups_;
  std::unique_ptr<Vitals> vitals_;
  std::optional<http::StaticFiles> page_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<TaskGroup> tasks_;
  Notifier ended_{loop_.get_executor()};
  End end_ = End::none;
  int exit_code_ = 0;
};

// Held at once, or found to be another's: then this one waits in standby, if it may.
int App::take_lease() {
  const auto deadline = clock_.steady() + kLeaseGrace;
  for (;;) {
    const auto taken = start_ == Standby::Start::yielded ? Result<bool>(false) : lease_.try_take(this_process(config_.port, clock_.wall()));
    if (!taken) return refuse(Error(taken.error()).in("DATABASE_PATH"), config::kExitRoots);
    if (*taken || start_ == Standby::Start::yielded || config_.standby == config::Standby::wait) return 0;
    if (clock_.steady() >= deadline) break;
    ::usleep(std::chrono::microseconds(kLeaseLook).count());
  }
  const auto holder = lease_.holder();
  const std::string who = holder && *holder ? " (" + storage::describe(**holder) + ")" : "";
  return refuse({.kind = ErrorKind::conflict,
                 .message = "DATABASE_PATH: another dashboard has the database " + config_.database_path + who +
                            ". Stop it, set another DATA_DIR, or set STANDBY=yes to wait for it and take over"},
                config::kExitLease);
}

// Before the schema is changed: the way back to the version that made it.
void App::secure_schema(const std::vector<std::string>& applied) {
  const SchemaGap gap = schema_gap(applied);
  if (applied.empty() || gap.pending.empty() || !gap.unknown.empty()) return;
  const auto made = backup::make({.database_path = config_.database_path, .folder = config_.backup_dir, .keep = config_.backup_keep}, clock_, {});
  if (made) log_info("backup", "published before the schema is changed", {{"file", made->path}, {"steps", gap.pending.size()}});
  else log_error("backup", "none could be made before the schema is changed", {{"error", made.error().message}});
}

int App::make_storage() {
  storage::Options options{.path = config_.database_path};
  options.writer = storage::Writer::owner;
  options.name = storage::describe(this_process(server_->port(), clock_.wall()));
  auto database = backup::open_or_set_aside(std::move(options), loop_.get_executor(), config_.backup_dir, clock_);
  if (!database) return refuse(std::move(database).error().in("DATABASE_PATH"), config::kExitDatabase);
  database_ = std::move(*database);
  if (const auto applied = database_->run_now([](storage::Connection& db) { return storage::applied_migrations(db); })) secure_schema(*applied);
  if (auto migrated = database_->migrate(all_migrations()); !migrated)
    return refuse(std::move(migrated).error().in("DATABASE_PATH"), config::kExitDatabase);
  auto key = audit::load_or_create_key(config_.data_dir + "/audit.key", random_);
  if (!key) return refuse(std::move(key).error().in("DATA_DIR"), config::kExitRoots);
  audit_key_ = *key;
  trail_ = std::make_unique<audit::Trail>(audit_key_, clock_);
  anchor_ = std::make_unique<audit::Anchor>(config_.data_dir + "/audit.head", audit_key_, clock_);
  auto anchored = database_->run_now([this](storage::Connection& db) { return anchor_->write(db); });
  // Rows are missing or the head cannot be written: nobody is locked out of their agents for it, but it is said loudly.
  if (!anchored) log_error("audit", "the trail's head", {{"error", anchored.error().message}});
  return 0;
}

int App::make_places() {
  auto project_roots = files::Roots::open(config_.project_roots);
  if (!project_roots) return refuse(std::move(project_roots).error().in("ALLOWED_PROJECT_ROOTS"), config::kExitRoots);
  project_roots_ = std::move(*project_roots);
  auto file_roots = files::Roots::open(config_.file_roots);
  if (!file_roots) return refuse(std::move(file_roots).error().in("ALLOWED_FILE_ROOTS"), config::kExitRoots);
  file_roots_ = std::move(*file_roots);

  tmux::Options tmux_options;
  tmux_options.socket_name = config_.tmux_socket;
  tmux_options.config_file = config_.tmux_conf;
  tmux_options.tmpdir = config_.tmux_tmpdir;
  tmux_options.start = config_.tmux_start;
  tmux_ = std::make_unique<tmux::Tmux>(std::move(tmux_options), loop_.get_executor());

  health_ = std::make_unique<health::Checks>(loop_.get_executor(), clock_, DASHBOARD_VERSION);
  health_->add("server", []() -> Task<bool> { co_return true; });
  health_->add("database", [this]() { return database_answers(); });
  health_->add("tmux", [this]() -> Task<bool> { co_return (co_await tmux_->server()).has_value(); });
  health_->add("claude", [this]() -> Task<health::Verdict> { co_return health::Verdict{claude_word()}; });
  standby_ = std::make_unique<Standby>(
      Standby::Parts{.executor = loop_.get_executor(), .lease = &lease_, .health = health_.get(), .pool = &pool_, .clock = &clock_,
                     .proxies = &config_.trusted_proxies},
      config_.database_path, config_.metrics_token, start_);
  return 0;
}

// Written to where it is ours, read where it is another's, whose schema this version must know.
Task<bool> App::database_answers() {
  if (database_) {
    const auto answered = co_await database_->ping();
    co_return answered && !(backups_ && backups_->status().database_damaged);
  }
  const auto read = storage::open_to_read(config_.database_path);
  if (!read) co_return false;
  const auto applied = storage::applied_migrations(**read);
  co_return applied && schema_gap(*applied).unknown.empty();
}

int App::make_rooms() {
  auth::Options auth_options;
  auth_options.jwt_secret = config_.jwt_secret;
  auth_options.data_dir = config_.data_dir;
  auth_options.setup_peers = config_.setup_peers;
  auth::Parts auth_parts{.loop = loop_.get_executor(), .database = database_.get(), .clock = &clock_, .random = &random_, .pool = &pool_,
                         .on_event = [this](storage::Connection& db, const auth::AuthEvent& event) { return audit_auth(*trail_, db, event); }};
  auto service = auth::Service::open(std::move(auth_options), std::move(auth_parts));
  if (!service) return refuse(service.error(), config::kExitRoots);
  auth_ = std::move(*service);

  sessions::Hub::Options hub_options{.data_dir = config_.data_dir, .pane_tap = config_.pane_tap, .pane_start = config_.pane_start,
                                     .default_command = config_.claude_command,
                                     .record_bytes_per_session = config_.record_bytes_per_session,
                                     .record_bytes_total = config_.record_bytes_total};
  hub_ = std::make_unique<sessions::Hub>(loop_.get_executor(), std::move(hub_options),
      sessions::Hub::Parts{.database = database_.get(), .trail = trail_.get(), .tmux = tmux_.get(), .project_roots = &*project_roots_,
                           .clock = &clock_, .random = &random_, .pool = &pool_, .busy_poll = &busy_poll_});

  backups_ = std::make_unique<backup::Schedule>(
      backup::Schedule::Options{
          .source = {.database_path = config_.database_path, .folder = config_.backup_dir, .keep = config_.backup_keep},
          .interval = config_.backup_interval},
      &clock_, &pool_);
  vitals_ = std::make_unique<Vitals>(Vitals::Parts{.config = &config_, .clock = &clock_, .pool = &pool_, .health = health_.get(),
                                                   .hub = hub_.get(), .database = database_.get(), .lease = &lease_,
                                                   .backups = backups_.get(), .version = DASHBOARD_VERSION});
  return 0;
}

// A missing claude degrades nothing: shells and other programs run all the same.
std::string App::claude_word() const {
  const std::string& program = config_.claude_command.front();
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0 ? "ok" : "not-installed";
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (::access((std::string(rest.substr(0, colon)) + "/" + program).c_str(), X_OK) == 0) return "ok";
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return "not-installed";
}

int App::make_door() {
  auto page = http::StaticFiles::load(config_.page_dir);
  if (!page) return refuse(std::move(page).error().in("PAGE_DIR"), config::kExitConfig);
  page_ = std::move(*page);
  http::Options options;
  options.host = config_.host;
  options.port = config_.port;
  options.host_allowed = [this](std::string_view host) { return origins_ && origins_->host_allowed(host); };
  options.pool = &pool_;
  options.trusted_proxies = config_.trusted_proxies;
  options.access_log_path = config_.access_log;
  options.max_upload = files::kMaxUploadBytes;
  // In standby there is nobody to ask.
  options.body_limit = [this, usual = options.max_body](const http::Request& request) { return api_ ? api_->body_limit(request) : usual; };
  server_ = std::make_unique<http::Server>(loop_.get_executor(), std::move(options), &clock_,
      [this](std::shared_ptr<http::Request> request) { return answer(std::move(request)); });
  if (auto listening = server_->listen(); !listening) {
    const bool taken = listening.error().kind == ErrorKind::conflict;
    return refuse(std::move(listening).error().in("PORT"), taken ? config::kExitPort : config::kExitConfig);
  }
  // Only now is the port known for certain (PORT=0 takes any free one).
  auto origins = auth::OriginPolicy::make(config_.public_origins, server_->port(), config_.host);
  if (!origins) return refuse(origins.error(), config::kExitConfig);
  origins_ = std::move(*origins);
  return 0;
}

Task<http::Response> App::answer(std::shared_ptr<http::Request> request) {
  auto early = co_await standby_->answer(request);
  if (early) co_return std::move(*early);
  co_return co_await api_->handle(std::move(request));
}

int App::make_api() {
  api_ = std::make_unique<api::Api>(api::Parts{
      .executor = loop_.get_executor(), .auth = auth_.get(), .origins = &*origins_, .hub = hub_.get(), .database = database_.get(),
      .trail = trail_.get(), .health = health_.get(), .page = &*page_, .file_roots = &*file_roots_,
      .project_roots = &*project_roots_, .clock = &clock_, .random = &random_, .pool = &pool_,
      .metrics_token = config_.metrics_token, .version = DASHBOARD_VERSION,
      .details = [this] { return vitals_->details(); }});
  return 0;
}

int App::make_rest() {
  // With the port that it really has.
  lease_.introduce(this_process(server_->port(), clock_.wall()));
  for (const auto step : {&App::make_storage, &App::make_rooms, &App::make_api})
    if (const int code = (this->*step)(); code != 0) return code;
  return 0;
}

// What is wrong is said before anything is served; a standby finds out about the database when it gets it.
int App::make() {
  for (const auto step : {&App::take_lease, &App::make_places, &App::make_door})
    if (const int code = (this->*step)(); code != 0) return code;
  return lease_.held() ? make_rest() : 0;
}

int App::run() {
  tasks_ = std::make_unique<TaskGroup>(loop_.get_executor());
  // main_task ends the others; it is not in the group that it joins.
  asio::co_spawn(loop_, main_task(), [this](std::exception_ptr failure) {
    if (failure) {
      log_error("main", "stopped by a fault");
      exit_code_ = 1;
    }
    loop_.stop();
  });
  busy_poll_.run(loop_);
  pool_.join();
  // PORT=0 took any free one; started again it keeps it.
  if (exit_code_ == kHandedOver) ::setenv("PORT", std::to_string(server_->port()).c_str(), 1);
  return exit_code_;
}

// Waits in standby until the database is ours. 0, or the exit code of a refusal.
Task<int> App::become_holder() {
  auto look = [path = config_.database_path] {
    const auto read = storage::open_to_read(path);
    return read ? storage::applied_migrations(**read) : Result<std::vector<std::string>>(tl::unexpected(read.error()));
  };
  const auto applied = co_await run_on(pool_, std::move(look));
  if (applied) {
    if (const SchemaGap gap = schema_gap(*applied); !gap.unknown.empty())
      co_return refuse({.kind = ErrorKind::conflict,
                        .message = "DATABASE_PATH: the database was made by a newer version: this one does not know " + gap.unknown.front()},
                       config::kExitDatabase);
    // Now, while the other one still serves, and not in the hand-over.
    auto secure = [this, known = *applied] { secure_schema(known); };
    co_await run_on(pool_, std::move(secure));
  }
  const auto waited = co_await standby_->wait(this_process(server_->port(), clock_.wall()));
  if (!waited && waited.error().kind == ErrorKind::cancelled) co_return 0;
  if (!waited) co_return refuse(waited.error(), config::kExitRoots);
  co_return make_rest();
}

Task<void> App::main_task() {
  tasks_->spawn("http.server", server_->run());
  tasks_->spawn("main.signals", watch_signals());
  if (!lease_.held()) exit_code_ = co_await become_holder();
  const bool made = exit_code_ == 0 && end_ == End::none;
  bool serving = false;
  if (made) serving = co_await start_serving();
  while (serving && end_ == End::none) co_await ended_.wait();
  co_await stop();
}

Task<bool> App::start_serving() {
  lease_door_ = std::make_unique<storage::LeaseDoor>(loop_.get_executor(), config_.database_path, [this] { end(End::handed_over); });
  if (const auto opened = lease_door_->open(); opened) tasks_->spawn("storage.lease", lease_door_->run());
  else log_error("storage", "no hand-over can be asked for", {{"error", opened.error().message}});
  tasks_->spawn("storage.fence", watch_fence());
  tasks_->spawn("audit.anchor", anchor_->keep(*database_));
  // Where nothing runs yet. A server of its own container is found, not started.
  if (const auto server = co_await tmux_->ensure_server(); !server)
    log_warn("tmux", "no tmux server", {{"error", server.error().message}});
  if (const auto started = co_await hub_->start(); !started) {
    log_error("main", "sessions could not be loaded", {{"error", started.error().message}});
    exit_code_ = config::kExitDatabase;
    co_return false;
  }
  tasks_->spawn("backup", backups_->run());
  tasks_->spawn("main.vitals", vitals_->run());
  api_->set_ready(true);
  standby_->serve();
  log_info("main", "ready", {{"port", server_->port()}, {"pid", ::getpid()}, {"version", DASHBOARD_VERSION}});
  if (auth_->setup_required())
    log_info("main", "there is no account yet: open the page on this machine and use the code in the file, or run `dashboard user add NAME`",
             {{"file", config_.data_dir + "/setup-code"}});
  co_return true;
}

void App::end(End why) {
  if (end_ != End::none) return;
  end_ = why;
  standby_->end();
  ended_.notify();
}

Task<void> App::watch_signals() {
  asio::signal_set signals(loop_, SIGTERM, SIGINT, SIGHUP);
  for (;;) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal != SIGHUP) {
      log_info("main", "stopping", {{"signal", signal}});
      end(End::signal);
      co_return;
    }
    server_->reopen_access_log();
  }
}

Task<void> App::watch_fence() {
  while (!database_->fenced()) co_await sleep_for(kFenceLook);
  exit_code_ = config::kExitLease;
  end(End::fenced);
}

Task<void> App::stop() {
  const auto began = clock_.steady();
  if (lease_door_) lease_door_->close();
  if (backups_) backups_->stop();
  if (api_) api_->set_ready(false);
  co_await server_->stop(end_ == End::handed_over ? kHandOverDrain : kDrainLimit);
  if (api_) co_await api_->stop();
  if (hub_) co_await hub_->stop();
  co_await health_->close(kPartStopLimit);
  tasks_->cancel();
  if (!co_await tasks_->join(kPartStopLimit)) log_warn("main", "tasks did not end in time", {{"left", tasks_->running()}});
  if (database_) co_await close_storage();
  lease_.release();
  if (end_ == End::handed_over) exit_code_ = kHandedOver;
  log_info("main", "stopped", {{"seconds", std::chrono::duration<double>(clock_.steady() - began).count()}});
}

Task<void> App::close_storage() {
  auto anchor = [this](storage::Connection& db) { return anchor_->write(db); };
  if (const auto anchored = co_await database_->run(anchor); !anchored)
    log_error("audit", "the trail's head", {{"error", anchored.error().message}});
  if (const auto closed = co_await database_->close(); !closed)
    log_error("storage", "close", {{"error", closed.error().message}});
}

}  // namespace

int serve(const config::Config& config, Origin origin) {
  log_setup(config.log_level, config.log_format);
  config::print(config);
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  if (const auto checked = config::check_folders(config); !checked) return refuse(checked.error(), config::kExitRoots);
  App app(config, origin == Origin::handed_over ? Standby::Start::yielded : Standby::Start::fresh);
  if (const int code = app.make(); code != 0) return code;
  return app.run();
}

}  // namespace ccd
