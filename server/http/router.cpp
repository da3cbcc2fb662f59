#include "http/router.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/log.hpp"

namespace ccd::http {

namespace {
// "/a/b" to {"a", "b"}; "/" to {""}.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

[[noreturn]] void refuse(std::string_view method, std::string_view pattern, std::string_view why) {
  log_error("http", "route table is wrong", {{"method", method}, {"pattern", pattern}, {"why", why}});
  std::abort();
}
}  // namespace

void Router::add(std::string_view method, std::string_view pattern, std::size_t route) {
  if (!pattern.starts_with('/')) refuse(method, pattern, "a pattern begins with '/'");
  const auto same = [pattern](const Pattern& p) { return p.text == pattern; };
  auto found = std::find_if(patterns_.begin(), patterns_.end(), same);
  if (found == patterns_.end()) {
    Pattern fresh;
    fresh.text = pattern;
    for (const std::string_view segment : split(pattern)) {
      const bool parameter = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
      fresh.segments.push_back({std::string(parameter ? segment.substr(1, segment.size() - 2) : segment), parameter});
    }
    // Literal before parameter at the first place where they differ, so that find() can take the first hit.
    const auto more_literal = [](const Pattern& a, const Pattern& b) {
      const auto by_kind = [](const Segment& x, const Segment& y) { return x.parameter < y.parameter; };
      return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                                          by_kind);
    };
    const auto place = std::upper_bound(patterns_.begin(), patterns_.end(), fresh, more_literal);
    found = patterns_.insert(place, std::move(fresh));
  }
  if (!found->methods.emplace(method, route).second) refuse(method, pattern, "the same method and pattern twice");
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  const auto parts = split(path);
  std::set<std::string_view> allowed;
  for (const Pattern& pattern : patterns_) {
    const auto fits = [](const Segment& segment, std::string_view part) {
      return segment.parameter ? !part.empty() : segment.text == part;
    };
    if (!std::equal(pattern.segments.begin(), pattern.segments.end(), parts.begin(), parts.end(), fits)) continue;
    auto entry = pattern.methods.find(method);
    if (entry == pattern.methods.end() && method == "HEAD") entry = pattern.methods.find("GET");
    if (entry != pattern.methods.end()) {
      match.route = entry->second;
      for (std::size_t i = 0; i < parts.size(); ++i)
        if (pattern.segments[i].parameter) match.params.emplace(pattern.segments[i].text, parts[i]);
      match.allowed_methods.clear();
      return match;
    }
    for (const auto& [name, route] : pattern.methods) {
      allowed.insert(name);
      if (name == "GET") allowed.insert("HEAD");
    }
  }
  for (const std::string_view name : allowed) {
    if (!match.allowed_methods.empty()) match.allowed_methods += ", ";
    match.allowed_methods += name;
  }
  return match;
}

}  // namespace ccd::http
