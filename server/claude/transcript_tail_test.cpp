// The standing from a transcript's end: of long files, growing ones, and others in their place.
#include "claude/transcript_tail.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

using testing::append_to;
using testing::TempFolder;

const std::string kPrompt =
    "{\"type\":\"user\",\"timestamp\":\"2026-11-23T10:00:00Z\",\"message\":{\"content\":\"go\"}}\n";
const std::string kCall =
    R"({"type":"assistant","timestamp":"2026-11-23T10:00:01Z","message":{"id":"a","stop_reason":"tool_use","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}]}})"
    "\n";
const std::string kEnd =
    R"({"type":"assistant","timestamp":"2026-11-23T10:00:02Z","message":{"id":"b","stop_reason":"end_turn","content":[{"type":"text","text":"done"}]}})"
    "\n";

class TranscriptTailTest : public ::testing::Test {
 protected:
  Result<Standing> look() {
    auto file = TranscriptFile::open(path_);
    if (!file) return tl::unexpected(file.error());
    return tail_.catch_up(*file);
  }

  TempFolder folder_;
  std::string path_ = folder_.file("t.jsonl");
  TranscriptTail tail_;
};

TEST_F(TranscriptTailTest, ItGrowsWithTheFile) {
  append_to(path_, kPrompt);
  EXPECT_EQ(look()->last, EntryKind::prompt);
  append_to(path_, kCall.substr(0, 40));
  EXPECT_EQ(look()->last, EntryKind::prompt) << "half a line is none yet";
  append_to(path_, kCall.substr(40));
  ASSERT_EQ(look()->open_tools.size(), 1u);
  EXPECT_EQ(look()->open_tools[0].name, "Bash");
  append_to(path_, kEnd);
  EXPECT_EQ(look()->stop_reason, "end_turn");
}

TEST_F(TranscriptTailTest, OnlyTheEndOfALongOneIsRead) {
  // A line that would end the turn, and no prompt behind it but one that is cut off.
  append_to(path_, kEnd + std::string(kStandingBytes, 'x') + "\n" + kCall);
  const auto standing = look();
  EXPECT_EQ(standing->last, EntryKind::reply);
  EXPECT_EQ(standing->stop_reason, "tool_use");
  // So much at once that only its end is looked at.
  append_to(path_, kPrompt + std::string(2 * kStandingBytes, 'y') + "\n");
  EXPECT_EQ(look()->last, EntryKind::state) << "nothing of the conversation is in what was read";
  append_to(path_, kEnd);
  EXPECT_EQ(look()->stop_reason, "end_turn");
}

TEST_F(TranscriptTailTest, AnotherFileOrACutOneBeginsAnew) {
  append_to(path_, kPrompt + kCall);
  EXPECT_EQ(look()->open_tools.size(), 1u);
  std::filesystem::resize_file(path_, kPrompt.size());
  EXPECT_EQ(look()->last, EntryKind::prompt);
  std::filesystem::remove(path_);
  append_to(path_, kEnd);
  EXPECT_EQ(look()->stop_reason, "end_turn");
}

}  // namespace
}  // namespace ccd::claude
