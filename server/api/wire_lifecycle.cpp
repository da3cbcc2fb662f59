#include "api/wire_lifecycle.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxName = 256;  // longer ones are refused by the hub with the rule for names
constexpr std::size_t kMaxWords = 256;
constexpr std::size_t kMaxWord = 64 * 1024;
constexpr std::size_t kMaxVariables = 64;
constexpr std::size_t kMaxId = 64;
constexpr std::size_t kMaxDigest = 128;
constexpr std::size_t kMaxBranch = 1000;  // longer ones are refused by git's room with the rule for branches
constexpr std::int64_t kMaxCells = 1'000'000;

json::array findings_json(const std::vector<claude::Finding>& findings) {
  json::array out;
  for (const claude::Finding& finding : findings)
    out.push_back(
        {{"kind", to_string(finding.kind)}, {"where", json_text(finding.where)}, {"text", json_text(finding.text)}});
  return out;
}

json::value number_or_null(const std::optional<std::uint64_t>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}
json::value time_or_null(const std::optional<WallMicros>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}
json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json_text(text));
}
json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(json_text(*text)) : json::value(nullptr);
}

}  // namespace

json::object settings_json(const agents::TrustState& state) {
  json::array files;
  for (const agents::SettingsFile& file : state.settings.files) {
    files.push_back({{"path", json_text(file.path)},
                     {"name", json_text(file.name)},
                     {"words", file.words},
                     {"bytes", file.bytes},
                     {"text", json_text(file.text)},
                     {"cut", file.cut},
                     {"trouble", text_or_null(json_text(file.trouble))},
                     {"fresh", file.fresh},
                     {"findings", findings_json(file.findings)}});
  }
  json::array gaps;
  for (const std::string& gap : state.settings.gaps) gaps.emplace_back(json_text(gap));
  return {{"folder", json_text(state.settings.folder)},
          {"digest", state.settings.digest},
          {"accepted", state.accepted},
          {"known", state.known},
          {"complete", state.settings.complete},
          {"gaps", std::move(gaps)},
          {"fresh", findings_json(state.fresh)},
          {"files", std::move(files)},
          {"left_out", state.settings.left_out}};
}

json::object unseen_error(const agents::TrustState& state) {
  const std::string what =
      !state.settings.complete
          ? "not everything that this project brings for Claude Code can be looked at, so it is asked before each start"
      : state.known ? "the project's settings for Claude Code have changed since they were accepted"
                    : "this project brings settings for Claude Code that nobody has accepted yet";
  return {{"code", "settings_unseen"},
          {"message", what + ": look at them (GET /api/projects/settings), then send their digest as accept_settings"},
          {"folder", json_text(state.settings.folder)},
          {"digest", state.settings.digest}};
}

http::Response unseen_response(const agents::TrustState& state) {
  return json_response(409, json::object{{"error", unseen_error(state)}});
}

json::object template_json(const agents::Template& value) {
  json::object variables;
  for (const auto& [name, text] : value.environment) variables[name] = text;
  return {{"id", value.id},
          {"name", value.name},
          {"project", value.project},
          {"prompt", value.prompt},
          {"model", value.model},
          {"permission_mode", value.permission_mode},
          {"env", std::move(variables)},
          {"changed_at", value.changed_at},
          {"changed_by", value.changed_by}};
}

json::object conversation_json(const agents::FoundConversation& found) {
  const claude::Conversation& c = found.conversation;
  return {{"id", c.id},
          {"project", text_or_null(c.facts.folder)},
          {"branch", text_or_null(c.facts.branch)},
          {"title", text_or_null(c.facts.title)},
          {"first_prompt", text_or_null(c.facts.first_prompt)},
          {"began", time_or_null(c.facts.began)},
          {"last_activity", c.facts.last_activity.value_or(c.modified)},
          {"bytes", c.bytes},
          {"messages", c.messages},
          {"messages_estimated", c.messages_estimated},
          {"startable", found.startable},
          {"why_not", text_or_null(found.why_not)},
          {"session", text_or_null(found.session)},
          {"live_in", text_or_null(found.live_in)}};
}

