// Lines to entries: each kind by a line as the client writes it, and whatever else a file can hold.
#include "claude/transcript_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "claude/line_repair.hpp"
#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

std::vector<Entry> entries(std::string_view line, const ParseLimits& limits = kPageLimits) {
  return LineParser().entries(line, {.offset = 7, .bytes = line.size()}, limits);
}

Entry only(std::string_view line, const ParseLimits& limits = kPageLimits) {
  const auto found = entries(line, limits);
  EXPECT_EQ(found.size(), 1u) << line;
  return found.front();
}

TEST(TranscriptLine, KindsAreTold) {
  struct Row {
    std::string line;
    EntryKind kind;
    std::string detail;
  };
  const std::vector<Row> rows{
      {R"({"type":"user","message":{"role":"user","content":"do it"}})", EntryKind::prompt, ""},
      {R"({"type":"user","message":{"content":[{"type":"text","text":"see"},{"type":"image","source":{}}]}})",
       EntryKind::prompt, ""},
      {R"({"type":"user","message":{"content":[{"type":"text","text":"[Request interrupted by user for tool use]"}]}})",
       EntryKind::interruption, ""},
      {R"({"type":"user","isMeta":true,"message":{"content":"Caveat"}})", EntryKind::note, ""},
      {R"({"type":"user","message":{"content":"<command-name>/compact</command-name>"}})", EntryKind::note, ""},
      {R"({"type":"user","message":{"content":"<local-command-stdout>x</local-command-stdout>"}})", EntryKind::note,
       ""},
      {R"({"type":"user","isCompactSummary":true,"message":{"content":"This session is continued"}})",
       EntryKind::summary, ""},
      {R"({"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"2"}]}})",
       EntryKind::result, ""},
      {R"({"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"Hi"}]}})", EntryKind::reply, ""},
      {R"({"type":"assistant","isApiErrorMessage":true,"error":"rate_limit","message":{"content":[]}})",
       EntryKind::failure, "rate_limit"},
      {R"({"type":"system","subtype":"turn_duration","durationMs":5})", EntryKind::system, "turn_duration"},
      {R"({"type":"system","subtype":"compact_boundary"})", EntryKind::compaction, "compact_boundary"},
      {R"({"type":"summary","summary":"Title","leafUuid":"u"})", EntryKind::summary, ""},
      {R"({"type":"attachment","attachment":{"type":"file"}})", EntryKind::attachment, "file"},
      {R"({"type":"cost-state","totalCostUSD":0.5})", EntryKind::state, "cost-state"},
      {R"({"type":"permission-mode","permissionMode":"default"})", EntryKind::state, "permission-mode"},
      {R"({"type":"something-new","x":1})", EntryKind::raw, ""},
      {R"({"type":"user"})", EntryKind::raw, ""},
      {R"({"type":5})", EntryKind::raw, ""},
      {R"([1,2])", EntryKind::raw, ""},
      {R"("text")", EntryKind::raw, ""},
      {"no JSON", EntryKind::raw, ""},
      {R"({"type":"user","message":{"content":"cut)", EntryKind::raw, ""},
  };
  for (const Row& row : rows) {
    const Entry entry = only(row.line);
    EXPECT_EQ(to_string(entry.kind), to_string(row.kind)) << row.line;
    EXPECT_EQ(entry.detail, row.detail) << row.line;
    EXPECT_EQ(entry.line, (LinePlace{7, row.line.size()}));
    EXPECT_EQ(row.kind == EntryKind::raw ? entry.raw : row.line, row.line);
    LineParser parser;
    EXPECT_EQ(to_string(parser.facts(row.line).kind), to_string(row.kind)) << row.line;
  }
}

TEST(TranscriptLine, AReplyHasItsBlocksUsageAndPlace) {
  const Entry entry = only(
      R"({"parentUuid":"p","isSidechain":true,"agentId":"a1","type":"assistant","uuid":"u","timestamp":"2026-11-23T19:08:42.366Z",)"
      R"("message":{"id":"msg_1","model":"claude-x","stop_reason":"tool_use","content":[{"type":"thinking","thinking":"hm"},)"
      R"({"type":"text","text":"Yes."},{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls \"a\""}},{"type":"new"}],)"
      R"("usage":{"input_tokens":10,"output_tokens":4,"cache_read_input_tokens":7,"cache_creation_input_tokens":9,)"
      R"("cache_creation":{"ephemeral_1h_input_tokens":2,"ephemeral_5m_input_tokens":7}}}})");
  EXPECT_EQ(entry.uuid + entry.parent_uuid + entry.agent_id, "upa1");
  EXPECT_EQ(entry.chain, Chain::side);
  EXPECT_EQ(entry.at, WallMicros{1'795'460'922'366'000});
  EXPECT_EQ(entry.model + "/" + entry.message_id + "/" + entry.stop_reason, "claude-x/msg_1/tool_use");
  EXPECT_EQ(entry.usage, (Usage{.input = 10, .output = 4, .cache_read = 7, .cache_write_5m = 7, .cache_write_1h = 2}));
  ASSERT_EQ(entry.blocks.size(), 4u);
  EXPECT_EQ(entry.blocks[0].kind, BlockKind::thinking);
  EXPECT_EQ(entry.blocks[0].text, "hm");
  EXPECT_EQ(entry.blocks[1].text, "Yes.");
  EXPECT_EQ(entry.blocks[2].tool + entry.blocks[2].tool_id, "Basht1");
  EXPECT_EQ(entry.blocks[2].input, R"({"command":"ls \"a\""})");
  EXPECT_EQ(entry.blocks[3].kind, BlockKind::unknown);
  EXPECT_EQ(entry.blocks[3].text, R"({"type":"new"})");
}

