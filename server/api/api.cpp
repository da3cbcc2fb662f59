#include "api/api.hpp"

#include <boost/json.hpp>

#include "api/errors.hpp"
#include "api/wire.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::api {

namespace {

constexpr std::string_view kBearer = "Bearer ";
// Pages whose login has ended: the page knows this code and logs in again.
constexpr std::uint16_t kCloseLoginEnded = 4401;
constexpr auto kStopLimit = std::chrono::seconds(2);

std::string_view bearer_token(const http::Request& request) {
  const std::string_view value = request.header("Authorization");
  if (value.size() <= kBearer.size() || !http::equal_ignoring_case(value.substr(0, kBearer.size()), kBearer)) return {};
  return value.substr(kBearer.size());
}

std::vector<std::string_view> all_headers(const http::Request& request, std::string_view name) {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : request.headers)
    if (http::equal_ignoring_case(key, name)) out.push_back(value);
  return out;
}

bool is_ours(std::string_view path) {
  for (const std::string_view prefix : {"/api", "/ws", "/health", "/metrics"})
    if (path == prefix || (path.starts_with(prefix) && path[prefix.size()] == '/')) return true;
  return false;
}

}  // namespace

std::string_view to_string(Access access) {
  switch (access) {
    case Access::open: return "open";
    case Access::metrics: return "metrics";
    case Access::ticket: return "ticket";
    case Access::hook: return "hook";
    case Access::viewer: return "viewer";
    case Access::member: return "member";
    case Access::admin: return "admin";
  }
  return "admin";
}

