#include "auth/origin.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace ccd::auth {

namespace {

constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035
constexpr std::size_t kMaxLabelBytes = 63;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || digit(c); }

bool canonical_v4(const std::string& host) {
  in_addr address{};
  std::array<char, INET_ADDRSTRLEN> text{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 &&
         host == inet_ntop(AF_INET, &address, text.data(), text.size());
}

// As browsers write it: lower case, the longest run of zeros as "::", no dotted quad inside.
bool canonical_v6(const std::string& host) {
  in6_addr address{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  return host.find('.') == host.npos && inet_pton(AF_INET6, host.c_str(), &address) == 1 &&
         host == inet_ntop(AF_INET6, &address, text.data(), text.size());
}

bool valid_name(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  std::string_view label;
  while (!host.empty()) {
    const std::size_t dot = host.find('.');
    label = host.substr(0, dot);
    const auto allowed = [](char c) { return lower_or_digit(c) || c == '-' || c == '_'; };
    if (label.empty() || label.size() > kMaxLabelBytes || !std::all_of(label.begin(), label.end(), allowed))
      return false;
    if (dot == host.npos) break;
    host.remove_prefix(dot + 1);
    if (host.empty()) return false;  // a trailing dot
  }
  // A last label that is a number makes it an address to a browser, which then writes it another way: 127.1, 0x7f.1.
  return !digit(label.front());
}

bool valid_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return canonical_v6(std::string(host.substr(1, host.size() - 2)));
  return valid_name(host) || canonical_v4(std::string(host));
}

// The fault of an origin's text, or empty.
std::string_view fault_of(std::string_view origin) {
  if (origin.find('*') != origin.npos) return "there are no wildcards: list every origin";
  const bool https = origin.starts_with("https://");
  if (!https && !origin.starts_with("http://")) return "it must begin with http:// or https:// in lower case";
  std::string_view host = origin.substr(https ? 8 : 7);
  if (host.find_first_of("/?#") != host.npos) return "it must end after the host or port: no path, no slash";
  if (host.find('@') != host.npos) return "it must not have a user name";
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    const std::string_view digits = host.substr(colon + 1);
    unsigned port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (ec != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535 || digits.front() == '0')
      return "its port must be a number from 1 to 65535";
    if (port == (https ? 443U : 80U)) return "leave out the scheme's own port, as browsers do";
    host = host.substr(0, colon);
  }
  if (!valid_host(host)) return "its host must be a name or address as browsers write it (lower case, no trailing dot)";
  return {};
}

std::string local_origin(std::string_view host, std::uint16_t port) {
  constexpr std::uint16_t kHttp = 80;
  std::string origin = "http://" + std::string(host);
  if (port != kHttp) origin += ':' + std::to_string(port);
  return origin;
}

tl::unexpected<Error> foreign(std::string_view what) {
  return fail(ErrorKind::forbidden, "request from another site: " + std::string(what));
}

}  // namespace

RequestClass request_class(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" ? RequestClass::read : RequestClass::mutation;
}

Result<OriginPolicy> OriginPolicy::make(const std::vector<std::string>& public_origins, std::uint16_t port,
                                        std::string_view bind_host) {
  OriginPolicy policy;
  for (const std::string_view host : {"localhost", "127.0.0.1", "[::1]"})
    policy.origins_.insert(local_origin(host, port));
  if (bind_host != "0.0.0.0" && bind_host != "::" && !bind_host.empty()) {
    const std::string host =
        bind_host.find(':') == bind_host.npos ? std::string(bind_host) : '[' + std::string(bind_host) + ']';
    // An address that is not written as browsers write it can only be reached under an origin of PUBLIC_ORIGINS.
    if (valid_host(host)) policy.origins_.insert(local_origin(host, port));
  }
  for (const std::string& origin : public_origins) {
    if (const std::string_view fault = fault_of(origin); !fault.empty())
      return fail_field("PUBLIC_ORIGINS", "PUBLIC_ORIGINS: \"" + origin + "\": " + std::string(fault) +
                                              "; right is for example https://agents.example.org");
    policy.origins_.insert(origin);
  }
  for (const std::string& origin : policy.origins_) policy.hosts_.insert(origin.substr(origin.find("://") + 3));
  return policy;
}

bool OriginPolicy::host_allowed(std::string_view host_header) const {
  if (host_header.size() > kMaxHostBytes + 8) return false;
  std::string host(host_header);
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return hosts_.contains(host);
}

bool OriginPolicy::origin_allowed(std::string_view origin_header) const {
  return origins_.contains(std::string(origin_header));
}

Result<> OriginPolicy::check_request(const RequestOrigin& request) const {
  if (request.origins.size() > 1) return foreign("more than one Origin header");
  if (request.sec_fetch_sites.size() > 1) return foreign("more than one Sec-Fetch-Site header");
  const bool read = request.what == RequestClass::read;
  const bool cookie = request.credential == Credential::cookie;
  if (!request.origins.empty()) {
    if (!origin_allowed(request.origins.front())) return foreign("its Origin is not one of ours (see PUBLIC_ORIGINS)");
  } else if (request.what == RequestClass::websocket || (cookie && !read)) {
    return foreign("it needs an Origin header");
  }
  if (!request.sec_fetch_sites.empty() && (!read || cookie)) {
    const std::string_view site = request.sec_fetch_sites.front();
    if (site != "same-origin" && !(read && site == "none")) return foreign("its Sec-Fetch-Site is not same-origin");
  }
  return {};
}

}  // namespace ccd::auth
