// What a project brings is asked about once for each state of what can start something; templates are kept; commands are told from
// conversations.
#include "agents/trust.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agents/launch.hpp"
#include "agents/templates.hpp"
#include "storage/testing.hpp"

namespace ccd::agents {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kHook = R"({"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"./a.sh"}]}]}})";

class TrustTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SystemRandom().fill(key_);
    trail_.emplace(key_, clock_);
    ASSERT_TRUE(database_->migrate({audit::migrations()[0], trust_migrations()[0], template_migrations()[0]}));
    fs::create_directories(folder_ / "root/demo");
    auto roots = files::Roots::open({folder_ / "root"});
    ASSERT_TRUE(roots);
    roots_ = std::move(*roots);
  }
  void write(const std::string& path, std::string_view text) const {
    const fs::path file = root() / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  [[nodiscard]] fs::path root() const { return fs::canonical(folder_ / "root"); }
  [[nodiscard]] std::string demo() const { return root() / "demo"; }
  template <class T>
  T run(Task<T> task) {
    return storage::finish(loop_, std::move(task));
  }
  Trust trust() {
    return Trust({.database = database_.get(), .trail = &*trail_, .roots = &*roots_, .clock = &clock_, .pool = &pool_});
  }
  TrustState look(const std::string& path) {
    auto state = run(trust().look(path));
    if (!state) ADD_FAILURE() << state.error().message;
    return state.value_or(TrustState{});
  }
  void accept(const std::string& path) { accept(path, look(path).settings.digest); }
  void accept(const std::string& path, const std::string& digest) {
    const auto state = run(trust().accept(path, digest, {.name = "somebody", .ip = ""}));
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_TRUE(state->accepted) << "for this once";
  }

  storage::TempFolder folder_;
  asio::io_context loop_;
  asio::thread_pool pool_{1};
  ManualClock clock_{1'000'000};
  SystemRandom random_;
  std::unique_ptr<storage::Database> database_ = storage::open_or_fail(folder_ / "test.db", loop_);
  audit::Key key_{};
  std::optional<audit::Trail> trail_;
  std::optional<files::Roots> roots_;
};

// Asked each time, and may be answered each time.
#define EXPECT_NEVER_REMEMBERED()                               \
  {                                                             \
    const TrustState first = look(demo());                      \
    EXPECT_FALSE(first.accepted);                               \
    EXPECT_FALSE(first.settings.complete);                      \
    accept(demo(), first.settings.digest);                      \
    EXPECT_FALSE(look(demo()).accepted) << "it is asked again"; \
  }

TEST_F(TrustTest, AFolderThatBringsNothingAsksNothing) {
  EXPECT_TRUE(look(demo()).accepted);
  EXPECT_THAT(look(demo()).settings.files, IsEmpty());
}

TEST_F(TrustTest, IsAskedOnceAndAgainWhenItChanges) {
  write("demo/.claude/settings.json", kHook);
  TrustState state = look(demo());
  EXPECT_FALSE(state.accepted);
  EXPECT_FALSE(state.known);
  ASSERT_EQ(state.settings.files.size(), 1U);
  EXPECT_EQ(state.settings.files[0].findings.at(0).text, "./a.sh");
  accept(demo());
  EXPECT_TRUE(look(demo()).accepted);
  write("demo/.mcp.json", R"({"mcpServers":{"db":{"command":"evil"}}})");
  state = look(demo());
  EXPECT_FALSE(state.accepted);
  EXPECT_TRUE(state.known);
  EXPECT_THAT(state.fresh, ElementsAre(claude::Finding{claude::FindingKind::server, "db", "evil"}));
  // What was accepted before is accepted still.
  fs::remove(root() / "demo/.mcp.json");
  EXPECT_TRUE(look(demo()).accepted);
  EXPECT_EQ(run(trust().accept(demo(), "another digest", {})).value_or(TrustState{}).accepted, true)
      << "nothing is left to accept";
  write("demo/.claude/hooks/a.sh", "#!/bin/sh\n");
  EXPECT_FALSE(look(demo()).accepted) << "what hooks start belongs to them";
  EXPECT_EQ(run(trust().accept(demo(), "another digest", {})).error().kind, ErrorKind::conflict);
}

