#include "http/response_head.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "http/request.hpp"
#include "http/security_headers.hpp"

namespace ccd::http {

namespace {
struct Field {
  std::string_view name;
  std::string_view value;
};

// Sent with every answer unless the handler set one of that name.
constexpr std::array<Field, 8> kDefaults = {{
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", kContentSecurityPolicy},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", kPermissionsPolicy},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
}};

constexpr std::array<std::string_view, 4> kOwnedByServer = {"Content-Length", "Transfer-Encoding", "Connection",
                                                            "Date"};

bool token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

void append(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}
}  // namespace

bool valid_header(std::string_view name, std::string_view value) {
  const auto harmless = [](char c) { return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) || c == '\t'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), token_byte) &&
         std::all_of(value.begin(), value.end(), harmless);
}

bool status_allows_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::uint64_t body_length(const Body& body) {
  if (const auto* own = std::get_if<std::string>(&body)) return own->size();
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&body))
    return *shared ? (*shared)->size() : 0;
  if (const auto* slice = std::get_if<FileSlice>(&body)) return slice->length;
  return 0;
}

std::string http_date(WallMicros at) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = static_cast<std::time_t>(at / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::optional<std::string> response_head(const Response& response, const HeadContext& context) {
  static constexpr std::size_t kUsualHead = 1400;  // bytes, mostly the policies
  std::string out;
  out.reserve(kUsualHead);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  append(out, "Date", context.date);
  if (!context.request_id.empty()) append(out, "X-Request-Id", context.request_id);
  for (const auto& [name, value] : response.headers) {
    const auto same = [&name = name](std::string_view owned) { return equal_ignoring_case(name, owned); };
    if (!valid_header(name, value) || std::any_of(kOwnedByServer.begin(), kOwnedByServer.end(), same))
      return std::nullopt;
    append(out, name, value);
  }
  for (const auto& [name, value] : kDefaults)
    if (response.header(name).empty()) append(out, name, value);
  if (status_allows_body(response.status))
    append(out, "Content-Length", fmt::format_int(context.content_length).c_str());
  if (context.persistence == Persistence::close) append(out, "Connection", "close");
  out += "\r\n";
  return out;
}

}  // namespace ccd::http
