// Routes of sessions, their record, and the terminal socket.
#include <boost/json.hpp>

#include "api/api.hpp"
#include "api/errors.hpp"
#include "api/wire.hpp"
#include "base/log.hpp"
#include "files/upload.hpp"
#include "http/url.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxName = 256;  // longer ones are refused by the hub with the rule for names
constexpr std::uint64_t kDefaultOutput = 64 * 1024;
constexpr std::uint64_t kMaxOutput = 1024 * 1024;  // of the record in one answer
constexpr std::uint64_t kDefaultLines = 200;
constexpr std::uint64_t kMaxLines = 1000;  // in one answer: some 200 KB
constexpr std::size_t kUsualBody = 1024 * 1024;
constexpr std::string_view kSubprotocol = "ccd.v1";
constexpr std::string_view kTicketPrefix = "ticket.";
constexpr std::size_t kMaxSocketsPerLogin = 32;  // tabs of one browser

// The ticket among the offered subprotocols; empty when ours or the ticket is missing.
std::string ticket_of(const http::Request& request) {
  std::string ticket;
  bool ours = false;
  std::string_view list = request.header("Sec-WebSocket-Protocol");
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item == kSubprotocol) ours = true;
    if (item.starts_with(kTicketPrefix)) ticket = item.substr(kTicketPrefix.size());
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return ours ? ticket : "";
}

}  // namespace

Task<Result<http::Response>> Api::sessions_list(Call) {
  co_await parts_.hub->refresh();
  json::array out;
  for (const sessions::Session& session : parts_.hub->list()) out.emplace_back(session_whole(session));
  co_return json_response(200, json::object{{"sessions", std::move(out)}});
}

Task<Result<http::Response>> Api::sessions_get(Call call) {
  co_await parts_.hub->refresh();
  const auto session = parts_.hub->find(call.request->params.at("id"));
  if (!session) co_return fail(ErrorKind::not_found, "there is no such session");
  co_return json_response(200, session_whole(*session));
}

Task<Result<http::Response>> Api::sessions_patch(Call call) {
  const std::string id = call.request->params.at("id");
  const Body body = CO_TRY(Body::parse(call.http()));
  const bool archive = CO_TRY(body.flag_or("archived", false));
  const std::string name = CO_TRY(body.text_or("name", "", kMaxName));
  if (!body.has("name") && !archive)
    co_return fail(ErrorKind::invalid, "nothing to change: send name, or archived: true");
  if (body.has("name")) {
    const auto renamed = co_await parts_.hub->rename(id, name, call.actor());
    if (!renamed) co_return tl::unexpected(renamed.error());
    if (!archive) co_return json_response(200, session_whole(*renamed));
  }
  const auto archived = co_await parts_.hub->archive(id, call.actor());
  if (!archived) co_return tl::unexpected(archived.error());
  co_return json_response(200, session_whole(*archived));
}

Task<Result<http::Response>> Api::sessions_end(Call call) {
  const auto ended = co_await parts_.hub->end(call.request->params.at("id"), call.actor());
  if (!ended) co_return tl::unexpected(ended.error());
  co_return http::empty(204);
}

Task<Result<http::Response>> Api::sessions_output(Call call) {
  const std::string id = call.request->params.at("id");
  const recording::LogExtent extent = CO_TRY(parts_.hub->extent(id));
  const std::uint64_t from = CO_TRY(query_number(call.http(), "from", extent.first, UINT64_MAX));
  const std::uint64_t limit = CO_TRY(query_number(call.http(), "limit", kDefaultOutput, kMaxOutput));
  if (from > extent.end) co_return fail_field("from", "the record ends at " + std::to_string(extent.end));
  if (from < extent.first)
    co_return fail(ErrorKind::not_found,
                   "that part of the record is no longer kept: it begins at " + std::to_string(extent.first));
  std::string bytes(std::min(limit, extent.end - from), '\0');
  const std::size_t got = CO_TRY(parts_.hub->read_log(id, from, std::as_writable_bytes(std::span(bytes))));
  bytes.resize(got);
  co_await note_terminal(std::move(call));
  http::Response response;
  response.set_header("Content-Type", "application/octet-stream");
  response.set_header("Content-Disposition", "attachment");
  response.set_header("X-Log-Offset", std::to_string(from));
  response.set_header("X-Log-First", std::to_string(extent.first));
  response.set_header("X-Log-End", std::to_string(extent.end));
  response.body = std::move(bytes);
  co_return response;
}

