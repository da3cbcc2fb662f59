// The index over real, growing and hostile transcripts.
#include "claude/transcript_index.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

using testing::append_to;
using testing::TempFolder;

std::string reply(const std::string& id, int output, const std::string& content, const std::string& more = "") {
  return R"({"type":"assistant","timestamp":"2026-11-23T10:00:00Z",)" + more + R"("message":{"id":")" + id +
         R"(","model":"m1","stop_reason":"tool_use","usage":{"input_tokens":10,"output_tokens":)" +
         std::to_string(output) + R"(},"content":[)" + content + "]}}\n";
}
std::string call(const std::string& id, const std::string& name) {
  return R"({"type":"tool_use","id":")" + id + R"(","name":")" + name + R"(","input":{}})";
}
std::string result(const std::string& id) {
  return R"({"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":")" + id + "\"}]}}\n";
}
const std::string kPrompt = "{\"type\":\"user\",\"message\":{\"content\":\"go\"}}\n";

TEST(TranscriptIndex, AMessageOnSeveralLinesIsCountedOnce) {
  TranscriptIndex index;
  index.feed(reply("a", 1, "") + reply("a", 5, call("t1", "Bash")) + reply("b", 7, "") + reply("a", 6, ""));
  const TranscriptFacts& facts = index.facts();
  EXPECT_EQ(total_of(facts), (Usage{.input = 20, .output = 13}));
  EXPECT_EQ(facts.usage.at("m1").messages, 2u);
}

TEST(TranscriptIndex, TheStandingFollowsTheConversation) {
  TranscriptIndex index;
  index.feed(kPrompt);
  EXPECT_EQ(index.facts().standing.last, EntryKind::prompt);
  index.feed(reply("a", 1, call("t1", "Bash") + "," + call("t2", "Read")));
  ASSERT_EQ(index.facts().standing.open_tools.size(), 2u);
  EXPECT_EQ(index.facts().standing.open_tools[0].name, "Bash");
  EXPECT_EQ(index.facts().standing.stop_reason, "tool_use");
  index.feed(result("t1"));
  ASSERT_EQ(index.facts().standing.open_tools.size(), 1u);
  EXPECT_EQ(index.facts().standing.open_tools[0].id, "t2");
  index.feed(reply("s", 1, call("t9", "Grep"), R"("isSidechain":true,)"));
  EXPECT_EQ(index.facts().standing.open_tools.size(), 1u) << "a subagent's call is not the session's";
  index.feed(
      R"({"type":"assistant","isApiErrorMessage":true,"error":"rate_limit","message":{"content":[{"type":"text","text":"limit"}]}})"
      "\n");
  EXPECT_EQ(index.facts().standing.failure, "rate_limit");
  EXPECT_EQ(index.facts().standing.failure_text, "limit");
  EXPECT_TRUE(index.facts().standing.open_tools.empty());
  index.feed(reply("z", 1, call("t5", "Bash")) +
             R"({"type":"user","message":{"content":"[Request interrupted by user]"}})"
             "\n");
  EXPECT_EQ(index.facts().standing.last, EntryKind::interruption);
  EXPECT_TRUE(index.facts().standing.open_tools.empty());
  index.feed(kPrompt);
  EXPECT_EQ(index.facts().standing.failure, "");
  EXPECT_EQ(index.facts().prompts, 2u);
}

TEST(TranscriptIndex, PiecesOfAnySizeGiveTheSame) {
  const std::string text = testing::real_transcript() + "broken\n\n" + kPrompt;
  TranscriptIndex whole;
  whole.feed(text);
  EXPECT_GT(whole.facts().lines, 20u);
  EXPECT_EQ(whole.facts().raw_lines, 1u);
  EXPECT_EQ(whole.facts().end, text.size());
  for (const std::size_t size : {1u, 2u, 7u, 100u, 5000u}) {
    TranscriptIndex index;
    std::uint64_t end = 0;
    for (std::size_t at = 0; at < text.size(); at += size) {
      index.feed(std::string_view(text).substr(at, size));
      const std::size_t seen = std::min(at + size, text.size());
      const std::size_t newline = text.rfind('\n', seen - 1);
      if (newline != std::string::npos) end = newline + 1;
      ASSERT_EQ(index.facts().end, end) << "only whole lines count";
    }
    EXPECT_EQ(index.facts().lines, whole.facts().lines);
    EXPECT_EQ(index.facts().prompts, whole.facts().prompts);
    EXPECT_EQ(total_of(index.facts()), total_of(whole.facts()));
    EXPECT_EQ(index.facts().cost_usd, whole.facts().cost_usd);
  }
}

