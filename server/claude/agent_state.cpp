// One function for each source writes what that source says now; decide() chooses between them.
#include "claude/agent_state.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace ccd::claude {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr WallMicros micros(std::chrono::seconds time) { return duration_cast<microseconds>(time).count(); }

constexpr std::array<std::string_view, 9> kStateNames{
    "starting", "working", "waiting_permission", "waiting_answer", "idle", "limited", "failed", "exited", "lost"};

constexpr std::string_view kQuestionTool = "AskUserQuestion";

bool is_end(AgentState state) { return state == AgentState::exited || state == AgentState::lost; }
bool is_waiting(AgentState state) {
  return state == AgentState::waiting_permission || state == AgentState::waiting_answer;
}

// Whether a view can be true while `decided` is: a source that sees less does not contradict one that sees more.
bool fits(Source source, AgentState seen, AgentState decided) {
  if (seen == decided) return true;
  switch (source) {
    case Source::title:  // working: it moves; idle: it stands still
      return seen == AgentState::working ? decided == AgentState::starting : decided != AgentState::working;
    case Source::transcript:  // sees neither dialogs nor the client's start
      if (seen == AgentState::working) return is_waiting(decided);
      if (seen == AgentState::idle) return decided == AgentState::starting || decided == AgentState::limited;
      return is_waiting(seen) ? decided == AgentState::working || is_waiting(decided) : decided == AgentState::idle;
    case Source::process: return !is_end(seen);
    case Source::hook: return is_waiting(seen) && is_waiting(decided);
  }
  return false;
}

bool wakes_the_agent(const BackgroundTask& task) { return task.type == "subagent" || task.type == "workflow"; }

std::size_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

}  // namespace

std::string_view to_string(AgentState state) { return kStateNames.at(static_cast<std::size_t>(state)); }

std::optional<AgentState> agent_state_from(std::string_view word) {
  const auto found = std::ranges::find(kStateNames, word);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<AgentState>(found - kStateNames.begin());
}

std::string_view to_string(Source source) {
  constexpr std::array<std::string_view, 4> kNames{"hook", "transcript", "title", "process"};
  return kNames.at(static_cast<std::size_t>(source));
}

TitleMark title_mark(std::string_view title) {
  if (title.starts_with("\u2733")) return TitleMark::still;
  if (title.starts_with("\u25D0") || title.starts_with("\u25D1")) return TitleMark::working;
  // Older releases: a spinner of braille signs, U+2800 to U+28FF.
  const bool braille = title.size() >= 3 && title[0] == '\xE2' && title[1] >= '\xA0' && title[1] <= '\xA3';
  return braille ? TitleMark::working : TitleMark::none;
}

AgentStateMachine::AgentStateMachine(WallMicros started, std::chrono::seconds utc_offset) : utc_offset_(utc_offset) {
  process_ = {.evidence = {Source::process, AgentState::starting, "the process runs", started}, .since = started};
}

void AgentStateMachine::set_hook(AgentState state, std::string what, WallMicros at, std::string tool,
                                 std::string reason) {
  const WallMicros since = hook_ && hook_->evidence.state == state ? hook_->since : at;
  restored_ = false;
  hook_ = View{.evidence = {Source::hook, state, std::move(what), at},
               .tool = std::move(tool),
               .reason = std::move(reason),
               .since = since};
}

void AgentStateMachine::work_on(std::string what, WallMicros at) {
  if (pending_.empty()) {
    return set_hook(AgentState::working, std::move(what), at, running_.empty() ? std::string() : running_.back().tool);
  }
  const std::string& tool = pending_.back().tool;
  set_hook(tool == kQuestionTool ? AgentState::waiting_answer : AgentState::waiting_permission, std::move(what), at,
           tool);
}

bool AgentStateMachine::forget_request(std::string_view tool, std::string_view input) {
  const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& request) {
    // A question's input comes back with the answers in it.
    return request.tool == tool && (tool == kQuestionTool || request.input_hash == hash_of(input));
  });
  if (found == pending_.end()) return false;
  pending_.erase(found);
  return true;
}

