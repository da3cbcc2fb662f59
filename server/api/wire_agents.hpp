// The JSON of agents and of what waits for a person. docs/openapi.yaml is the contract.
#pragma once

#include <boost/json.hpp>

#include "agents/view.hpp"

namespace ccd::api {

boost::json::object agent_json(const agents::AgentView& view);

}  // namespace ccd::api
