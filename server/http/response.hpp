// What a handler answers. The server adds Content-Length, Date, Connection, X-Request-Id and the security headers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/task.hpp"
#include "base/unique_fd.hpp"

namespace ccd::http {

class WebSocket;

// Bytes of an open regular file, streamed in bounded chunks that are read on Options::pool. When the file turns out to
// be shorter than offset + length, the connection is cut, so that the client sees an incomplete answer rather than a
// wrong one.
struct FileSlice {
  UniqueFd file;
  std::uint64_t offset = 0;  // bytes
  std::uint64_t length = 0;  // bytes
};

// Switches the connection to a WebSocket. `status` is ignored; `headers` are sent with the 101.
struct Upgrade {
  // One of the values the client offered in Sec-WebSocket-Protocol, or empty: none is selected.
  std::string subprotocol;
  // Runs on the loop for as long as the socket lives; when it returns, the socket is closed (1000 unless close() was
  // called). An exception closes it with 1011.
  std::function<Task<void>(std::shared_ptr<WebSocket>)> run;
};

// A shared string is for bytes that outlive the request (static files): it is sent without a copy.
using Body = std::variant<std::string, std::shared_ptr<const std::string>, FileSlice, Upgrade>;

struct Response {
  int status = 200;
  // Names and values must be what RFC 9110 allows: a control byte in one turns the answer into a 500, so no input can
  // split it.
  std::vector<std::pair<std::string, std::string>> headers;
  Body body = std::string();

  // Replaces every header of that name (case-insensitive).
  void set_header(std::string_view name, std::string value);
  [[nodiscard]] std::string_view header(std::string_view name) const;  // "" when absent
  // The body when it is a string of either kind, else "".
  [[nodiscard]] std::string_view text_body() const;
};

[[nodiscard]] Response json(int status, std::string body);
[[nodiscard]] Response text(int status, std::string body);  // text/plain; charset=utf-8
[[nodiscard]] Response empty(int status);
// {"error":{"code":CODE,"message":MESSAGE}}; both are escaped.
[[nodiscard]] Response error_json(int status, std::string_view code, std::string_view message);

// "Not Found"; "" for a status that is not in the table.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace ccd::http
