// Hook bodies as the client sends them, and as somebody else might.
#include "claude/hook_event.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

const std::string kCommon =
    R"("session_id":"11111111-2222-4333-8444-555555555555","transcript_path":"/h/t.jsonl","cwd":"/p")";

std::string body(const std::string& name, const std::string& more = "") {
  return "{" + kCommon + R"(,"hook_event_name":")" + name + "\"" + (more.empty() ? "" : "," + more) + "}";
}

TEST(HookEvent, EveryEventIsRead) {
  for (const HookName& name : hook_names()) {
    const auto event = parse_hook_event(body(std::string(name.name)));
    ASSERT_TRUE(event) << name.name;
    EXPECT_EQ(event->kind, name.kind);
    EXPECT_EQ(to_string(event->kind), name.name);
    EXPECT_EQ(event->session_id, "11111111-2222-4333-8444-555555555555");
    EXPECT_EQ(event->transcript_path + event->cwd, "/h/t.jsonl/p");
  }
}

TEST(HookEvent, FieldsAreTheEventsOwn) {
  struct Row {
    std::string name, more, text, reason;
  };
  const std::vector<Row> rows{
      {"SessionStart", R"("source":"resume","session_title":"T")", "T", "resume"},
      {"SessionEnd", R"("reason":"prompt_input_exit")", "", "prompt_input_exit"},
      {"UserPromptSubmit", R"("prompt":"go \u00e9")", "go \u00e9", ""},
      {"PostToolUseFailure", R"("error":"Exit code 2","is_interrupt":false)", "Exit code 2", ""},
      {"PermissionDenied", R"("reason":"rule")", "rule", ""},
      {"Stop", R"("last_assistant_message":"Done.")", "Done.", ""},
      {"StopFailure", R"("error":"rate_limit","last_assistant_message":"API Error")", "API Error", "rate_limit"},
      {"Notification", R"("message":"m","notification_type":"idle_prompt")", "m", "idle_prompt"},
      {"PreCompact", R"("trigger":"auto","custom_instructions":null)", "", "auto"},
      {"Elicitation", R"("mcp_server_name":"srv","message":"name?")", "name?", "srv"},
      {"CwdChanged", R"("old_cwd":"/a","new_cwd":"/b")", "/b", ""},
  };
  for (const Row& row : rows) {
    const auto event = parse_hook_event(body(row.name, row.more));
    ASSERT_TRUE(event) << row.name;
    EXPECT_EQ(event->text, row.text) << row.name;
    EXPECT_EQ(event->reason, row.reason) << row.name;
  }
}

TEST(HookEvent, APermissionRequestHasItsInputAndSuggestions) {
  const auto event = parse_hook_event(body(
      "PermissionRequest",
      R"("agent_id":"a1","tool_name":"Bash","tool_input":{"command":"ls \"x\""},"permission_suggestions":[{"type":"setMode"}])"));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->tool + "/" + event->agent_id, "Bash/a1");
  EXPECT_EQ(event->input, R"({"command":"ls \"x\""})");
  EXPECT_EQ(event->suggestions, R"([{"type":"setMode"}])");
}

const std::string kQuestion =
    R"({"questions":[{"question":"Which?","header":"H","multiSelect":true,"options":[{"label":"Red","description":"r"},{"label":"Blue"}]}]})";

TEST(HookEvent, AQuestionHasItsOptions) {
  const auto event =
      parse_hook_event(body("PermissionRequest", R"("tool_name":"AskUserQuestion","tool_input":)" + kQuestion));
  ASSERT_TRUE(event);
  ASSERT_EQ(event->questions.size(), 1u);
  EXPECT_EQ(event->questions[0].text + event->questions[0].header, "Which?H");
  EXPECT_EQ(event->questions[0].choice, Question::Choice::several);
  ASSERT_EQ(event->questions[0].options.size(), 2u);
  EXPECT_EQ(event->questions[0].options[0], (std::pair<std::string, std::string>{"Red", "r"}));
}

TEST(HookEvent, AStopHasWhatGoesOn) {
  const auto event = parse_hook_event(body(
      "Stop",
      R"("background_tasks":[{"id":"x","type":"subagent","status":"running","description":"look"},5],"session_crons":[{},{}])"));
  ASSERT_TRUE(event);
  ASSERT_EQ(event->background.size(), 1u);
  EXPECT_EQ(event->background[0].type + event->background[0].description, "subagentlook");
  EXPECT_EQ(event->crons, 2u);
}

