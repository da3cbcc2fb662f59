#include "app.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "api/api.hpp"
#include "audit/anchor.hpp"
#include "audit/key.hpp"
#include "audit/trail.hpp"
#include "base/busy_poll.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "health/checks.hpp"
#include "http/server.hpp"
#include "sessions/hub.hpp"
#include "sessions/store.hpp"

namespace ccd {

namespace {

using namespace std::chrono_literals;

// After SIGTERM: requests end, sockets are closed with 1012, then whatever is left is cut. Below the 10 s that Docker waits.
constexpr auto kDrainLimit = 5s;
constexpr auto kPartStopLimit = 2s;
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

std::vector<storage::Migration> all_migrations() {
  std::vector<storage::Migration> out;
  for (const auto& room : {audit::migrations(), auth::migrations(), sessions::migrations()}) out.insert(out.end(), room.begin(), room.end());
  return out;
}

// A login's row in the audit trail, written in the transaction of the login itself.
Result<> audit_auth(const audit::Trail& trail, storage::Connection& db, const auth::AuthEvent& event) {
  audit::Record record{.actor = event.actor_name, .ip = event.ip, .action = "auth." + std::string(auth::to_string(event.kind)),
                       .target = event.target,
                       .outcome = auth::is_failure(event.kind) ? audit::Outcome::denied : audit::Outcome::ok,
                       .detail = event.detail};
  return trail.append(db, record);
}

// The rooms in the order they are made; destroyed in the opposite one.
class App {
 public:
  explicit App(const config::Config& config) : config_(config) {}

  // 0, or the exit code of the refusal, which has been printed.
  int make();
  int run();

 private:
  int make_storage();
  int make_rooms();
  int make_door();
  [[nodiscard]] std::string claude_word() const;
  Task<void> main_task();
  Task<void> wait_for_signals();
  Task<void> stop();

  const config::Config& config_;
  asio::io_context loop_{1};
  asio::thread_pool pool_{kPoolThreads};
  SystemClock clock_;
  BusyPoll busy_poll_{&clock_};
  SystemRandom random_;
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
  std::optional<http::StaticFiles> page_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<TaskGroup> tasks_;
  int exit_code_ = 0;
};

int App::make_storage() {
  auto database = storage::Database::open({.path = config_.database_path}, loop_.get_executor());
  if (!database) return refuse(std::move(database).error().in("DATABASE_PATH"), config::kExitDatabase);
  database_ = std::move(*database);
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
  tmux_ = std::make_unique<tmux::Tmux>(std::move(tmux_options), loop_.get_executor());
  sessions::Hub::Options hub_options{.data_dir = config_.data_dir, .pane_tap = config_.pane_tap, .pane_start = config_.pane_start,
                                     .default_command = config_.claude_command,
                                     .record_bytes_per_session = config_.record_bytes_per_session};
  hub_ = std::make_unique<sessions::Hub>(loop_.get_executor(), std::move(hub_options),
      sessions::Hub::Parts{.database = database_.get(), .trail = trail_.get(), .tmux = tmux_.get(), .project_roots = &*project_roots_,
                           .clock = &clock_, .random = &random_, .pool = &pool_, .busy_poll = &busy_poll_});

  health_ = std::make_unique<health::Checks>(loop_.get_executor(), clock_, DASHBOARD_VERSION);
  health_->add("server", []() -> Task<bool> { co_return true; });
  health_->add("database", [this]() -> Task<bool> { co_return (co_await database_->ping()).has_value(); });
  health_->add("tmux", [this]() -> Task<bool> { co_return (co_await tmux_->server()).has_value(); });
  health_->add("claude", [this]() -> Task<health::Verdict> { co_return health::Verdict{claude_word()}; });
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
  server_ = std::make_unique<http::Server>(loop_.get_executor(), std::move(options), &clock_,
      [this](std::shared_ptr<http::Request> request) { return api_->handle(std::move(request)); });
  if (auto listening = server_->listen(); !listening) {
    const bool taken = listening.error().kind == ErrorKind::conflict;
    return refuse(std::move(listening).error().in("PORT"), taken ? config::kExitPort : config::kExitConfig);
  }
  // Only now is the port known for certain (PORT=0 takes any free one).
  auto origins = auth::OriginPolicy::make(config_.public_origins, server_->port(), config_.host);
  if (!origins) return refuse(origins.error(), config::kExitConfig);
  origins_ = std::move(*origins);
  api_ = std::make_unique<api::Api>(api::Parts{
      .executor = loop_.get_executor(), .auth = auth_.get(), .origins = &*origins_, .hub = hub_.get(), .database = database_.get(),
      .trail = trail_.get(), .health = health_.get(), .page = &*page_, .file_roots = &*file_roots_,
      .project_roots = &*project_roots_, .clock = &clock_, .random = &random_, .pool = &pool_,
      .metrics_token = config_.metrics_token, .version = DASHBOARD_VERSION});
  return 0;
}

int App::make() {
  for (const auto step : {&App::make_storage, &App::make_rooms, &App::make_door})
    if (const int code = (this->*step)(); code != 0) return code;
  return 0;
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
  return exit_code_;
}

Task<void> App::main_task() {
  tasks_->spawn("http.server", server_->run());
  tasks_->spawn("audit.anchor", anchor_->keep(*database_));
  // Where nothing runs yet. A server of its own container is found, not started.
  if (const auto server = co_await tmux_->ensure_server(); !server)
    log_error("tmux", "no tmux server", {{"error", server.error().message}});
  if (const auto started = co_await hub_->start(); !started) {
    log_error("main", "sessions could not be loaded", {{"error", started.error().message}});
    exit_code_ = config::kExitDatabase;
    co_return;
  }
  api_->set_ready(true);
  log_info("main", "ready", {{"port", server_->port()}, {"pid", ::getpid()}, {"version", DASHBOARD_VERSION}});
  if (auth_->setup_required())
    log_info("main", "there is no account yet: open the page on this machine and use the code in the file, or run `dashboard user add NAME`",
             {{"file", config_.data_dir + "/setup-code"}});
  co_await wait_for_signals();
  co_await stop();
}

Task<void> App::wait_for_signals() {
  asio::signal_set signals(loop_, SIGTERM, SIGINT, SIGHUP);
  for (;;) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal != SIGHUP) {
      log_info("main", "stopping", {{"signal", signal}});
      co_return;
    }
    server_->reopen_access_log();
  }
}

