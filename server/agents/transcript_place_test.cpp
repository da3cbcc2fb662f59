// Only the conversation's own files are opened, whatever a hook has told and whatever lies in their place.
#include "agents/transcript_place.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agents/conversation_usage.hpp"
#include "storage/testing.hpp"

namespace ccd::agents {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kReply =
    R"({"type":"assistant","timestamp":"2026-11-23T19:00:00.000Z","message":{"id":"m1","model":"opus","role":"assistant","content":[{"type":"text","text":"x"}],"usage":{"input_tokens":7,"output_tokens":3}}})"
    "\n";

class TranscriptPlaceTest : public ::testing::Test {
 protected:
  void write(const std::string& path) const {
    const fs::path file = folder_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << kReply;
  }
  [[nodiscard]] TranscriptPlace place() const {
    return TranscriptPlace::of(folder_ / "home/projects/-p/c1.jsonl", folder_ / "home", "c1").value();
  }
  [[nodiscard]] std::uint64_t counted() const {
    ConversationFiles files(place());
    files.catch_up();
    std::uint64_t input = 0;
    for (const auto& [day, usage] : files.days()) input += usage.usage.input;
    return input;
  }
  storage::TempFolder folder_;
};

TEST_F(TranscriptPlaceTest, WhatIsToldIsHeldAgainstTheClientsFolder) {
  EXPECT_EQ(place().path(), folder_ / "home/projects/-p/c1.jsonl");
  EXPECT_EQ(place().folder_of("a1") + "/" + place().name_of("a1"),
            folder_ / "home/projects/-p/c1/subagents/agent-a1.jsonl");
  for (const char* told :
       {"", "/etc/passwd", "/h/projects/c1.jsonl", "/h/projects//c1.jsonl", "/h/projects/a/b/c1.jsonl",
        "/h/projects/a/c2.jsonl", "/h/projects-x/a/c1.jsonl", "/h2/projects/a/c1.jsonl",
        "/h/projects/a/../../x/projects/a/c1.jsonl", "h/projects/a/c1.jsonl", "/h/projects/a/c1.jsonl.gz"})
    EXPECT_FALSE(TranscriptPlace::of(told, "/h", "c1")) << told;
  EXPECT_FALSE(TranscriptPlace::of("/h/projects/a/c1.jsonl", "", "c1"));
  EXPECT_FALSE(TranscriptPlace::of("/h/projects/a/.jsonl", "/h", ""));
  // A name that is none is found out when it is opened.
  write("home/projects/x");
  write("home/c1.jsonl");
  EXPECT_EQ(
      TranscriptPlace::of(folder_ / "home/projects/../c1.jsonl", folder_ / "home", "c1").value().open().error().kind,
      ErrorKind::invalid);
}

TEST_F(TranscriptPlaceTest, LinksAreNotFollowed) {
  write("elsewhere/c1.jsonl");
  write("elsewhere/agent-a2.jsonl");
  write("home/projects/-p/c1.jsonl");
  write("home/projects/-p/c1/subagents/agent-a1.jsonl");
  EXPECT_TRUE(place().open());
  EXPECT_EQ(counted(), 14U);
  fs::create_symlink(folder_ / "elsewhere/agent-a2.jsonl", folder_ / "home/projects/-p/c1/subagents/agent-a2.jsonl");
  EXPECT_EQ(place().open("a2").error().kind, ErrorKind::invalid);
  EXPECT_EQ(counted(), 14U) << "a subagent's that is a link";
  fs::remove_all(folder_ / "home/projects/-p/c1/subagents");
  fs::create_symlink(folder_ / "elsewhere", folder_ / "home/projects/-p/c1/subagents");
  EXPECT_EQ(place().subagent_ids(10).error().kind, ErrorKind::invalid);
  EXPECT_EQ(counted(), 7U) << "the subagents' folder is a link";
  fs::remove(folder_ / "home/projects/-p/c1.jsonl");
  fs::create_symlink(folder_ / "elsewhere/c1.jsonl", folder_ / "home/projects/-p/c1.jsonl");
  EXPECT_EQ(place().open().error().kind, ErrorKind::invalid);
  EXPECT_EQ(counted(), 0U) << "its own is a link";
  fs::remove_all(folder_ / "home/projects/-p");
  fs::create_symlink(folder_ / "elsewhere", folder_ / "home/projects/-p");
  EXPECT_EQ(counted(), 0U) << "its folder is a link";
}

TEST_F(TranscriptPlaceTest, SubagentsAreBounded) {
  for (const char* id : {"a1", "a2", "a3"}) write("home/projects/-p/c1/subagents/agent-" + std::string(id) + ".jsonl");
  EXPECT_EQ(place().subagent_ids(10).value(), (std::vector<std::string>{"a1", "a2", "a3"}));
  EXPECT_EQ(place().subagent_ids(2).value().size(), 2U);
  EXPECT_EQ(place().subagents(10).value().size(), 3U);
}

}  // namespace
}  // namespace ccd::agents