json::object status_json(const git::Repository& repository, const git::Status& status) {
  json::array changes;
  for (const git::Change& change : status.changes)
    changes.push_back({{"kind", to_string(change.kind)},
                       {"index", std::string(1, change.index)},
                       {"worktree", std::string(1, change.worktree)},
                       {"path", json_text(change.path)},
                       {"from", text_or_null(change.from)},
                       {"submodule", change.submodule}});
  return {{"top", json_text(repository.top)},
          {"linked", repository.linked()},
          {"head", text_or_null(status.head)},
          {"branch", text_or_null(status.branch)},
          {"upstream", text_or_null(status.upstream)},
          {"ahead", number_or_null(status.ahead)},
          {"behind", number_or_null(status.behind)},
          {"changes", std::move(changes)},
          {"left_out", status.left_out}};
}

json::object worktree_json(const git::Worktree& worktree) {
  return {{"path", json_text(worktree.path)},
          {"head", text_or_null(worktree.head)},
          {"branch", text_or_null(worktree.branch)},
          {"bare", worktree.bare},
          {"main", worktree.main},
          {"locked", text_or_null(worktree.locked)},
          {"prunable", text_or_null(worktree.prunable)}};
}

json::array obstacles_json(const std::vector<git::Obstacle>& obstacles) {
  json::array out;
  for (const git::Obstacle& obstacle : obstacles) {
    json::array items;
    for (const std::string& item : obstacle.items) items.emplace_back(json_text(item));
    const bool can_go = obstacle.kind == git::Obstacle::Kind::ignored || obstacle.kind == git::Obstacle::Kind::unmerged;
    out.push_back({{"kind", to_string(obstacle.kind)},
                   {"text", json_text(obstacle.text)},
                   {"items", std::move(items)},
                   {"more", obstacle.more},
                   {"overridable", can_go}});
  }
  return out;
}

Result<agents::StartRequest> start_request(const Body& body) {
  agents::StartRequest request;
  request.name = TRY(body.text_or("name", "", kMaxName));
  request.project = TRY(body.text_or("project", "", kMaxPath));
  request.command = TRY(body.texts_or_none("command", kMaxWords, kMaxWord));
  request.environment = TRY(body.pairs_or_none("env", kMaxVariables));
  request.cols = static_cast<int>(TRY(body.integer_or("cols", 0, 0, kMaxCells)));
  request.rows = static_cast<int>(TRY(body.integer_or("rows", 0, 0, kMaxCells)));
  request.template_id = TRY(body.text_or("template", "", kMaxId));
  request.model = TRY(body.text_or("model", "", kMaxName));
  request.permission_mode = TRY(body.text_or("permission_mode", "", kMaxId));
  request.prompt = TRY(body.text_or("prompt", "", agents::kMaxPrompt));
  request.accept_settings = TRY(body.text_or("accept_settings", "", kMaxDigest));
  if (body.has("worktree")) {
    const Body wish = TRY(body.object_or_empty("worktree"));
    request.worktree = agents::WorktreeWish{.branch = TRY(wish.text("branch", kMaxBranch)),
                                            .from = TRY(wish.text_or("from", "", kMaxBranch))};
  }
  return request;
}

Result<agents::Template> template_request(const Body& body) {
  agents::Template out;
  out.name = TRY(body.text("name", kMaxName));
  out.project = TRY(body.text_or("project", "", kMaxPath));
  out.prompt = TRY(body.text_or("prompt", "", agents::kMaxPrompt));
  out.model = TRY(body.text_or("model", "", kMaxName));
  out.permission_mode = TRY(body.text_or("permission_mode", "", kMaxId));
  out.environment = TRY(body.pairs_or_none("env", kMaxVariables));
  return out;
}

}  // namespace ccd::api