TEST_F(TrustTest, WordsAreShownOnceAndMayChange) {
  write("demo/CLAUDE.md", "Be kind.");
  EXPECT_TRUE(look(demo()).accepted) << "instructions alone ask nothing";
  EXPECT_EQ(look(demo()).settings.files.size(), 1U) << "they are shown to who looks";
  write("demo/.claude/commands/git/push.md", "push");
  const TrustState state = look(demo());
  EXPECT_FALSE(state.accepted);
  ASSERT_EQ(state.settings.files.size(), 2U);
  EXPECT_EQ(state.settings.files[0].name, ".claude/commands/git/push.md");
  EXPECT_EQ(state.settings.files[0].text, "push");
  EXPECT_FALSE(state.settings.files[0].words);
  EXPECT_EQ(state.settings.files[1].text, "Be kind.");
  EXPECT_TRUE(state.settings.files[1].words);
  accept(demo());
  write("demo/CLAUDE.md", "Be quick.");
  EXPECT_TRUE(look(demo()).accepted);
}

TEST_F(TrustTest, WhatCommandsAgentsAndSkillsDoIsPartOfIt) {
  for (const char* path :
       {"demo/.claude/skills/deploy/SKILL.md", "demo/.claude/agents/reviewer.md", "demo/.claude/commands/a/b/c.md"}) {
    write(path, "---\nname: x\n---\nwords");
    accept(demo());
    ASSERT_TRUE(look(demo()).accepted);
    write(path, "---\nname: x\nhooks:\n  PreToolUse: ./evil.sh\n---\nwords");
    TrustState state = look(demo());
    EXPECT_FALSE(state.accepted) << path;
    EXPECT_EQ(state.fresh.size(), 1U) << path;
    write(path, "---\nname: x\n---\nwords !`evil`");
    EXPECT_FALSE(look(demo()).accepted) << path;
    write(path, "---\nname: x\n---\nother words");
    state = look(demo());
    EXPECT_FALSE(state.accepted) << "every byte of it: what the client makes of them is its affair";
    EXPECT_TRUE(state.fresh.empty());
    EXPECT_EQ(std::ranges::count_if(state.settings.files, &SettingsFile::fresh), 1) << path;
  }
  write("demo/.claude/skills/deploy/scripts/lib/run.sh", "true");
  EXPECT_FALSE(look(demo()).accepted) << "programs that a skill brings";
  accept(demo());
  EXPECT_TRUE(look(demo()).accepted);
  write("demo/.claude/skills/deploy/scripts/lib/run.sh", "evil");
  EXPECT_FALSE(look(demo()).accepted);
}

TEST_F(TrustTest, LargeFilesCountToTheirEnd) {
  std::string large(3 * kMaxSettingsFile, 'x');
  for (const char* path :
       {"demo/.claude/hooks/tool", "demo/.claude/settings.json", "demo/.claude/settings.local.json"}) {
    write(path, large);
    accept(demo());
    ASSERT_TRUE(look(demo()).accepted);
    large[2 * kMaxSettingsFile] = large[2 * kMaxSettingsFile] == 'x' ? 'y' : 'x';
    write(path, large);
    EXPECT_FALSE(look(demo()).accepted) << path;
  }
}

TEST_F(TrustTest, WhatIsBehindABoundIsNeverUnchanged) {
  const auto gaps = [this] { return look(demo()).settings.gaps; };
  write("demo/.claude/hooks/huge", "");
  fs::resize_file(root() / "demo/.claude/hooks/huge", kMaxDigestedBytes + 1);
  EXPECT_NEVER_REMEMBERED();
  EXPECT_THAT(look(demo()).settings.files.at(0).trouble, ::testing::HasSubstr("64 MiB"));
  fs::remove(root() / "demo/.claude/hooks/huge");
  write("demo/.claude/skills/1/2/3/4/5/6/7/8/9/deep.sh", "x");
  EXPECT_NEVER_REMEMBERED();
  EXPECT_THAT(gaps(), ElementsAre(::testing::HasSubstr("deeper")));
  fs::remove_all(root() / "demo/.claude/skills");
  fs::create_directory_symlink("/etc", root() / "demo/.claude/agents");
  EXPECT_NEVER_REMEMBERED();
  fs::remove(root() / "demo/.claude/agents");
  for (std::size_t i = 0; i <= kMaxDigestedEntries; ++i) write("demo/.claude/hooks/" + std::to_string(i), "");
  EXPECT_NEVER_REMEMBERED();
  EXPECT_THAT(gaps(), ::testing::Contains(::testing::HasSubstr("more files")));
  fs::remove_all(root() / "demo/.claude/hooks");
  EXPECT_TRUE(look(demo()).accepted);
}

TEST_F(TrustTest, WhatIsNotShownCountsAllTheSame) {
  for (std::size_t i = 0; i < kMaxSettingsFiles + 20; ++i) write("demo/.claude/hooks/" + std::to_string(i), "x");
  EXPECT_EQ(look(demo()).settings.files.size(), kMaxSettingsFiles);
  EXPECT_EQ(look(demo()).settings.left_out, 20U);
  accept(demo());
  EXPECT_TRUE(look(demo()).accepted);
  for (const std::size_t i : {std::size_t{0}, kMaxSettingsFiles + 19}) {
    write("demo/.claude/hooks/" + std::to_string(i), "y");
    EXPECT_FALSE(look(demo()).accepted);
    accept(demo());
  }
}

