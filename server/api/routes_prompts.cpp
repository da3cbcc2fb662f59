// Routes of prompts: to one agent, to many, by schedule, after a limit; and the switch that stops them.
#include <boost/json.hpp>

#include "agents/prompts.hpp"
#include "api/api.hpp"
#include "api/wire.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kDefaultPrompts = 50;
constexpr std::uint64_t kMaxPrompts = 200;  // in one answer
constexpr std::size_t kMaxId = 64;
constexpr std::size_t kMaxPath = 4096;

enum class Text { beginning, whole };

// The text, or its beginning, cut between two characters; how long the whole is, and whether it is cut.
void put_text(json::object& to, std::string_view text, std::uint64_t bytes, Text how) {
  const std::string shown = how == Text::whole ? std::string(text) : claude::clipped(text, agents::kMaxListedText);
  to["bytes"] = bytes;
  to["cut"] = shown.size() < bytes;
  to["text"] = json_text(shown);
}

json::object prompt_json(const agents::Prompt& p, Text how = Text::beginning) {
  json::object out{{"id", p.id},
                   {"session", p.session},
                   {"source", to_string(p.source)},
                   {"batch", p.batch},
                   {"created_by", json_text(p.created_by)},
                   {"created_at", p.created_at},
                   {"state", to_string(p.state)},
                   {"detail", json_text(p.detail)},
                   {"done_at", p.done_at ? json::value(*p.done_at) : json::value(nullptr)}};
  put_text(out, p.text, p.text.size(), how);
  return out;
}

json::object schedule_json(const agents::ScheduleView& view, Text how) {
  const agents::Schedule& s = view.schedule;
  json::object out{{"id", s.id},
                   {"name", json_text(s.name)},
                   {"cron", json_text(s.cron)},
                   {"session", s.session},
                   {"enabled", s.enabled},
                   {"created_by", json_text(s.created_by)},
                   {"created_at", s.created_at},
                   {"last_at", s.last_at ? json::value(*s.last_at) : json::value(nullptr)},
                   {"last_result", json_text(s.last_result)},
                   {"next_at", view.next_at ? json::value(*view.next_at) : json::value(nullptr)}};
  put_text(out, s.text, view.bytes, how);
  return out;
}

json::object switch_json(const agents::SendSwitch& now) {
  return {
      {"stopped", now.stopped}, {"by", json_text(now.by)}, {"at", now.at ? json::value(now.at) : json::value(nullptr)}};
}

Result<agents::Schedule> schedule_in(const Body& body, const std::string& text_before = {}) {
  agents::Schedule schedule;
  schedule.name = TRY(body.text("name", agents::kMaxScheduleName));
  schedule.cron = TRY(body.text("cron", 256));
  schedule.session = TRY(body.text("session", kMaxId));
  schedule.text =
      body.has("text") || text_before.empty() ? TRY(body.text("text", agents::kMaxPromptBytes)) : text_before;
  schedule.enabled = TRY(body.flag_or("enabled", true));
  return schedule;
}

}  // namespace

Task<Result<http::Response>> Api::prompt_send(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const std::string id = call.request->params.at("id");
  std::string text = CO_TRY(body.text("text", agents::kMaxPromptBytes));
  const std::string when = CO_TRY(body.text_or("when", "now", 16));
  if (when != "now" && when != "idle") co_return fail_field("when", "must be now or idle");
  if (when == "idle") {
    const auto queued = co_await parts_.prompts->queue(id, std::move(text), call.actor());
    if (!queued) co_return tl::unexpected(queued.error());
    co_return json_response(202, prompt_json(*queued));
  }
  const auto sent = co_await parts_.prompts->send_now(id, std::move(text), call.actor());
  if (!sent) co_return tl::unexpected(sent.error());
  co_return json_response(200, prompt_json(*sent));
}

Task<Result<http::Response>> Api::prompt_list(Call call) {
  const std::string id = call.request->params.at("id");
  if (!parts_.hub->find(id)) co_return fail(ErrorKind::not_found, "there is no such session");
  const std::uint64_t limit = CO_TRY(query_number(call.http(), "limit", kDefaultPrompts, kMaxPrompts));
  const auto prompts = co_await parts_.prompts->list(id, static_cast<int>(limit));
  if (!prompts) co_return tl::unexpected(prompts.error());
  json::array out;
  for (const agents::Prompt& prompt : *prompts) out.emplace_back(prompt_json(prompt));
  const auto rule = parts_.prompts->limit_rule(id);
  co_return json_response(
      200, json::object{{"prompts", std::move(out)},
                        {"waiting", parts_.prompts->waiting(id)},
                        {"after_limit", rule ? json::value(json_text(rule->text)) : json::value(nullptr)},
                        {"sending", switch_json(parts_.prompts->send_switch())}});
}

