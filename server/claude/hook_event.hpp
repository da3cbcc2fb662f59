// What a Claude Code session tells through its hooks and its status line: JSON bodies into typed values. Pure, strict in bounds.
//
// A body comes from a program that runs whatever its user runs: it is checked like any request, its texts are cut at their limits,
// and fields that this page does not know are ignored, since releases add them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccd::claude {

enum class HookKind {
  session_start,
  session_end,
  prompt,
  pre_tool,
  post_tool,
  tool_failure,
  permission_request,
  permission_denied,
  stop,
  stop_failure,
  notification,
  subagent_start,
  subagent_stop,
  pre_compact,
  post_compact,
  task_created,
  task_completed,
  elicitation,
  elicitation_result,
  cwd_changed,
};
std::string_view to_string(HookKind kind);  // as the client names it: "PreToolUse"

struct HookName {
  HookKind kind;
  std::string_view name;
};
// The events that session_files() asks for. Not among them: WorktreeCreate, whose hook replaces what the client does itself;
// MessageDisplay and FileChanged, which come many times a second; PostToolBatch, which repeats PostToolUse.
std::span<const HookName> hook_names();

// A body over this is refused: Write's input carries a whole file, and a result the file before and after.
inline constexpr std::size_t kMaxHookBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxHookText = 64 * 1024;  // of each text; longer ones are cut
inline constexpr std::size_t kMaxHookInput =
    4 * 1024 * 1024;                              // of a tool's input; a longer one is left out, with its size
inline constexpr std::size_t kMaxHookName = 256;  // of names and ids; longer ones are refused
inline constexpr std::size_t kMaxQuestions = 16;
inline constexpr std::size_t kMaxBackgroundTasks = 64;

struct Question {
  std::string text{};
  std::string header{};
  std::vector<std::pair<std::string, std::string>> options{};  // label and description
  enum class Choice { one, several } choice = Choice::one;
};

struct BackgroundTask {
  std::string id{};
  std::string type{};  // "subagent", "shell", ...
  std::string status{};
  std::string description{};
};

// Fields that an event does not have are empty.
struct HookEvent {
  HookKind kind = HookKind::notification;
  std::string session_id{};  // UUID of the conversation
  std::string transcript_path{};
  std::string cwd{};
  std::string prompt_id{};  // from the first prompt on
  std::string permission_mode{};
  std::string agent_id{};  // inside of a subagent; empty in the main conversation
  std::string agent_type{};
  std::string tool{};         // tool events and permission requests
  std::string tool_use_id{};  // not in permission requests
  std::string input{};        // JSON of the tool's input; empty with `input_bytes` set when it is over kMaxHookInput
  std::uint64_t input_bytes = 0;
  std::string suggestions{};          // permission request: JSON array of what "allow always" may send back
  std::vector<Question> questions{};  // permission request of AskUserQuestion
  std::string
      text{};  // prompt; last message of a stop; message of a notification; error of a failed tool; denial's reason
  std::string
      reason{};         // start's source, end's reason, notification's type, stop failure's error, compaction's trigger
  std::string model{};  // session start
  std::vector<BackgroundTask> background{};  // stop: what goes on and will wake it
  std::uint64_t crons = 0;                   // stop: how many timers of the session will wake it
};

// `too_large` over kMaxHookBytes; `invalid` with the field's name for what is no object, lacks an event's name or session, or names
// an event that hook_names() does not have.
Result<HookEvent> parse_hook_event(std::string_view body);

// What the status line's command is told.
struct StatusLine {
  std::string session_id{};
  std::string transcript_path{};
  std::string cwd{};
  std::string name{};
  std::string model_id{};
  std::string model_name{};
  std::string version{};
  std::string effort{};
  double cost_usd = 0;
  std::uint64_t duration_ms = 0;
  std::uint64_t api_ms = 0;
  std::uint64_t lines_added = 0;
  std::uint64_t lines_removed = 0;
  std::optional<double> context_used_percent{};
  std::uint64_t context_tokens = 0;
  std::uint64_t context_size = 0;
};
Result<StatusLine> parse_status_line(std::string_view body);

// Which of the two a body is: the status line has no hook_event_name.
bool is_status_line(std::string_view body);

// Answers to a held permission request, as the body of the response. An empty body leaves the dialog in the terminal alone.
// `updated_permissions`: what to allow from now on, a JSON array out of HookEvent::suggestions; empty: only this once.
Result<std::string> allow_answer(std::string_view updated_permissions = {});
std::string deny_answer(std::string_view message);
// To AskUserQuestion: `answers` as question's text and answer (labels joined with ", " where several were chosen).
// `input` is the event's; `invalid` when it is not the input of a question or an answer names no question of it.
Result<std::string> question_answer(std::string_view input,
                                    const std::vector<std::pair<std::string, std::string>>& answers);

}  // namespace ccd::claude