TEST(TranscriptLine, AResultHasItsTextsImagesAndTheToolsOwnValue) {
  const Entry entry = only(
      R"({"type":"user","toolUseResult":{"structuredPatch":[1]},"message":{"content":[{"type":"tool_result","tool_use_id":"t1",)"
      R"("is_error":true,"content":[{"type":"text","text":"a"},{"type":"image","source":{"type":"base64","media_type":"image/png",)"
      R"("data":"AAAA"}},{"type":"text","text":"b"}]}]}})");
  EXPECT_EQ(entry.result, R"({"structuredPatch":[1]})");
  ASSERT_EQ(entry.blocks.size(), 2u);
  EXPECT_EQ(entry.blocks[0].text, "a\nb");
  EXPECT_EQ(entry.blocks[0].outcome, Outcome::failed);
  EXPECT_EQ(entry.blocks[1].kind, BlockKind::image);
  EXPECT_EQ(entry.blocks[1].media_type + entry.blocks[1].source + entry.blocks[1].tool_id, "image/pngbase64t1");
  EXPECT_EQ(entry.blocks[1].bytes, 4u) << "the data itself stays in the file";
}

TEST(TranscriptLine, TheDataOfAnImageIsGivenByTheNumberOfItsBlock) {
  const std::string line =
      R"({"type":"user","message":{"content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},)"
      R"({"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"x"},{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"BBBB"}},)"
      R"({"type":"image","source":{"type":"url","url":"http://x/"}}]}]}})";
  LineParser parser;
  const auto blocks = entries(line)[0].blocks;
  ASSERT_EQ(blocks.size(), 5u);
  for (std::size_t i = 0; i < 7; ++i) {
    const auto media = parser.media(line, 0, i);
    ASSERT_EQ(media.has_value(), i == 1 || i == 3) << i;
    EXPECT_EQ(media ? media->media_type + media->base64 : "", i == 1 ? "image/pngAAAA" : i == 3 ? "image/gifBBBB" : "");
  }
  EXPECT_FALSE(parser.media(line, 1, 1)) << "there is one entry in this line";
  const std::string behind_half = line.substr(0, 30) + line;
  EXPECT_FALSE(parser.media(behind_half, 0, 1));
  EXPECT_EQ(parser.media(behind_half, 1, 1)->base64, "AAAA");
  EXPECT_FALSE(parser.media("no JSON", 0, 0));
}

TEST(TranscriptLine, OfWhatIsTooLargeTheSmallFieldsStay) {
  const ParseLimits limits{.text_bytes = 100, .input_bytes = 100, .blocks = 9};
  const Entry entry =
      only(R"({"type":"user","toolUseResult":{"filePath":"/a\"b","originalFile":")" + std::string(200, 'x') +
               R"(","ok":true},"message":{"content":[{"type":"tool_result","content":"done"}]}})",
           limits);
  EXPECT_EQ(entry.result, R"({"filePath":"/a\"b","ok":true})");
  EXPECT_GT(entry.result_bytes, 200u);
  const Entry many =
      only(R"({"type":"user","toolUseResult":[")" + std::string(200, 'x') + R"("],"message":{"content":"p"}})", limits);
  EXPECT_EQ(many.result, "") << "of what is no object nothing stays";
}

TEST(TranscriptLine, LimitsCutTextsAtCharactersAndDropWholeInputs) {
  const ParseLimits limits{.text_bytes = 5, .input_bytes = 10, .blocks = 2};
  const Entry entry = only(
      R"({"type":"assistant","message":{"content":[{"type":"text","text":"ab\u00e9\u00e9"},)"
      R"({"type":"tool_use","id":"t","name":"B","input":{"long":"0123456789"}},{"type":"text","text":"x"},{"type":"text","text":"y"}]}})",
      limits);
  ASSERT_EQ(entry.blocks.size(), 3u);
  EXPECT_EQ(entry.blocks[0].text, "ab\u00e9");
  EXPECT_EQ(entry.blocks[0].bytes, 6u);
  EXPECT_EQ(entry.blocks[1].input, "");
  EXPECT_EQ(entry.blocks[1].input_bytes, 21u);
  EXPECT_EQ(entry.blocks[2].kind, BlockKind::unknown);
  EXPECT_EQ(entry.blocks[2].bytes, 2u) << "two more blocks";
}

