// Agents as the hub's launcher: the settings of each Claude Code session, made when it starts and kept true after the dashboard has moved.
#include <algorithm>

#include "agents/agent.hpp"
#include "agents/agents.hpp"
#include "agents/launch.hpp"
#include "agents/recorder.hpp"
#include "agents/store.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"

namespace ccd::agents {

namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kUuidBytes = 16;

Result<> check(const sessions::Launch& launch, const LaunchPlan& plan) {
  const bool asked = launch.start != claude::Start::fresh || !launch.model.empty() || !launch.permission_mode.empty();
  if (asked && !plan.hooks)
    return fail_field("command", "this command takes no settings of ours (" + plan.why_not + "): start it as it is");
  if (launch.start != claude::Start::fresh && !plan.chooses_id)
    return fail_field("command", "the command names a conversation itself: leave that out");
  if (launch.start == claude::Start::resume && !claude::valid_uuid(launch.conversation))
    return fail_field("conversation", "must be the UUID of the conversation to go on with");
  if (launch.start != claude::Start::resume && !launch.conversation.empty() && !claude::valid_uuid(launch.conversation))
    return fail_field("conversation", "must be a UUID");
  if (launch.start == claude::Start::fork && !claude::valid_uuid(launch.forked_from))
    return fail_field("forked_from", "must be the UUID of the conversation to fork");
  return {};
}

// The words of a command that names its conversation itself: all of ours but those that choose one.
std::vector<std::string> without_id(std::vector<std::string> words) {
  const auto at = std::ranges::find(words, "--session-id");
  if (at != words.end()) words.erase(at, at + 2);
  return words;
}

}  // namespace

Result<claude::SessionFiles> Agents::files_of(claude::SettingsOptions options) const {
  options.hook_url = door_url_ + "/api/hooks/claude/" + options.folder.substr(options.folder.rfind('/') + 1);
  options.hook_socket = door_socket_;
  return claude::session_files(options);
}

Task<Result<sessions::LaunchWords>> Agents::prepare(sessions::LaunchRequest request) {
  const LaunchPlan plan = plan_launch(request.session.command);
  CO_TRY(check(request.launch, plan));
  AgentRow row;
  row.session = request.session.id;
  row.config_dir = config_dir_of(request.environment);
  row.conversation = plan.conversation;
  row.permission_mode = request.launch.permission_mode;
  sessions::LaunchWords words{.command = request.session.command, .conversation = plan.conversation};
  if (plan.hooks) {
    if (plan.chooses_id) {
      row.conversation = request.launch.conversation;
      if (row.conversation.empty()) row.conversation = uuid_from(parts_.random->hex(kUuidBytes));
    }
    const std::string token = parts_.random->token(kTokenBytes);
    row.token_hash = token_hash(token);
    claude::SettingsOptions options{.folder = request.folder, .token = token};
    options.session_id = row.conversation.empty() ? uuid_from(parts_.random->hex(kUuidBytes)) : row.conversation;
    options.forked_from = request.launch.forked_from;
    options.start = request.launch.start;
    options.model = request.launch.model;
    options.permission_mode = request.launch.permission_mode;
    auto write = [this, options = std::move(options), config_dir = row.config_dir,
                  project = request.session.project]() mutable -> Result<std::vector<std::string>> {
      options.status_line_command = own_status_line(config_dir, project);
      const claude::SessionFiles files = TRY(files_of(options));
      TRY(write_session_files(options.folder, files));
      return files.arguments;
    };
    auto arguments = co_await run_on(*parts_.pool, std::move(write));
    if (!arguments) co_return tl::unexpected(std::move(arguments).error());
    if (!plan.chooses_id) *arguments = without_id(std::move(*arguments));
    words.command.insert(words.command.begin() + static_cast<std::ptrdiff_t>(plan.insert_at), arguments->begin(),
                         arguments->end());
  } else {
    row.hooks_reason = "It reports nothing by itself: " + plan.why_not + ".";
  }
  words.conversation = row.conversation;
  prepared_[row.session] = std::make_shared<AgentRow>(row);
  words.store = [row](storage::Connection& db) { return store_agent(db, row); };
  co_return words;
}

// The dashboard may have another address than when the session was started: its hooks read the files anew at each event.
Task<void> Agents::refresh_files(std::string session) {
  const AgentPtr agent = find(session);
  if (!agent) co_return;
  auto renew = [this, folder = folder_of(session), hash = agent->row.token_hash,
                conversation = agent->row.conversation]() -> Result<> {
    const std::string token = TRY(read_token(folder));
    // The agent can write its folder. What it has put there is not made official.
    if (!equal_constant_time(token_hash(token), hash))
      return fail(ErrorKind::corrupt, "the file for curl has another token than the session was given");
    const std::string any = claude::valid_uuid(conversation) ? conversation : "00000000-0000-4000-8000-000000000000";
    const claude::SessionFiles files = TRY(files_of({.folder = folder, .token = token, .session_id = any}));
    return write_curl_files(folder, files);
  };
  const auto renewed = co_await run_on(*parts_.pool, std::move(renew));
  if (!renewed)
    log_warn("agents", "a session's hooks may not find the dashboard",
             {{"session", session}, {"error", renewed.error().message}});
}

}  // namespace ccd::agents
