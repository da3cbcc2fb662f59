// Fuzzes http/url: escapes, queries, request targets and hosts are read in one way, and reading again changes nothing.
#include "http/url.hpp"

#include <optional>
#include <set>
#include <string>

#include "support.hpp"

namespace ccd::http {
namespace {

std::string escape_all(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEFabcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[(byte & 15) >= 10 ? (byte & 15) + 6 : byte & 15];  // both cases of hex digits
  }
  return out;
}

void check_escapes(std::string_view text) {
  const auto whole = percent_decode(escape_all(text));
  CHECK(whole && *whole == text);
  const auto decoded = percent_decode(text);
  if (!decoded) {
    CHECK(text.find('%') != std::string_view::npos);
    return;
  }
  // Each escape is three bytes for one.
  const auto escapes = static_cast<std::size_t>(std::count(text.begin(), text.end(), '%'));
  CHECK(decoded->size() + 2 * escapes == text.size());
  if (escapes == 0) CHECK(*decoded == text);
}

using Items = std::vector<std::pair<std::string, std::string>>;

void check_query(std::string_view text) {
  const auto items = parse_query(text);
  if (!items) return;
  CHECK(items->size() <= kMaxQueryItems);
  std::set<std::string> names;
  std::string again;
  for (const auto& [name, value] : *items) {
    CHECK(names.insert(name).second);
    again += escape_all(name) + '=' + escape_all(value) + '&';
  }
  CHECK(parse_query(again) == *items);
  // A name that is there already is refused, however it is spelled.
  if (!items->empty()) CHECK(!parse_query(again + escape_all(items->front().first) + "="));
}

void check_target(std::string_view method, std::string_view text) {
  const auto target = parse_target(method, text);
  if (!target) return;
  const auto harmless = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; };
  CHECK(std::all_of(target->path.begin(), target->path.end(), harmless));
  CHECK(std::all_of(target->origin_form.begin(), target->origin_form.end(), harmless));
  CHECK(target->origin_form.find(' ') == std::string::npos);
  CHECK(target->path.starts_with('/') || (target->path == "*" && text == "*" && method == "OPTIONS"));
  CHECK(target->authority.empty() ||
        (valid_host(target->authority) && lower_case(target->authority) == target->authority));
  CHECK(text.starts_with('/') ? target->authority.empty() && target->origin_form == text : true);
  // Read again, the origin form says the same.
  const auto again = parse_target(method, target->origin_form);
  CHECK(again && again->authority.empty());
  CHECK(again->origin_form == target->origin_form && again->path == target->path &&
        again->query_items == target->query_items);
  const std::size_t mark = target->origin_form.find('?');
  CHECK(target->path == percent_decode(target->origin_form.substr(0, mark)).value());
}

void check_host(std::string_view text) {
  CHECK(valid_host(text) == valid_host(lower_case(text)));
  if (!valid_host(text)) return;
  CHECK(text.size() <= 253 + 8);  // a name, brackets, a colon and a port
  for (const char c : text)
    CHECK((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
          std::string_view("-._:[]").find(c) != std::string_view::npos);
  CHECK(text.front() == '[' || std::count(text.begin(), text.end(), ':') <= 1);
}

}  // namespace
}  // namespace ccd::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::http;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  check_escapes(text);
  check_query(text);
  for (const std::string_view method : {"GET", "OPTIONS"}) {
    check_target(method, text);
    check_target(method, "/" + std::string(text));
  }
  check_target("GET", "http://" + std::string(text));
  check_host(text);
  const std::string lower = lower_case(text);
  CHECK(lower.size() == size && lower_case(lower) == lower);
  return 0;
}