TEST(TranscriptLine, HalfACharacterDoesNotHideAMessage) {
  const Entry entry = only(R"({"type":"user","message":{"content":"cut \ud83d here, \\ud83d and \ud83d\ude00"}})");
  EXPECT_EQ(entry.kind, EntryKind::prompt);
  EXPECT_EQ(entry.blocks.at(0).text, "cut \uFFFD here, \\ud83d and \U0001F600");
}

TEST(TranscriptLine, AWholeLineBehindAHalfOneIsFound) {
  const std::string next = R"({"parentUuid":null,"type":"user","message":{"content":"after the crash"}})";
  const std::string line = R"({"type":"assistant","message":{"content":[{"type":"text","text":"I was sayi)";
  for (std::size_t cut = 1; cut < line.size(); ++cut) {
    const auto found = entries(line.substr(0, cut) + next);
    ASSERT_EQ(found.size(), 2u) << cut;
    EXPECT_EQ(found[0].raw, line.substr(0, cut));
    EXPECT_EQ(found[1].kind, EntryKind::prompt);
    EXPECT_EQ(found[1].blocks.at(0).text, "after the crash");
    EXPECT_EQ(LineParser().facts(line.substr(0, cut) + next).kind, EntryKind::prompt);
  }
  const auto both = entries(next + next);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].kind, EntryKind::prompt);
}

TEST(TranscriptLine, HostileLinesAreShownRaw) {
  using namespace std::string_literals;
  const std::string deep(200'000, '[');
  const std::vector<std::string> lines{
      deep,
      R"({"type":"user","message":{"content":)" + deep,
      std::string(2000, '{'),
      "\0\0\0"s,
      "{\"type\":\"user\",\"message\":{\"content\":\"\0\"}}"s,
      "{\"type\":\"user\",\"message\":{\"content\":\"\xff\xfe\"}}"s,
      "\xef\xbb\xbf{}"s,
      std::string(kMaxRestarts + 20, ' ') + R"({"type":"user"{"type":"user"{"type":"user")",
      "   ",
  };
  for (const std::string& line : lines) {
    const Entry entry = only(line);
    EXPECT_EQ(entry.kind, EntryKind::raw) << line.substr(0, 40);
    EXPECT_TRUE(valid_utf8(entry.raw));
    EXPECT_LE(entry.raw.size(), kPageLimits.text_bytes);
  }
}

TEST(TranscriptLine, EveryPrefixOfEveryRealLineIsReadAndLosesNothingBehindIt) {
  LineParser parser;
  std::size_t whole = 0;
  for (const std::string& line : testing::real_lines()) {
    EXPECT_NE(parser.entries(line, {}, kPageLimits).at(0).kind, EntryKind::raw) << line.substr(0, 200);
    ++whole;
    for (std::size_t cut = 0; cut < line.size(); ++cut) {
      const auto found = parser.entries(std::string_view(line).substr(0, cut), {}, kPageLimits);
      ASSERT_EQ(found.size(), 1u);
      ASSERT_EQ(found[0].kind, EntryKind::raw);
    }
  }
  EXPECT_GT(whole, 20u);
}

TEST(TranscriptLine, TheJsonTestSuiteIsRead) {
  const auto files = testing::json_suite();
  if (files.empty()) GTEST_SKIP() << "skipped: no data";
  LineParser parser;
  for (const auto& [name, text] : files) {
    const auto plain = parser.entries(text, {}, kPageLimits);
    ASSERT_FALSE(plain.empty()) << name;
    const auto inside =
        parser.entries(R"({"type":"user","message":{"content":"x"},"odd":)" + text + "}", {}, kPageLimits);
    ASSERT_FALSE(inside.empty()) << name;
    if (name.starts_with("i_")) continue;
    EXPECT_EQ(to_string(inside[0].kind), name.starts_with("y_") ? "prompt" : "raw") << name;
  }
}

TEST(TranscriptLine, TimesAreStrict) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:01Z"), WallMicros{1'000'000});
  EXPECT_EQ(parse_timestamp("2026-11-23T19:08:42.366Z"), WallMicros{1'795'460'922'366'000});
  for (const char* bad : {"", "2026-11-23", "2026-13-23T19:08:42Z", "2026-02-30T19:08:42Z", "2026-11-23T24:08:42Z",
                          "2026-11-23T19:08:42+01:00", "2026-11-23T19:08:42.3x6Z", "2026-11-23T19:08:42_Z"}) {
    EXPECT_EQ(parse_timestamp(bad), std::nullopt) << bad;
  }
}

TEST(TranscriptLine, CutTextIsWholeCharacters) {
  EXPECT_EQ(clipped("abc", 3), "abc");
  EXPECT_EQ(clipped("a\u20ac\u20ac", 6), "a\u20ac");
  EXPECT_EQ(clipped("\x80\x80\x80\x80\x80", 9), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(clipped("a\xffz", 100), "a\uFFFDz");
  EXPECT_EQ(clipped("abc", 0), "");
}

}  // namespace
}  // namespace ccd::claude
