// The HTTP API: one table of routes, each with who may call it; every request is authorised here before its handler runs.
//
// Lives on the loop. docs/openapi.yaml is the contract; tests compare it with routes().
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agents.hpp"
#include "agents/lifecycle.hpp"
#include "agents/prompts.hpp"
#include "agents/transcripts.hpp"
#include "agents/usage.hpp"
#include "api/recent_reads.hpp"
#include "api/terminal_socket.hpp"
#include "api/wire.hpp"
#include "audit/trail.hpp"
#include "auth/auth.hpp"
#include "auth/cookies.hpp"
#include "auth/origin.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "files/roots.hpp"
#include "health/checks.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/router.hpp"
#include "http/static_files.hpp"
#include "notify/notify.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"

namespace ccd::api {

// Who may call a route.
enum class Access {
  open,     // anybody: login, health, static files
  metrics,  // this machine, or the metrics token
  ticket,   // the terminal socket: a single-use ticket
  hook,     // a session's hooks: that session's own token, from this machine, never through a proxy or tunnel
  viewer,   // any login
  member,   // may act on sessions
  admin,
};
std::string_view to_string(Access access);

struct Parts {  // all outlive the Api
  asio::any_io_executor executor;
  auth::Service* auth;
  const auth::OriginPolicy* origins;
  sessions::Hub* hub;
  agents::Agents* agents;
  agents::Transcripts* transcripts;
  agents::Lifecycle* lifecycle;
  git::Git* git;
  agents::Prompts* prompts;
  agents::Usage* usage;
  storage::Database* database;
  const audit::Trail* trail;
  health::Checks* health;
  const http::StaticFiles* page;
  const files::Roots* file_roots;
  const files::Roots* project_roots;
  notify::Notify* notify;
  const Clock* clock;
  Random* random;
  asio::thread_pool* pool;
  std::string metrics_token;  // empty: this machine only
  std::string version;
  std::function<Task<std::string>()> details;  // the body of GET /health/details
};

struct RouteInfo {
  std::string method;
  std::string pattern;
  Access access;
};

class Api {
 public:
  explicit Api(Parts parts);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Never throws; every answer, errors too, is complete.
  Task<http::Response> handle(std::shared_ptr<http::Request> request);
  // Ready for traffic (GET /health/ready): set once everything runs, cleared when draining.
  void set_ready(bool ready) { ready_ = ready; }
  // Ends what runs on its own account. Terminal sockets end with the server's drain.
  Task<void> stop();

  static std::vector<RouteInfo> routes();
  // How long a request's body may be; asked before it is read.
  [[nodiscard]] std::size_t body_limit(const http::Request& request) const;

 private:
  struct Call {
    std::shared_ptr<http::Request> request;
    std::optional<auth::Principal> who;
    auth::Deployment deployment = auth::Deployment::no_cookies;
    auth::LoginCookies cookies;
    [[nodiscard]] const http::Request& http() const { return *request; }
    [[nodiscard]] sessions::Actor actor() const {
      return {.name = who ? who->user_name : "", .ip = request->remote_ip};
    }
    [[nodiscard]] notify::Actor notify_actor() const;
    [[nodiscard]] auth::Source source() const;
  };
  using Method = Task<Result<http::Response>> (Api::*)(Call);
  struct Route {
    std::string_view method;
    std::string_view pattern;
    Access access;
    Method handler;
  };
  static const std::vector<Route>& table();

  Result<Call> identify(const std::shared_ptr<http::Request>& request) const;
  Result<> authorise(const Call& call, Access access) const;
  [[nodiscard]] bool may_read_metrics(const http::Request& request) const;
  [[nodiscard]] boost::json::object session_whole(const sessions::Session& session) const;
  Task<void> serve_socket(std::shared_ptr<http::WebSocket> socket, auth::Principal who);
  // False: the row could not be written.
  Task<bool> audit(Call call, std::string action, std::string target, audit::Outcome outcome, std::string detail);