TEST_F(TrustTest, SettingsAreShownBeforeManyWords) {
  for (std::size_t i = 0; i < kMaxSettingsFiles + 20; ++i) {
    write("demo/.claude/rules/" + std::to_string(i) + ".md", "x");
    write("demo/.claude/skills/s/" + std::to_string(i), "x");
  }
  write(".claude/settings.json", kHook);
  const TrustState state = look(demo());
  EXPECT_EQ(
      std::ranges::count_if(state.settings.files, [](const SettingsFile& file) { return !file.findings.empty(); }), 1);
  EXPECT_TRUE(state.settings.complete);
}

TEST_F(TrustTest, WhatAPersonAllowsForGoodAsksNothing) {
  write("demo/.claude/settings.local.json", "{}");
  accept(demo());
  write("demo/.claude/settings.local.json", R"J({"permissions":{"allow":["Bash(ls)"]}})J");
  EXPECT_TRUE(look(demo()).accepted);
  write("demo/.claude/settings.local.json", R"J({"env":{"A":"1"}})J");
  EXPECT_FALSE(look(demo()).accepted);
}

TEST_F(TrustTest, FoldersBelowAnAcceptedOne) {
  write("demo/.claude/settings.json", kHook);
  accept(demo());
  fs::create_directories(root() / "demo/sub");
  EXPECT_TRUE(look(root() / "demo/sub").accepted) << "it brings nothing of its own";
  // A working tree has copies of the same.
  write("demo/.claude/worktrees/w/.claude/settings.json", kHook);
  EXPECT_TRUE(look(root() / "demo/.claude/worktrees/w").accepted);
  write("demo/.claude/worktrees/w/.claude/settings.json", R"({"apiKeyHelper":"./other.sh"})");
  EXPECT_FALSE(look(root() / "demo/.claude/worktrees/w").accepted);
  // A neighbour whose name begins alike, with the same settings, is another project.
  write("demo-2/.claude/settings.json", kHook);
  EXPECT_FALSE(look(root() / "demo-2").accepted);
}

TEST_F(TrustTest, WhatCannotBeShownIsSaid) {
  fs::create_directories(root() / "demo/.claude");
  fs::create_symlink("/etc/passwd", root() / "demo/.claude/settings.json");
  const TrustState state = look(demo());
  EXPECT_FALSE(state.accepted);
  ASSERT_EQ(state.settings.files.size(), 1U);
  EXPECT_THAT(state.settings.files[0].trouble, ::testing::HasSubstr("leads out"));
  EXPECT_EQ(state.settings.files[0].text, "");
  write("demo/.mcp.json", std::string(kMaxSettingsFile + 1, ' '));
  EXPECT_THAT(look(demo()).settings.files[1].trouble, ::testing::HasSubstr("1 MiB"));
  fs::remove(root() / "demo/.mcp.json");
  EXPECT_NEVER_REMEMBERED();
}

TEST_F(TrustTest, OutsideTheRootsThereIsNothingToSee) {
  EXPECT_EQ(run(trust().look("/etc")).error().kind, ErrorKind::forbidden);
  EXPECT_EQ(run(trust().look(root() / "absent")).error().kind, ErrorKind::not_found);
}

TEST_F(TrustTest, AnAcceptanceHasItsAuditRow) {
  write("demo/.mcp.json", "{}");
  accept(demo());
  const auto rows = database_->run_now([](storage::Connection& db) -> Result<std::string> {
    return TRY(db.one("SELECT actor || ' ' || action || ' ' || target FROM audit_logs",
                      [](const storage::Row& row) { return row.text(0); }))
        .value_or("");
  });
  EXPECT_EQ(rows.value_or(""), "somebody project.accept " + demo());
}

// --- templates --------------------------------------------------------------------------------------------------------------