void AgentStateMachine::end_turn() {
  pending_.clear();
  running_.clear();
}

void AgentStateMachine::restore(const AgentStatus& known) {
  if (is_end(known.state)) return;                  // the process itself says so
  if (known.state == AgentState::starting) return;  // by now it has started, and who did not hear of it asks the title
  constexpr std::string_view kNote = ", before the dashboard was restarted";
  View view{.evidence = {Source::hook, known.state, known.evidence.what, known.evidence.at},
            .tool = known.tool,
            .reason = known.reason,
            .since = known.since};
  if (!view.evidence.what.ends_with(kNote)) view.evidence.what += kNote;
  if (known.state == AgentState::limited) limit_text_ = known.reason, limit_at_ = known.evidence.at;
  hook_ = std::move(view);
  restored_ = true;
}

void AgentStateMachine::on_hook(const HookEvent& event, WallMicros at) {
  if (hook_ && at < hook_->evidence.at) return;
  conversation_ = event.session_id;
  std::string what(to_string(event.kind));
  switch (event.kind) {
    case HookKind::session_start:
      if (event.reason == "compact") return;  // goes on as before
      end_turn();
      background_ = 0;
      return set_hook(AgentState::idle, what + " " + event.reason, at);
    case HookKind::session_end: {
      end_turn();
      const bool goes_on = event.reason == "clear" || event.reason == "resume";
      return set_hook(goes_on ? AgentState::starting : AgentState::exited, what, at, {}, event.reason);
    }
    case HookKind::prompt: end_turn(); return work_on(std::move(what), at);
    case HookKind::pre_tool:
    case HookKind::post_tool:
    case HookKind::tool_failure:
    case HookKind::permission_denied: return on_tool(event, at);
    case HookKind::permission_request: return on_request(event, at);
    case HookKind::stop:
    case HookKind::stop_failure: return on_stop(event, at);
    case HookKind::notification: return on_notification(event, at);
    case HookKind::pre_compact: return set_hook(AgentState::working, what, at, "compaction");
    case HookKind::post_compact:
      return set_hook(event.reason == "manual" ? AgentState::idle : AgentState::working, what, at);
    case HookKind::elicitation: return set_hook(AgentState::waiting_answer, what, at, event.reason);
    case HookKind::elicitation_result: return work_on(std::move(what), at);
    case HookKind::subagent_start:
    case HookKind::subagent_stop:
    case HookKind::task_created:
    case HookKind::task_completed:
    case HookKind::cwd_changed: return;  // says nothing about the conversation itself
  }
}

void AgentStateMachine::on_tool(const HookEvent& event, WallMicros at) {
  const std::string what = std::string(to_string(event.kind)) + " " + event.tool;
  if (event.kind == HookKind::pre_tool) {
    if (running_.size() == kMaxRunning) running_.erase(running_.begin());
    running_.push_back({event.tool_use_id, event.tool});
  } else {
    std::erase_if(running_, [&](const Running& tool) { return tool.id == event.tool_use_id; });
    forget_request(event.tool, event.input);
  }
  // A subagent that works in the background does not make the conversation work again.
  if (!event.agent_id.empty() && hook_ && !is_waiting(hook_->evidence.state) &&
      hook_->evidence.state != AgentState::working)
    return;
  work_on(what, at);
}

void AgentStateMachine::on_request(const HookEvent& event, WallMicros at) {
  if (pending_.size() == kMaxPending) pending_.erase(pending_.begin());
  pending_.push_back({event.tool, hash_of(event.input)});
  work_on(std::string(to_string(event.kind)) + " " + event.tool, at);
}

void AgentStateMachine::on_stop(const HookEvent& event, WallMicros at) {
  end_turn();
  const std::string what(to_string(event.kind));
  if (event.kind == HookKind::stop) {
    background_ = event.background.size();
    const auto waker = std::find_if(event.background.begin(), event.background.end(), wakes_the_agent);
    if (waker == event.background.end()) return set_hook(AgentState::idle, what, at);
    return set_hook(AgentState::working, what + ", goes on in the background", at,
                    waker->type + ": " + waker->description);
  }
  const bool limit = event.reason == "rate_limit";
  if (limit) limit_text_ = event.text, limit_at_ = at;
  set_hook(limit ? AgentState::limited : AgentState::failed, what + " " + event.reason, at, {},
           limit ? event.text : event.reason);
}

