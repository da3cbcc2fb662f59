// Reads hook bodies by one table of events, and writes the answers to permission requests.
#include "claude/hook_event.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "claude/json_read.hpp"
#include "claude/session_settings.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {
namespace {

constexpr std::uint64_t kMaxNumber = 1'000'000'000'000'000;
// The client suggests a few rules of some hundred bytes; each open request keeps its own.
constexpr std::size_t kMaxSuggestionBytes = 16 * 1024;

constexpr std::array kHookNames{
    HookName{HookKind::session_start, "SessionStart"},
    HookName{HookKind::session_end, "SessionEnd"},
    HookName{HookKind::prompt, "UserPromptSubmit"},
    HookName{HookKind::pre_tool, "PreToolUse"},
    HookName{HookKind::post_tool, "PostToolUse"},
    HookName{HookKind::tool_failure, "PostToolUseFailure"},
    HookName{HookKind::permission_request, "PermissionRequest"},
    HookName{HookKind::permission_denied, "PermissionDenied"},
    HookName{HookKind::stop, "Stop"},
    HookName{HookKind::stop_failure, "StopFailure"},
    HookName{HookKind::notification, "Notification"},
    HookName{HookKind::subagent_start, "SubagentStart"},
    HookName{HookKind::subagent_stop, "SubagentStop"},
    HookName{HookKind::pre_compact, "PreCompact"},
    HookName{HookKind::post_compact, "PostCompact"},
    HookName{HookKind::task_created, "TaskCreated"},
    HookName{HookKind::task_completed, "TaskCompleted"},
    HookName{HookKind::elicitation, "Elicitation"},
    HookName{HookKind::elicitation_result, "ElicitationResult"},
    HookName{HookKind::cwd_changed, "CwdChanged"},
};

// Where each event keeps its text and its reason; empty: it has none.
struct Fields {
  HookKind kind;
  std::string_view text;
  std::string_view reason;
};
constexpr std::array kFields{
    Fields{HookKind::session_start, "session_title", "source"},
    Fields{HookKind::session_end, "", "reason"},
    Fields{HookKind::prompt, "prompt", "source"},
    Fields{HookKind::tool_failure, "error", ""},
    Fields{HookKind::permission_denied, "reason", ""},
    Fields{HookKind::stop, "last_assistant_message", ""},
    Fields{HookKind::stop_failure, "last_assistant_message", "error"},
    Fields{HookKind::notification, "message", "notification_type"},
    Fields{HookKind::subagent_stop, "last_assistant_message", ""},
    Fields{HookKind::pre_compact, "", "trigger"},
    Fields{HookKind::post_compact, "compact_summary", "trigger"},
    Fields{HookKind::task_created, "task_subject", "task_id"},
    Fields{HookKind::task_completed, "task_subject", "task_id"},
    Fields{HookKind::elicitation, "message", "mcp_server_name"},
    Fields{HookKind::elicitation_result, "", "action"},
    Fields{HookKind::cwd_changed, "new_cwd", ""},
};

// One body's parser and memory: bodies are few, and a parser kept for the largest of them would stay large.
class Body {
 public:
  Result<json::Object> read(std::string_view body) {
    if (body.size() > kMaxHookBytes) return fail(ErrorKind::too_large, "a hook's body is at most 16 MB");
    json::Element document;
    json::Object object;
    if (parser_.parse(body.data(), body.size(), true).get(document) != simdjson::SUCCESS ||
        document.get(object) != simdjson::SUCCESS) {
      return fail(ErrorKind::invalid, "a hook's body is a JSON object");
    }
    return object;
  }