TEST_F(TrustTest, TemplatesAreKept) {
  Templates templates({.database = database_.get(), .trail = &*trail_, .clock = &clock_, .random = &random_});
  const Template wanted{.name = "Review",
                        .project = "/srv/demo",
                        .prompt = "Look at\nthe branch",
                        .model = "opus",
                        .permission_mode = "plan",
                        .environment = {{"A_1", "x y"}}};
  const auto saved = run(templates.save(wanted, {.name = "somebody", .ip = ""}));
  ASSERT_TRUE(saved) << saved.error().message;
  auto changed = run(templates.find(saved->id)).value_or(Template{});
  EXPECT_EQ(changed.prompt, wanted.prompt);
  EXPECT_EQ(changed.environment, wanted.environment);
  EXPECT_EQ(run(templates.save(wanted, {})).error().kind, ErrorKind::conflict) << "the name is taken";
  changed.name = "review again";
  ASSERT_TRUE(run(templates.save(changed, {})));
  EXPECT_EQ(run(templates.list()).value_or(std::vector<Template>{}).size(), 1U);
  ASSERT_TRUE(run(templates.remove(saved->id, {})));
  EXPECT_EQ(run(templates.find(saved->id)).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run(templates.save(changed, {})).error().kind, ErrorKind::not_found);
  const auto trail = database_->run_now([](storage::Connection& db) -> Result<std::string> {
    return TRY(db.one("SELECT group_concat(action || detail, ' ') FROM audit_logs",
                      [](const storage::Row& row) { return row.text(0); }))
        .value_or("");
  });
  EXPECT_EQ(trail.value_or("").find("x y"), std::string::npos) << "no value of a variable is in the trail";
  EXPECT_EQ(trail.value_or("").find("branch"), std::string::npos) << "no prompt is in the trail";
}

TEST_F(TrustTest, TemplatesTogetherAreBounded) {
  Templates templates({.database = database_.get(), .trail = &*trail_, .clock = &clock_, .random = &random_});
  Template big;
  for (std::size_t i = 0; i < kMaxVariables; ++i)
    big.environment.emplace_back("V" + std::to_string(i), std::string(kMaxVariableValue, 'x'));
  std::size_t kept = 0;
  Result<Template> saved;
  for (; kept < kMaxTemplates; ++kept) {
    big.name = "big " + std::to_string(kept);
    saved = run(templates.save(big, {}));
    if (!saved) break;
  }
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().kind, ErrorKind::too_large);
  EXPECT_EQ(kept, kMaxTemplatesBytes / (kMaxVariables * kMaxVariableValue) - 1);
  const auto all = run(templates.list()).value_or(std::vector<Template>{});
  ASSERT_EQ(all.size(), kept);
  EXPECT_TRUE(run(templates.save(all.front(), {}))) << "one that is replaced does not count twice";
}

TEST(Templates, WhatIsWrongIsNamed) {
  const auto field = [](Template wanted) { return check_template(wanted).error().field; };
  EXPECT_EQ(field({}), "name");
  EXPECT_EQ(field({.name = std::string(101, 'x')}), "name");
  EXPECT_EQ(field({.name = "x", .project = "relative"}), "project");
  EXPECT_EQ(field({.name = "x", .prompt = std::string(kMaxPrompt + 1, 'x')}), "prompt");
  EXPECT_EQ(field({.name = "x", .prompt = std::string("a\0b", 3)}), "prompt");
  EXPECT_EQ(field({.name = "x", .model = "--dangerously-skip-permissions"}), "model");
  EXPECT_EQ(field({.name = "x", .permission_mode = "bypassPermissions"}), "permission_mode");
  EXPECT_EQ(field({.name = "x", .environment = {{"1A", ""}}}), "env");
  EXPECT_EQ(field({.name = "x", .environment = {{"A=B", ""}}}), "env");
  EXPECT_TRUE(check_template({.name = "x"}));
}

TEST(Launch, CommandsWithoutTheirConversation) {
  using Words = std::vector<std::string>;
  const auto same = [](const Words& words) { return without_conversation(words); };
  EXPECT_EQ(same({"claude"}), Words({"claude"}));
  EXPECT_EQ(same({"claude", "fix the bug"}), Words({"claude"}));
  EXPECT_EQ(same({"claude", "--model", "opus", "fix the bug"}), Words({"claude", "--model", "opus"}));
  EXPECT_EQ(same({"claude", "--model=opus", "fix", "--verbose", "it"}), Words({"claude", "--model=opus", "--verbose"}));
  EXPECT_EQ(same({"claude", "--add-dir", "/a", "/b", "--verbose", "prompt"}),
            Words({"claude", "--add-dir", "/a", "/b", "--verbose"}));
  EXPECT_EQ(same({"claude", "-c"}), Words({"claude"}));
  EXPECT_EQ(same({"claude", "--resume", "0f0f", "--fork-session", "go on"}), Words({"claude"}));
  EXPECT_EQ(same({"claude", "--session-id=abc", "-w", "tree", "--ide"}), Words({"claude", "--ide"}));
  EXPECT_EQ(same({"claude", "--verbose", "--", "--model", "x"}), Words({"claude", "--verbose"}));
  EXPECT_EQ(same({"/opt/claude", "--something-new", "value"}), Words({"/opt/claude", "--something-new", "value"}));
}

}  // namespace
}  // namespace ccd::agents