const std::vector<Api::Route>& Api::table() {
  static const std::vector<Route> routes{
      {"GET", "/health", Access::open, &Api::health},
      {"GET", "/health/live", Access::open, &Api::health_live},
      {"GET", "/health/ready", Access::open, &Api::health_ready},
      {"GET", "/health/details", Access::metrics, &Api::health_details},
      {"GET", "/metrics", Access::metrics, &Api::metrics_text},
      {"GET", "/api/auth/state", Access::open, &Api::auth_state},
      {"POST", "/api/auth/setup", Access::open, &Api::auth_setup},
      {"POST", "/api/auth/login", Access::open, &Api::auth_login},
      {"POST", "/api/auth/refresh", Access::open, &Api::auth_refresh},
      {"POST", "/api/auth/logout", Access::viewer, &Api::auth_logout},
      {"GET", "/api/auth/me", Access::viewer, &Api::auth_me},
      {"POST", "/api/auth/password", Access::viewer, &Api::auth_password},
      {"GET", "/api/auth/sessions", Access::viewer, &Api::auth_logins},
      {"DELETE", "/api/auth/sessions/{id}", Access::viewer, &Api::auth_revoke},
      {"GET", "/api/users", Access::admin, &Api::users_list},
      {"POST", "/api/users", Access::admin, &Api::users_add},
      {"POST", "/api/ws-ticket", Access::viewer, &Api::ws_ticket},
      {"GET", "/ws", Access::ticket, &Api::terminal_socket},
      {"GET", "/api/sessions", Access::viewer, &Api::sessions_list},
      {"POST", "/api/sessions", Access::member, &Api::sessions_create},
      {"GET", "/api/sessions/{id}", Access::viewer, &Api::sessions_get},
      {"PATCH", "/api/sessions/{id}", Access::member, &Api::sessions_patch},
      {"DELETE", "/api/sessions/{id}", Access::member, &Api::sessions_end},
      {"GET", "/api/sessions/{id}/output", Access::viewer, &Api::sessions_output},
      {"GET", "/api/sessions/{id}/screen", Access::viewer, &Api::sessions_screen},
      {"GET", "/api/sessions/{id}/lines", Access::viewer, &Api::sessions_lines},
      {"POST", "/api/sessions/{id}/uploads", Access::member, &Api::sessions_upload},
      {"GET", "/api/sessions/{id}/transcript", Access::viewer, &Api::transcript_page},
      {"GET", "/api/sessions/{id}/transcript/line", Access::viewer, &Api::transcript_line},
      {"GET", "/api/sessions/{id}/transcript/search", Access::viewer, &Api::transcript_search},
      {"GET", "/api/sessions/{id}/transcript/facts", Access::viewer, &Api::transcript_facts},
      {"GET", "/api/sessions/{id}/transcript/agents", Access::viewer, &Api::transcript_agents},
      {"GET", "/api/sessions/{id}/moment", Access::viewer, &Api::sessions_moment},
      {"GET", "/api/sessions/{id}/events", Access::viewer, &Api::sessions_events},
      {"GET", "/api/attention", Access::viewer, &Api::attention_list},
      {"GET", "/api/attention/{id}", Access::viewer, &Api::attention_get},
      {"POST", "/api/attention/{id}", Access::member, &Api::attention_answer},
      {"POST", "/api/hooks/claude/{id}", Access::hook, &Api::hooks_claude},
      {"POST", "/api/sessions/{id}/resume", Access::member, &Api::sessions_resume},
      {"POST", "/api/sessions/{id}/restart", Access::member, &Api::sessions_restart},
      {"POST", "/api/sessions/{id}/hooks", Access::member, &Api::sessions_give_hooks},
      {"POST", "/api/sessions/{id}/fork", Access::member, &Api::sessions_fork},
      {"POST", "/api/fleet/resume", Access::member, &Api::fleet_resume},
      {"GET", "/api/conversations", Access::member, &Api::conversations},
      {"GET", "/api/templates", Access::member, &Api::templates_list},
      {"POST", "/api/templates", Access::member, &Api::templates_add},
      {"PUT", "/api/templates/{id}", Access::member, &Api::templates_change},
      {"DELETE", "/api/templates/{id}", Access::member, &Api::templates_remove},
      {"GET", "/api/sessions/{id}/prompts", Access::viewer, &Api::prompt_list},
      {"POST", "/api/sessions/{id}/prompt", Access::member, &Api::prompt_send},
      {"PUT", "/api/sessions/{id}/after-limit", Access::member, &Api::limit_rule_set},
      {"GET", "/api/prompts/history", Access::viewer, &Api::prompt_history},
      {"POST", "/api/prompts", Access::member, &Api::prompt_broadcast},
      {"GET", "/api/prompts/{id}", Access::viewer, &Api::prompt_get},
      {"DELETE", "/api/prompts/{id}", Access::member, &Api::prompt_cancel},
      {"GET", "/api/schedules", Access::viewer, &Api::schedules_list},
      {"POST", "/api/schedules", Access::member, &Api::schedules_add},
      {"GET", "/api/schedules/{id}", Access::viewer, &Api::schedules_get},
      {"PUT", "/api/schedules/{id}", Access::member, &Api::schedules_put},
      {"DELETE", "/api/schedules/{id}", Access::member, &Api::schedules_remove},
      {"GET", "/api/sending", Access::viewer, &Api::sending_get},
      {"PUT", "/api/sending", Access::member, &Api::sending_put},
      {"GET", "/api/usage", Access::viewer, &Api::usage},
      {"GET", "/api/usage.csv", Access::viewer, &Api::usage_csv},
      {"GET", "/api/budgets", Access::viewer, &Api::budgets_list},
      {"POST", "/api/budgets", Access::member, &Api::budgets_add},
      {"DELETE", "/api/budgets/{id}", Access::member, &Api::budgets_remove},
      {"GET", "/api/projects", Access::viewer, &Api::projects},
      {"GET", "/api/projects/settings", Access::member, &Api::project_settings},
      {"POST", "/api/projects/settings", Access::member, &Api::project_accept},
      {"GET", "/api/git/status", Access::viewer, &Api::git_status},
      {"GET", "/api/git/diff", Access::viewer, &Api::git_diff},
      {"GET", "/api/git/worktrees", Access::viewer, &Api::git_worktrees},
      {"POST", "/api/git/worktrees", Access::member, &Api::git_worktree_add},
      {"DELETE", "/api/git/worktrees", Access::member, &Api::git_worktree_remove},
      {"GET", "/api/git/worktrees/obstacles", Access::member, &Api::git_obstacles},
      {"GET", "/api/files", Access::viewer, &Api::files_get},
      {"POST", "/api/attention/{id}/action", Access::open, &Api::attention_action},
      {"GET", "/api/notify", Access::viewer, &Api::notify_get},
      {"PUT", "/api/notify/preferences", Access::viewer, &Api::notify_preferences},
      {"POST", "/api/notify/devices", Access::viewer, &Api::devices_add},
      {"DELETE", "/api/notify/devices/{id}", Access::viewer, &Api::devices_remove},
      {"POST", "/api/notify/devices/{id}/test", Access::viewer, &Api::devices_test},
      {"GET", "/api/notify/webhooks", Access::member, &Api::webhooks_list},
      {"POST", "/api/notify/webhooks", Access::member, &Api::webhooks_add},
      {"PUT", "/api/notify/webhooks/{id}", Access::member, &Api::webhooks_change},
      {"DELETE", "/api/notify/webhooks/{id}", Access::member, &Api::webhooks_remove},
      {"POST", "/api/notify/webhooks/{id}/secret", Access::member, &Api::webhooks_secret},
      {"POST", "/api/notify/webhooks/{id}/test", Access::member, &Api::webhooks_test},
      {"GET", "/api/notify/webhooks/{id}/deliveries", Access::member, &Api::webhooks_deliveries},
      {"GET", "/api/audit", Access::admin, &Api::audit_page},
      {"GET", "/api/openapi.json", Access::viewer, &Api::openapi},
  };
  return routes;
}

