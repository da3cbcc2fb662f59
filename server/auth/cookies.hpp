// Names and texts of the login cookies, and a strict reader of the Cookie header. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.hpp"
#include "base/error.hpp"

namespace ccd::auth {

// Browsers send the cookies of every other program on localhost as well, whatever its port: as much as a header may be, and as
// many as Chromium keeps for a host.
inline constexpr std::size_t kMaxCookieHeaderBytes = 16 * 1024;
inline constexpr std::size_t kMaxCookies = 200;

// How the page reached us, which decides the cookies' names and attributes.
enum class Deployment {
  https,          // TLS ended at a trusted proxy: __Host- names, Secure
  http_loopback,  // plain HTTP to a loopback name, no proxy: plain names, no Secure
  no_cookies,     // anything else: a cookie would be readable on the way. Log in with a bearer token, or use HTTPS.
};

struct Arrival {
  // What a *trusted* proxy said of the client's scheme ("https"), or empty.
  std::string_view trusted_proto{};
  Via via = Via::direct;  // forwarded when any Forwarded or X-Forwarded-* header is there
  // Already allowed by OriginPolicy. A loopback name means that the browser's own end is loopback, which is what counts: the
  // peer may be a container's gateway or the end of an SSH tunnel.
  std::string_view host_header{};
};

Deployment deployment(const Arrival& arrival);

enum class CookieKind { access, refresh, device };

// "__Host-ccd_access" for https, "ccd_access" for http_loopback; empty for no_cookies.
std::string_view cookie_name(CookieKind kind, Deployment how);

// The value of a Set-Cookie header: HttpOnly, SameSite=Strict, Path=/, Max-Age, and Secure for https.
// `value`: base64url characters and '.' only. nullopt for no_cookies.
std::optional<std::string> set_cookie(CookieKind kind, std::string_view value, int max_age_seconds, Deployment how);
// The Set-Cookie that removes it.
std::optional<std::string> clear_cookie(CookieKind kind, Deployment how);

// The three values of a request; empty where absent.
struct LoginCookies {
  std::string access;
  std::string refresh;
  std::string device;
};

// Reads the values of all Cookie headers of one request. ErrorKind::invalid when they are over the bounds, when a name of ours
// comes twice (cookie tossing) or its value has a character that ours never have. Foreign cookies are passed over. Cookies of
// the other deployment are not looked at: a plain ccd_access that arrives through a proxy is no login.
Result<LoginCookies> read_cookies(const std::vector<std::string_view>& cookie_headers, Deployment how);

}  // namespace ccd::auth
