// Searching in transcripts: what is found, what is not, in which steps; and that it agrees with looking at every line.
#include "claude/transcript_search.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

using testing::append_to;
using testing::TempFolder;

std::string prompt(const std::string& json_text) {
  return R"({"type":"user","message":{"content":")" + json_text + "\"}}\n";
}

class Searched {
 public:
  explicit Searched(const std::string& text) {
    append_to(folder_.file("t"), text);
    file_.emplace(std::move(*TranscriptFile::open(folder_.file("t"))));
  }
  // All hits, in steps of `limits`.
  std::vector<SearchHit> hits(std::string_view query, const SearchLimits& limits = {}) {
    auto search = TranscriptSearch::make(query);
    std::vector<SearchHit> all;
    for (std::uint64_t from = 0;;) {
      const auto page = search->step(*file_, from, limits);
      EXPECT_TRUE(page);
      for (const SearchHit& hit : page->hits) all.push_back(hit);
      if (page->done) return all;
      EXPECT_GT(page->next, from) << "each step gets on";
      from = page->next;
    }
  }
  std::string excerpt(std::string_view query) {
    const auto found = hits(query);
    return found.empty() ? "" : found[0].before + "[" + found[0].match + "]" + found[0].after;
  }
  TranscriptFile& file() { return *file_; }

 private:
  TempFolder folder_;
  std::optional<TranscriptFile> file_;
};

TEST(TranscriptSearch, WordsAreFoundWhateverTheirCaseAndHowTheyAreWritten) {
  Searched t(prompt("See the README now") + prompt(R"(say \"hello\"\nand go)") + prompt("Größe ÄNDERN") +
             prompt(R"(gr\u00f6\u00dfer)") + prompt("日本語の本") + prompt(R"(a\/b C:\\users)") +
             prompt("\u0130stanbul 300 \u212a"));
  EXPECT_EQ(t.excerpt("readme"), "See the [README] now");
  EXPECT_EQ(t.excerpt("SAY \"HELLO"), "[say \"hello]\" and go");
  EXPECT_EQ(t.excerpt("hello\"\nand"), "say \"[hello\" and] go");
  EXPECT_EQ(t.excerpt("größe ändern"), "[Größe ÄNDERN]");
  EXPECT_EQ(t.hits("größe").size(), 2u) << "also where letters are written as escapes";
  EXPECT_EQ(t.excerpt("の"), "日本語[の]本");
  EXPECT_EQ(t.excerpt("A/B c:\\USERS"), "[a/b C:\\users]");
  EXPECT_EQ(t.excerpt("istanbul"), "") << "letters that are not ASCII do not become ASCII";
  EXPECT_EQ(t.excerpt("300 k"), "");
  EXPECT_EQ(t.excerpt("nowhere"), "");
}

TEST(TranscriptSearch, CallsResultsThinkingAndRawLinesAreLookedAtAndTheClientsBooksAreNot) {
  Searched t(
      R"({"type":"assistant","message":{"content":[{"type":"thinking","thinking":"one needle","signature":"hidden"}]}})"
      "\n"
      R"({"type":"assistant","message":{"content":[{"type":"tool_use","id":"hidden","name":"Bash","input":{"command":"two needle"}}]}})"
      "\n"
      R"({"type":"user","message":{"content":[{"type":"tool_result","content":[{"type":"text","text":"three needle"}]}]}})"
      "\n"
      R"({"type":"user","toolUseResult":{"structuredPatch":[{"lines":["+four needle"]}],"originalFile":"hidden"},"message":{"content":[{"type":"tool_result","content":"ok"}]}})"
      "\n"
      R"({"type":"user","message":{"content":[{"type":"image","source":{"type":"base64","data":"hidden"}}]}})"
      "\n"
      R"({"type":"last-prompt","lastPrompt":"five needle"})"
      "\n"
      R"({"type":"attachment","attachment":{"type":"skill_listing","content":"six needle"}})"
      "\n"
      "seven needle, no JSON\n"
      R"({"type":"never-seen","x":"eight needle"})"
      "\n"
      R"({"type":"system","content":"nine needle"})"
      "\n"
      R"({"type":"user","message":{"content":"ten needle)");
  std::vector<std::string> found;
  for (const SearchHit& hit : t.hits("needle")) found.push_back(std::string(to_string(hit.kind)) + ": " + hit.before);
  EXPECT_EQ(found,
            (std::vector<std::string>{"reply: one ", "reply: two ", "result: three ", "result: +four ", "raw: seven ",
                                      "raw: {\"type\":\"never-seen\",\"x\":\"eight ", "system: nine "}));
  EXPECT_TRUE(t.hits("hidden").empty());
}

TEST(TranscriptSearch, StepsOfAnySizeGiveTheSameHitsOnceEach) {
  std::string text = prompt(std::string(1'500'000, 'x') + "line 199");  // longer than a piece
  for (int i = 0; i < 200; ++i)
    text += prompt("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 50) * 40, '.'));
  text += prompt("line 199");
  Searched t(text);
  EXPECT_EQ(t.hits("line 199").size(), 3u);
  const auto all = t.hits("line 1");
  EXPECT_EQ(all.size(), 113u);
  for (const SearchLimits& limits : {SearchLimits{.bytes = 1}, SearchLimits{.bytes = 100'000}, SearchLimits{.hits = 1},
                                     SearchLimits{.hits = 7}, SearchLimits{.time = std::chrono::milliseconds(0)}}) {
    const auto again = t.hits("line 1", limits);
    ASSERT_EQ(again.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(again[i].offset, all[i].offset);
  }
}

// Against the plain way: parse each line, fold each text.
TEST(TranscriptSearch, AgreesWithLookingAtEveryLineOfARealFile) {
  const std::string text = testing::real_transcript();
  Searched t(text);
  LineParser parser;
  for (const std::string_view query :
       {"agent", "Stand-In", "go", "\"", "\\", "…", "error:", "Waiting for it.", "toolu", "¬", "1\t", "a\n"}) {
    std::vector<std::uint64_t> expected;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      bool hit = false;
      for (const std::string_view piece : parser.texts(line).texts)
        hit = hit || folded(piece).find(folded(query)) != std::string::npos;
      if (hit) expected.push_back(at);
      at = end + 1;
    }
    std::vector<std::uint64_t> found;
    for (const SearchHit& hit : t.hits(query)) found.push_back(hit.offset);
    EXPECT_EQ(found, expected) << query;
  }
}

TEST(TranscriptSearch, ALineOverTheLimitIsPassedOver) {
  Searched t(prompt("first needle") + prompt(std::string(kMaxLineBytes, 'x') + "needle") + prompt("last needle"));
  const auto found = t.hits("needle");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].before, "last ");
}

TEST(TranscriptSearch, QueriesAreChecked) {
  EXPECT_EQ(TranscriptSearch::make("").error().field, "q");
  EXPECT_EQ(TranscriptSearch::make(std::string(kMaxQueryBytes + 1, 'x')).error().field, "q");
  EXPECT_EQ(TranscriptSearch::make("\xff").error().field, "q");
  Searched t(prompt("x"));
  EXPECT_TRUE(TranscriptSearch::make("x")->step(t.file(), UINT64_MAX)->done) << "beyond the end";
}

}  // namespace
}  // namespace ccd::claude
