// JSON there and back.
#include "agents/variables.hpp"

#include <boost/json.hpp>

namespace ccd::agents {

namespace json = boost::json;

std::string variables_to_json(const Variables& variables) {
  json::object out;
  for (const auto& [name, value] : variables) out[name] = value;
  return json::serialize(out);
}

Variables variables_from_json(std::string_view text) {
  Variables out;
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  if (ec || !value.is_object()) return out;
  for (const auto& [name, each] : value.get_object())
    if (each.is_string()) out.emplace_back(std::string(name), std::string(each.get_string()));
  return out;
}

}  // namespace ccd::agents
