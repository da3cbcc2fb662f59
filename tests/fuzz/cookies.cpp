// Fuzzes auth/cookies: login cookies are read exactly as they were set, once, and nothing in a value becomes an
// attribute.
//
// Input: a Cookie header's value.
#include "auth/cookies.hpp"

#include <string>

#include "support.hpp"

namespace ccd::auth {
namespace {

constexpr std::string_view kValueBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

bool equal(const LoginCookies& a, const LoginCookies& b) {
  return a.access == b.access && a.refresh == b.refresh && a.device == b.device;
}

bool equal(const Result<LoginCookies>& a, const Result<LoginCookies>& b) {
  return a.has_value() == b.has_value() && (!a || equal(*a, *b));
}

// Each login cookie of an accepted header stands in it once, as name=value between two semicolons, and is not accepted
// twice.
void check_accepted(std::string_view header, const LoginCookies& cookies, Deployment how) {
  for (const auto& [kind, value] :
       {std::pair(CookieKind::access, &cookies.access), std::pair(CookieKind::refresh, &cookies.refresh),
        std::pair(CookieKind::device, &cookies.device)}) {
    const std::string name(cookie_name(kind, how));
    std::size_t times = 0;
    for (std::string_view rest = header; !rest.empty();) {
      std::string_view pair = ccd::fuzz::take(rest, ';');
      while (pair.starts_with(' ') || pair.starts_with('\t')) pair.remove_prefix(1);
      if (pair.substr(0, pair.find('=')) != name) continue;
      ++times;
      CHECK(pair == name + '=' + *value);
    }
    CHECK(times == (value->empty() ? 0 : 1));
    CHECK(value->find_first_not_of(kValueBytes) == std::string::npos && value->size() <= 4096);
    const std::string again = std::string(header) + "; " + name + "=x";
    if (!value->empty()) CHECK(!read_cookies({again}, how) && !read_cookies({header, name + "=x"}, how));
  }
}

void check_header(std::string_view header, Deployment how) {
  const auto cookies = read_cookies({header}, how);
  if (cookies) check_accepted(header, *cookies, how);
  else CHECK(cookies.error().kind == ErrorKind::invalid && cookies.error().message.find('\n') == std::string::npos);
  // Proxies may cut one header into several, at a semicolon. At the bounds a piece that is empty makes a difference.
  const auto cookies_in = std::count(header.begin(), header.end(), ';') + 1;
  if (header.size() >= kMaxCookieHeaderBytes || static_cast<std::size_t>(cookies_in) >= kMaxCookies) return;
  const std::size_t middle = header.find(';', header.size() / 2);
  if (middle != std::string_view::npos)
    CHECK(equal(cookies, read_cookies({header.substr(0, middle), header.substr(middle + 1)}, how)));
}

void check_set(std::string_view value, Deployment how) {
  for (const CookieKind kind : {CookieKind::access, CookieKind::refresh, CookieKind::device}) {
    const auto text = set_cookie(kind, value, 600, how);
    if (!text) continue;
    const std::string name(cookie_name(kind, how));
    const std::string secure = how == Deployment::https ? "; Secure" : "";
    CHECK(*text == name + '=' + std::string(value) + "; Path=/; Max-Age=600; HttpOnly; SameSite=Strict" + secure);
    CHECK(value.find_first_not_of(kValueBytes) == std::string_view::npos);
    const std::string sent = "theme=dark; " + text->substr(0, text->find(';'));
    const auto read = read_cookies({sent}, how);
    CHECK(read);
    CHECK((kind == CookieKind::access    ? read->access
           : kind == CookieKind::refresh ? read->refresh
                                         : read->device) == value);
  }
}

}  // namespace
}  // namespace ccd::auth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::auth;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  for (const Deployment how : {Deployment::https, Deployment::http_loopback}) {
    check_header(text, how);
    const std::string name(cookie_name(CookieKind::access, how));
    check_header(name + '=' + std::string(text), how);
    check_set(text, how);
  }
  const auto none = read_cookies({text}, Deployment::no_cookies);
  CHECK(none && equal(*none, LoginCookies{}));
  CHECK(!set_cookie(CookieKind::access, text, 600, Deployment::no_cookies));
  return 0;
}
