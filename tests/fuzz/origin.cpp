// Fuzzes auth/origin and auth/principal: only listed origins and hosts pass, in one spelling, and only loopback counts
// as loopback.
//
// Input: a public origin, LF, the bind host, LF, a Host or Origin header, LF, a Sec-Fetch-Site header, LF, an address.
#include "auth/origin.hpp"

#include <string>
#include <vector>

#include "auth/cookies.hpp"
#include "auth/principal.hpp"
#include "support.hpp"

namespace ccd::auth {
namespace {

constexpr std::uint16_t kPort = 3000;

void check_lists(const OriginPolicy& policy, std::string_view header) {
  CHECK(policy.origin_allowed(header) == policy.origins().contains(std::string(header)));
  std::string lower(header);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const bool http = policy.origin_allowed("http://" + lower);
  const bool https = policy.origin_allowed("https://" + lower);
  CHECK(policy.host_allowed(header) == (http || https));
  for (const std::string& origin : policy.origins()) {
    // As browsers write it: one scheme, then nothing but a host and a port.
    CHECK(origin.starts_with("http://") || origin.starts_with("https://"));
    const std::string host = origin.substr(origin.find("://") + 3);
    CHECK(host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") == std::string::npos &&
          !host.ends_with('.'));
    CHECK(policy.origin_allowed(origin) && policy.host_allowed(host));
    for (const char* behind : {"/", ".", "@evil.example", " ", "\t", "#"})
      CHECK(!policy.origin_allowed(origin + behind));
    CHECK(!policy.host_allowed(host + ".") && !policy.host_allowed(host + "@evil.example"));
  }
}

// The rules of origin.hpp, written down a second time.
void check_rules(const OriginPolicy& policy, std::string_view origin, std::string_view site) {
  for (const RequestClass what : {RequestClass::read, RequestClass::mutation, RequestClass::websocket})
    for (const Credential credential : {Credential::none, Credential::cookie, Credential::bearer})
      for (const bool with_origin : {false, true})
        for (const bool with_site : {false, true}) {
          RequestOrigin request{.what = what, .credential = credential, .origins = {}, .sec_fetch_sites = {}};
          if (with_origin) request.origins.push_back(origin);
          if (with_site) request.sec_fetch_sites.push_back(site);
          const bool read = what == RequestClass::read;
          const bool cookie = credential == Credential::cookie;
          bool allowed = with_origin ? policy.origins().contains(std::string(origin))
                                     : what != RequestClass::websocket && (read || !cookie);
          if (with_site && (!read || cookie)) allowed = allowed && (site == "same-origin" || (read && site == "none"));
          const auto verdict = policy.check_request(request);
          CHECK(verdict.has_value() == allowed);
          CHECK(verdict || verdict.error().kind == ErrorKind::forbidden);
          if (with_origin) request.origins.push_back(origin);
          CHECK(!with_origin || !policy.check_request(request));
        }
}

void check_address(std::string_view text) {
  const std::string network = source_network(text);
  CHECK(network == "?" || network.find_first_not_of("0123456789abcdef:./") == std::string::npos);
  const bool six = network.ends_with("/64");
  if (network != "?") CHECK(source_network(six ? network.substr(0, network.size() - 3) : network) == network);
  if (is_loopback(text)) CHECK(network == "::/64" || network.starts_with("127."));
  // A deployment with plain cookies is one whose Host is loopback: by name or by address.
  if (text.find('\0') == std::string_view::npos && deployment({.host_header = text}) == Deployment::http_loopback) {
    std::string name(text.substr(0, text.find(':')));
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    CHECK(name == "localhost" || text.starts_with("127.") || text.find(':') != std::string_view::npos);
  }
  CHECK(deployment({.via = Via::forwarded, .host_header = text}) == Deployment::no_cookies);
}

}  // namespace
}  // namespace ccd::auth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::auth;
  std::string_view text = ccd::fuzz::as_text(data, size);
  const std::string public_origin(ccd::fuzz::take(text));
  const std::string_view bind_host = ccd::fuzz::take(text);
  const std::string_view header = ccd::fuzz::take(text);
  const std::string_view site = ccd::fuzz::take(text);
  check_address(text);
  static const OriginPolicy alone = OriginPolicy::make({}, kPort, "127.0.0.1").value();
  CHECK(alone.origins().size() == 3);
  check_lists(alone, header);
  check_rules(alone, header, site);
  const auto policy = OriginPolicy::make({public_origin}, kPort, bind_host);
  if (!policy) {
    CHECK(policy.error().kind == ccd::ErrorKind::invalid && policy.error().field == "PUBLIC_ORIGINS");
    return 0;
  }
  CHECK(policy->origin_allowed(public_origin) && policy->origins().size() <= 5);
  check_lists(*policy, header);
  check_rules(*policy, header, site);
  check_rules(*policy, public_origin, site);
  return 0;
}
