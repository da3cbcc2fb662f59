// Request targets taken apart: form, path, query. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace ccd::http {

// No page or program of ours sends more than a dozen.
inline constexpr std::size_t kMaxQueryItems = 64;

// "%2F" to "/". Strict: a '%' without two hex digits is `invalid`. '+' stays.
Result<std::string> percent_decode(std::string_view text);
// "a=1&b=x+y" decoded, in order. `invalid`: a bad escape, a name twice, more than kMaxQueryItems.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

struct Target {
  std::string origin_form;  // "/path?query", or "*"
  std::string authority;    // lower case; of the absolute form only, else empty
  std::string path;         // decoded; no byte < 0x20, no DEL
  std::vector<std::pair<std::string, std::string>> query_items;
};
// The origin form ("/x?y"), the absolute form ("http://host/x") and, for OPTIONS, "*".
Result<Target> parse_target(std::string_view method, std::string_view target);

// A Host value: name, IPv4 or [IPv6], with or without a port. Says nothing about who it belongs to.
bool valid_host(std::string_view host);
std::string lower_case(std::string_view text);

}  // namespace ccd::http
