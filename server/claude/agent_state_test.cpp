// The state machine as a table: what arrives, and what the agent is then said to do. Rows are those of docs/decisions/0020.
#include "claude/agent_state.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace ccd::claude {
namespace {

constexpr WallMicros kSecond = 1'000'000;
constexpr WallMicros kStart = 1'795'460'000 * kSecond;  // 2026-11-23T18:53:20Z

HookEvent event(HookKind kind, std::string tool = "", std::string id = "", std::string input = "{}") {
  HookEvent made{.kind = kind};
  made.session_id = "11111111-2222-4333-8444-555555555555";
  made.tool = std::move(tool);
  made.tool_use_id = std::move(id);
  made.input = std::move(input);
  return made;
}
HookEvent with_reason(HookKind kind, std::string reason, std::string text = "") {
  HookEvent made = event(kind);
  made.reason = std::move(reason);
  made.text = std::move(text);
  return made;
}
HookEvent of_subagent(HookEvent made) {
  made.agent_id = "a1";
  return made;
}
HookEvent stop_with(std::string type) {
  HookEvent made = event(HookKind::stop);
  made.background.push_back({.id = "b", .type = std::move(type), .status = "running", .description = "look"});
  return made;
}
Standing standing(EntryKind last, int second, std::string stop = "", std::vector<std::string> tools = {}) {
  Standing made{.last = last, .at = kStart + second * kSecond};
  made.stop_reason = std::move(stop);
  for (auto& tool : tools) made.open_tools.push_back({"id", tool, made.at});
  return made;
}

// Steps at one second each, so that a row reads as a story.
class Story {
 public:
  Story& hook(HookEvent made) {
    return step([&] { machine_.on_hook(made, now()); });
  }
  Story& title(const std::string& text) {
    return step([&] { machine_.on_title(text, now()); });
  }
  Story& transcript(EntryKind last, std::string stop = "", std::vector<std::string> tools = {}) {
    return step([&] { machine_.on_transcript(standing(last, second_, std::move(stop), std::move(tools))); });
  }
  Story& failure(std::string error, std::string text) {
    Standing made = standing(EntryKind::failure, second_ + 1);
    made.failure = std::move(error);
    made.failure_text = std::move(text);
    return step([&] { machine_.on_transcript(made); });
  }
  Story& answered(const std::string& tool) {
    return step([&] { machine_.on_answered(tool, "{}", now()); });
  }
  Story& hung_up(const std::string& tool) {
    return step([&] { machine_.on_hung_up(tool, "{}", now()); });
  }
  Story& process(ProcessState state) {
    return step([&] { machine_.on_process(state, "status 1", now()); });
  }
  Story& wait(int seconds) {
    second_ += seconds;
    return *this;
  }
  [[nodiscard]] AgentStatus status() const { return machine_.status(now()); }

