// Routes of a session's life: started, resumed, forked, brought back; templates, conversations, and what a project brings.
#include <boost/json.hpp>

#include "api/api.hpp"
#include "api/errors.hpp"
#include "api/wire_lifecycle.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxDigest = 128;
constexpr std::size_t kMaxFleet = 500;  // as many as there can be
constexpr std::size_t kMaxId = 64;
constexpr std::uint64_t kDefaultConversations = 200;

}  // namespace

// The session with 201 or 200, or what has to be seen first.
http::Response Api::started_response(const agents::Started& started, int status) const {
  if (started.unseen) return unseen_response(*started.unseen);
  http::Response response = json_response(status, session_whole(*started.session));
  if (status == 201) response.set_header("Location", "/api/sessions/" + started.session->id);
  return response;
}

Task<Result<http::Response>> Api::sessions_create(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  agents::StartRequest request = CO_TRY(start_request(body));
  request.conversation = CO_TRY(body.text_or("conversation", "", kMaxId));
  request.fork = CO_TRY(body.flag_or("fork", false));
  if (request.name.empty()) co_return fail_field("name", "name must be a text");
  if (request.project.empty() && request.conversation.empty() && request.template_id.empty())
    co_return fail_field("project", "project must be a text");
  const auto started = co_await parts_.lifecycle->start(std::move(request), call.actor());
  if (!started) co_return tl::unexpected(started.error());
  co_return started_response(*started, 201);
}

Task<Result<http::Response>> Api::start_again(Call call, StartAgain start) {
  const Body body = CO_TRY(Body::parse(call.http()));
  std::string accept = CO_TRY(body.text_or("accept_settings", "", kMaxDigest));
  const auto started =
      co_await (parts_.lifecycle->*start)(call.request->params.at("id"), std::move(accept), call.actor());
  if (!started) co_return tl::unexpected(started.error());
  co_return started_response(*started, 200);
}

Task<Result<http::Response>> Api::sessions_resume(Call call) {
  return start_again(std::move(call), &agents::Lifecycle::resume);
}

Task<Result<http::Response>> Api::sessions_restart(Call call) {
  return start_again(std::move(call), &agents::Lifecycle::restart);
}

Task<Result<http::Response>> Api::sessions_give_hooks(Call call) {
  return start_again(std::move(call), &agents::Lifecycle::give_hooks);
}

Task<Result<http::Response>> Api::sessions_fork(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  agents::StartRequest request = CO_TRY(start_request(body));
  const auto started = co_await parts_.lifecycle->fork(call.request->params.at("id"), std::move(request), call.actor());
  if (!started) co_return tl::unexpected(started.error());
  co_return started_response(*started, 201);
}

Task<Result<http::Response>> Api::fleet_resume(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  std::optional<std::vector<std::string>> chosen;
  if (body.has("sessions")) chosen = CO_TRY(body.texts_or_none("sessions", kMaxFleet, kMaxId));
  std::vector<std::string> accept = CO_TRY(body.texts_or_none("accept_settings", kMaxFleet, kMaxDigest));
  const auto all = co_await parts_.lifecycle->resume_fleet(std::move(chosen), std::move(accept), call.actor());
  json::array results;
  for (const agents::Resumed& one : all) {
    json::object result{{"session", one.session},
                        {"name", json_text(one.name)},
                        {"outcome", to_string(one.outcome)},
                        {"error", nullptr}};
    if (one.unseen) result["error"] = unseen_error(*one.unseen);
    if (one.error)
      result["error"] = json::object{{"code", error_code(one.error->kind)}, {"message", public_message(*one.error)}};
    results.push_back(std::move(result));
  }
  co_return json_response(200, json::object{{"results", std::move(results)}});
}

Task<Result<http::Response>> Api::conversations(Call call) {
  const std::uint64_t limit =
      CO_TRY(query_number(call.http(), "limit", kDefaultConversations, claude::kMaxConversations));
  const auto found = co_await parts_.lifecycle->conversations(limit);
  json::array out;
  for (const agents::FoundConversation& each : found.found) out.push_back(conversation_json(each));
  co_return json_response(200, json::object{{"conversations", std::move(out)}, {"truncated", found.truncated}});
}

Task<Result<http::Response>> Api::project_settings(Call call) {
  const auto path = call.request->query("path");
  if (!path) co_return fail_field("path", "name the project's folder");
  const auto state = co_await parts_.lifecycle->trust().look(*path);
  if (!state) co_return tl::unexpected(state.error());
  co_return json_response(200, settings_json(*state));
}

Task<Result<http::Response>> Api::project_accept(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  std::string path = CO_TRY(body.text("path", kMaxPath));
  std::string digest = CO_TRY(body.text("digest", kMaxDigest));
  const auto state = co_await parts_.lifecycle->trust().accept(std::move(path), std::move(digest), call.actor());
  if (!state) co_return tl::unexpected(state.error());
  co_return json_response(200, settings_json(*state));
}

Task<Result<http::Response>> Api::templates_list(Call) {
  const auto all = co_await parts_.lifecycle->templates().list();
  if (!all) co_return tl::unexpected(all.error());
  json::array out;
  for (const agents::Template& each : *all) out.push_back(template_json(each));
  co_return json_response(200, json::object{{"templates", std::move(out)}});
}

Task<Result<http::Response>> Api::templates_add(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  agents::Template wanted = CO_TRY(template_request(body));
  const auto saved = co_await parts_.lifecycle->templates().save(std::move(wanted), call.actor());
  if (!saved) co_return tl::unexpected(saved.error());
  co_return json_response(201, template_json(*saved));
}

Task<Result<http::Response>> Api::templates_change(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  agents::Template wanted = CO_TRY(template_request(body));
  wanted.id = call.request->params.at("id");
  const auto saved = co_await parts_.lifecycle->templates().save(std::move(wanted), call.actor());
  if (!saved) co_return tl::unexpected(saved.error());
  co_return json_response(200, template_json(*saved));
}

Task<Result<http::Response>> Api::templates_remove(Call call) {
  const auto removed = co_await parts_.lifecycle->templates().remove(call.request->params.at("id"), call.actor());
  if (!removed) co_return tl::unexpected(removed.error());
  co_return http::empty(204);
}

}  // namespace ccd::api