 private:
  simdjson::dom::parser parser_{kMaxHookBytes};
};

// Names are refused when they are too long, not cut: a cut id would be another one's.
Result<std::string> name_in(const json::Object& object, std::string_view field) {
  const std::string_view text = json::text(object, field);
  if (text.size() > kMaxHookName) return fail_field(std::string(field), "must be at most 256 bytes");
  return std::string(text);
}

Result<std::string> path_in(const json::Object& object, std::string_view field) {
  const std::string_view text = json::text(object, field);
  if (text.size() > 4096 || text.find('\0') != std::string_view::npos) {
    return fail_field(std::string(field), "must be a path of at most 4096 bytes");
  }
  return std::string(text);
}

void read_questions(const json::Object& input, std::vector<Question>& questions) {
  const auto asked = json::array(input, "questions");
  if (!asked) return;
  for (const json::Element element : *asked) {
    json::Object one;
    if (questions.size() == kMaxQuestions || element.get(one) != simdjson::SUCCESS) continue;
    Question& question = questions.emplace_back();
    question.text = clipped(json::text(one, "question"), kMaxHookText);
    question.header = clipped(json::text(one, "header"), kMaxHookName);
    question.choice = json::is_true(one, "multiSelect") ? Question::Choice::several : Question::Choice::one;
    const auto options = json::array(one, "options");
    if (!options) continue;
    for (const json::Element option : *options) {
      json::Object each;
      if (question.options.size() == kMaxQuestions || option.get(each) != simdjson::SUCCESS) continue;
      question.options.emplace_back(clipped(json::text(each, "label"), kMaxHookText),
                                    clipped(json::text(each, "description"), kMaxHookText));
    }
  }
}

void read_input(const json::Object& object, HookEvent& event) {
  const auto input = json::at(object, "tool_input");
  if (!input) return;
  event.input = json::written(*input);
  event.input_bytes = event.input.size();
  if (event.input.size() > kMaxHookInput) event.input.clear();
  json::Object fields;
  const bool asks = event.kind == HookKind::permission_request && event.tool == "AskUserQuestion";
  if (asks && input->get(fields) == simdjson::SUCCESS) read_questions(fields, event.questions);
}

void read_background(const json::Object& object, HookEvent& event) {
  if (const auto tasks = json::array(object, "background_tasks")) {
    for (const json::Element element : *tasks) {
      json::Object task;
      if (event.background.size() == kMaxBackgroundTasks || element.get(task) != simdjson::SUCCESS) continue;
      event.background.push_back({.id = clipped(json::text(task, "id"), kMaxHookName),
                                  .type = clipped(json::text(task, "type"), kMaxHookName),
                                  .status = clipped(json::text(task, "status"), kMaxHookName),
                                  .description = clipped(json::text(task, "description"), kMaxHookText)});
    }
  }
  if (const auto crons = json::array(object, "session_crons")) event.crons = crons->size();
}

Result<> read_common(const json::Object& object, HookEvent& event) {
  event.session_id = TRY(name_in(object, "session_id"));
  if (!valid_uuid(event.session_id)) return fail_field("session_id", "must be a UUID");
  event.transcript_path = TRY(path_in(object, "transcript_path"));
  event.cwd = TRY(path_in(object, "cwd"));
  event.prompt_id = TRY(name_in(object, "prompt_id"));
  event.permission_mode = TRY(name_in(object, "permission_mode"));
  event.agent_id = TRY(name_in(object, "agent_id"));
  event.agent_type = TRY(name_in(object, "agent_type"));
  event.tool = TRY(name_in(object, "tool_name"));
  event.tool_use_id = TRY(name_in(object, "tool_use_id"));
  event.model = TRY(name_in(object, "model"));
  return {};
}

}  // namespace

std::span<const HookName> hook_names() { return kHookNames; }

std::string_view to_string(HookKind kind) {
  const auto found =
      std::find_if(kHookNames.begin(), kHookNames.end(), [&](const HookName& n) { return n.kind == kind; });
  return found == kHookNames.end() ? std::string_view("unknown") : found->name;
}

Result<HookEvent> parse_hook_event(std::string_view body) {
  Body reader;
  const json::Object object = TRY(reader.read(body));
  const std::string_view name = json::text(object, "hook_event_name");
  const auto known =
      std::find_if(kHookNames.begin(), kHookNames.end(), [&](const HookName& n) { return n.name == name; });
  if (known == kHookNames.end()) return fail_field("hook_event_name", "is none of the events that are asked for");
  HookEvent event{.kind = known->kind};
  TRY(read_common(object, event));
  const auto fields =
      std::find_if(kFields.begin(), kFields.end(), [&](const Fields& f) { return f.kind == event.kind; });
  if (fields != kFields.end()) {
    event.text = clipped(json::text(object, fields->text), kMaxHookText);
    if (!fields->reason.empty()) event.reason = clipped(json::text(object, fields->reason), kMaxHookName);
  }
  read_input(object, event);
  if (const auto suggestions = json::array(object, "permission_suggestions")) {
    event.suggestions = json::written(json::Element(*json::at(object, "permission_suggestions")));
    if (event.suggestions.size() > kMaxSuggestionBytes) event.suggestions.clear();
  }
  read_background(object, event);
  return event;
}

bool is_status_line(std::string_view body) {
  Body reader;
  const auto object = reader.read(body);
  return object && !json::at(*object, "hook_event_name") && json::object(*object, "workspace");
}

Result<StatusLine> parse_status_line(std::string_view body) {
  Body reader;
  const json::Object object = TRY(reader.read(body));
  StatusLine line;
  line.session_id = TRY(name_in(object, "session_id"));
  if (!valid_uuid(line.session_id)) return fail_field("session_id", "must be a UUID");
  line.transcript_path = TRY(path_in(object, "transcript_path"));
  line.cwd = TRY(path_in(object, "cwd"));
  line.name = clipped(json::text(object, "session_name"), kMaxHookName);
  line.version = clipped(json::text(object, "version"), kMaxHookName);
  if (const auto effort = json::object(object, "effort"))
    line.effort = clipped(json::text(*effort, "level"), kMaxHookName);
  if (const auto model = json::object(object, "model")) {
    line.model_id = clipped(json::text(*model, "id"), kMaxHookName);
    line.model_name = clipped(json::text(*model, "display_name"), kMaxHookName);
  }
  if (const auto cost = json::object(object, "cost")) {
    line.cost_usd = std::clamp(json::real(*cost, "total_cost_usd").value_or(0), 0.0, 1e9);
    line.duration_ms = json::number(*cost, "total_duration_ms", kMaxNumber);
    line.api_ms = json::number(*cost, "total_api_duration_ms", kMaxNumber);
    line.lines_added = json::number(*cost, "total_lines_added", kMaxNumber);
    line.lines_removed = json::number(*cost, "total_lines_removed", kMaxNumber);
  }
  if (const auto context = json::object(object, "context_window")) {
    line.context_used_percent = json::real(*context, "used_percentage");
    line.context_tokens = json::number(*context, "total_input_tokens", kMaxNumber);
    line.context_size = json::number(*context, "context_window_size", kMaxNumber);
  }
  return line;
}

}  // namespace ccd::claude
