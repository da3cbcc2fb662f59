#include "http/url.hpp"

#include <algorithm>
#include <optional>

namespace ccd::http {

namespace {
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Bytes that no browser leaves bare in a target: each has been the start of two parsers reading one line differently.
bool bare_allowed(char c) {
  return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F && c != '"' && c != '<' &&
         c != '>' && c != '#';
}

enum class Plus { literal, blank };

Result<std::string> decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(ErrorKind::invalid, "bad percent escape in the request target: want % and two hex digits");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

bool valid_port(std::string_view port) { return port.size() <= 5 && std::all_of(port.begin(), port.end(), digit); }

// The part after "http://" up to the path, or none when it is not an absolute form.
struct Absolute {
  std::string_view authority;
  std::string_view rest;  // "/x?y", "?y" or ""
};
std::optional<Absolute> absolute_form(std::string_view target) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (target.size() < scheme.size() || lower_case(target.substr(0, scheme.size())) != scheme) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    return Absolute{target.substr(0, end), target.substr(end)};
  }
  return std::nullopt;
}
}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Result<std::string> percent_decode(std::string_view text) { return decode(text, Plus::literal); }

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> items;
  while (!query.empty()) {
    const std::string_view item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(item.size() + 1, query.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    std::string name = TRY(decode(item.substr(0, equals), Plus::blank));
    std::string value = TRY(decode(item.substr(std::min(equals + 1, item.size())), Plus::blank));
    const auto same = [&](const auto& other) { return other.first == name; };
    // Two readers of a doubled name could each take another one.
    if (std::any_of(items.begin(), items.end(), same))
      return fail_field(name, "query parameter is given twice: give it once");
    if (items.size() == kMaxQueryItems) return fail(ErrorKind::invalid, "too many query parameters: at most 64");
    items.emplace_back(std::move(name), std::move(value));
  }
  return items;
}

Result<Target> parse_target(std::string_view method, std::string_view target) {
  Target out;
  if (!std::all_of(target.begin(), target.end(), bare_allowed))
    return fail(ErrorKind::invalid, "request target holds a byte that must be percent-encoded");
  if (target == "*" && method == "OPTIONS") {
    out.origin_form = out.path = "*";
    return out;
  }
  if (const auto absolute = absolute_form(target)) {
    if (!valid_host(absolute->authority))
      return fail(ErrorKind::invalid, "bad authority in the request target: want host or host:port");
    out.authority = lower_case(absolute->authority);
    out.origin_form = absolute->rest.starts_with('/') ? std::string(absolute->rest) : "/" + std::string(absolute->rest);
  } else if (target.starts_with('/')) {
    out.origin_form = target;
  } else {
    return fail(ErrorKind::invalid, "bad request target: want a path that begins with '/'");
  }
  const std::string_view form = out.origin_form;
  const std::size_t mark = std::min(form.find('?'), form.size());
  out.path = TRY(percent_decode(form.substr(0, mark)));
  if (std::any_of(out.path.begin(), out.path.end(), control))
    return fail(ErrorKind::invalid, "request path holds a control byte");
  out.query_items = TRY(parse_query(form.substr(std::min(mark + 1, form.size()))));
  return out;
}

bool valid_host(std::string_view host) {
  static constexpr std::size_t kLongestName = 253;  // DNS
  std::string_view name = host;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const auto address_byte = [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; };
    name = host.substr(1, end - 1);
    if (name.size() > kLongestName || !std::all_of(name.begin(), name.end(), address_byte)) return false;
    if (end + 1 == host.size()) return true;
    if (host[end + 1] != ':') return false;
    port = host.substr(end + 2);
    return valid_port(port);
  }
  if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    port = host.substr(colon + 1);
  }
  const auto name_byte = [](char c) { return letter(c) || digit(c) || c == '-' || c == '.' || c == '_'; };
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), name_byte) &&
         valid_port(port);
}

}  // namespace ccd::http
