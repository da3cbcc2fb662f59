// Routes for operators: health, metrics, audit trail, the contract itself.
#include <boost/json.hpp>

#include "api/api.hpp"
#include "api/errors.hpp"
#include "api/wire.hpp"
#include "base/metrics.hpp"

namespace ccd::api {

namespace json = boost::json;

Task<Result<http::Response>> Api::health(Call) {
  const health::Report report = co_await parts_.health->run();
  co_return http::json(report.status == health::Report::Status::healthy ? 200 : 503, health::to_json(report));
}

Task<Result<http::Response>> Api::health_live(Call) { co_return json_response(200, json::object{{"status", "live"}}); }

Task<Result<http::Response>> Api::health_ready(Call) {
  co_return json_response(ready_ ? 200 : 503, json::object{{"status", ready_ ? "ready" : "not-ready"}});
}

// Says more than everybody needs to know: for who may read the metrics.
Task<Result<http::Response>> Api::health_details(Call) {
  auto body = co_await parts_.details();
  co_return http::json(200, std::move(body));
}

Task<Result<http::Response>> Api::metrics_text(Call) {
  http::Response response = http::text(200, metrics().text());
  response.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  co_return response;
}

Task<Result<http::Response>> Api::audit_page(Call call) {
  constexpr std::uint64_t kLargestId = INT64_MAX;
  audit::PageQuery query;
  query.limit = static_cast<int>(CO_TRY(query_number(call.http(), "limit", 50, audit::kMaxPage)));
  const std::uint64_t before = CO_TRY(query_number(call.http(), "before", 0, kLargestId));
  if (before > 0) query.before_id = static_cast<std::int64_t>(before);
  query.actor = call.request->query("actor");
  query.action = call.request->query("action");
  auto read = [query](storage::Connection& db) { return audit::Trail::page(db, query); };
  const auto page = co_await parts_.database->run(std::move(read));
  if (!page) co_return tl::unexpected(page.error());
  json::array rows;
  for (const audit::Entry& entry : *page)
    rows.emplace_back(json::object{{"id", entry.id},
                                   {"at", entry.at},
                                   {"actor", json_text(entry.actor)},
                                   {"ip", entry.ip},
                                   {"action", entry.action},
                                   {"target", json_text(entry.target)},
                                   {"outcome", entry.outcome},
                                   {"detail", json_text(entry.detail)}});
  co_return json_response(200, json::object{{"entries", std::move(rows)}});
}

// Made from docs/openapi.yaml when the page is built; kept with the page's files under the same name.
Task<Result<http::Response>> Api::openapi(Call call) {
  http::Request asset = *call.request;
  asset.path = "/openapi.json";
  auto found = parts_.page->serve(asset);
  if (!found) co_return fail(ErrorKind::not_found, "this build carries no openapi.json");
  co_return std::move(*found);
}

}  // namespace ccd::api