Task<void> App::stop() {
  api_->set_ready(false);
  co_await server_->stop(kDrainLimit);
  co_await api_->stop();
  co_await hub_->stop();
  co_await health_->close(kPartStopLimit);
  tasks_->cancel();
  if (!co_await tasks_->join(kPartStopLimit)) log_warn("main", "tasks did not end in time", {{"left", tasks_->running()}});
  auto anchor = [this](storage::Connection& db) { return anchor_->write(db); };
  if (const auto anchored = co_await database_->run(anchor); !anchored)
    log_error("audit", "the trail's head", {{"error", anchored.error().message}});
  if (const auto closed = co_await database_->close(); !closed)
    log_error("storage", "close", {{"error", closed.error().message}});
  log_info("main", "stopped");
}

// A console that shows no password while it is typed; a pipe is read as it is.
std::string read_password() {
  std::string password;
  const bool console = ::isatty(STDIN_FILENO) != 0;
  struct termios before {};
  if (console) {
    std::fputs("Password: ", stderr);
    ::tcgetattr(STDIN_FILENO, &before);
    struct termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::getline(std::cin, password);
  if (console) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputs("\n", stderr);
  }
  return password;
}

int complain(const Error& error) {
  std::fprintf(stderr, "dashboard: %s\n", printable(config::refusal(error)).c_str());
  return 1;
}

}  // namespace

int serve(const config::Config& config) {
  log_setup(config.log_level, config.log_format);
  config::print(config);
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  if (const auto checked = config::check_folders(config); !checked) return refuse(checked.error(), config::kExitRoots);
  App app(config);
  if (const int code = app.make(); code != 0) return code;
  return app.run();
}

int add_user(const config::Config& config, const std::string& name, const std::string& role) {
  const auto known = auth::role_from(role);
  if (!known) return complain(Error{.kind = ErrorKind::invalid, .message = "the role must be viewer, member or admin"});
  if (const auto checked = config::check_folders(config); !checked) return complain(checked.error());
  asio::io_context loop;
  SystemClock clock;
  SystemRandom random;
  auto database = storage::Database::open({.path = config.database_path}, loop.get_executor());
  if (!database) return complain(database.error());
  if (const auto migrated = (*database)->migrate(all_migrations()); !migrated) return complain(migrated.error());
  auto key = audit::load_or_create_key(config.data_dir + "/audit.key", random);
  if (!key) return complain(key.error());
  const audit::Trail trail(*key, clock);
  const auto on_event = [&trail](storage::Connection& db, const auth::AuthEvent& event) { return audit_auth(trail, db, event); };
  const auto id = auth::add_user_now(**database, clock, random, name, read_password(), *known, on_event);
  if (!id) return complain(id.error());
  std::printf("Added %s (%s).\n", name.c_str(), role.c_str());
  return 0;
}

int start_tmux(const config::Config& config) {
  log_setup(LogLevel::warn, config.log_format);
  asio::io_context loop;
  tmux::Tmux tmux({.program = "tmux", .socket_name = config.tmux_socket, .config_file = config.tmux_conf, .tmpdir = config.tmux_tmpdir},
                  loop.get_executor());
  int code = 1;
  auto start = [](tmux::Tmux* server, int* result) -> Task<void> {
    const auto started = co_await server->ensure_server();
    *result = started ? 0 : complain(started.error());
  };
  asio::co_spawn(loop, start(&tmux, &code), asio::detached);
  loop.run();
  return code;
}

int verify_audit(const config::Config& config) {
  asio::io_context loop;
  SystemClock clock;
  SystemRandom random;
  auto database = storage::Database::open({.path = config.database_path}, loop.get_executor());
  if (!database) return complain(database.error());
  auto key = audit::load_or_create_key(config.data_dir + "/audit.key", random);
  if (!key) return complain(key.error());
  const auto report = (*database)->run_now([&key](storage::Connection& db) { return audit::verify(db, *key); });
  if (!report) return complain(report.error());
  if (!report->ok) {
    std::printf("The trail does not hold at row %lld: %s\n", static_cast<long long>(report->first_bad_id), report->reason.c_str());
    return 2;
  }
  const audit::Anchor anchor(config.data_dir + "/audit.head", *key, clock);
  const auto head = (*database)->run_now([&anchor](storage::Connection& db) { return anchor.verify(db); });
  if (!head) return complain(head.error());
  if (!head->ok) {
    std::printf("Rows are missing at the end: %s\n", head->reason.c_str());
    return 2;
  }
  std::printf("%lld rows, all in place.\n", static_cast<long long>(report->rows));
  return 0;
}

}  // namespace ccd
