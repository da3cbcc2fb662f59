// The bytes in front of a body: status line and headers, with the server's own added. Pure.
//
// Every answer has a known length, so there is nothing to frame but Content-Length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/response.hpp"

namespace ccd::http {

enum class Persistence { keep, close };

struct HeadContext {
  std::string_view date;        // http_date()
  std::string_view request_id;  // may be empty
  std::uint64_t content_length = 0;
  Persistence persistence = Persistence::keep;
};

// None when a header of the handler's is not a token, or a value holds a control byte, or it names what the server
// itself sends (Content-Length, Transfer-Encoding, Connection, Date).
std::optional<std::string> response_head(const Response& response, const HeadContext& context);

// "Mon, 23 Nov 2026 14:20:00 GMT"
std::string http_date(WallMicros at);

// Bytes of the body; 0 for an Upgrade.
std::uint64_t body_length(const Body& body);
// 1xx, 204 and 304 never have one.
bool status_allows_body(int status);
// True for a name of token bytes and a value without control bytes (tab is allowed).
bool valid_header(std::string_view name, std::string_view value);

}  // namespace ccd::http
