// The JSON of what starts sessions: project settings, templates, conversations, repositories. docs/openapi.yaml is the contract.
#pragma once

#include <boost/json.hpp>

#include "agents/lifecycle.hpp"
#include "api/wire.hpp"
#include "base/error.hpp"
#include "git/git.hpp"
#include "http/response.hpp"

namespace ccd::api {

boost::json::object settings_json(const agents::TrustState& state);
boost::json::object template_json(const agents::Template& value);
boost::json::object conversation_json(const agents::FoundConversation& found);
boost::json::object status_json(const git::Repository& repository, const git::Status& status);
boost::json::object worktree_json(const git::Worktree& worktree);
boost::json::array obstacles_json(const std::vector<git::Obstacle>& obstacles);
// 409 with the code `settings_unseen`, the folder and the digest that has to be sent to go on.
http::Response unseen_response(const agents::TrustState& state);
boost::json::object unseen_error(const agents::TrustState& state);

// What POST /api/sessions and /fork have in common.
Result<agents::StartRequest> start_request(const Body& body);
Result<agents::Template> template_request(const Body& body);

}  // namespace ccd::api