void AgentStateMachine::on_notification(const HookEvent& event, WallMicros at) {
  const std::string what = "Notification " + event.reason;
  const AgentState now = hook_ ? hook_->evidence.state : AgentState::starting;
  if (event.reason == "idle_prompt") {
    // It also comes a minute after a turn that failed: that stays what it was.
    if (now == AgentState::limited || now == AgentState::failed) return;
    end_turn();
    return set_hook(AgentState::idle, what, at);
  }
  if (is_waiting(now)) return;  // the request itself has said it, with more
  if (event.reason == "permission_prompt" && at < answered_at_ + micros(kStaleNotice)) return;
  if (event.reason == "permission_prompt") return set_hook(AgentState::waiting_permission, what, at);
  if (event.reason == "agent_needs_input") return set_hook(AgentState::waiting_answer, what, at);
}

void AgentStateMachine::on_answered(std::string_view tool, std::string_view input, WallMicros at) {
  if (!forget_request(tool, input)) return;
  answered_at_ = at;
  work_on("answered on the page", at);
}

void AgentStateMachine::on_hung_up(std::string_view tool, std::string_view input, WallMicros at) {
  if (!forget_request(tool, input)) return;
  if (!pending_.empty()) return work_on("denied in the terminal", at);
  end_turn();
  set_hook(AgentState::idle, "denied in the terminal", at);
  hook_->by_person = true;
}

void AgentStateMachine::on_transcript(const Standing& standing) {
  if (!standing.at || (transcript_ && *standing.at < transcript_->evidence.at)) return;
  View view;
  view.evidence = {Source::transcript, AgentState::working, std::string(to_string(standing.last)), *standing.at};
  AgentState& state = view.evidence.state;
  if (!standing.open_tools.empty()) {
    view.tool = standing.open_tools.back().name;
    view.evidence.what += " calls " + view.tool;
    if (view.tool == kQuestionTool) state = AgentState::waiting_answer;
  }
  switch (standing.last) {
    case EntryKind::failure:
      state = standing.failure == "rate_limit" ? AgentState::limited : AgentState::failed;
      view.reason = state == AgentState::limited ? standing.failure_text : standing.failure;
      if (state == AgentState::limited) limit_text_ = standing.failure_text, limit_at_ = *standing.at;
      break;
    case EntryKind::interruption: state = AgentState::idle, view.by_person = true; break;
    case EntryKind::reply:
      if (standing.open_tools.empty() && !standing.stop_reason.empty() && standing.stop_reason != "tool_use")
        state = AgentState::idle;
      break;
    case EntryKind::prompt:
    case EntryKind::result: break;
    default: return;  // nothing was said yet
  }
  const bool same = transcript_ && transcript_->evidence.state == state;
  view.since = same ? transcript_->since : *standing.at;
  transcript_ = std::move(view);
}

void AgentStateMachine::on_title(std::string_view title, WallMicros at) {
  const TitleMark mark = title_mark(title);
  if (mark == TitleMark::none) return;  // at its start the client's title is none of its own
  const AgentState state = mark == TitleMark::working ? AgentState::working : AgentState::idle;
  const WallMicros since = title_ && title_->evidence.state == state ? title_->since : at;
  title_seen_ = at;
  title_ = View{.evidence = {Source::title, state,
                             mark == TitleMark::working ? "the title moves" : "the title stands still", since},
                .since = since};
}

void AgentStateMachine::on_process(ProcessState state, std::string how, WallMicros at) {
  if (state == ProcessState::running) return;
  const AgentState end = state == ProcessState::exited ? AgentState::exited : AgentState::lost;
  process_ = {.evidence = {Source::process, end,
                           state == ProcessState::exited ? "the process has ended" : "its tmux server is gone", at},
              .reason = std::move(how),
              .since = at};
}