TEST(TranscriptIndex, GrowthIsReadOnceAndAShorterFileIsBegunAgain) {
  const TempFolder folder;
  append_to(folder.file("t"), kPrompt + reply("a", 1, ""));
  auto file = TranscriptFile::open(folder.file("t"));
  TranscriptIndex index;
  ASSERT_TRUE(*index.catch_up(*file));
  EXPECT_EQ(index.facts().lines, 2u);
  append_to(folder.file("t"), kPrompt.substr(0, 5));
  ASSERT_TRUE(*index.catch_up(*file));
  EXPECT_EQ(index.facts().lines, 2u);
  append_to(folder.file("t"), kPrompt.substr(5));
  EXPECT_FALSE(*index.catch_up(*file, 3)) << "stops at its budget";
  ASSERT_TRUE(*index.catch_up(*file));
  EXPECT_EQ(index.facts().prompts, 2u);
  std::filesystem::resize_file(folder.file("t"), kPrompt.size());
  ASSERT_TRUE(*index.catch_up(*file));
  EXPECT_EQ(index.facts().lines, 1u);
  EXPECT_EQ(index.facts().prompts, 1u);
}

TEST(TranscriptIndex, AnOverlongLineCostsNoMemoryAndHidesNothing) {
  TranscriptIndex index;
  const std::string piece(1024 * 1024, 'x');
  for (int i = 0; i < 40; ++i) index.feed(piece);
  EXPECT_EQ(index.facts().lines, 0u);
  index.feed("\n" + kPrompt);
  EXPECT_EQ(index.facts().raw_lines, 1u);
  EXPECT_EQ(index.facts().prompts, 1u);
  EXPECT_EQ(index.facts().end, 40 * piece.size() + 1 + kPrompt.size());
}

TEST(TranscriptIndex, MarksAreLinesAndBounded) {
  TranscriptIndex index;
  std::vector<std::uint64_t> begins;
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    begins.push_back(text.size());
    text += kPrompt.substr(0, kPrompt.size() - 1) + std::string(static_cast<std::size_t>(i % 97), ' ') + "\n";
  }
  index.feed(text);
  EXPECT_NEAR(static_cast<double>(index.marks()), static_cast<double>(text.size()) / kFirstMarkBytes, 3);
  for (std::uint64_t line = 0; line < 3000; line += 13) {
    const auto mark = index.mark_before_line(line);
    EXPECT_LE(mark.line, line);
    EXPECT_EQ(mark.offset, begins[mark.line]);
    EXPECT_LE(begins[line] - mark.offset, kFirstMarkBytes + 200);
    EXPECT_EQ(index.mark_before_offset(begins[line]).line, mark.line);
  }
}

TEST(TranscriptIndex, ManyModelsAndToolsStayBounded) {
  TranscriptIndex index;
  for (int i = 0; i < 500; ++i) {
    std::string line = reply("id" + std::to_string(i), 1, call("t" + std::to_string(i), "Bash"));
    line.replace(line.find("m1"), 2, "model" + std::to_string(i));
    index.feed(line);
  }
  EXPECT_EQ(index.facts().usage.size(), kMaxModels + 1);
  EXPECT_EQ(total_of(index.facts()).output, 500u);
  EXPECT_EQ(index.facts().standing.open_tools.size(), kMaxOpenTools);
  EXPECT_EQ(index.facts().standing.open_tools.back().id, "t499");
}

std::string on_day(const std::string& day, const std::string& line) {
  std::string moved = line;
  return moved.replace(moved.find("2026-11-23"), 10, day);
}

TEST(TranscriptIndex, UsageIsKeptByDayAndModel) {
  TranscriptIndex index;
  index.feed(reply("a", 1, "") + on_day("2026-11-24", reply("b", 5, "")) + on_day("2026-11-24", reply("a", 3, "")));
  const std::int32_t day = utc_day(*parse_timestamp("2026-11-23T10:00:00Z"));
  const auto& days = index.facts().days;
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days.at({day, "m1"}).usage.output, 3u) << "a message belongs to the day of its first line";
  EXPECT_EQ(days.at({day + 1, "m1"}).usage.output, 5u);
  EXPECT_EQ(days.at({day + 1, "m1"}).messages, 1u);
}

TEST(TranscriptIndex, DaysStayBoundedAndNothingIsLost) {
  TranscriptIndex index([](WallMicros at) { return static_cast<std::int32_t>(at / 1'000'000); });
  for (int i = 0; i < 3000; ++i) {
    char time[32];
    std::snprintf(time, sizeof time, "2026-11-23T10:%02d:%02d.", i / 60 % 60, i % 60);
    std::string line = reply("id" + std::to_string(i), 1, "");
    line.replace(line.find("2026-11-23T10:00:00"), 19, std::string(time, 19));
    line.replace(line.find("m1"), 2, "m" + std::to_string(i % 2));
    index.feed(line);
  }
  EXPECT_EQ(index.facts().days.size(), kMaxUsageDays);
  std::uint64_t output = 0;
  for (const auto& [day, usage] : index.facts().days) output += usage.usage.output;
  EXPECT_EQ(output, 3000u);
}

TEST(TranscriptIndex, ADayIsTheZonesOwn) {
  EXPECT_EQ(utc_day(0), 0);
  EXPECT_EQ(utc_day(-1), -1);
  EXPECT_EQ(utc_day(WallMicros{86'400} * 1'000'000), 1);
  const WallMicros noon = *parse_timestamp("2026-11-23T12:00:00Z");
  EXPECT_LE(std::abs(local_day(noon) - utc_day(noon)), 1);
}

}  // namespace
}  // namespace ccd::claude
