#include "agents/launch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace ccd::agents {
namespace {

constexpr const char* kUuid = "0d7c1a3e-4a1f-4c7e-9a55-3f1d5c0b2a11";

struct PlanCase {
  std::vector<std::string> command;
  bool hooks;
  bool chooses_id;
  std::string conversation;
  std::size_t insert_at;
};

TEST(Launch, TheWordsOfACommandDecide) {
  const std::vector<PlanCase> cases{
      {{"claude"}, true, true, "", 1},
      {{"/opt/bin/claude", "--model", "opus"}, true, true, "", 3},
      {{"claude", "fix the tests"}, true, true, "", 2},
      {{"claude", "--", "--help"}, true, true, "", 1},
      {{"claude", "--session-id", kUuid}, true, false, kUuid, 3},
      {{"claude", std::string("--session-id=") + kUuid}, true, false, kUuid, 2},
      {{"claude", "--resume", kUuid}, true, false, kUuid, 3},
      {{"claude", "--resume"}, true, false, "", 2},
      {{"claude", "-c"}, true, false, "", 2},
      {{"claude", "--resume", kUuid, "--fork-session"}, true, false, "", 4},
      {{"claude", "--settings", "/x.json"}, false, false, "", 0},
      {{"claude", "-p", "hello"}, false, false, "", 0},
      {{"claude", "--version"}, false, false, "", 0},
      {{"claude", "mcp", "list"}, false, false, "", 0},
      {{"claude", "--bg"}, false, false, "", 0},
  };
  for (const PlanCase& each : cases) {
    const LaunchPlan plan = plan_launch(each.command);
    const std::string name = each.command.size() > 1 ? each.command[1] : each.command[0];
    EXPECT_EQ(plan.hooks, each.hooks) << name;
    EXPECT_EQ(plan.why_not.empty(), each.hooks) << name;
    if (!each.hooks) continue;
    EXPECT_EQ(plan.chooses_id, each.chooses_id) << name;
    EXPECT_EQ(plan.conversation, each.conversation) << name;
    EXPECT_EQ(plan.insert_at, each.insert_at) << name;
  }
}

TEST(Launch, TheClientsFolderFollowsItsEnvironment) {
  EXPECT_EQ(config_dir_of({{"HOME", "/home/a"}}), "/home/a/.claude");
  EXPECT_EQ(config_dir_of({{"CLAUDE_CONFIG_DIR", "/etc/c"}, {"HOME", "/home/a"}}), "/etc/c");
  EXPECT_EQ(config_dir_of({{"HOME", "relative"}}), "");
}

class LaunchFiles : public ::testing::Test {
 protected:
  LaunchFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "ccd-launch-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~LaunchFiles() override { std::filesystem::remove_all(folder_); }
  void put(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  std::filesystem::path folder_;
};

TEST_F(LaunchFiles, TheProjectsStatusLineGoesBeforeTheUsers) {
  const std::string config = folder_ / "config";
  const std::string project = folder_ / "project";
  EXPECT_EQ(own_status_line(config, project), "");
  put("config/settings.json", R"({"statusLine":{"type":"command","command":"mine"}})");
  EXPECT_EQ(own_status_line(config, project), "mine");
  put("project/.claude/settings.json", R"({"statusLine":{"command":"ours"}})");
  EXPECT_EQ(own_status_line(config, project), "ours");
  put("project/.claude/settings.local.json", "broken {");
  EXPECT_EQ(own_status_line(config, project), "ours");
  EXPECT_EQ(own_status_line("", project), "ours");
}

TEST_F(LaunchFiles, FilesAreTheOwnersAloneAndTheTokenIsFoundAgain) {
  const std::string token = "0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE";
  const auto files = claude::session_files(
      {.folder = folder_, .hook_url = "http://127.0.0.1:3000/api/hooks/claude/x", .token = token, .session_id = kUuid});
  ASSERT_TRUE(files);
  EXPECT_EQ(read_token(folder_).error().kind, ErrorKind::not_found);
  put(std::string(claude::kEventCurlFile) + ".new", "left by a crash");
  ASSERT_TRUE(write_session_files(folder_, *files));
  for (const auto name : {claude::kSettingsFile, claude::kEventCurlFile, claude::kPermissionCurlFile}) {
    struct stat status{};
    ASSERT_EQ(::stat((folder_ / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
  EXPECT_EQ(*read_token(folder_), token);
  EXPECT_EQ(token_hash(token).size(), 64U);
  EXPECT_NE(token_hash(token), token_hash(token + "x"));
}

TEST(Launch, AUuidIsOfVersionFour) {
  const std::string uuid = uuid_from("ffffffffffffffffffffffffffffffff");
  EXPECT_TRUE(claude::valid_uuid(uuid));
  EXPECT_EQ(uuid[14], '4');
  EXPECT_EQ(uuid[19], 'a');
}

}  // namespace
}  // namespace ccd::agents