TEST(HookEvent, WrongBodiesAreRefused) {
  struct Row {
    std::string body, field;
  };
  const std::vector<Row> rows{
      {"", ""},
      {"[]", ""},
      {"{", ""},
      {"\xff{}", ""},
      {std::string(100'000, '['), ""},
      {"{}", "hook_event_name"},
      {body("WorktreeCreate"), "hook_event_name"},
      {R"({"hook_event_name":"Stop"})", "session_id"},
      {R"({"hook_event_name":"Stop","session_id":"../../x"})", "session_id"},
      {body("PreToolUse", R"("tool_name":")" + std::string(300, 'x') + "\""), "tool_name"},
      {R"({"hook_event_name":"Stop","session_id":"11111111-2222-4333-8444-555555555555","cwd":"/a\u0000b"})", "cwd"},
  };
  for (const Row& row : rows) {
    const auto event = parse_hook_event(row.body);
    ASSERT_FALSE(event) << row.body.substr(0, 80);
    EXPECT_EQ(event.error().kind, ErrorKind::invalid);
    EXPECT_EQ(event.error().field, row.field) << row.body.substr(0, 80);
  }
  EXPECT_EQ(parse_hook_event(std::string(kMaxHookBytes + 1, ' ')).error().kind, ErrorKind::too_large);
}

TEST(HookEvent, LongTextsAreCutAndLongInputsLeftOut) {
  const auto prompt =
      parse_hook_event(body("UserPromptSubmit", R"("prompt":")" + std::string(kMaxHookText * 2, 'p') + "\""));
  EXPECT_EQ(prompt->text.size(), kMaxHookText);
  const auto tool =
      parse_hook_event(body("PreToolUse", R"("tool_input":{"c":")" + std::string(kMaxHookInput, 'p') + "\"}"));
  EXPECT_EQ(tool->input, "");
  EXPECT_EQ(tool->input_bytes, kMaxHookInput + 8);
  std::string many = R"("tool_name":"AskUserQuestion","tool_input":{"questions":[{"options":[])";
  for (int i = 0; i < 100; ++i) many += R"(},{"options":[])";
  EXPECT_EQ(parse_hook_event(body("PermissionRequest", many + "}]}"))->questions.size(), kMaxQuestions);
}

TEST(HookEvent, TheJsonTestSuiteIsRead) {
  const auto files = testing::json_suite();
  if (files.empty()) GTEST_SKIP() << "skipped: no data";
  for (const auto& [name, text] : files) {
    const auto event = parse_hook_event(body("PreToolUse", R"("tool_input":)" + text));
    (void)parse_status_line(text);
    if (name.starts_with("i_")) continue;
    EXPECT_EQ(event.has_value(), name.starts_with("y_")) << name;
  }
}

TEST(StatusLine, IsReadWithItsCostAndContext) {
  const std::string text =
      "{" + kCommon +
      R"(,"session_name":"n","model":{"id":"m","display_name":"M"},"workspace":{"current_dir":"/p"},"version":"2.1",)"
      R"("cost":{"total_cost_usd":0.0268,"total_duration_ms":32125,"total_api_duration_ms":989,"total_lines_added":2,"total_lines_removed":1},)"
      R"("context_window":{"total_input_tokens":11500,"context_window_size":200000,"used_percentage":6},"effort":{"level":"high"}})";
  EXPECT_TRUE(is_status_line(text));
  EXPECT_FALSE(is_status_line(body("Stop")));
  const auto line = parse_status_line(text);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->name + line->model_id + line->model_name + line->version + line->effort, "nmM2.1high");
  EXPECT_DOUBLE_EQ(line->cost_usd, 0.0268);
  EXPECT_EQ(line->duration_ms + line->api_ms + line->lines_added + line->lines_removed, 32125u + 989 + 3);
  EXPECT_EQ(line->context_used_percent, 6.0);
  EXPECT_EQ(line->context_tokens + line->context_size, 211'500u);
  EXPECT_EQ(parse_status_line("{}").error().field, "session_id");
}

TEST(HookAnswer, IsWhatTheClientWants) {
  EXPECT_EQ(*allow_answer(),
            R"({"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}})");
  EXPECT_EQ(
      *allow_answer(R"([{"type":"setMode"}])"),
      R"({"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow","updatedPermissions":[{"type":"setMode"}]}}})");
  EXPECT_FALSE(allow_answer("{}"));
  EXPECT_FALSE(allow_answer("[1"));
  EXPECT_EQ(
      deny_answer("no \"x\""),
      R"({"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"deny","message":"no \"x\""}}})");
  EXPECT_TRUE(valid_utf8(deny_answer("\xff")));
}

TEST(HookAnswer, AQuestionsAnswerNamesTheQuestion) {
  const auto given = question_answer(kQuestion, {{"Which?", "Red, Blue"}});
  ASSERT_TRUE(given);
  const auto decision = boost::json::parse(*given).at("hookSpecificOutput").at("decision");
  EXPECT_EQ(decision.at("behavior").as_string(), "allow");
  EXPECT_EQ(decision.at("updatedInput").at("answers").at("Which?").as_string(), "Red, Blue");
  EXPECT_TRUE(decision.at("updatedInput").at("questions").is_array()) << "the rest of the input stays";
  EXPECT_EQ(question_answer(kQuestion, {{"Other?", "x"}}).error().field, "answers");
  EXPECT_FALSE(question_answer("[]", {{"Which?", "x"}}));
  EXPECT_FALSE(question_answer(kQuestion, {}));
}

}  // namespace
}  // namespace ccd::claude