Task<Result<http::Response>> Api::sessions_screen(Call call) {
  const auto screen = co_await parts_.hub->screen(call.request->params.at("id"));
  if (!screen) co_return tl::unexpected(screen.error());
  co_await note_terminal(std::move(call));
  co_return http::text(200, json_text(*screen));
}

Task<Result<http::Response>> Api::sessions_lines(Call call) {
  const std::uint64_t count = CO_TRY(query_number(call.http(), "count", kDefaultLines, kMaxLines));
  std::optional<std::uint64_t> from;
  if (call.http().query("from")) from = CO_TRY(query_number(call.http(), "from", 0, UINT64_MAX));
  const auto page = co_await parts_.hub->lines(call.request->params.at("id"), from, count);
  if (!page) co_return tl::unexpected(page.error());
  co_await note_terminal(std::move(call));
  co_return json_response(200, lines_json(*page));
}

boost::json::object Api::session_whole(const sessions::Session& session) const {
  return session_json(session, parts_.agents->view(session.id));
}

// Larger than other requests, and only from who may do it: nobody else's bytes are taken in.
std::size_t Api::body_limit(const http::Request& request) const {
  constexpr std::string_view kHooks = "/api/hooks/claude/";
  if (request.method == "POST" && request.path.starts_with(kHooks))
    return may_hook(request, std::string_view(request.path).substr(kHooks.size())) ? claude::kMaxHookBytes : kUsualBody;
  if (request.method != "POST" || !request.path.ends_with("/uploads")) return kUsualBody;
  const auto call = identify(std::make_shared<http::Request>(request));
  return call && authorise(*call, Access::member) ? files::kMaxUploadBytes : kUsualBody;
}

Task<Result<http::Response>> Api::sessions_upload(Call call) {
  const std::string id = call.request->params.at("id");
  const auto session = parts_.hub->find(id);
  if (!session) co_return fail(ErrorKind::not_found, "there is no such session");
  auto save = [roots = parts_.project_roots, project = session->project, request = call.request,
               unique = parts_.random->hex(2), now = parts_.clock->wall()] {
    return files::save_upload(*roots, project, request->body,
                              http::percent_decode(request->header("X-File-Name")).value_or(""), unique, now);
  };
  const auto path = co_await run_on(*parts_.pool, std::move(save));
  const json::object detail{{"session", id}, {"bytes", call.request->body.size()}};
  const std::string target = path ? json_text(*path) : session->project;
  co_await audit(call, "files.upload", target, path ? audit::Outcome::ok : audit::Outcome::denied,
                 json::serialize(detail));
  if (!path) co_return tl::unexpected(path.error());
  co_return json_response(201, json::object{{"path", json_text(*path)}});
}

Task<Result<http::Response>> Api::terminal_socket(Call call) {
  const auto who = parts_.auth->redeem_ticket(ticket_of(call.http()), call.request->header("Origin"));
  if (!who) co_return tl::unexpected(who.error());
  if (!ready_) co_return fail(ErrorKind::unavailable, "the dashboard is stopping");
  std::size_t same_login = 0;
  for (const TerminalSocket* socket : sockets_) same_login += socket->who().session_id == who->session_id ? 1 : 0;
  if (same_login >= kMaxSocketsPerLogin) co_return fail(ErrorKind::too_many, "at most 32 open pages for one login");
  call.request->principal = who->user_name;
  http::Upgrade upgrade;
  upgrade.subprotocol = kSubprotocol;
  upgrade.run = [this, principal = *who](std::shared_ptr<http::WebSocket> socket) {
    return serve_socket(std::move(socket), principal);
  };
  http::Response response;
  response.body = std::move(upgrade);
  co_return response;
}

Task<void> Api::serve_socket(std::shared_ptr<http::WebSocket> socket, auth::Principal who) {
  SocketParts parts{.hub = parts_.hub,
                    .agents = parts_.agents,
                    .transcripts = parts_.transcripts,
                    .database = parts_.database,
                    .trail = parts_.trail,
                    .presence = &parts_.notify->presence(),
                    .session_message = &session_message_,
                    .tasks = &tasks_,
                    .server_id = server_id_,
                    .version = parts_.version};
  TerminalSocket terminals(std::move(parts), std::move(socket), std::move(who));
  struct Listed {
    std::list<TerminalSocket*>* list;
    std::list<TerminalSocket*>::iterator place;
    ~Listed() { list->erase(place); }
  } const listed{&sockets_, sockets_.insert(sockets_.end(), &terminals)};
  co_await terminals.run();
}

}  // namespace ccd::api
