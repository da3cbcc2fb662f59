// Agents: who there is, what each does now, and what others are told of it.
#include "agents/agents.hpp"

#include <algorithm>
#include <ctime>

#include "agents/agent.hpp"
#include "agents/launch.hpp"
#include "agents/open_item.hpp"
#include "agents/recorder.hpp"
#include "agents/store.hpp"
#include "base/log.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;
using claude::AgentState;

// Some states come by time alone: a limit ends, a title has stood still for long enough. Costs microseconds for each agent.
constexpr auto kTick = 500ms;
constexpr auto kStopLimit = 3s;

// Of this machine now, for limits that name a time of day.
std::chrono::seconds utc_offset() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return std::chrono::seconds(local.tm_gmtoff);
}

bool is_waiting(AgentState state) {
  return state == AgentState::waiting_permission || state == AgentState::waiting_answer;
}
bool is_end(AgentState state) { return state == AgentState::exited || state == AgentState::lost; }

// Whether a Claude Code that somebody started by hand is in front.
bool recognised(const sessions::Session& session) {
  if (session.foreground == "claude") return true;
  const bool shell = sessions::kind_of({session.foreground}) == sessions::Kind::shell;
  return !shell && claude::title_mark(session.title) != claude::TitleMark::none;
}

// As it was when it was stored.
claude::AgentStatus status_of(const AgentRow& row) {
  claude::AgentStatus status;
  status.state = claude::agent_state_from(row.state).value_or(AgentState::starting);
  status.since = row.state_since;
  status.evidence = {.state = status.state, .what = row.state_what, .at = row.state_at};
  status.tool = row.tool;
  status.reason = row.reason;
  return status;
}

bool same_for_pages(const AgentView& a, const AgentView& b) {
  const auto key = [](const AgentView& v) {
    return std::tie(v.status.state, v.status.since, v.status.tool, v.status.reason, v.status.limited_until,
                    v.status.background, v.unread, v.waiting, v.hooks, v.conversation, v.model, v.permission_mode,
                    v.cost_usd, v.context_percent, v.context_tokens, v.context_size, v.lines_added, v.lines_removed,
                    v.last_message);
  };
  const auto told = [](const claude::Evidence& e) { return std::tie(e.source, e.state, e.what); };
  return key(a) == key(b) && told(a.status.evidence) == told(b.status.evidence) &&
         std::ranges::equal(a.status.disagreeing, b.status.disagreeing, {}, told, told);
}

}  // namespace

Agents::Agents(asio::any_io_executor executor, Options options, Parts parts)
    : executor_(executor),
      options_(std::move(options)),
      parts_(parts),
      recorder_(std::make_unique<Recorder>(executor, parts.database)),
      tasks_(executor) {}

Agents::~Agents() = default;

std::string Agents::folder_of(const std::string& session) const { return options_.data_dir + "/sessions/" + session; }

Agents::AgentPtr Agents::find(const std::string& session) const {
  const auto found = agents_.find(session);
  return found == agents_.end() ? nullptr : found->second;
}

Task<Result<>> Agents::start() {
  auto load = [](storage::Connection& db) { return load_agents(db); };
  auto rows = co_await parts_.database->run(load);
  if (!rows) co_return tl::unexpected(std::move(rows).error().in("load agents"));
  auto load_items = [](storage::Connection& db) { return load_open_items(db); };
  auto open = co_await parts_.database->run(load_items);
  if (!open) co_return tl::unexpected(std::move(open).error().in("load what waits"));
  std::map<std::string, AgentRow> by_session;
  for (AgentRow& row : *rows) by_session[row.session] = row;
  for (const sessions::Session& session : parts_.hub->list()) {
    const auto row = by_session.find(session.id);
    if (row == by_session.end()) continue;
    const AgentPtr agent = add(session);
    agent->row = agent->stored = row->second;
    agent->machine.restore(status_of(row->second));
  }
  for (AttentionItem& item : *open) {
    if (!find(item.session)) continue;
    auto kept = std::make_unique<OpenItem>(OpenItem{.item = std::move(item)});
    if (is_request(kept->item.kind)) {
      kept->item.answerable = Answerable::terminal;
      kept->item.why_terminal = "The dashboard was restarted while it waited.";
      kept->item.expires_at.reset();
    }
    if (kept->item.input) input_bytes_ += kept->item.input->size();
    const std::string id = kept->item.id;
    items_[id] = std::move(kept);
  }
  sessions::Hub::Listener listener;
  listener.changed = [this](const sessions::Session& session) { on_session(session); };
  listener.removed = [this](const std::string& id) { on_removed(id); };
  hub_subscription_ = parts_.hub->subscribe(std::move(listener));
  for (const sessions::Session& session : parts_.hub->list()) on_session(session);
  for (const auto& [session, agent] : agents_) {
    if (!agent->row.token_hash.empty() && !is_end(agent->status.state))
      tasks_.spawn("agents.files", refresh_files(session));
  }
  tasks_.spawn("agents.tick", tick_loop());
  tasks_.spawn("agents.recorder", recorder_->run());
  co_return Result<>{};
}

