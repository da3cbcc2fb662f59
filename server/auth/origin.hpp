// Which Host and Origin headers are ours: exact lists, no wildcards. Pure. Guards against rebinding, CSRF and foreign sockets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/error.hpp"

namespace ccd::auth {

// What carries the login of a request.
enum class Credential { none, cookie, bearer };
enum class RequestClass {
  read,       // GET, HEAD, OPTIONS
  mutation,   // every other method
  websocket,  // an upgrade, whatever it carries
};

// One request, as far as cross-site checks need it. Headers are all the values in the order of arrival.
struct RequestOrigin {
  RequestClass what = RequestClass::read;
  Credential credential = Credential::none;
  std::vector<std::string_view> origins;
  std::vector<std::string_view> sec_fetch_sites;
};

class OriginPolicy {
 public:
  // Allows http://localhost:PORT, http://127.0.0.1:PORT, http://[::1]:PORT, http://BIND_HOST:PORT when that is one address
  // (0.0.0.0 and :: allow nothing more), and every one of `public_origins`: "scheme://host" or "scheme://host:port", http or
  // https, lower case, as a browser sends it. ErrorKind::invalid, field "PUBLIC_ORIGINS", for anything else.
  static Result<OriginPolicy> make(const std::vector<std::string>& public_origins, std::uint16_t port,
                                   std::string_view bind_host);

  // The Host header, exact but for its case. A missing one is not allowed, nor are several ("one Host" is the caller's check).
  [[nodiscard]] bool host_allowed(std::string_view host_header) const;
  // The Origin header, exact: browsers send it in one form only.
  [[nodiscard]] bool origin_allowed(std::string_view origin_header) const;

  // For every request under /api and /ws (pages and static files need no check: they hold nothing, and links to them are fine).
  // ErrorKind::forbidden unless the request may proceed:
  // - an Origin that is there must be one of ours, once, whatever else the request carries;
  // - a mutation with a cookie and every WebSocket need an Origin. Programs send none: with a bearer token, or to log in, they
  //   need none (a browser always sends one with a mutation, so this opens nothing to pages);
  // - Sec-Fetch-Site, where a browser sends it, must be same-origin for a mutation or a WebSocket, and same-origin or none
  //   (typed in the address bar) for a read with a cookie: SameSite=Strict does not hold back another port of this host.
  [[nodiscard]] Result<> check_request(const RequestOrigin& request) const;

  [[nodiscard]] const std::unordered_set<std::string>& origins() const { return origins_; }

 private:
  OriginPolicy() = default;
  std::unordered_set<std::string> origins_;
  std::unordered_set<std::string> hosts_;
};

// GET, HEAD and OPTIONS read; everything else mutates.
RequestClass request_class(std::string_view method);

}  // namespace ccd::auth
