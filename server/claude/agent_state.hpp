// What an agent is doing and what it waits for, from all that is known of it. Pure: evidence in, a status out.
//
// The tables are in docs/decisions/0020. Hooks are believed first, the transcript second, the title third; the end of the process is
// beyond doubt. Newer evidence of a lower rank can overrule where a higher one cannot have known. What does not fit stays visible.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "claude/hook_event.hpp"
#include "claude/transcript_index.hpp"

namespace ccd::claude {

enum class AgentState {
  starting,
  working,             // `tool` is what runs now; empty: it thinks
  waiting_permission,  // of `tool`, or of a plan (ExitPlanMode)
  waiting_answer,      // to a question, or to what an MCP server asks
  idle,                // done, or never begun
  limited,             // by the API's usage limit, until `limited_until` where that is known
  failed,              // the turn ended with an error: `reason`
  exited,              // the process has ended
  lost,                // the tmux server that held it is gone
};
std::string_view to_string(AgentState state);
std::optional<AgentState> agent_state_from(std::string_view word);

enum class Source { hook, transcript, title, process };
std::string_view to_string(Source source);

struct Evidence {
  Source source = Source::process;
  AgentState state = AgentState::starting;
  std::string what{};  // for people: "PreToolUse Bash", "the title stands still"
  WallMicros at = 0;   // when it was so; its age is now - at

  bool operator==(const Evidence&) const = default;
};

struct AgentStatus {
  AgentState state = AgentState::starting;
  WallMicros since = 0;  // when this state began
  Evidence evidence{};   // what decided
  std::string tool{};
  std::string reason{};  // failed: the error's name; limited: what the client showed; exited: how
  std::optional<WallMicros> limited_until{};
  bool stopped_by_person = false;       // idle because somebody said so in the terminal: a denial, an Escape
  std::size_t background = 0;           // subagents and commands that go on beside the conversation
  std::vector<Evidence> disagreeing{};  // what says otherwise at this moment, strongest first

  bool operator==(const AgentStatus&) const = default;
};

enum class TitleMark { none, working, still };
// From a pane's title. `still` is no more than that: a dialog's title stands as an idle one's does.
TitleMark title_mark(std::string_view title);

enum class ProcessState { running, exited, lost };

// When a limit ends, from what the client shows ("... resets 3:45pm (UTC)", "... resets Oct 5, 3pm", "...|1795460922"): the next
// such time after `now`. Times of day without "(UTC)" are at `utc_offset`, the machine's own. Nothing when it names none.
std::optional<WallMicros> limit_reset(std::string_view text, WallMicros now, std::chrono::seconds utc_offset);

// Evidence of different sources about one moment arrives within this time; before, they do not disagree.
inline constexpr std::chrono::seconds kSettle{2};
// A transcript that is this much newer than the last hook, or has stood against it for so long, shows that hooks were missed.
inline constexpr std::chrono::seconds kOverrule{5};
// The client tells of a dialog some seconds after it opened, and the word can be on its way when the answer comes.
inline constexpr std::chrono::seconds kStaleNotice{10};
// Requests that wait at one time: a session shows one dialog, and each of its subagents can ask for one more.
inline constexpr std::size_t kMaxPending = 64;
inline constexpr std::size_t kMaxRunning = 64;

// One session's. Times never go back in one source; what is older than the last evidence of its source is ignored.
class AgentStateMachine {
 public:
  AgentStateMachine(WallMicros started, std::chrono::seconds utc_offset);

  void on_hook(const HookEvent& event, WallMicros at);
  // What was known when another dashboard went. Anything that is newer overrules it at once.
  void restore(const AgentStatus& known);

  // The page answered a held request, or the client hung up on one (a denial in the terminal does that). `tool` and `input` are the
  // request's.
  void on_answered(std::string_view tool, std::string_view input, WallMicros at);
  void on_hung_up(std::string_view tool, std::string_view input, WallMicros at);
  // The transcript's standing whenever it changed. Its time is the entry's own.
  void on_transcript(const Standing& standing);
  // At each look, not only when it changed: a title that still moves is evidence.
  void on_title(std::string_view title, WallMicros at);
  void on_process(ProcessState state, std::string how, WallMicros at);

  [[nodiscard]] AgentStatus status(WallMicros now) const;
  // The conversation that runs now: `/clear` begins another one. Empty before the first hook.
  [[nodiscard]] const std::string& conversation() const { return conversation_; }

 private:
  struct View {
    Evidence evidence{};
    std::string tool{};
    std::string reason{};
    WallMicros since = 0;
    bool by_person = false;
  };
  struct Pending {
    std::string tool;
    std::size_t input_hash;
  };
  struct Running {
    std::string id;
    std::string tool;
  };

  void set_hook(AgentState state, std::string what, WallMicros at, std::string tool = {}, std::string reason = {});
  void work_on(std::string what, WallMicros at);
  void on_tool(const HookEvent& event, WallMicros at);
  void on_request(const HookEvent& event, WallMicros at);
  void on_stop(const HookEvent& event, WallMicros at);
  void on_notification(const HookEvent& event, WallMicros at);
  bool forget_request(std::string_view tool, std::string_view input);
  void end_turn();
  [[nodiscard]] bool transcript_overrules(WallMicros now) const;
  [[nodiscard]] const View& decide(WallMicros now, View& inferred) const;
  [[nodiscard]] std::optional<View> from_title(const View& best) const;
  void add_disagreement(const View& view, const View& decided, WallMicros now, AgentStatus& status) const;

  std::chrono::seconds utc_offset_;
  std::optional<View> hook_;
  std::optional<View> transcript_;
  std::optional<View> title_;
  WallMicros title_seen_ = 0;  // when it was last looked at
  View process_;
  std::vector<Pending> pending_;
  std::vector<Running> running_;
  std::size_t background_ = 0;
  std::string limit_text_;
  WallMicros limit_at_ = 0;
  WallMicros answered_at_ = 0;  // by the page, last
  std::string conversation_;
  bool restored_ = false;  // hook_ is what was stored, not what was heard
};

}  // namespace ccd::claude
