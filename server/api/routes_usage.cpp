// Routes of usage, cost and budgets.
#include <boost/json.hpp>

#include "agents/usage.hpp"
#include "api/api.hpp"
#include "api/errors.hpp"
#include "api/wire.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::int32_t kDefaultDays = 30;
constexpr std::int32_t kMaxDays = 3660;  // ten years
constexpr std::size_t kMaxWord = 16;
constexpr std::size_t kMaxTarget = 4096;
constexpr double kMicrosPerDollar = 1e6;
constexpr std::int64_t kMicrosPerSecond = 1'000'000;

json::object amounts_json(const agents::Amounts& a) {
  return {{"input", a.tokens.input},
          {"output", a.tokens.output},
          {"cache_read", a.tokens.cache_read},
          {"cache_write", a.tokens.cache_write_5m + a.tokens.cache_write_1h},
          {"messages", a.messages},
          {"cost_usd", static_cast<double>(a.cost_micros) / kMicrosPerDollar},
          {"lines_added", a.lines_added},
          {"lines_removed", a.lines_removed},
          {"working_seconds", a.working_micros / kMicrosPerSecond},
          {"waiting_seconds", a.waiting_micros / kMicrosPerSecond}};
}

json::object budget_json(const agents::BudgetState& state) {
  const agents::Budget& b = state.budget;
  const bool money = b.unit == agents::Budget::Unit::usd;
  const auto amount = [money](std::int64_t value) {
    return money ? json::value(static_cast<double>(value) / kMicrosPerDollar) : json::value(value);
  };
  return {{"id", b.id},
          {"scope", to_string(b.scope)},
          {"target", json_text(b.target)},
          {"period", to_string(b.period)},
          {"unit", to_string(b.unit)},
          {"bound", amount(b.bound)},
          {"used", amount(state.used)},
          {"action", to_string(b.action)},
          {"state", state.over()   ? "over"
                    : state.near() ? "near"
                                   : "ok"},
          {"words", json_text(state.words())},
          {"created_by", json_text(b.created_by)},
          {"created_at", b.created_at}};
}

Result<std::int32_t> query_day(const http::Request& request, std::string_view name, std::int32_t fallback) {
  const auto text = request.query(name);
  if (!text) return fallback;
  const auto day = agents::day_from(*text);
  if (!day) return fail_field(std::string(name), "a day, as 2026-11-28");
  return *day;
}

Result<std::optional<agents::GroupBy>> query_group(const http::Request& request, std::string_view name) {
  const auto text = request.query(name);
  if (!text) return std::nullopt;
  const auto by = agents::group_by_from(*text);
  if (!by) return fail_field(std::string(name), "day, session, project or model");
  return by;
}

Result<agents::UsageQuery> usage_query(const http::Request& request, std::int32_t today) {
  agents::UsageQuery query;
  query.to_day = TRY(query_day(request, "to", today));
  query.from_day = TRY(query_day(request, "from", query.to_day - kDefaultDays + 1));
  if (query.from_day > query.to_day) return fail_field("from", "must not be after `to`");
  if (query.to_day - query.from_day >= kMaxDays) return fail_field("from", "at most ten years at once");
  query.by = TRY(query_group(request, "by")).value_or(agents::GroupBy::day);
  query.then_by = TRY(query_group(request, "then"));
  if (query.then_by == query.by) return fail_field("then", "must be another group than `by`");
  query.session = std::string(request.query("session").value_or(""));
  query.project = std::string(request.query("project").value_or(""));
  return query;
}

}  // namespace

Task<Result<http::Response>> Api::usage(Call call) {
  const agents::UsageQuery query = CO_TRY(usage_query(call.http(), claude::local_day(parts_.clock->wall())));
  const auto rows = co_await parts_.usage->report(query);
  if (!rows) co_return tl::unexpected(rows.error());
  json::array out;
  agents::Amounts total;
  for (const agents::UsageRow& row : *rows) {
    json::object entry{{"key", json_text(row.key)}, {"name", json_text(row.name)}, {"then", json_text(row.then)}};
    for (auto& [name, value] : amounts_json(row.amounts)) entry[name] = std::move(value);
    out.emplace_back(std::move(entry));
    total += row.amounts;
  }
  co_return json_response(200, json::object{{"from", agents::day_text(query.from_day)},
                                            {"to", agents::day_text(query.to_day)},
                                            {"rows", std::move(out)},
                                            {"total", amounts_json(total)}});
}

Task<Result<http::Response>> Api::usage_csv(Call call) {
  const agents::UsageQuery query = CO_TRY(usage_query(call.http(), claude::local_day(parts_.clock->wall())));
  const auto rows = co_await parts_.usage->report(query);
  if (!rows) co_return tl::unexpected(rows.error());
  http::Response response = http::text(200, json_text(agents::usage_csv(*rows, query)));
  response.set_header("Content-Type", "text/csv; charset=utf-8");
  response.set_header("Content-Disposition", "attachment; filename=\"usage-" + agents::day_text(query.from_day) + "-" +
                                                 agents::day_text(query.to_day) + ".csv\"");
  co_return response;
}

Task<Result<http::Response>> Api::budgets_list(Call) {
  json::array out;
  for (const agents::BudgetState& state : parts_.usage->budgets()) out.emplace_back(budget_json(state));
  co_return json_response(200, json::object{{"budgets", std::move(out)}});
}

Task<Result<http::Response>> Api::budgets_add(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const std::string scope = CO_TRY(body.text_or("scope", "all", kMaxWord));
  std::string target = CO_TRY(body.text_or("target", "", kMaxTarget));
  const std::string period = CO_TRY(body.text("period", kMaxWord));
  const std::string unit = CO_TRY(body.text_or("unit", "usd", kMaxWord));
  const std::string action = CO_TRY(body.text_or("action", "warn", kMaxWord));
  const double bound = CO_TRY(body.number("bound"));
  const double scaled = unit == "usd" ? bound * kMicrosPerDollar : bound;
  // Out of what an integer can hold is out of bounds in any case.
  const bool sane = scaled >= 0 && scaled < 9e18;
  agents::Budget budget = CO_TRY(agents::make_budget(scope, std::move(target), period, unit,
                                                     sane ? static_cast<std::int64_t>(scaled + 0.5) : 0, action));
  const auto state = co_await parts_.usage->add_budget(std::move(budget), call.actor());
  if (!state) co_return tl::unexpected(state.error());
  co_return json_response(201, budget_json(*state));
}

Task<Result<http::Response>> Api::budgets_remove(Call call) {
  const auto removed = co_await parts_.usage->remove_budget(call.request->params.at("id"), call.actor());
  if (!removed) co_return tl::unexpected(removed.error());
  co_return http::empty(204);
}

}  // namespace ccd::api