std::vector<RouteInfo> Api::routes() {
  std::vector<RouteInfo> out;
  for (const Route& route : table())
    out.push_back({std::string(route.method), std::string(route.pattern), route.access});
  return out;
}

Api::Api(Parts parts)
    : parts_(std::move(parts)),
      server_id_(parts_.random->hex(8)),
      recent_reads_(parts_.clock),
      tasks_(parts_.executor) {
  for (std::size_t i = 0; i < table().size(); ++i) router_.add(table()[i].method, table()[i].pattern, i);
  parts_.auth->on_revoked([this](const std::string& session_id) {
    for (TerminalSocket* socket : sockets_)
      if (socket->who().session_id == session_id) socket->close(kCloseLoginEnded, "the login has ended");
  });
}

Task<void> Api::stop() {
  tasks_.cancel();
  co_await tasks_.join(kStopLimit);
}

auth::Source Api::Call::source() const {
  return {.ip = request->remote_ip,
          .user_agent = std::string(request->header("User-Agent")),
          .device_cookie = cookies.device,
          .via = request->forwarded ? auth::Via::forwarded : auth::Via::direct};
}

notify::Actor Api::Call::notify_actor() const {
  return {.user = who->user_id,
          .user_name = who->user_name,
          .login = who->session_id,
          .ip = request->remote_ip,
          .admin = auth::at_least(who->role, auth::Role::admin)};
}

// Who asks, and whether the request could have been made by a foreign page.
Result<Api::Call> Api::identify(const std::shared_ptr<http::Request>& request) const {
  Call call;
  call.request = request;
  call.deployment = auth::deployment({.trusted_proto = request->secure ? "https" : "",
                                      .via = request->forwarded ? auth::Via::forwarded : auth::Via::direct,
                                      .host_header = request->host});
  call.cookies = TRY(auth::read_cookies(all_headers(*request, "Cookie"), call.deployment));
  const std::string_view bearer = bearer_token(*request);
  auth::RequestOrigin origin;
  // A browser always sends an Origin with a WebSocket, a program none: then its ticket must have been issued without one.
  const bool page_socket = request->path == "/ws" && !request->header("Origin").empty();
  origin.what = page_socket ? auth::RequestClass::websocket : auth::request_class(request->method);
  origin.credential = !bearer.empty()                                                 ? auth::Credential::bearer
                      : !call.cookies.access.empty() || !call.cookies.refresh.empty() ? auth::Credential::cookie
                                                                                      : auth::Credential::none;
  origin.origins = all_headers(*request, "Origin");
  origin.sec_fetch_sites = all_headers(*request, "Sec-Fetch-Site");
  TRY(parts_.origins->check_request(origin));
  // A header that is there decides alone: a wrong token never falls back to a cookie.
  const bool has_header = !request->header("Authorization").empty();
  const std::string_view token = has_header ? bearer : std::string_view(call.cookies.access);
  if (!token.empty()) {
    auto who = parts_.auth->authenticate(token);
    if (who) call.who = std::move(*who);
  }
  if (call.who) request->principal = call.who->user_name;
  return call;
}

