// One dashboard, from its settings to its end: the rooms, and how they are joined. application.cpp makes them, app.cpp runs them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/agents.hpp"
#include "agents/lifecycle.hpp"
#include "agents/standings.hpp"
#include "agents/transcripts.hpp"
#include "api/api.hpp"
#include "api/notify_feed.hpp"
#include "audit/anchor.hpp"
#include "audit/key.hpp"
#include "audit/trail.hpp"
#include "backup/schedule.hpp"
#include "config/config.hpp"
#include "health/checks.hpp"
#include "http/server.hpp"
#include "notify/notify.hpp"
#include "sessions/hub.hpp"
#include "standby.hpp"
#include "storage/lease.hpp"
#include "storage/lease_door.hpp"
#include "vitals.hpp"

namespace ccd {

// Hashing takes two at most, the rest serves file reads and folder listings.
inline constexpr std::size_t kPoolThreads = 4;

// Says in one line why there is no start; returns the exit code.
int refuse(const Error& error, int exit_code);

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
  int make_notify();
  int make_api();
  int make_rest();
  void secure_schema(const std::vector<std::string>& applied);
  [[nodiscard]] std::string claude_word() const;
  Task<bool> database_answers();
  Task<http::Response> answer(std::shared_ptr<http::Request> request);
  Task<void> main_task();
  Task<int> become_holder();
  Task<bool> start_serving();
  void open_hooks_door();
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
  SystemRandom random_;
  storage::Lease lease_;
  std::unique_ptr<storage::LeaseDoor> lease_door_;
  std::unique_ptr<storage::Database> database_;
  audit::Key audit_key_{};
  std::unique_ptr<audit::Trail> trail_;
  std::unique_ptr<audit::Anchor> anchor_;
  std::unique_ptr<auth::Service> auth_;
  std::unique_ptr<notify::Notify> notify_;
  std::optional<auth::OriginPolicy> origins_;
  std::optional<files::Roots> project_roots_;
  std::optional<files::Roots> file_roots_;
  std::unique_ptr<tmux::Tmux> tmux_;
  std::unique_ptr<sessions::Hub> hub_;
  std::unique_ptr<git::Git> git_;
  std::unique_ptr<agents::Agents> agents_;
  std::unique_ptr<api::NotifyFeed> notify_feed_;
  std::unique_ptr<agents::Transcripts> transcripts_;
  std::unique_ptr<agents::Lifecycle> lifecycle_;
  std::unique_ptr<agents::Usage> usage_;
  std::unique_ptr<agents::Prompts> prompts_;
  std::unique_ptr<agents::Standings> standings_;
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

}  // namespace ccd
