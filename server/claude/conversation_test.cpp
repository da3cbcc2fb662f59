// Conversations in a list: what the beginning and the end of a transcript say, and which clients are running.
#include "claude/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "claude/conversation_list.hpp"
#include "claude/live_clients.hpp"
#include "claude/test_support.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {
namespace {

namespace fs = std::filesystem;
using testing::append_to;
using testing::TempFolder;

constexpr const char* kOne = "8112086c-57e7-4400-908d-81367e27d001";
constexpr const char* kTwo = "92dac4da-630a-4ff2-99c9-1194145210a2";

std::string prompt(const std::string& text, const std::string& more = "") {
  return R"({"type":"user","isSidechain":false,"message":{"role":"user","content":")" + text +
         R"("},"cwd":"/srv/demo","gitBranch":"main","timestamp":"2026-11-28T16:37:19.642Z")" + more + "}\n";
}
std::string reply(const std::string& id, const std::string& text, const std::string& at = "2026-11-28T16:38:00.000Z") {
  return R"({"type":"assistant","isSidechain":false,"message":{"id":")" + id +
         R"(","role":"assistant","content":[{"type":"text","text":")" + text +
         R"("}]},"cwd":"/srv/demo/sub","timestamp":")" + at + "\"}\n";
}
const std::string kBooks = "{\"type\":\"mode\",\"mode\":\"normal\"}\n";

TEST(ConversationFacts, OfAShortOne) {
  const auto facts = conversation_facts(kBooks + prompt("Fix the login") + reply("m1", "a") + reply("m1", "b") +
                                            prompt("Thanks") + reply("m2", "c", "2026-11-28T17:00:00.000Z") +
                                            R"({"type":"ai-title","aiTitle":"Login fix"})" + "\n",
                                        "");
  EXPECT_EQ(facts.folder, "/srv/demo");
  EXPECT_EQ(facts.branch, "main");
  EXPECT_EQ(facts.first_prompt, "Fix the login");
  EXPECT_EQ(facts.title, "Login fix");
  EXPECT_EQ(facts.messages, 4U);
  EXPECT_TRUE(facts.resumable);
  EXPECT_EQ(facts.began, parse_timestamp("2026-11-28T16:37:19.642Z"));
  EXPECT_EQ(facts.last_activity, parse_timestamp("2026-11-28T17:00:00.000Z"));
}

TEST(ConversationFacts, APersonsTitleIsBeforeTheClients) {
  const auto facts = conversation_facts(R"({"type":"custom-title","customTitle":"mine"})"
                                        "\n"
                                        R"({"type":"ai-title","aiTitle":"its own"})"
                                        "\n",
                                        "");
  EXPECT_EQ(facts.title, "mine");
  EXPECT_FALSE(facts.resumable);
}

TEST(ConversationFacts, OfALongOneTheEndSaysWhatIsLast) {
  const std::string tail = "f of a line\"}\n" + reply("m9", "z", "2026-11-29T08:00:00.000Z") +
                           R"({"type":"custom-title","customTitle":"renamed"})" + "\n";
  const auto facts = conversation_facts(prompt("Begin") + "{\"type\":\"user\",\"mess", tail);
  EXPECT_EQ(facts.first_prompt, "Begin");
  EXPECT_EQ(facts.title, "renamed");
  EXPECT_EQ(facts.last_activity, parse_timestamp("2026-11-29T08:00:00.000Z"));
  EXPECT_EQ(facts.folder, "/srv/demo");
}

TEST(ConversationFacts, WhatTheClientSaysForThePersonIsNoPrompt) {
  const auto facts = conversation_facts(
      prompt("<command-name>/clear</command-name>") + prompt("caveat", ",\"isMeta\":true") + prompt("Real one") +
          R"({"type":"user","isSidechain":true,"message":{"role":"user","content":"of a subagent"}})" + "\n",
      "");
  EXPECT_EQ(facts.first_prompt, "Real one");
  EXPECT_EQ(facts.messages, 1U);
}

TEST(ConversationFacts, ARealOne) {
  const auto facts = conversation_facts(testing::real_transcript(), "");
  EXPECT_FALSE(facts.first_prompt.empty());
  EXPECT_TRUE(fs::path(facts.folder).is_absolute());
  EXPECT_GT(facts.messages, 5U);
  EXPECT_LT(facts.began, facts.last_activity);
}

TEST(ConversationFacts, NoPrefixOfARealOneIsTooMuch) {
  const std::string text = testing::real_transcript();
  for (std::size_t n = 0; n < text.size(); n += 997) {
    const auto facts = conversation_facts(std::string_view(text).substr(0, n), std::string_view(text).substr(n / 2));
    EXPECT_LE(facts.first_prompt.size(), kMaxConversationText);
  }
}

class ConversationsOnDisk : public ::testing::Test {
 protected:
  std::string put(const std::string& project, const std::string& name, const std::string& text) {
    fs::create_directories(folder_.file("projects/" + project));
    const std::string path = folder_.file("projects/" + project + "/" + name);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  TempFolder folder_;
  ConversationList list_{folder_.file("projects")};
};

TEST_F(ConversationsOnDisk, AreListedNewestFirst) {
  EXPECT_TRUE(list_.newest(10).conversations.empty()) << "a folder that is not there holds none";
  const std::string old = put("-srv-demo", std::string(kOne) + ".jsonl", prompt("old"));
  put("-srv-other", std::string(kTwo) + ".jsonl", prompt("new"));
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(5));
  put("-srv-demo", "notes.jsonl", prompt("no id"));
  put("-srv-demo", "agent-1.txt", prompt("other"));
  fs::create_symlink(old, folder_.file("projects/-srv-demo/e95c476f-3648-45e6-aa37-8d6057d5390c.jsonl"));
  const auto all = list_.newest(10);
  ASSERT_EQ(all.conversations.size(), 2U);
  EXPECT_EQ(all.conversations[0].id, kTwo);
  EXPECT_EQ(all.conversations[1].facts.first_prompt, "old");
  EXPECT_FALSE(all.truncated);
  const auto one = list_.newest(1);
  EXPECT_EQ(one.conversations.size(), 1U);
  EXPECT_TRUE(one.truncated);
  EXPECT_EQ(list_.find(kOne)->path, old);
  EXPECT_EQ(list_.find("00000000-0000-4000-8000-000000000000").error().kind, ErrorKind::not_found);
  EXPECT_EQ(list_.find("../x").error().kind, ErrorKind::invalid);
}

