#include "auth/cookies.hpp"

#include <algorithm>
#include <array>

namespace ccd::auth {

namespace {

constexpr std::size_t kMaxValueBytes = 4096;  // browsers keep no longer ones

bool value_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool valid_value(std::string_view value) {
  return !value.empty() && value.size() <= kMaxValueBytes && std::all_of(value.begin(), value.end(), value_char);
}

// Of the Host header, in any case, with or without a port.
bool loopback_name(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) host = host.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return is_loopback(host.substr(1, host.size() - 2));
  static constexpr std::string_view kName = "localhost";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  if (std::equal(host.begin(), host.end(), kName.begin(), kName.end(), same)) return true;
  return is_loopback(host);
}

std::string attributes(int max_age_seconds, Deployment how) {
  std::string text = "; Path=/; Max-Age=" + std::to_string(max_age_seconds) + "; HttpOnly; SameSite=Strict";
  if (how == Deployment::https) text += "; Secure";
  return text;
}

}  // namespace

Deployment deployment(const Arrival& arrival) {
  if (arrival.trusted_proto == "https") return Deployment::https;
  if (arrival.via == Via::direct && loopback_name(arrival.host_header)) return Deployment::http_loopback;
  return Deployment::no_cookies;
}

std::string_view cookie_name(CookieKind kind, Deployment how) {
  const bool https = how == Deployment::https;
  if (how == Deployment::no_cookies) return {};
  switch (kind) {
    case CookieKind::access: return https ? "__Host-ccd_access" : "ccd_access";
    case CookieKind::refresh: return https ? "__Host-ccd_refresh" : "ccd_refresh";
    case CookieKind::device: return https ? "__Host-ccd_device" : "ccd_device";
  }
  return {};
}

std::optional<std::string> set_cookie(CookieKind kind, std::string_view value, int max_age_seconds, Deployment how) {
  if (how == Deployment::no_cookies || !valid_value(value)) return std::nullopt;
  return std::string(cookie_name(kind, how)) + '=' + std::string(value) + attributes(max_age_seconds, how);
}

std::optional<std::string> clear_cookie(CookieKind kind, Deployment how) {
  if (how == Deployment::no_cookies) return std::nullopt;
  return std::string(cookie_name(kind, how)) + '=' + attributes(0, how);
}

Result<LoginCookies> read_cookies(const std::vector<std::string_view>& cookie_headers, Deployment how) {
  LoginCookies cookies;
  if (how == Deployment::no_cookies) return cookies;
  struct Slot {
    std::string_view name;
    std::string* value;
  };
  const std::array slots{Slot{cookie_name(CookieKind::access, how), &cookies.access},
                         Slot{cookie_name(CookieKind::refresh, how), &cookies.refresh},
                         Slot{cookie_name(CookieKind::device, how), &cookies.device}};
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (std::string_view header : cookie_headers) {
    bytes += header.size();
    if (bytes > kMaxCookieHeaderBytes) return fail_field("Cookie", "Cookie: more than 16 KiB");
    while (!header.empty()) {
      if (++count > kMaxCookies) return fail_field("Cookie", "Cookie: more than 200 cookies");
      const std::size_t end = header.find(';');
      std::string_view pair = header.substr(0, end);
      header.remove_prefix(end == header.npos ? header.size() : end + 1);
      while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) pair.remove_prefix(1);
      const std::size_t equals = pair.find('=');
      const std::string_view name = pair.substr(0, equals);
      const auto slot = std::find_if(slots.begin(), slots.end(), [name](const Slot& s) { return s.name == name; });
      if (slot == slots.end()) continue;
      const std::string_view value = equals == pair.npos ? std::string_view{} : pair.substr(equals + 1);
      if (!slot->value->empty()) return fail_field("Cookie", "Cookie: a login cookie came twice");
      if (!valid_value(value)) return fail_field("Cookie", "Cookie: a login cookie has a value that is not ours");
      *slot->value = value;
    }
  }
  return cookies;
}

}  // namespace ccd::auth
