// The API's JSON: values out, checked bodies in. docs/openapi.yaml is the contract.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/agents.hpp"
#include "auth/auth.hpp"
#include "base/error.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "sessions/hub.hpp"
#include "sessions/session.hpp"

namespace ccd::api {

boost::json::object session_json(const sessions::Session& session, const std::optional<agents::AgentView>& agent);
// The message `session` as text. All pages are told of a change one after the other: it is made once for all of them.
class SessionMessage {
 public:
  const std::string& of(const sessions::Session& session, const std::optional<agents::AgentView>& agent);

 private:
  sessions::Session session_;
  std::optional<agents::AgentView> agent_;
  std::string text_;  // of these two; empty at first
};
// Of an item's input, and the questions in it: nothing, only where it is short enough for a list (kMaxListedInput), or whole.
enum class Inputs { none, listed, whole };
boost::json::object attention_json(const agents::AttentionItem& item, Inputs inputs);
// The message `thumb` and the answer of /lines, in the notation of docs/protocol.md, "Thumbnails".
boost::json::object thumb_json(const std::string& session, const sessions::Thumb& thumb);
boost::json::object lines_json(const sessions::LinePage& page);
boost::json::object user_json(const auth::Principal& who);
http::Response json_response(int status, const boost::json::value& value);

// Text of unknown origin as JSON can carry it: bytes that are not UTF-8 become U+FFFD.
std::string json_text(std::string_view text);

// A request's JSON object, read field by field. Unknown fields are ignored, so that old servers take new clients.
class Body {
 public:
  // An empty body is an empty object. `invalid` for anything but an object, nesting over 16 or another Content-Type.
  static Result<Body> parse(const http::Request& request);
  static Result<Body> parse_text(std::string_view text);

  [[nodiscard]] bool has(std::string_view field) const;
  // `invalid` with the field's name when it is missing, of another type or out of bounds (bytes).
  Result<std::string> text(std::string_view field, std::size_t max) const;
  Result<std::string> text_or(std::string_view field, std::string fallback, std::size_t max) const;
  Result<std::int64_t> integer_or(std::string_view field, std::int64_t fallback, std::int64_t low,
                                  std::int64_t high) const;
  // A list of whole numbers from 0 to `high`.
  Result<std::vector<std::uint64_t>> numbers(std::string_view field, std::size_t max_items, std::uint64_t high) const;
  // Any number, also one with a fraction.
  Result<double> number(std::string_view field) const;
  Result<bool> flag_or(std::string_view field, bool fallback) const;
  // An object inside; an empty one when it is missing. Its fields are named without it in errors.
  Result<Body> object_or_empty(std::string_view field) const;
  Result<std::vector<std::string>> texts_or_none(std::string_view field, std::size_t max_items, std::size_t max) const;
  Result<std::vector<std::pair<std::string, std::string>>> pairs_or_none(std::string_view field,
                                                                         std::size_t max_items) const;

 private:
  boost::json::object fields_;
};

// A number in a query; the fallback when it is absent, `invalid` when it is not one or out of bounds.
Result<std::uint64_t> query_number(const http::Request& request, std::string_view name, std::uint64_t fallback,
                                   std::uint64_t high);

}  // namespace ccd::api