Task<Result<http::Response>> Api::prompt_history(Call call) {
  const std::string project(call.http().query("project").value_or(""));
  if (project.size() > kMaxPath) co_return fail_field("project", "at most 4096 bytes");
  const std::uint64_t limit = CO_TRY(query_number(call.http(), "limit", kDefaultPrompts, kMaxPrompts));
  const auto texts = co_await parts_.prompts->history(project, static_cast<int>(limit));
  if (!texts) co_return tl::unexpected(texts.error());
  json::array out;
  for (const agents::PastText& past : *texts) {
    json::object one{{"id", past.id}};
    put_text(one, past.beginning, past.bytes, Text::beginning);
    out.emplace_back(std::move(one));
  }
  co_return json_response(200, json::object{{"texts", std::move(out)}});
}

Task<Result<http::Response>> Api::prompt_get(Call call) {
  const auto prompt = co_await parts_.prompts->find(call.request->params.at("id"));
  if (!prompt) co_return tl::unexpected(prompt.error());
  co_return json_response(200, prompt_json(*prompt, Text::whole));
}

Task<Result<http::Response>> Api::prompt_broadcast(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  std::vector<std::string> sessions = CO_TRY(body.texts_or_none("sessions", agents::kMaxBroadcast, kMaxId));
  std::string text = CO_TRY(body.text("text", agents::kMaxPromptBytes));
  const auto prompts = co_await parts_.prompts->broadcast(std::move(sessions), std::move(text), call.actor());
  if (!prompts) co_return tl::unexpected(prompts.error());
  json::array out;
  for (const agents::Prompt& prompt : *prompts) out.emplace_back(prompt_json(prompt));
  co_return json_response(202, json::object{{"prompts", std::move(out)}});
}

Task<Result<http::Response>> Api::prompt_cancel(Call call) {
  const auto cancelled = co_await parts_.prompts->cancel(call.request->params.at("id"), call.actor());
  if (!cancelled) co_return tl::unexpected(cancelled.error());
  co_return json_response(200, prompt_json(*cancelled));
}

Task<Result<http::Response>> Api::limit_rule_set(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  std::string text = CO_TRY(body.text_or("text", "", agents::kMaxPromptBytes));
  const auto set =
      co_await parts_.prompts->set_limit_rule(call.request->params.at("id"), std::move(text), call.actor());
  if (!set) co_return tl::unexpected(set.error());
  co_return http::empty(204);
}

Task<Result<http::Response>> Api::schedules_list(Call) {
  json::array out;
  for (const agents::ScheduleView& view : parts_.prompts->schedules())
    out.emplace_back(schedule_json(view, Text::beginning));
  co_return json_response(
      200, json::object{{"schedules", std::move(out)}, {"sending", switch_json(parts_.prompts->send_switch())}});
}

Task<Result<http::Response>> Api::schedules_get(Call call) {
  const auto known = parts_.prompts->schedule(call.request->params.at("id"));
  if (!known) co_return fail(ErrorKind::not_found, "there is no such schedule");
  co_return json_response(200, schedule_json(*known, Text::whole));
}

Task<Result<http::Response>> Api::schedules_add(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  agents::Schedule schedule = CO_TRY(schedule_in(body));
  const auto made = co_await parts_.prompts->put_schedule(std::move(schedule), call.actor());
  if (!made) co_return tl::unexpected(made.error());
  co_return json_response(201, schedule_json(*made, Text::whole));
}

Task<Result<http::Response>> Api::schedules_put(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  // Without a text it keeps the one that it has: lists show only the beginning.
  const auto known = parts_.prompts->schedule(call.request->params.at("id"));
  if (!known) co_return fail(ErrorKind::not_found, "there is no such schedule");
  agents::Schedule schedule = CO_TRY(schedule_in(body, known->schedule.text));
  schedule.id = call.request->params.at("id");
  const auto changed = co_await parts_.prompts->put_schedule(std::move(schedule), call.actor());
  if (!changed) co_return tl::unexpected(changed.error());
  co_return json_response(200, schedule_json(*changed, Text::whole));
}

Task<Result<http::Response>> Api::schedules_remove(Call call) {
  const auto removed = co_await parts_.prompts->remove_schedule(call.request->params.at("id"), call.actor());
  if (!removed) co_return tl::unexpected(removed.error());
  co_return http::empty(204);
}

Task<Result<http::Response>> Api::sending_get(Call) {
  co_return json_response(200, switch_json(parts_.prompts->send_switch()));
}

Task<Result<http::Response>> Api::sending_put(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  if (!body.has("stopped")) co_return fail_field("stopped", "must be true or false");
  const bool stopped = CO_TRY(body.flag_or("stopped", true));
  const auto set = co_await parts_.prompts->set_switch(stopped, call.actor());
  if (!set) co_return tl::unexpected(set.error());
  co_return json_response(200, switch_json(parts_.prompts->send_switch()));
}

}  // namespace ccd::api
