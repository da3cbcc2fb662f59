#include "app.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "application.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "rooms.hpp"
#include "storage/inspect.hpp"

namespace ccd {

namespace {

using namespace std::chrono_literals;

// After SIGTERM: requests end, sockets are closed with 1012, then whatever is left is cut. Below the 10 s that Docker waits.
constexpr auto kDrainLimit = 5s;
constexpr auto kPartStopLimit = 2s;
// In a hand-over somebody waits for the database: pages are told to come again, and have this long to say goodbye.
constexpr auto kHandOverDrain = 1s;
// How often a write that was refused because another dashboard has the database is noticed.
constexpr auto kFenceLook = 250ms;
// One socket, one request, two descriptors a session: as many as the machine lets us have.
void raise_descriptor_limit() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

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
  loop_.run();
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
                        .message = "DATABASE_PATH: the database was made by a newer version: this one does not know " +
                                   gap.unknown.front()},
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
  lease_door_ = std::make_unique<storage::LeaseDoor>(loop_.get_executor(), config_.database_path,
                                                     [this] { end(End::handed_over); });
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
  notify_->start();
  open_hooks_door();
  if (const auto started = co_await agents_->start(); !started) {
    log_error("main", "agents could not be loaded", {{"error", started.error().message}});
    exit_code_ = config::kExitDatabase;
    co_return false;
  }
  standings_->start();
  notify_feed_ = std::make_unique<api::NotifyFeed>(agents_.get(), notify_.get());
  auto followed = co_await usage_->start();
  if (followed) followed = co_await prompts_->start();
  if (!followed) {
    log_error("main", "usage and prompts could not be loaded", {{"error", followed.error().message}});
    exit_code_ = config::kExitDatabase;
    co_return false;
  }
  tasks_->spawn("backup", backups_->run());
  tasks_->spawn("main.vitals", vitals_->run());
  tasks_->spawn("main.memory", give_back_memory(&pool_));
  api_->set_ready(true);
  standby_->serve();
  log_info("main", "ready", {{"port", server_->port()}, {"pid", ::getpid()}, {"version", DASHBOARD_VERSION}});
  if (auth_->setup_required())
    log_info("main",
             "there is no account yet: open the page on this machine and use the code in the file, or run `dashboard "
             "user add NAME`",
             {{"file", config_.data_dir + "/setup-code"}});
  co_return true;
}

// A Unix socket in the folder that agents share with the dashboard: it needs no port, no agent in another container is too far for it, and
// nothing from outside of the machine can come through it. Where the path is too long for one, hooks come to the port.
void App::open_hooks_door() {
  const std::string url = "http://127.0.0.1:" + std::to_string(server_->port());
  const std::string folder = config_.data_dir + "/sessions";
  std::string socket = folder + "/hooks.sock";
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    log_warn("main", "no folder for sessions", {{"folder", folder}});
  if (const auto opened = server_->listen_local(socket); !opened) {
    log_warn("main", "agents' hooks come to the port: no socket for them", {{"error", opened.error().message}});
    socket.clear();
  }
  agents_->set_door(url, socket);
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
  if (agents_) agents_->release_held();
  co_await server_->stop(end_ == End::handed_over ? kHandOverDrain : kDrainLimit);
  if (api_) co_await api_->stop();
  notify_feed_.reset();
  if (standings_) co_await standings_->stop();
  if (transcripts_) co_await transcripts_->stop();
  if (lifecycle_) co_await lifecycle_->stop();
  if (prompts_) co_await prompts_->stop();
  if (usage_) co_await usage_->stop();
  if (agents_) co_await agents_->stop();
  if (hub_) co_await hub_->stop();
  if (notify_) co_await notify_->stop();
  co_await health_->close(kPartStopLimit);
  tasks_->cancel();
  if (!co_await tasks_->join(kPartStopLimit))
    log_warn("main", "tasks did not end in time", {{"left", tasks_->running()}});
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
