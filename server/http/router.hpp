// The route table: method and path to a number that the owner of the handlers gives meaning. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ccd::http {

class Router {
 public:
  // `pattern`: "/api/sessions/{id}/output": each "{name}" stands for exactly one non-empty segment. A literal segment
  // wins over a parameter. The same method and pattern twice, or a pattern without '/' in front, is a mistake of the
  // program: it ends with a message.
  void add(std::string_view method, std::string_view pattern, std::size_t route);

  struct Match {
    std::optional<std::size_t> route;           // none: 404, or 405 when allowed_methods is not empty
    std::map<std::string, std::string> params;  // by the pattern's names
    std::string allowed_methods;                // for Allow: "GET, HEAD, POST"; empty when no pattern matches the path
  };
  // `path` is Request::path. HEAD falls to GET.
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

 private:
  struct Segment {
    std::string text;  // the literal, or the parameter's name
    bool parameter = false;
  };
  struct Pattern {
    std::string text;
    std::vector<Segment> segments;
    std::map<std::string, std::size_t, std::less<>> methods;
  };
  std::vector<Pattern> patterns_;  // more literal ones first
};

}  // namespace ccd::http
