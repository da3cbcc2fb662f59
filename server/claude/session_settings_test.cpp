// What a session is given: that it is complete, quoted, and holds no secret where others can see it.
#include "claude/session_settings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <functional>

#include "claude/hook_event.hpp"

namespace ccd::claude {
namespace {

const std::string kToken = "abcdefghijklmnopqrstuvwxyz-_0123456789";
const std::string kId = "11111111-2222-4333-8444-555555555555";
const std::string kOther = "99999999-2222-4333-8444-555555555555";

SettingsOptions options() {
  return {.folder = "/data/it's here/s1",
          .hook_url = "http://127.0.0.1:3000/api/hooks",
          .token = kToken,
          .session_id = kId};
}

TEST(SessionSettings, EveryEventHasOneQuietHook) {
  const auto files = session_files(options());
  ASSERT_TRUE(files);
  const auto settings = boost::json::parse(files->settings).as_object();
  const auto& hooks = settings.at("hooks").as_object();
  EXPECT_EQ(hooks.size(), hook_names().size());
  for (const HookName& event : hook_names()) {
    const auto& hook = hooks.at(event.name).as_array().at(0).as_object().at("hooks").as_array().at(0).as_object();
    const bool held = event.kind == HookKind::permission_request;
    EXPECT_EQ(hook.at("command").as_string(), std::string("'/usr/bin/curl' -q -K '/data/it'\\''s here/s1/claude-") +
                                                  (held ? "permission" : "event") + ".curl' || :");
    EXPECT_EQ(hook.at("timeout").as_int64(), held ? 86'405 : 7);
  }
  EXPECT_FALSE(hooks.contains("WorktreeCreate")) << "its hook would have to make the worktree";
  EXPECT_EQ(settings.at("statusLine").as_object().at("type").as_string(), "command");
  EXPECT_NE(files->event_curl.find("max-time = 2\n"), std::string::npos);
  EXPECT_NE(files->permission_curl.find("max-time = 86400\n"), std::string::npos);
}

TEST(SessionSettings, ASocketsPathIsQuotedForCurl) {
  SettingsOptions given = options();
  EXPECT_EQ(session_files(given)->event_curl.find("unix-socket"), std::string::npos);
  given.hook_socket = "/data/a \"b\\c/hooks.sock";
  const auto files = session_files(given);
  ASSERT_TRUE(files);
  for (const std::string* curl : {&files->event_curl, &files->permission_curl})
    EXPECT_NE(curl->find("unix-socket = \"/data/a \\\"b\\\\c/hooks.sock\"\n"), std::string::npos) << *curl;
}

TEST(SessionSettings, TheTokenIsOnlyInCurlsFiles) {
  const auto files = session_files(options());
  EXPECT_EQ(files->settings.find(kToken), std::string::npos);
  for (const std::string& word : files->arguments) EXPECT_EQ(word.find(kToken), std::string::npos);
  for (const std::string* curl : {&files->event_curl, &files->permission_curl}) {
    EXPECT_NE(curl->find("header = \"Authorization: Bearer " + kToken + "\"\n"), std::string::npos);
    EXPECT_EQ(curl->find(kToken), curl->rfind(kToken));
  }
}

TEST(SessionSettings, ArgumentsSayWhichConversation) {
  using Words = std::vector<std::string>;
  const std::string file = "/data/it's here/s1/claude-settings.json";
  auto given = options();
  EXPECT_EQ(session_files(given)->arguments, (Words{"--settings", file, "--session-id", kId}));
  given.name = "fix the login";
  given.model = "opus";
  given.permission_mode = "plan";
  EXPECT_EQ(session_files(given)->arguments, (Words{"--settings", file, "--session-id", kId, "--name", "fix the login",
                                                    "--model", "opus", "--permission-mode", "plan"}));
  given = options();
  given.start = Start::resume;
  EXPECT_EQ(session_files(given)->arguments, (Words{"--settings", file, "--resume", kId}));
  given.start = Start::fork;
  given.forked_from = kOther;
  EXPECT_EQ(session_files(given)->arguments,
            (Words{"--settings", file, "--resume", kOther, "--fork-session", "--session-id", kId}));
}

TEST(SessionSettings, WhatCannotBeQuotedIsRefused) {
  struct Row {
    std::string field;
    std::function<void(SettingsOptions&)> change;
  };
  const std::vector<Row> rows{
      {"folder", [](auto& o) { o.folder = "relative"; }},
      {"folder", [](auto& o) { o.folder = "/a\nb"; }},
      {"curl", [](auto& o) { o.curl = "curl"; }},
      {"hook_url", [](auto& o) { o.hook_url = "http://example.org:80/x"; }},
      {"hook_url", [](auto& o) { o.hook_url = "http://127.0.0.1:3000@example.org/x"; }},
      {"hook_url", [](auto& o) { o.hook_url = "http://127.0.0.1:3000/x\"\nurl = \"http://example.org"; }},
      {"hook_url", [](auto& o) { o.hook_url = "http://127.0.0.1:3000/x?token=1"; }},
      {"hook_url", [](auto& o) { o.hook_url = "http://127.0.0.1/x"; }},
      {"hook_socket", [](auto& o) { o.hook_socket = "hooks.sock"; }},
      {"hook_socket", [](auto& o) { o.hook_socket = "/data/hooks.sock\nurl = http://example.org"; }},
      {"token", [](auto& o) { o.token = "short"; }},
      {"token", [](auto& o) { o.token = std::string(40, '"'); }},
      {"session_id", [](auto& o) { o.session_id = "--resume"; }},
      {"forked_from", [](auto& o) { o.forked_from = kOther; }},
      {"forked_from", [](auto& o) { o.start = Start::fork; }},
      {"name", [](auto& o) { o.name = "--dangerously-skip-permissions"; }},
      {"name", [](auto& o) { o.name = "a\x1b[2J"; }},
      {"model", [](auto& o) { o.model = "-x"; }},
      {"permission_mode", [](auto& o) { o.permission_mode = "bypassPermissions"; }},
      {"status_line_command", [](auto& o) { o.status_line_command = std::string(5000, 'x'); }},
  };
  for (const Row& row : rows) {
    auto given = options();
    row.change(given);
    const auto files = session_files(given);
    ASSERT_FALSE(files) << row.field;
    EXPECT_EQ(files.error().field, row.field);
  }
}

TEST(SessionSettings, WordsStayWordsInAShell) {
  for (const std::string text : {"plain", "it's", "'; touch x; '", "$(id) `id` \\ \" \n", ""}) {
    const std::string command = "printf %s " + shell_word(text);
    FILE* shell = popen(command.c_str(), "r");
    ASSERT_NE(shell, nullptr);
    std::string out(1024, '\0');
    out.resize(std::fread(out.data(), 1, out.size(), shell));
    pclose(shell);
    EXPECT_EQ(out, text);
  }
}

TEST(SessionSettings, TheUsersStatusLineStillRuns) {
  auto given = options();
  given.curl = "/bin/false";
  given.folder = "/nonexistent";
  given.status_line_command = "tr a-z A-Z; echo ' and it'\"'\"'s mine'";
  const auto files = session_files(given);
  const auto settings = boost::json::parse(files->settings).as_object();
  const std::string command(settings.at("statusLine").as_object().at("command").as_string());
  FILE* shell = popen(("printf '{\"a\":1}' | { " + command + "\n}").c_str(), "r");
  ASSERT_NE(shell, nullptr);
  std::string out(1024, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), shell));
  pclose(shell);
  EXPECT_EQ(out, "{\"A\":1} and it's mine\n");
}

}  // namespace
}  // namespace ccd::claude