  // routes_auth.cpp
  Task<Result<http::Response>> auth_state(Call call);
  Task<Result<http::Response>> auth_setup(Call call);
  Task<Result<http::Response>> auth_login(Call call);
  Task<Result<http::Response>> auth_refresh(Call call);
  Task<Result<http::Response>> auth_logout(Call call);
  Task<Result<http::Response>> auth_me(Call call);
  Task<Result<http::Response>> auth_password(Call call);
  Task<Result<http::Response>> auth_logins(Call call);
  Task<Result<http::Response>> auth_revoke(Call call);
  Task<Result<http::Response>> ws_ticket(Call call);
  Task<Result<http::Response>> users_list(Call call);
  Task<Result<http::Response>> users_add(Call call);
  // routes_sessions.cpp
  Task<Result<http::Response>> sessions_list(Call call);
  Task<Result<http::Response>> sessions_get(Call call);
  Task<Result<http::Response>> sessions_patch(Call call);
  Task<Result<http::Response>> sessions_end(Call call);
  Task<Result<http::Response>> sessions_output(Call call);
  Task<Result<http::Response>> sessions_screen(Call call);
  Task<Result<http::Response>> sessions_lines(Call call);
  Task<Result<http::Response>> sessions_upload(Call call);
  Task<Result<http::Response>> terminal_socket(Call call);
  // routes_agents.cpp
  Task<Result<http::Response>> hooks_claude(Call call);
  Task<Result<http::Response>> attention_list(Call call);
  Task<Result<http::Response>> attention_get(Call call);
  Task<Result<http::Response>> attention_answer(Call call);
  Task<Result<http::Response>> sessions_events(Call call);
  [[nodiscard]] bool may_hook(const http::Request& request, std::string_view session) const;
  // routes_transcript.cpp
  Task<Result<http::Response>> transcript_page(Call call);
  Task<Result<http::Response>> transcript_line(Call call);
  Task<Result<http::Response>> transcript_search(Call call);
  Task<Result<http::Response>> transcript_facts(Call call);
  Task<Result<http::Response>> transcript_agents(Call call);
  Task<Result<http::Response>> sessions_moment(Call call);
  static agents::TranscriptName transcript_of(const Call& call);
  // Who reads a conversation or a terminal leaves a trace, however they come to it.
  Task<void> write_reading(Call call, Reading reading);
  Task<void> note_terminal(Call call);
  Task<void> note_reading(Call call, agents::TranscriptName name, std::optional<audit::Outcome> outcome);
  // routes_lifecycle.cpp
  [[nodiscard]] http::Response started_response(const agents::Started& started, int status) const;
  Task<Result<http::Response>> sessions_create(Call call);
  // What goes on with a session's conversation: the three take the same and answer the same.
  using StartAgain = Task<Result<agents::Started>> (agents::Lifecycle::*)(std::string, std::string, sessions::Actor);
  Task<Result<http::Response>> start_again(Call call, StartAgain start);
  Task<Result<http::Response>> sessions_resume(Call call);
  Task<Result<http::Response>> sessions_restart(Call call);
  Task<Result<http::Response>> sessions_give_hooks(Call call);
  Task<Result<http::Response>> sessions_fork(Call call);
  Task<Result<http::Response>> fleet_resume(Call call);
  Task<Result<http::Response>> conversations(Call call);
  Task<Result<http::Response>> project_settings(Call call);
  Task<Result<http::Response>> project_accept(Call call);
  Task<Result<http::Response>> templates_list(Call call);
  Task<Result<http::Response>> templates_add(Call call);
  Task<Result<http::Response>> templates_change(Call call);
  Task<Result<http::Response>> templates_remove(Call call);
  // routes_git.cpp
  Task<Result<http::Response>> git_status(Call call);
  Task<Result<http::Response>> git_diff(Call call);
  Task<Result<http::Response>> git_worktrees(Call call);
  Task<Result<http::Response>> git_worktree_add(Call call);
  Task<Result<http::Response>> git_obstacles(Call call);
  Task<Result<http::Response>> git_worktree_remove(Call call);
  // routes_prompts.cpp
  Task<Result<http::Response>> prompt_send(Call call);
  Task<Result<http::Response>> prompt_list(Call call);
  Task<Result<http::Response>> prompt_history(Call call);
  Task<Result<http::Response>> prompt_get(Call call);
  Task<Result<http::Response>> prompt_broadcast(Call call);
  Task<Result<http::Response>> prompt_cancel(Call call);
  Task<Result<http::Response>> limit_rule_set(Call call);
  Task<Result<http::Response>> schedules_list(Call call);
  Task<Result<http::Response>> schedules_get(Call call);
  Task<Result<http::Response>> schedules_add(Call call);
  Task<Result<http::Response>> schedules_put(Call call);
  Task<Result<http::Response>> schedules_remove(Call call);
  Task<Result<http::Response>> sending_get(Call call);
  Task<Result<http::Response>> sending_put(Call call);
  // routes_usage.cpp
  Task<Result<http::Response>> usage(Call call);
  Task<Result<http::Response>> usage_csv(Call call);
  Task<Result<http::Response>> budgets_list(Call call);
  Task<Result<http::Response>> budgets_add(Call call);
  Task<Result<http::Response>> budgets_remove(Call call);
  // routes_files.cpp
  Task<Result<http::Response>> projects(Call call);
  Task<Result<http::Response>> files_get(Call call);
  // routes_notify.cpp
  Task<Result<http::Response>> attention_action(Call call);
  Task<Result<http::Response>> notify_get(Call call);
  Task<Result<http::Response>> notify_preferences(Call call);
  Task<Result<http::Response>> devices_add(Call call);
  Task<Result<http::Response>> devices_remove(Call call);
  Task<Result<http::Response>> devices_test(Call call);
  Task<Result<http::Response>> webhooks_list(Call call);
  Task<Result<http::Response>> webhooks_add(Call call);
  Task<Result<http::Response>> webhooks_change(Call call);
  Task<Result<http::Response>> webhooks_secret(Call call);
  Task<Result<http::Response>> webhooks_remove(Call call);
  Task<Result<http::Response>> webhooks_test(Call call);
  Task<Result<http::Response>> webhooks_deliveries(Call call);
  // routes_system.cpp
  Task<Result<http::Response>> health(Call call);
  Task<Result<http::Response>> health_live(Call call);
  Task<Result<http::Response>> health_details(Call call);
  Task<Result<http::Response>> health_ready(Call call);
  Task<Result<http::Response>> metrics_text(Call call);
  Task<Result<http::Response>> audit_page(Call call);
  Task<Result<http::Response>> openapi(Call call);

  enum class Transport { cookie, bearer };
  static Result<Transport> transport_of(const Body& body);
  static Result<> check_transport(const Call& call, Transport transport);
  Result<http::Response> login_response(const Call& call, const auth::Login& login, Transport transport,
                                        int status) const;

  Parts parts_;
  http::Router router_;
  std::string server_id_;
  bool ready_ = false;
  SessionMessage session_message_;
  std::list<TerminalSocket*> sockets_;
  RecentReads recent_reads_;
  TaskGroup tasks_;
};

}  // namespace ccd::api