 private:
  Story& step(const std::function<void()>& act) {
    ++second_;
    act();
    return *this;
  }
  [[nodiscard]] WallMicros now() const { return kStart + second_ * kSecond; }
  int second_ = 0;
  AgentStateMachine machine_{kStart, std::chrono::seconds(0)};
};

const HookEvent kStarted = with_reason(HookKind::session_start, "startup");
const HookEvent kPrompt = event(HookKind::prompt);
const HookEvent kPre = event(HookKind::pre_tool, "Bash", "t1");
const HookEvent kAsk = event(HookKind::permission_request, "Bash");
const HookEvent kPost = event(HookKind::post_tool, "Bash", "t1");
const HookEvent kStop = event(HookKind::stop);
constexpr const char* kMoves = "\u25D0 name";
constexpr const char* kStill = "\u2733 name";

struct Row {
  std::string name;
  std::function<void(Story&)> story;
  AgentState state;
  std::string tool{};
  Source source = Source::hook;
};

std::vector<Row> hook_rows() {
  using enum AgentState;
  return {
      {"nothing yet", [](Story&) {}, starting, "", Source::process},
      {"started", [](Story& s) { s.hook(kStarted); }, idle},
      {"prompt", [](Story& s) { s.hook(kStarted).hook(kPrompt); }, working},
      {"tool", [](Story& s) { s.hook(kPrompt).hook(kPre); }, working, "Bash"},
      {"tool done", [](Story& s) { s.hook(kPrompt).hook(kPre).hook(kPost); }, working},
      {"tool failed", [](Story& s) { s.hook(kPre).hook(event(HookKind::tool_failure, "Bash", "t1")); }, working},
      {"two tools, one done",
       [](Story& s) {
         s.hook(kPre).hook(event(HookKind::pre_tool, "Read", "t2")).hook(event(HookKind::post_tool, "Read", "t2"));
       },
       working, "Bash"},
      {"asks", [](Story& s) { s.hook(kPrompt).hook(kPre).hook(kAsk); }, waiting_permission, "Bash"},
      {"asked, done", [](Story& s) { s.hook(kPre).hook(kAsk).hook(kPost); }, working},
      {"asks twice, one done",
       [](Story& s) {
         s.hook(event(HookKind::permission_request, "Write", "", "[1]")).hook(kPre).hook(kAsk).hook(kPost);
       },
       waiting_permission, "Write"},
      {"asked, answered on the page", [](Story& s) { s.hook(kPre).hook(kAsk).answered("Bash"); }, working, "Bash"},
      {"answered something else", [](Story& s) { s.hook(kPre).hook(kAsk).answered("Write"); }, waiting_permission,
       "Bash"},
      {"asked, denied in the terminal", [](Story& s) { s.hook(kPre).hook(kAsk).hung_up("Bash"); }, idle},
      {"asked, then stop", [](Story& s) { s.hook(kPre).hook(kAsk).hook(kStop); }, idle},
      {"asked, then another prompt", [](Story& s) { s.hook(kPre).hook(kAsk).hook(kPrompt); }, working},
      {"a denial by rule", [](Story& s) { s.hook(kPre).hook(event(HookKind::permission_denied, "Bash", "t1")); },
       working},
      {"a subagent asks", [](Story& s) { s.hook(kPrompt).hook(of_subagent(kAsk)); }, waiting_permission, "Bash"},
      {"a question", [](Story& s) { s.hook(event(HookKind::permission_request, "AskUserQuestion")); }, waiting_answer,
       "AskUserQuestion"},
      {"a question answered",
       [](Story& s) {
         s.hook(event(HookKind::permission_request, "AskUserQuestion"))
             .hook(event(HookKind::post_tool, "AskUserQuestion", "", R"({"answers":1})"));
       },
       working},
      {"a plan", [](Story& s) { s.hook(event(HookKind::permission_request, "ExitPlanMode")); }, waiting_permission,
       "ExitPlanMode"},
      {"an MCP server asks", [](Story& s) { s.hook(with_reason(HookKind::elicitation, "server")); }, waiting_answer,
       "server"},
      {"an MCP server has its answer",
       [](Story& s) { s.hook(with_reason(HookKind::elicitation, "server")).hook(event(HookKind::elicitation_result)); },
       working},
      {"done", [](Story& s) { s.hook(kPrompt).hook(kStop); }, idle},
      {"done, a subagent goes on", [](Story& s) { s.hook(stop_with("subagent")); }, working, "subagent: look"},
      {"done, a command goes on", [](Story& s) { s.hook(stop_with("shell")); }, idle},
      {"a subagent's tool after the end", [](Story& s) { s.hook(kStop).hook(of_subagent(kPre)); }, idle},
      {"limit", [](Story& s) { s.hook(with_reason(HookKind::stop_failure, "rate_limit", "resets 7pm")); }, limited},
      {"limit over",
       [](Story& s) { s.hook(with_reason(HookKind::stop_failure, "rate_limit", "resets 7pm")).wait(400); }, idle},
      {"other failure", [](Story& s) { s.hook(with_reason(HookKind::stop_failure, "overloaded")); }, failed},
      {"idle notice after a failure",
       [](Story& s) {
         s.hook(with_reason(HookKind::stop_failure, "overloaded"))
             .hook(with_reason(HookKind::notification, "idle_prompt"));
       },
       failed},
      {"idle notice", [](Story& s) { s.hook(kPrompt).hook(with_reason(HookKind::notification, "idle_prompt")); }, idle},
      {"permission notice alone",
       [](Story& s) { s.hook(kPre).hook(with_reason(HookKind::notification, "permission_prompt")); },
       waiting_permission},
      {"permission notice after its request",
       [](Story& s) { s.hook(kPre).hook(kAsk).hook(with_reason(HookKind::notification, "permission_prompt")); },
       waiting_permission, "Bash"},
      {"another notice", [](Story& s) { s.hook(kStop).hook(with_reason(HookKind::notification, "auth_success")); },
       idle},
      {"compaction", [](Story& s) { s.hook(with_reason(HookKind::pre_compact, "auto")); }, working, "compaction"},
      {"compacted by itself", [](Story& s) { s.hook(with_reason(HookKind::post_compact, "auto")); }, working},
      {"compacted by hand", [](Story& s) { s.hook(with_reason(HookKind::post_compact, "manual")); }, idle},
      {"start after a compaction",
       [](Story& s) { s.hook(kPrompt).hook(with_reason(HookKind::session_start, "compact")); }, working},
      {"cleared", [](Story& s) { s.hook(kPrompt).hook(with_reason(HookKind::session_end, "clear")); }, starting},
      {"left", [](Story& s) { s.hook(with_reason(HookKind::session_end, "prompt_input_exit")); }, exited},
  };
}

std::vector<Row> other_rows() {
  using enum AgentState;
  return {
      {"process ended", [](Story& s) { s.hook(kPrompt).process(ProcessState::exited); }, exited, "", Source::process},
      {"tmux gone", [](Story& s) { s.hook(kPrompt).process(ProcessState::lost); }, lost, "", Source::process},
      {"transcript alone: prompt", [](Story& s) { s.transcript(EntryKind::prompt); }, working, "", Source::transcript},
      {"transcript alone: call", [](Story& s) { s.transcript(EntryKind::reply, "tool_use", {"Bash"}); }, working,
       "Bash", Source::transcript},
      {"transcript alone: question", [](Story& s) { s.transcript(EntryKind::reply, "tool_use", {"AskUserQuestion"}); },
       waiting_answer, "AskUserQuestion", Source::transcript},
      {"transcript alone: result", [](Story& s) { s.transcript(EntryKind::result); }, working, "", Source::transcript},
      {"transcript alone: end", [](Story& s) { s.transcript(EntryKind::reply, "end_turn"); }, idle, "",
       Source::transcript},
      {"transcript alone: interrupted", [](Story& s) { s.transcript(EntryKind::interruption); }, idle, "",
       Source::transcript},
      {"transcript alone: failure", [](Story& s) { s.failure("server_error", "oh"); }, failed, "", Source::transcript},
      {"transcript alone: limit", [](Story& s) { s.failure("rate_limit", "x"); }, limited, "", Source::transcript},
      {"transcript alone: nothing said", [](Story& s) { s.transcript(EntryKind::state); }, starting, "",
       Source::process},
      {"title alone: moves", [](Story& s) { s.title(kMoves); }, working, "", Source::title},
      {"title alone: still", [](Story& s) { s.title(kStill); }, idle, "", Source::title},
      {"title alone: the terminal's answer", [](Story& s) { s.title("Gi=31,s=1"); }, starting, "", Source::process},
      {"hook before transcript", [](Story& s) { s.hook(kStop).transcript(EntryKind::result); }, idle},
      {"transcript long after a missed stop",
       [](Story& s) { s.hook(kPre).wait(10).transcript(EntryKind::reply, "end_turn"); }, idle, "", Source::transcript},
      {"interrupted while it works", [](Story& s) { s.hook(kPrompt).wait(10).transcript(EntryKind::interruption); },
       idle, "", Source::transcript},
      {"transcript has stood against the hook",
       [](Story& s) { s.hook(kPre).transcript(EntryKind::reply, "end_turn").wait(6); }, idle, "", Source::transcript},
      {"not at once", [](Story& s) { s.hook(kPre).transcript(EntryKind::reply, "end_turn").wait(1); }, working, "Bash"},
      {"stopped by Escape: no hook tells", [](Story& s) { s.hook(kPre).transcript(EntryKind::interruption); }, idle, "",
       Source::transcript},
      {"a prompt after the Escape", [](Story& s) { s.hook(kPre).transcript(EntryKind::interruption).hook(kPrompt); },
       working},
      {"older transcript", [](Story& s) { s.transcript(EntryKind::reply, "end_turn").wait(60).hook(kPrompt); },
       working},
      {"allowed in the terminal", [](Story& s) { s.hook(kPre).hook(kAsk).title(kStill).title(kMoves).wait(3); },
       working, "Bash", Source::title},
      {"moved before the request", [](Story& s) { s.title(kMoves).hook(kPre).hook(kAsk).wait(9); }, waiting_permission,
       "Bash"},
      {"still moves well after the request",
       [](Story& s) { s.title(kMoves).hook(kPre).hook(kAsk).wait(2).title(kMoves); }, working, "Bash", Source::title},
      {"a request that nobody heard of",
       [](Story& s) {
         s.title(kMoves).transcript(EntryKind::reply, "tool_use", {"Bash"}).wait(1).title(kStill).wait(3);
       },
       waiting_permission, "Bash", Source::title},
  };
}

TEST(AgentState, FollowsTheTable) {
  auto rows = hook_rows();
  for (auto& row : other_rows()) rows.push_back(row);
  for (const Row& row : rows) {
    Story story;
    row.story(story);
    const AgentStatus status = story.status();
    EXPECT_EQ(to_string(status.state), to_string(row.state)) << row.name;
    EXPECT_EQ(status.tool, row.tool) << row.name;
    EXPECT_EQ(to_string(status.evidence.source), to_string(row.source)) << row.name;
    EXPECT_FALSE(status.evidence.what.empty()) << row.name;
    EXPECT_GT(status.evidence.at, 0) << row.name;
    EXPECT_LE(status.since, status.evidence.at + 4000 * kSecond) << row.name;
  }
}

TEST(AgentState, WhatSaysOtherwiseIsShown) {
  Story missed;
  missed.hook(kPre).wait(10).transcript(EntryKind::reply, "end_turn");
  ASSERT_EQ(missed.status().disagreeing.size(), 1u);
  EXPECT_EQ(missed.status().disagreeing[0].source, Source::hook);
  EXPECT_EQ(missed.status().disagreeing[0].what, "PreToolUse Bash");

  Story stuck;
  stuck.title(kStill).hook(kPrompt);
  EXPECT_TRUE(stuck.status().disagreeing.empty()) << "a moment later the title has had no time yet";
  stuck.wait(5);
  ASSERT_EQ(stuck.status().disagreeing.size(), 1u);
  EXPECT_EQ(stuck.status().disagreeing[0].source, Source::title);

  Story calm;
  calm.hook(kPre).hook(kAsk).title(kStill).transcript(EntryKind::reply, "tool_use", {"Bash"}).wait(60);
  EXPECT_EQ(calm.status().state, AgentState::waiting_permission);
  EXPECT_TRUE(calm.status().disagreeing.empty()) << "a dialog's title stands still, and a transcript knows no dialogs";
  calm.process(ProcessState::exited);
  EXPECT_TRUE(calm.status().disagreeing.empty()) << "nothing contradicts an end";
}

TEST(AgentState, SinceIsTheStatesBeginning) {
  Story story;
  story.hook(kPrompt).wait(10).hook(kPre).wait(10).hook(kPost);
  EXPECT_EQ(story.status().since, kStart + 1 * kSecond);
  EXPECT_EQ(story.status().evidence.at, kStart + 23 * kSecond);
}

TEST(AgentState, WhatWasKnownBeforeARestartHoldsUntilSomethingNewerSaysOtherwise) {
  AgentStatus known{.state = AgentState::waiting_permission, .since = kStart - 60 * kSecond, .tool = "Bash"};
  known.evidence = {.state = known.state, .what = "PermissionRequest Bash", .at = known.since};
  const auto restored = [&] {
    AgentStateMachine machine(kStart, std::chrono::seconds(0));
    machine.restore(known);
    return machine;
  };
  const AgentStatus kept = restored().status(kStart + kSecond);
  EXPECT_EQ(kept.state, AgentState::waiting_permission);
  EXPECT_EQ(kept.since, known.since);
  EXPECT_EQ(kept.tool, "Bash");
  EXPECT_EQ(kept.evidence.what, "PermissionRequest Bash, before the dashboard was restarted");
  // Kept a second time, it says so once.
  AgentStateMachine again(kStart, std::chrono::seconds(0));
  again.restore(kept);
  EXPECT_EQ(again.status(kStart).evidence.what, kept.evidence.what);

  AgentStateMachine written = restored();
  written.on_transcript(standing(EntryKind::reply, -30, "end_turn"));
  EXPECT_EQ(written.status(kStart).state, AgentState::idle);
  AgentStateMachine older = restored();
  older.on_transcript(standing(EntryKind::reply, -90, "end_turn"));
  EXPECT_EQ(older.status(kStart).state, AgentState::waiting_permission);
  AgentStateMachine heard = restored();
  heard.on_hook(kStop, kStart + kSecond);
  EXPECT_EQ(heard.status(kStart + kSecond).evidence.what, "Stop");
  AgentStateMachine moves = restored();
  moves.on_title(kMoves, kStart);
  moves.on_title(kMoves, kStart + 3 * kSecond);
  EXPECT_EQ(moves.status(kStart + 3 * kSecond).state, AgentState::working);
}

TEST(AgentState, WhoWasStartingBeforeARestartHasStartedByNow) {
  AgentStateMachine before(kStart, std::chrono::seconds(0));
  AgentStateMachine after(kStart, std::chrono::seconds(0));
  after.restore(before.status(kStart + 1));
  EXPECT_EQ(after.status(kStart + 2).state, AgentState::starting);
  after.on_title("\u2733 Claude Code", kStart + 3);
  EXPECT_EQ(after.status(kStart + 4).state, AgentState::idle);
}

// The dashboard was killed between a call and the request that it led to.
TEST(AgentState, WhatWorkedBeforeARestartMayHaveAskedSince) {
  AgentStatus known{.state = AgentState::working, .since = kStart - 60 * kSecond, .tool = "Bash"};
  known.evidence = {.state = known.state, .what = "PreToolUse Bash", .at = known.since};
  AgentStateMachine machine(kStart, std::chrono::seconds(0));
  machine.restore(known);
  machine.on_title(kStill, kStart);
  EXPECT_EQ(machine.status(kStart + 10 * kSecond).state, AgentState::working)
      << "nothing says that the tool has not ended";
  Standing called = standing(EntryKind::reply, -60, "tool_use");
  called.open_tools.push_back({.id = "t", .name = "Bash", .since = {}});
  machine.on_transcript(called);
  EXPECT_EQ(machine.status(kStart + kSecond).state, AgentState::working) << "the title has not stood for long";
  const AgentStatus asked = machine.status(kStart + 3 * kSecond);
  EXPECT_EQ(asked.state, AgentState::waiting_permission);
  EXPECT_EQ(asked.tool, "Bash");
  machine.on_title(kMoves, kStart + 4 * kSecond);
  EXPECT_EQ(machine.status(kStart + 7 * kSecond).state, AgentState::working);
}

TEST(AgentState, ANoticeOfADialogThatWasJustAnsweredIsLate) {
  const auto notice = with_reason(HookKind::notification, "permission_prompt");
  EXPECT_EQ(Story().hook(kPrompt).hook(kAsk).answered("Bash").hook(notice).status().state, AgentState::working);
  EXPECT_EQ(Story().hook(kPrompt).hook(kAsk).answered("Bash").wait(20).hook(notice).status().state,
            AgentState::waiting_permission);
}

TEST(AgentState, OnlyAPersonStopsInTheTerminal) {
  EXPECT_FALSE(Story().hook(kPrompt).hook(kStop).status().stopped_by_person);
  EXPECT_TRUE(Story().hook(kPrompt).hook(kAsk).hung_up("Bash").status().stopped_by_person);
  EXPECT_TRUE(Story().hook(kPrompt).transcript(EntryKind::interruption).status().stopped_by_person);
}

TEST(AgentState, EveryStateHasAWord) {
  for (int i = 0; i <= static_cast<int>(AgentState::lost); ++i) {
    const auto state = static_cast<AgentState>(i);
    EXPECT_EQ(agent_state_from(to_string(state)), state);
  }
  EXPECT_FALSE(agent_state_from("busy"));
}

TEST(AgentState, OlderEventsChangeNothing) {
  AgentStateMachine machine(kStart, std::chrono::seconds(0));
  machine.on_hook(kStop, kStart + 10 * kSecond);
  machine.on_hook(kPre, kStart + 9 * kSecond);
  EXPECT_EQ(machine.status(kStart + 11 * kSecond).state, AgentState::idle);
  EXPECT_EQ(machine.conversation(), kStop.session_id);
}

TEST(AgentState, ManyRequestsAndToolsStayBounded) {
  AgentStateMachine machine(kStart, std::chrono::seconds(0));
  for (int i = 0; i < 1'000; ++i) {
    machine.on_hook(event(HookKind::pre_tool, "Bash", std::to_string(i)), kStart + i);
    machine.on_hook(event(HookKind::permission_request, "Bash", "", std::to_string(i)), kStart + i);
  }
  EXPECT_EQ(machine.status(kStart + kSecond).state, AgentState::waiting_permission);
  machine.on_hook(kStop, kStart + kSecond);
  EXPECT_EQ(machine.status(kStart + kSecond).state, AgentState::idle);
}

TEST(AgentState, TitlesAreTold) {
  EXPECT_EQ(title_mark(kStill), TitleMark::still);
  EXPECT_EQ(title_mark("\u25D1 Claude Code"), TitleMark::working);
  EXPECT_EQ(title_mark("\u2802 older"), TitleMark::working);
  for (const char* none : {"", "bash", "Gi=31,s=1", "\u2603", "\xE2"})
    EXPECT_EQ(title_mark(none), TitleMark::none) << none;
}

TEST(AgentState, LimitsEndWhenTheySay) {
  using std::chrono::hours;
  const auto at = [](const char* iso) { return *parse_timestamp(iso); };
  const WallMicros now = at("2026-11-23T19:00:00Z");
  EXPECT_EQ(limit_reset("You've hit your limit \u00b7 resets 10pm (UTC)", now, hours(5)), at("2026-11-23T22:00:00Z"));
  EXPECT_EQ(limit_reset("Your limit will reset at 3:45pm.", now, hours(1)), at("2026-11-24T14:45:00Z"));
  EXPECT_EQ(limit_reset("resets 12am", now, hours(-5)), at("2026-11-24T05:00:00Z"));
  EXPECT_EQ(limit_reset("resets 21:30", now, hours(0)), at("2026-11-23T21:30:00Z"));
  EXPECT_EQ(limit_reset("weekly limit \u00b7 resets Nov 26, 9am", now, hours(0)), at("2026-11-26T09:00:00Z"));
  EXPECT_EQ(limit_reset("resets Dec 2 at 9:05am (UTC)", now, hours(3)), at("2026-12-02T09:05:00Z"));
  EXPECT_EQ(limit_reset("Claude AI usage limit reached|1795464000", now, hours(0)),
            WallMicros{1'795'464'000} * kSecond);
  for (const char* bad :
       {"", "rate limit", "resets", "resets soon", "resets 25pm", "resets 3", "resets Foo 3, 1pm", "resets 3:75pm",
        "resets Feb 31, 3pm", "resets Aug 1, 3pm", "reached|99999999999999999999", "reached|5"}) {
    EXPECT_EQ(limit_reset(bad, now, hours(0)), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace ccd::claude
