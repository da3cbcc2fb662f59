// Routes of agents: their hooks, what waits for a person, and a session's history.
#include <algorithm>
#include <boost/json.hpp>

#include "api/api.hpp"
#include "api/wire.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kDefaultEvents = 100;
constexpr std::uint64_t kMaxEvents = 500;  // in one answer
constexpr std::size_t kMaxSuggestions = 64;
// Of all items of a list together; what is behind is had by its id.
constexpr std::size_t kMaxListedInputs = std::size_t{4} * 1024 * 1024;
constexpr std::string_view kBearer = "Bearer ";

Result<std::optional<std::vector<std::size_t>>> suggestions_in(const Body& body) {
  if (!body.has("suggestions")) return std::optional<std::vector<std::size_t>>();
  const auto numbers = TRY(body.numbers("suggestions", kMaxSuggestions, kMaxSuggestions));
  return std::optional(std::vector<std::size_t>(numbers.begin(), numbers.end()));
}

}  // namespace

bool Api::may_hook(const http::Request& request, std::string_view session) const {
  if (!request.loopback_peer || request.forwarded) return false;
  const std::string_view header = request.header("Authorization");
  return header.starts_with(kBearer) && parts_.agents->token_valid(std::string(session), header.substr(kBearer.size()));
}

Task<Result<http::Response>> Api::hooks_claude(Call call) {
  const std::string session = call.request->params.at("id");
  call.request->principal = "session:" + session;
  const std::string token(call.request->header("Authorization").substr(kBearer.size()));
  // Large ones are not kept twice while a request is held.
  auto answer = co_await parts_.agents->on_hook(session, token, std::move(call.request->body), call.request->gone);
  if (!answer) co_return tl::unexpected(std::move(answer).error());
  if (answer->empty()) co_return http::empty(204);
  co_return http::json(200, std::move(*answer));
}

Task<Result<http::Response>> Api::attention_list(Call) {
  json::array items;
  std::size_t left = kMaxListedInputs;
  for (const agents::AttentionItem& item : parts_.agents->open_items()) {
    const std::size_t bytes = item.input && item.input->size() <= agents::kMaxListedInput ? item.input->size() : 0;
    items.push_back(attention_json(item, bytes <= left ? Inputs::listed : Inputs::none));
    left -= std::min(left, bytes);
  }
  co_return json_response(200, json::object{{"items", std::move(items)}});
}

Task<Result<http::Response>> Api::attention_get(Call call) {
  const auto item = parts_.agents->open_item(call.request->params.at("id"));
  if (!item) co_return fail(ErrorKind::not_found, "there is no such open item");
  co_return json_response(200, attention_json(*item, Inputs::whole));
}

Task<Result<http::Response>> Api::attention_answer(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const std::string word = CO_TRY(body.text("decision", 32));
  const auto kind = agents::decision_from(word);
  if (!kind) co_return fail_field("decision", "must be allow, allow_always, deny, answer or seen");
  agents::Decision decision{.kind = *kind};
  decision.suggestions = CO_TRY(suggestions_in(body));
  decision.message = CO_TRY(body.text_or("message", "", agents::kMaxDenyMessage));
  decision.answers = CO_TRY(body.pairs_or_none("answers", claude::kMaxQuestions));
  for (const auto& [question, text] : decision.answers)
    if (text.size() > agents::kMaxAnswerText) co_return fail_field("answers", "an answer has at most 8192 bytes");
  const auto closed = co_await parts_.agents->answer(call.request->params.at("id"), std::move(decision), call.actor());
  if (!closed) co_return tl::unexpected(closed.error());
  co_return json_response(200, json::object{{"closed", to_string(*closed)}});
}

Task<Result<http::Response>> Api::sessions_events(Call call) {
  const std::string id = call.request->params.at("id");
  if (!parts_.hub->find(id)) co_return fail(ErrorKind::not_found, "there is no such session");
  const std::uint64_t before = CO_TRY(query_number(call.http(), "before", 0, INT64_MAX));
  const std::uint64_t limit = CO_TRY(query_number(call.http(), "limit", kDefaultEvents, kMaxEvents));
  const auto rows = co_await parts_.agents->events(id, static_cast<std::int64_t>(before), static_cast<int>(limit));
  if (!rows) co_return tl::unexpected(rows.error());
  json::array events;
  for (const agents::EventRow& row : *rows)
    events.push_back({{"id", row.id},
                      {"at", row.at},
                      {"kind", row.kind},
                      {"state", row.state},
                      {"source", row.source},
                      {"what", json_text(row.what)},
                      {"actor", json_text(row.actor)}});
  co_return json_response(200, json::object{{"events", std::move(events)}});
}

}  // namespace ccd::api
