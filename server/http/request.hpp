// One request as a handler sees it: checked, decoded, complete.
//
// A plain value: tests build one by setting the members. The server gives each handler its own; the handler may write
// only `principal` and `params`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.hpp"

namespace ccd::http {

// Which way a request came: the port, or the Unix socket for programs of this machine (Server::listen_local).
enum class Door { port, local };

struct Request {
  std::string id;      // short, unique within this process: in the access log, in X-Request-Id and in a 500's message
  std::string method;  // "GET": a token, upper or lower case as sent
  std::string target;  // as sent, without scheme and authority: "/api/files?path=%2Fsrv"
  // Percent-decoded once. Never empty, begins with '/' (or is "*" for OPTIONS *), holds no byte < 0x20 and no DEL. ".."
  // and
  // "//" are as sent: whoever opens files decides.
  std::string path;
  std::vector<std::pair<std::string, std::string>> query_items;  // form-decoded, names are unique
  std::vector<std::pair<std::string, std::string>> headers;      // names as sent; values without surrounding blanks
  std::string body;                                              // at most Options::max_body bytes
  std::string host;       // lower case, with the port when one was sent; Options::host_allowed has allowed it
  std::string remote_ip;  // the peer, or the client that trusted proxies name in X-Forwarded-For
  Door door = Door::port;
  bool loopback_peer = false;  // the TCP peer itself is 127.0.0.0/8 or ::1, or it came by the local door
  bool forwarded = false;      // a Forwarded, X-Forwarded-* or X-Real-IP header came with it, from whomever
  bool secure = false;         // https between client and proxy, as a trusted proxy says
  std::map<std::string, std::string> params;  // from the route's pattern: "{id}"
  std::string principal;                      // who it is, for the access log; set by the handler
  // Returns when the client has closed its end: for handlers that answer late. Await it inside the handler only. Not set in
  // requests that tests build.
  std::function<Task<void>()> gone;

  // The first value; none when the name is absent. "?x" and "?x=" are both "".
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
  // The first header of that name (case-insensitive); "" when absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  // The first cookie of that name (case-sensitive), without surrounding quotes; "" when absent.
  [[nodiscard]] std::string_view cookie(std::string_view name) const;
};

// Case-insensitive for ASCII letters only, as header names are.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace ccd::http