Task<void> Agents::stop() {
  release_held();
  hub_subscription_.reset();
  co_await recorder_->flush();
  tasks_.cancel();
  co_await tasks_.join(kStopLimit);
}

Task<void> Agents::tick_loop() {
  for (;;) {
    co_await sleep_for(kTick);
    const std::map<std::string, AgentPtr> all = agents_;
    const WallMicros now = parts_.clock->wall();
    for (const auto& [session, agent] : all) {
      if (is_end(agent->status.state)) continue;
      // Also when it is the same as before: a title that still moves is evidence.
      agent->machine.on_title(parts_.hub->title(session), now);
      look(agent);
    }
  }
}

// --- who there is -----------------------------------------------------------------------------------------------------------

Agents::AgentPtr Agents::add(const sessions::Session& session) {
  const WallMicros began = prepared_.contains(session.id) ? parts_.clock->wall() : session.created_at;
  const auto agent = std::make_shared<Agent>(began, utc_offset());
  agent->session = agent->row.session = session.id;
  agent->name = session.name;
  agent->project = session.project;
  agents_[session.id] = agent;
  return agent;
}

void Agents::on_session(const sessions::Session& session) {
  AgentPtr agent = find(session.id);
  const auto prepared = prepared_.find(session.id);
  if (agent && prepared != prepared_.end() && session.status == sessions::Status::active) {
    // Started again: what its last life waited for is over, and what it told is old.
    prepared->second->working_micros = agent->row.working_micros;
    prepared->second->waiting_micros = agent->row.waiting_micros;
    close_all(session.id, Closed::ended);
    agents_.erase(session.id);
    agent.reset();
  }
  const bool ours = session.kind == sessions::Kind::claude || (agent && !agent->row.token_hash.empty());
  if (!agent && (ours || (session.status == sessions::Status::active && recognised(session)))) {
    agent = add(session);
    if (prepared != prepared_.end()) {
      agent->row = agent->stored = *prepared->second;
      prepared_.erase(prepared);
    } else {
      agent->row.conversation = session.claude_session_id;
      agent->row.config_dir = config_dir_of({});
      agent->row.hooks_reason = "It was started by hand, so it reports nothing by itself.";
    }
  }
  if (!agent) return;
  agent->name = session.name;
  agent->project = session.project;
  const WallMicros now = parts_.clock->wall();
  if (session.status == sessions::Status::active) {
    if (!ours && !recognised(session)) return on_removed(session.id);
    agent->machine.on_title(session.title, now);
  } else {
    const bool lost = session.status == sessions::Status::lost;
    const std::string how = session.exit_status ? "exit status " + std::to_string(*session.exit_status) : "";
    agent->machine.on_process(lost ? claude::ProcessState::lost : claude::ProcessState::exited, how,
                              session.ended_at.value_or(now));
  }
  look(agent);
}

// It left the list, or what ran in a shell's session has ended.
void Agents::on_removed(const std::string& id) {
  const AgentPtr agent = find(id);
  if (!agent) return;
  close_all(id, Closed::ended);
  agents_.erase(id);
  tell([&](Listener& listener) {
    if (listener.changed) listener.changed(id);
  });
}

void Agents::note_standing(const std::string& session, const claude::Standing& standing) {
  const AgentPtr agent = find(session);
  if (!agent) return;
  agent->machine.on_transcript(standing);
  look(agent);
}

// --- what each does ---------------------------------------------------------------------------------------------------------

void Agents::look(const AgentPtr& agent) {
  const claude::AgentStatus before = std::move(agent->status);
  agent->status = agent->machine.status(parts_.clock->wall());
  if (before.state != agent->status.state) on_state_change(agent, before, agent->status);
  const bool asked = open_requests(agent->session) > 0;
  if (is_waiting(agent->status.state) && !asked) open_terminal_request(agent, agent->status);
  tell_changed(agent);
}