bool Api::may_read_metrics(const http::Request& request) const {
  const std::string_view token = bearer_token(request);
  if (!parts_.metrics_token.empty() && equal_constant_time(token, parts_.metrics_token)) return true;
  return request.loopback_peer && !request.forwarded && token.empty();
}

Result<> Api::authorise(const Call& call, Access access) const {
  auth::Role needed = auth::Role::viewer;
  switch (access) {
    case Access::open:
    case Access::ticket: return {};
    case Access::metrics:
      if (may_read_metrics(call.http())) return {};
      return fail(ErrorKind::unauthorized, "metrics need the metrics token, or a request from this machine");
    case Access::hook:
      if (may_hook(call.http(), call.request->params.at("id"))) return {};
      return fail(ErrorKind::unauthorized, "hooks need their session's own token, and a request from this machine");
    case Access::viewer: break;
    case Access::member: needed = auth::Role::member; break;
    case Access::admin: needed = auth::Role::admin; break;
  }
  if (!call.who)
    return fail(ErrorKind::unauthorized, "log in first: the access token is missing, expired or not valid");
  if (!auth::at_least(call.who->role, needed))
    return fail(ErrorKind::forbidden,
                "your role (" + std::string(auth::to_string(call.who->role)) + ") may not do this");
  return {};
}

Task<http::Response> Api::handle(std::shared_ptr<http::Request> request) {
  const http::Router::Match match = router_.find(request->method, request->path);
  // The local door is for hooks alone: whoever can open it is no more than an agent.
  if (request->door == http::Door::local && !(match.route && table()[*match.route].access == Access::hook))
    co_return error_response(Error{.kind = ErrorKind::not_found, .message = "only hooks are taken here"}, request->id);
  if (!match.route) {
    if (!is_ours(request->path)) {
      if (request->method != "GET" && request->method != "HEAD") {
        http::Response refused =
            error_response(Error{.kind = ErrorKind::invalid, .message = "only GET and HEAD here"}, request->id);
        refused.status = 405;
        refused.set_header("Allow", "GET, HEAD");
        co_return refused;
      }
      if (auto page = parts_.page->serve(*request)) co_return std::move(*page);
    }
    if (match.allowed_methods.empty())
      co_return error_response(Error{.kind = ErrorKind::not_found, .message = "there is nothing at this address"},
                               request->id);
    http::Response refused = error_response(
        Error{.kind = ErrorKind::invalid, .message = "allowed here: " + match.allowed_methods}, request->id);
    refused.status = 405;
    refused.set_header("Allow", match.allowed_methods);
    co_return refused;
  }
  request->params = match.params;
  const Route& route = table()[*match.route];
  auto call = identify(request);
  if (!call) co_return error_response(call.error(), request->id);
  if (const auto allowed = authorise(*call, route.access); !allowed) {
    if (allowed.error().kind == ErrorKind::forbidden)
      co_await audit(*call, "access", std::string(route.method) + " " + std::string(route.pattern),
                     audit::Outcome::denied, "");
    co_return error_response(allowed.error(), request->id);
  }
  auto response = co_await (this->*route.handler)(std::move(*call));
  if (!response) co_return error_response(response.error(), request->id);
  co_return std::move(*response);
}

// For acts that change nothing in the database themselves. A full disk must not stop anybody from looking at their agents, so a
// row that cannot be written is an ERROR in the log and the act goes on.
Task<bool> Api::audit(Call call, std::string action, std::string target, audit::Outcome outcome, std::string detail) {
  audit::Record record{.actor = call.who ? call.who->user_name : "",
                       .ip = call.request->remote_ip,
                       .action = std::move(action),
                       .target = std::move(target),
                       .outcome = outcome,
                       .detail = std::move(detail)};
  const auto written = co_await parts_.trail->append_now(*parts_.database, std::move(record));
  if (!written) log_error("api", "an audit row could not be written", {{"error", written.error().message}});
  co_return written.has_value();
}

}  // namespace ccd::api
