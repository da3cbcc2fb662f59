#include "agents/attention.hpp"

#include <gtest/gtest.h>

namespace ccd::agents {
namespace {

AttentionItem request(std::string tool, std::string input, std::string suggestions = "") {
  AttentionItem item;
  item.kind = kind_of_request(tool);
  item.tool = std::move(tool);
  item.input = std::make_shared<const std::string>(std::move(input));
  item.suggestions = std::move(suggestions);
  return item;
}

TEST(Attention, WordsGoThereAndBack) {
  for (const auto kind : {AttentionKind::permission, AttentionKind::plan, AttentionKind::question, AttentionKind::done,
                          AttentionKind::failure, AttentionKind::limit})
    EXPECT_EQ(attention_kind_from(to_string(kind)), kind);
  for (const auto how : {Closed::allowed, Closed::allowed_always, Closed::denied, Closed::answered, Closed::seen,
                         Closed::terminal, Closed::withdrawn, Closed::ended})
    EXPECT_EQ(closed_from(to_string(how)), how);
  for (const auto kind : {Decision::Kind::allow, Decision::Kind::allow_always, Decision::Kind::deny,
                          Decision::Kind::answer, Decision::Kind::seen})
    EXPECT_EQ(decision_from(to_string(kind)), kind);
  EXPECT_FALSE(decision_from("perhaps"));
}

TEST(Attention, ASummaryIsTheMostTellingText) {
  EXPECT_EQ(summary_of("Bash", R"({"description":"lists","command":"ls -l\nrm x"})"), "ls -l rm x");
  EXPECT_EQ(summary_of("Write", R"({"content":"long","file_path":"/srv/a.txt"})"), "/srv/a.txt");
  EXPECT_EQ(summary_of("mcp__x__y", R"({"n":1,"what":"that"})"), "that");
  EXPECT_EQ(summary_of("AskUserQuestion", R"({"questions":[{"question":"Which colour?"}]})"), "Which colour?");
  EXPECT_EQ(summary_of("Bash", "not json"), "");
  EXPECT_EQ(summary_of("Bash", "[]"), "");
  EXPECT_LE(summary_of("Bash", R"({"command":")" + std::string(5000, 'x') + "\"}").size(), kMaxSummary);
}

TEST(Attention, APermissionIsAllowedOnceForGoodOrDenied) {
  const AttentionItem item = request("Bash", R"({"command":"ls"})", R"([{"type":"a"},{"type":"b"}])");
  EXPECT_EQ(*hook_answer(item, {.kind = Decision::Kind::allow}),
            R"({"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}})");
  const auto always = hook_answer(item, {.kind = Decision::Kind::allow_always});
  ASSERT_TRUE(always);
  EXPECT_NE(always->find(R"("updatedPermissions":[{"type":"a"},{"type":"b"}])"), std::string::npos);
  const auto second =
      hook_answer(item, {.kind = Decision::Kind::allow_always, .suggestions = std::vector<std::size_t>{1}});
  ASSERT_TRUE(second);
  EXPECT_NE(second->find(R"("updatedPermissions":[{"type":"b"}])"), std::string::npos);
  const auto denied = hook_answer(item, {.kind = Decision::Kind::deny, .message = "not today"});
  ASSERT_TRUE(denied);
  EXPECT_NE(denied->find("not today"), std::string::npos);
}

TEST(Attention, WhatDoesNotFitIsRefused) {
  const AttentionItem bash = request("Bash", R"({"command":"ls"})");
  EXPECT_EQ(hook_answer(bash, {.kind = Decision::Kind::allow_always}).error().kind, ErrorKind::conflict);
  EXPECT_EQ(hook_answer(bash, {.kind = Decision::Kind::answer, .answers = {{"a", "b"}}}).error().kind,
            ErrorKind::conflict);
  EXPECT_EQ(hook_answer(bash, {.kind = Decision::Kind::seen}).error().kind, ErrorKind::conflict);
  EXPECT_EQ(
      hook_answer(bash, {.kind = Decision::Kind::deny, .message = std::string(kMaxDenyMessage + 1, 'x')}).error().field,
      "message");
  const AttentionItem suggested = request("Bash", "{}", R"([{"type":"a"}])");
  EXPECT_EQ(hook_answer(suggested, {.kind = Decision::Kind::allow_always, .suggestions = std::vector<std::size_t>{1}})
                .error()
                .field,
            "suggestions");
  EXPECT_EQ(hook_answer(suggested, {.kind = Decision::Kind::allow_always, .suggestions = std::vector<std::size_t>{}})
                .error()
                .field,
            "suggestions");
  AttentionItem done;
  done.kind = AttentionKind::done;
  EXPECT_EQ(hook_answer(done, {.kind = Decision::Kind::allow}).error().kind, ErrorKind::conflict);
}

TEST(Attention, AQuestionIsAnsweredByItsOwnText) {
  const AttentionItem item =
      request("AskUserQuestion", R"({"questions":[{"question":"Which colour?","options":[{"label":"Red"}]}]})");
  EXPECT_EQ(item.kind, AttentionKind::question);
  const auto answered = hook_answer(item, {.kind = Decision::Kind::answer, .answers = {{"Which colour?", "Red"}}});
  ASSERT_TRUE(answered);
  EXPECT_NE(answered->find(R"("answers":{"Which colour?":"Red"})"), std::string::npos);
  EXPECT_FALSE(hook_answer(item, {.kind = Decision::Kind::answer, .answers = {{"Which size?", "Red"}}}));
  EXPECT_EQ(hook_answer(item, {.kind = Decision::Kind::allow}).error().kind, ErrorKind::conflict);
  AttentionItem large = item;
  large.input = nullptr;
  EXPECT_EQ(hook_answer(large, {.kind = Decision::Kind::answer, .answers = {{"Which colour?", "Red"}}}).error().kind,
            ErrorKind::conflict);
}

}  // namespace
}  // namespace ccd::agents
