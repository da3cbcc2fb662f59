#include "application.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>

#include "backup/restore.hpp"
#include "base/log.hpp"
#include "files/upload.hpp"
#include "rooms.hpp"
#include "storage/inspect.hpp"

namespace ccd {

namespace {

using namespace std::chrono_literals;

// A holder that was killed a moment ago may not be gone yet.
constexpr auto kLeaseGrace = 2s;

bool can_run(const std::string& program) {
  struct stat found{};
  if (::stat(program.c_str(), &found) != 0) return false;
  if (S_ISREG(found.st_mode)) return ::access(program.c_str(), X_OK) == 0;
  errno = EACCES;
  return false;
}

// What tmux is told to read and run. It would say nothing when one is missing: a session would be made and be lost at once.
Result<> has_own_files(const config::Config& config) {
  const std::string where = " (it belongs beside the dashboard's program)";
  for (const auto& [name, program] :
       {std::pair("PANE_TAP", &config.pane_tap), std::pair("PANE_START", &config.pane_start)})
    if (!can_run(*program)) return fail_errno(std::string(name) + ": run " + *program + where);
  if (::access(config.tmux_conf.c_str(), R_OK) != 0) return fail_errno("TMUX_CONF: read " + config.tmux_conf + where);
  return {};
}

}  // namespace

int refuse(const Error& error, int exit_code) {
  log_error("main", "refused to start", {{"reason", config::refusal(error)}, {"exit_code", exit_code}});
  return exit_code;
}

// Held at once, or found to be another's: then this one waits in standby, if it may.
int App::take_lease() {
  const auto deadline = clock_.steady() + kLeaseGrace;
  for (;;) {
    const auto taken = start_ == Standby::Start::yielded ? Result<bool>(false)
                                                         : lease_.try_take(this_process(config_.port, clock_.wall()));
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
  const auto made = backup::make(
      {.database_path = config_.database_path, .folder = config_.backup_dir, .keep = config_.backup_keep}, clock_, {});
  if (made)
    log_info("backup", "published before the schema is changed", {{"file", made->path}, {"steps", gap.pending.size()}});
  else log_error("backup", "none could be made before the schema is changed", {{"error", made.error().message}});
}

int App::make_storage() {
  storage::Options options{.path = config_.database_path};
  options.writer = storage::Writer::owner;
  options.name = storage::describe(this_process(server_->port(), clock_.wall()));
  auto database = backup::open_or_set_aside(std::move(options), loop_.get_executor(), config_.backup_dir, clock_);
  if (!database) return refuse(std::move(database).error().in("DATABASE_PATH"), config::kExitDatabase);
  database_ = std::move(*database);
  if (const auto applied = database_->run_now([](storage::Connection& db) { return storage::applied_migrations(db); }))
    secure_schema(*applied);
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
  if (const auto found = has_own_files(config_); !found) return refuse(found.error(), config::kExitConfig);
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
  health_->add("tmux", [this]() -> Task<bool> { co_return (co_await tmux_->answers()).has_value(); });
  health_->add("claude", [this]() -> Task<health::Verdict> { co_return health::Verdict{claude_word()}; });
  standby_ = std::make_unique<Standby>(Standby::Parts{.executor = loop_.get_executor(),
                                                      .lease = &lease_,
                                                      .health = health_.get(),
                                                      .pool = &pool_,
                                                      .clock = &clock_,
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
  co_return applied&& schema_gap(*applied).unknown.empty();
}

// Tells people who are not looking. Links in webhooks lead to the first address that people use.
int App::make_notify() {
  notify::Options options{.data_dir = config_.data_dir,
                          .contact = config_.notify_contact,
                          .private_addresses = config_.notify_private_addresses,
                          .http = {.proxy = config_.notify_proxy, .ca_file = config_.notify_ca_file}};
  const auto& origins = config_.public_origins;
  options.page_url = origins.empty() ? "http://localhost:" + std::to_string(server_->port()) : origins.front();
  if (options.contact.empty())
    options.contact = options.page_url.starts_with("https://") ? options.page_url : "mailto:owner@localhost";
  notify::Parts parts{
      .loop = loop_.get_executor(),
      .database = database_.get(),
      .clock = &clock_,
      .random = &random_,
      .login = [this](const std::string& id) -> std::optional<notify::Login> {
        const auto who = auth_->live_login(id);
        if (!who) return std::nullopt;
        return notify::Login{.user = who->user_id,
                             .user_name = who->user_name,
                             .may_answer = auth::at_least(who->role, auth::Role::member)};
      },
      .audit = [this](storage::Connection& db, const notify::Note& note) { return audit_notify(*trail_, db, note); }};
  auto made = notify::Notify::open(std::move(options), std::move(parts));
  if (!made) return refuse(std::move(made).error().in("DATA_DIR"), config::kExitRoots);
  notify_ = std::move(*made);
  auth_->on_revoked([this](const std::string& login) { notify_->pushes().login_ended(login); });
  return 0;
}

int App::make_rooms() {
  auth::Options auth_options;
  auth_options.jwt_secret = config_.jwt_secret;
  auth_options.data_dir = config_.data_dir;
  auth_options.setup_peers = config_.setup_peers;
  auth::Parts auth_parts{.loop = loop_.get_executor(),
                         .database = database_.get(),
                         .clock = &clock_,
                         .random = &random_,
                         .pool = &pool_,
                         .on_event = [this](storage::Connection& db, const auth::AuthEvent& event) {
                           return audit_auth(*trail_, db, event);
                         }};
  auto service = auth::Service::open(std::move(auth_options), std::move(auth_parts));
  if (!service) return refuse(service.error(), config::kExitRoots);
  auth_ = std::move(*service);
  if (const int code = make_notify(); code != 0) return code;

  sessions::Hub::Options hub_options{.data_dir = config_.data_dir,
                                     .pane_tap = config_.pane_tap,
                                     .pane_start = config_.pane_start,
                                     .default_command = config_.claude_command,
                                     .record_bytes_per_session = config_.record_bytes_per_session,
                                     .record_bytes_total = config_.record_bytes_total};
  hub_ = std::make_unique<sessions::Hub>(loop_.get_executor(), std::move(hub_options),
                                         sessions::Hub::Parts{.database = database_.get(),
                                                              .trail = trail_.get(),
                                                              .tmux = tmux_.get(),
                                                              .project_roots = &*project_roots_,
                                                              .clock = &clock_,
                                                              .random = &random_,
                                                              .pool = &pool_});
  agents_ =
      std::make_unique<agents::Agents>(loop_.get_executor(), agents::Agents::Options{.data_dir = config_.data_dir},
                                       agents::Agents::Parts{.database = database_.get(),
                                                             .trail = trail_.get(),
                                                             .hub = hub_.get(),
                                                             .clock = &clock_,
                                                             .random = &random_,
                                                             .pool = &pool_});
  transcripts_ = std::make_unique<agents::Transcripts>(
      loop_.get_executor(), agents::Transcripts::Parts{.hub = hub_.get(), .agents = agents_.get(), .pool = &pool_});
  standings_ = std::make_unique<agents::Standings>(
      loop_.get_executor(),
      agents::Standings::Parts{.hub = hub_.get(), .agents = agents_.get(), .transcripts = transcripts_.get()});
  hub_->set_launcher(agents_.get());
  git_ = std::make_unique<git::Git>(
      git::Git::Options{.scratch = config_.data_dir + "/git"},
      [this](const std::string& path) { return project_roots_->locate(path).has_value(); }, loop_.get_executor(),
      &pool_);
  lifecycle_ =
      std::make_unique<agents::Lifecycle>(loop_.get_executor(), agents::Lifecycle::Parts{.database = database_.get(),
                                                                                         .trail = trail_.get(),
                                                                                         .hub = hub_.get(),
                                                                                         .agents = agents_.get(),
                                                                                         .git = git_.get(),
                                                                                         .roots = &*project_roots_,
                                                                                         .clock = &clock_,
                                                                                         .random = &random_,
                                                                                         .pool = &pool_});
  usage_ = std::make_unique<agents::Usage>(loop_.get_executor(), agents::Usage::Parts{.database = database_.get(),
                                                                                      .trail = trail_.get(),
                                                                                      .hub = hub_.get(),
                                                                                      .agents = agents_.get(),
                                                                                      .transcripts = transcripts_.get(),
                                                                                      .clock = &clock_,
                                                                                      .random = &random_,
                                                                                      .pool = &pool_});
  prompts_ = std::make_unique<agents::Prompts>(
      loop_.get_executor(),
      agents::Prompts::Parts{.database = database_.get(),
                             .trail = trail_.get(),
                             .hub = hub_.get(),
                             .agents = agents_.get(),
                             .transcripts = transcripts_.get(),
                             .clock = &clock_,
                             .random = &random_,
                             .may_send = [this](const std::string& session) { return usage_->may_send(session); }});

  backups_ = std::make_unique<backup::Schedule>(
      backup::Schedule::Options{
          .source = {.database_path = config_.database_path, .folder = config_.backup_dir, .keep = config_.backup_keep},
          .interval = config_.backup_interval},
      &clock_, &pool_);
  vitals_ = std::make_unique<Vitals>(Vitals::Parts{.config = &config_,
                                                   .clock = &clock_,
                                                   .pool = &pool_,
                                                   .health = health_.get(),
                                                   .hub = hub_.get(),
                                                   .database = database_.get(),
                                                   .lease = &lease_,
                                                   .backups = backups_.get(),
                                                   .version = DASHBOARD_VERSION});
  return 0;
}

// A missing claude degrades nothing: shells and other programs run all the same.
std::string App::claude_word() const {
  const std::string& program = config_.claude_command.front();
  if (program.find('/') != std::string::npos) return can_run(program) ? "ok" : "not-installed";
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (can_run(std::string(rest.substr(0, colon)) + "/" + program)) return "ok";
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
  options.max_upload = std::max(files::kMaxUploadBytes, claude::kMaxHookBytes);
  // In standby there is nobody to ask.
  options.body_limit = [this, usual = options.max_body](const http::Request& request) {
    return api_ ? api_->body_limit(request) : usual;
  };
  server_ = std::make_unique<http::Server>(
      loop_.get_executor(), std::move(options), &clock_,
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
  api_ = std::make_unique<api::Api>(api::Parts{.executor = loop_.get_executor(),
                                               .auth = auth_.get(),
                                               .origins = &*origins_,
                                               .hub = hub_.get(),
                                               .agents = agents_.get(),
                                               .transcripts = transcripts_.get(),
                                               .lifecycle = lifecycle_.get(),
                                               .git = git_.get(),
                                               .prompts = prompts_.get(),
                                               .usage = usage_.get(),
                                               .database = database_.get(),
                                               .trail = trail_.get(),
                                               .health = health_.get(),
                                               .page = &*page_,
                                               .file_roots = &*file_roots_,
                                               .project_roots = &*project_roots_,
                                               .notify = notify_.get(),
                                               .clock = &clock_,
                                               .random = &random_,
                                               .pool = &pool_,
                                               .metrics_token = config_.metrics_token,
                                               .version = DASHBOARD_VERSION,
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

}  // namespace ccd