TEST_F(ConversationsOnDisk, AreReadAgainOnlyWhenTheyChanged) {
  const std::string path = put("-srv-demo", std::string(kOne) + ".jsonl", prompt("first"));
  EXPECT_EQ(list_.newest(10).conversations.at(0).messages, 1U);
  // The same size and time: the file is not opened, so what is in it now is not seen.
  const auto time = fs::last_write_time(path);
  put("-srv-demo", std::string(kOne) + ".jsonl", prompt("FIRST"));
  fs::last_write_time(path, time);
  EXPECT_EQ(list_.newest(10).conversations.at(0).facts.first_prompt, "first");
  append_to(path, reply("m1", "more"));
  EXPECT_EQ(list_.newest(10).conversations.at(0).facts.first_prompt, "FIRST");
  EXPECT_EQ(list_.newest(10).conversations.at(0).messages, 2U);
}

TEST_F(ConversationsOnDisk, OfALargeOneOnlyBothEndsAreRead) {
  std::string text = prompt("begin");
  for (int i = 0; i < 5000; ++i) text += reply("m" + std::to_string(i), std::string(100, 'x'));
  text += reply("end", "done", "2026-11-30T00:00:00.000Z");
  put("-srv-demo", std::string(kOne) + ".jsonl", text);
  const auto found = list_.find(kOne);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->facts.looked_at < 2 * (kHeadBytes + kTailBytes), true);
  EXPECT_TRUE(found->messages_estimated);
  EXPECT_NEAR(static_cast<double>(found->messages), 5002.0, 100.0);
  EXPECT_EQ(found->facts.last_activity, parse_timestamp("2026-11-30T00:00:00.000Z"));
}

// --- clients that run -----------------------------------------------------------------------------------------------------------

std::string own_pid_namespace() { return fs::read_symlink("/proc/self/ns/pid").string(); }

std::string start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string word;
  for (int i = 0; i < 20; ++i) rest >> word;
  return word;
}

TEST(LiveClients, OnlyThoseThatRun) {
  TempFolder folder;
  fs::create_directories(folder.file("sessions"));
  const auto put = [&](const std::string& name, pid_t pid, const std::string& id, const std::string& start,
                       const std::string& domain) {
    std::ofstream(folder.file("sessions/" + name))
        << R"({"pid":)" << pid << R"(,"sessionId":")" << id << R"(","cwd":"/srv/demo","procStart":")" << start
        << R"(","pidDomain":")" << domain << "\"}";
  };
  const pid_t self = ::getpid();
  const std::string here = "linux:3d1219c7c4c5404aaa1f6d2a48adfda4:" + own_pid_namespace();
  put("1.json", self, kOne, start_time(self), here);
  put("2.json", self, kTwo, "1", here);                            // the number was given to another process
  put("3.json", self, kTwo, start_time(self), "linux:x:pid:[1]");  // in another container
  put("4.json", 0, kTwo, "1", here);
  put("5.json", self, "not-an-id", start_time(self), here);
  put("6.key", self, kTwo, start_time(self), here);
  std::ofstream(folder.file("sessions/7.json")) << "{\"pid\":";
  ASSERT_EQ(::mkfifo(folder.file("sessions/8.json").c_str(), 0600), 0);
  auto clients = live_clients(folder.file("sessions"));
  ASSERT_EQ(clients.size(), 2U);
  std::ranges::sort(clients, {}, &LiveClient::seen);
  EXPECT_EQ(clients[0].seen, Seen::running);
  EXPECT_EQ(clients[0].conversation, kOne);
  EXPECT_EQ(clients[0].pid, self);
  EXPECT_EQ(clients[0].folder, "/srv/demo");
  EXPECT_EQ(clients[1].seen, Seen::elsewhere);
  EXPECT_EQ(clients[1].conversation, kTwo);
  EXPECT_TRUE(live_clients(folder.file("nowhere")).empty());
}

// A client writes its file anew, in place: for a moment it is empty.
TEST(LiveClients, OneThatIsJustBeingWrittenIsSeen) {
  const TempFolder folder;
  fs::create_directories(folder.file("sessions"));
  const std::string whole = R"({"pid":7,"sessionId":")" + std::string(kOne) + R"(","pidDomain":"linux:elsewhere"})";
  std::atomic<bool> stop = false;
  const auto write = [&] { std::ofstream(folder.file("sessions/7.json")) << whole; };
  write();
  std::thread client([&] {
    for (; !stop; write()) std::this_thread::sleep_for(std::chrono::microseconds(500));
  });
  int seen = 0;
  constexpr int kLooks = 300;
  for (int i = 0; i < kLooks; ++i) seen += live_clients(folder.file("sessions")).size() == 1 ? 1 : 0;
  stop = true;
  client.join();
  EXPECT_EQ(seen, kLooks);
}

}  // namespace
}  // namespace ccd::claude