// What the title alone can tell, where hooks and transcript are blind.
std::optional<AgentStateMachine::View> AgentStateMachine::from_title(const View& best) const {
  if (!title_) return std::nullopt;
  const bool moves = title_->evidence.state == AgentState::working;
  View view = *title_;
  // Allowed in the terminal: no hook comes before the tool's end, but the title moves again. A dialog's stands still, so one that
  // is seen to move well after the request says the same, whether or not anybody saw it stand.
  const bool moves_again =
      moves && (title_->since > best.evidence.at || title_seen_ >= best.evidence.at + micros(kSettle));
  if (best.evidence.source == Source::hook && is_waiting(best.evidence.state) && moves_again) {
    view.tool = best.tool;
    view.evidence.what = "the title moves again since the request";
    return view;
  }
  // A request that nobody heard of (the dashboard was away): a tool was called, and nothing moves. What was stored as working is no more
  // than that: it may have asked since.
  const bool stored =
      restored_ && transcript_ && best.evidence.source == Source::hook && best.evidence.state == AgentState::working;
  const View& call = stored ? *transcript_ : best;
  const bool called =
      call.evidence.source == Source::transcript && call.evidence.state == AgentState::working && !call.tool.empty();
  if (called && !moves && title_->since > call.evidence.at) {
    view.evidence.state = AgentState::waiting_permission;
    view.tool = call.tool;
    view.evidence.what = call.evidence.what + ", and the title stands still";
    return view;
  }
  return std::nullopt;
}

bool AgentStateMachine::transcript_overrules(WallMicros now) const {
  if (!hook_ || !transcript_ || fits(Source::transcript, transcript_->evidence.state, hook_->evidence.state))
    return false;
  if (transcript_->evidence.at <= hook_->evidence.at) return false;
  // No hook tells that somebody stopped the turn; and what was stored is no hook that was heard.
  if (transcript_->by_person || restored_) return true;
  return transcript_->evidence.at > hook_->evidence.at + micros(kOverrule) ||
         now >= transcript_->evidence.at + micros(kOverrule);
}

const AgentStateMachine::View& AgentStateMachine::decide(WallMicros now, View& inferred) const {
  if (is_end(process_.evidence.state)) return process_;
  const View* best = hook_ ? &*hook_ : transcript_ ? &*transcript_ : title_ ? &*title_ : &process_;
  if (transcript_overrules(now)) best = &*transcript_;
  if (auto view = from_title(*best); view && now >= view->since + micros(kSettle)) {
    inferred = std::move(*view);
    return inferred;
  }
  return *best;
}

void AgentStateMachine::add_disagreement(const View& view, const View& decided, WallMicros now,
                                         AgentStatus& status) const {
  const Evidence& said = view.evidence;
  if (said.source == decided.evidence.source || fits(said.source, said.state, decided.evidence.state)) return;
  // A title is true at every moment; a hook and a transcript only when they came.
  const bool counts = said.source == Source::title
                          ? now > decided.evidence.at + micros(kSettle) && now > said.at + micros(kSettle)
                          : said.at > decided.evidence.at || decided.evidence.source != Source::hook;
  if (counts) status.disagreeing.push_back(said);
}

AgentStatus AgentStateMachine::status(WallMicros now) const {
  View inferred;
  const View& decided = decide(now, inferred);
  AgentStatus status{.state = decided.evidence.state,
                     .since = decided.since,
                     .evidence = decided.evidence,
                     .tool = decided.tool,
                     .reason = decided.reason,
                     .stopped_by_person = decided.by_person};
  if (is_end(status.state)) return status;  // nothing that was said before contradicts an end
  status.background = background_;
  if (status.state == AgentState::limited) {
    status.limited_until = limit_reset(limit_text_, limit_at_, utc_offset_);
    // The limit is over: it waits for a prompt.
    if (status.limited_until && now >= *status.limited_until) {
      status.state = AgentState::idle;
      status.since = *status.limited_until;
    }
  }
  for (const auto* view : {&hook_, &transcript_, &title_}) {
    if (*view) add_disagreement(**view, decided, now, status);
  }
  return status;
}

}  // namespace ccd::claude
