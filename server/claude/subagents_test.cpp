// Listing a conversation's subagents, whatever lies in their folder.
#include "claude/subagents.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

namespace fs = std::filesystem;
using testing::append_to;

TEST(Subagents, AreListedWithWhatTheirMetaFilesSay) {
  const testing::TempFolder folder;
  fs::create_directories(folder.file("-p/c/subagents"));
  const auto in = [&](const std::string& name) { return folder.file("-p/c/subagents/" + name); };
  append_to(in("agent-b2.jsonl"), "12345");
  append_to(in("agent-b2.meta.json"),
            R"({"agentType":"general-purpose","description":"look","toolUseId":"toolu_1","more":[1]})");
  append_to(in("agent-a1.jsonl"), "");
  append_to(in("agent-a1.meta.json"), "{\"toolUseId\": no JSON");
  append_to(in("agent-.jsonl"), "");
  append_to(in("agent-no good.jsonl"), "");
  append_to(in("other.jsonl"), "");
  ASSERT_EQ(mkfifo(in("agent-fifo.jsonl").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(in("agent-b2x.meta.json").c_str(), 0600), 0);
  append_to(in("agent-b2x.jsonl"), "1");
  fs::create_symlink("agent-a1.jsonl", in("agent-link.jsonl"));
  const auto found = list_subagents(folder.file(""), {"-p", "c", "subagents"}, 10);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].id + (*found)[1].id + (*found)[2].id, "a1b2b2x");
  EXPECT_EQ((*found)[0].tool_id, "");
  EXPECT_EQ((*found)[1].tool_id + (*found)[1].type + (*found)[1].description, "toolu_1general-purposelook");
  EXPECT_EQ((*found)[1].bytes, 5U);
  EXPECT_EQ(list_subagents(folder.file(""), {"-p", "c", "subagents"}, 2)->size(), 2U);
}

TEST(Subagents, NoLinkIsFollowed) {
  const testing::TempFolder folder;
  fs::create_directories(folder.file("-p/c/subagents"));
  fs::create_directory_symlink("c", folder.file("-p/d"));
  EXPECT_EQ(list_subagents(folder.file(""), {"-p", "d", "subagents"}, 9).error().kind, ErrorKind::invalid);
  EXPECT_EQ(list_subagents(folder.file(""), {"-p", "e", "subagents"}, 9).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(list_subagents(folder.file(""), {"-p", "c", "subagents"}, 9)->empty());
}

}  // namespace
}  // namespace ccd::claude
