// Environment variables of a session as a column of the database keeps them. Internal to the room.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ccd::agents {

using Variables = std::vector<std::pair<std::string, std::string>>;  // names and values

// A JSON object of texts.
std::string variables_to_json(const Variables& variables);
// What is no such object, or no text in it, is left out.
Variables variables_from_json(std::string_view text);

}  // namespace ccd::agents
