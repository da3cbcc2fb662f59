#include "api/errors.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.hpp"

namespace ccd::api {

namespace {

struct Row {
  ErrorKind kind;
  int status;
  std::string_view code;
};

constexpr Row kTable[] = {
    {ErrorKind::invalid, 400, "invalid"},         {ErrorKind::unauthorized, 401, "unauthorized"},
    {ErrorKind::forbidden, 403, "forbidden"},     {ErrorKind::not_found, 404, "not_found"},
    {ErrorKind::conflict, 409, "conflict"},       {ErrorKind::gone, 410, "gone"},
    {ErrorKind::too_large, 413, "too_large"},     {ErrorKind::too_many, 429, "too_many"},
    {ErrorKind::unavailable, 503, "unavailable"}, {ErrorKind::timeout, 504, "timeout"},
    {ErrorKind::cancelled, 503, "unavailable"},   {ErrorKind::io, 500, "internal"},
    {ErrorKind::corrupt, 500, "internal"},        {ErrorKind::internal, 500, "internal"},
};

const Row& row_of(ErrorKind kind) {
  const auto found = std::ranges::find(kTable, kind, &Row::kind);
  return found == std::end(kTable) ? kTable[std::size(kTable) - 1] : *found;
}

}  // namespace

std::string_view error_code(ErrorKind kind) { return row_of(kind).code; }

std::string public_message(const Error& error) {
  if (row_of(error.kind).status == 500) return "something went wrong inside the dashboard; its log has the details";
  return error.message;
}

http::Response error_response(const Error& error, std::string_view request_id) {
  const Row& row = row_of(error.kind);
  if (row.status == 500)
    log_error("api", "request failed",
              {{"request", request_id}, {"kind", to_string(error.kind)}, {"error", error.message}});
  boost::json::object body{{"code", row.code}, {"message", public_message(error)}};
  if (!error.field.empty()) body["field"] = error.field;
  http::Response response;
  if (error.kind == ErrorKind::too_many) {
    if (error.retry_seconds > 0) {
      body["retry_after"] = error.retry_seconds;
      response.set_header("Retry-After", std::to_string(error.retry_seconds));
    }
  }
  response.status = row.status;
  response.set_header("Content-Type", "application/json");
  if (error.kind == ErrorKind::unauthorized) response.set_header("WWW-Authenticate", "Bearer");
  response.body = boost::json::serialize(boost::json::object{{"error", std::move(body)}});
  return response;
}

}  // namespace ccd::api