void Agents::on_state_change(const AgentPtr& agent, const claude::AgentStatus& before, const claude::AgentStatus& now) {
  AgentRow& row = agent->row;
  const std::int64_t spent = std::max<std::int64_t>(0, now.since - before.since);
  if (before.since > 0 && before.state == AgentState::working) row.working_micros += spent;
  if (before.since > 0 && is_waiting(before.state)) row.waiting_micros += spent;
  recorder_->event({.session = agent->session,
                    .row = {.at = now.since,
                            .kind = "state",
                            .state = std::string(to_string(now.state)),
                            .source = std::string(to_string(now.evidence.source)),
                            .what = now.evidence.what}});
  const std::string& session = agent->session;
  // Nothing waits any more where the terminal shows no dialog.
  if (!is_waiting(now.state)) close_requests(session, is_end(now.state) ? Closed::ended : Closed::terminal);
  if (is_end(now.state)) return close_notices(session, Closed::ended);
  if (now.state == AgentState::working || is_waiting(now.state)) return close_notices(session, Closed::withdrawn);
  if (now.state == AgentState::failed) return open_notice(agent, AttentionKind::failure, now.reason, std::nullopt);
  if (now.state == AgentState::limited) return open_notice(agent, AttentionKind::limit, now.reason, now.limited_until);
  if (now.state != AgentState::idle) return;
  // The limit is over.
  if (before.state == AgentState::limited) return close_notices(session, Closed::withdrawn);
  // Whoever stopped it was there. And what was idle when the dashboard came is no news.
  const bool worked = before.since > 0 && (before.state == AgentState::working || is_waiting(before.state));
  if (worked && !now.stopped_by_person) open_notice(agent, AttentionKind::done, row.last_message, std::nullopt);
}

std::optional<AgentView> Agents::view(const std::string& session) const {
  const AgentPtr agent = find(session);
  if (!agent) return std::nullopt;
  const AgentRow& row = agent->row;
  AgentView view;
  view.status = agent->status;
  view.waiting = open_requests(session);
  view.unread = std::ranges::any_of(items_, [&](const auto& entry) {
    return entry.second->item.session == session && entry.second->item.kind == AttentionKind::done;
  });
  view.hooks = row.token_hash.empty() ? Hooks::none : Hooks::live;
  view.hooks_reason = row.token_hash.empty() ? row.hooks_reason : "";
  view.conversation = row.conversation;
  view.transcript = row.transcript;
  view.config_dir = row.config_dir;
  view.model = row.model;
  view.permission_mode = row.permission_mode;
  view.cost_usd = row.cost_usd;
  view.context_percent = row.context_percent;
  view.context_tokens = row.context_tokens;
  view.context_size = row.context_size;
  view.lines_added = row.lines_added;
  view.lines_removed = row.lines_removed;
  view.last_message = row.last_message;
  view.working_micros = row.working_micros;
  view.waiting_micros = row.waiting_micros;
  return view;
}

void Agents::tell_changed(const AgentPtr& agent) {
  AgentRow& row = agent->row;
  const claude::AgentStatus& status = agent->status;
  row.state = to_string(status.state);
  row.state_since = status.since;
  row.state_what = status.evidence.what;
  row.state_at = status.evidence.at;
  row.tool = status.tool;
  row.reason = status.reason;
  if (row != agent->stored) {
    agent->stored = row;
    recorder_->agent(row);
  }
  const auto now = view(agent->session);
  if (!now || (agent->told_once && same_for_pages(agent->told, *now))) return;
  agent->told = *now;
  agent->told_once = true;
  tell([&](Listener& listener) {
    if (listener.changed) listener.changed(agent->session);
  });
}

Task<Result<std::vector<EventRow>>> Agents::events(std::string session, std::int64_t before, int limit) {
  auto load = [session = std::move(session), before, limit](storage::Connection& db) {
    return load_events(db, session, before, limit);
  };
  co_await recorder_->flush();
  co_return co_await parts_.database->run(std::move(load));
}

std::unique_ptr<Agents::Subscription> Agents::subscribe(Listener listener) {
  listeners_.push_back(std::move(listener));
  return std::make_unique<Subscription>(this, std::prev(listeners_.end()));
}

void Agents::tell(const std::function<void(Listener&)>& call) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const auto here = it++;  // a listener may leave while it is told
    call(*here);
  }
}

}  // namespace ccd::agents
