// Agents: the inbox. What opens an item, what closes it, and the answers of people.
#include <algorithm>
#include <boost/json.hpp>

#include "agents/agent.hpp"
#include "agents/agents.hpp"
#include "agents/open_item.hpp"
#include "agents/recorder.hpp"
#include "agents/store.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::agents {

namespace {

using claude::HookKind;

constexpr std::size_t kIdBytes = 10;
// Open at once, over all sessions: each held one is a connection. More wait in their terminals alone.
constexpr std::size_t kMaxHeld = 1024;
constexpr std::size_t kMaxOpen = 4096;
// Of one session: as many as its state machine tells apart.
constexpr std::size_t kMaxOpenOfSession = claude::kMaxPending;
// How many closed ones are remembered without asking the disk.
constexpr std::size_t kMaxRecentlyClosed = 1024;

std::string words_for(Closed how, const std::string& by) {
  const std::string who = by.empty() ? "" : " by " + by;
  switch (how) {
    case Closed::allowed: return "It was already allowed on the page" + who + ".";
    case Closed::allowed_always: return "It was already allowed for good on the page" + who + ".";
    case Closed::denied: return "It was already denied on the page" + who + ".";
    case Closed::answered: return "It was already answered on the page" + who + ".";
    case Closed::seen: return "It was already marked as seen" + who + ".";
    case Closed::terminal: return "It was already answered in the terminal" + who + ".";
    case Closed::withdrawn: return "The agent has gone on: it waits no more.";
    case Closed::ended: return "The agent has ended.";
  }
  return "It is no longer open.";
}

std::string audit_detail(const AttentionItem& item, const Decision& decision) {
  boost::json::object detail{
      {"item", item.id}, {"kind", to_string(item.kind)}, {"tool", item.tool}, {"decision", to_string(decision.kind)}};
  // What was allowed is the point of the row; what people write to the agent is theirs.
  if (!item.summary.empty()) detail["summary"] = item.summary;
  return boost::json::serialize(detail);
}

}  // namespace

// --- opening ----------------------------------------------------------------------------------------------------------------

OpenItem* Agents::open_request(const AgentPtr& agent, const claude::HookEvent& event) {
  if (open_requests(agent->session) >= kMaxOpenOfSession) return nullptr;
  // What the title or an earlier start only suspected is now known.
  close_guesses(agent->session);
  OpenItem open;
  AttentionItem& item = open.item;
  item.kind = kind_of_request(event.tool);
  item.tool = event.tool;
  item.input_bytes = event.input_bytes;
  if (!event.input.empty() && input_bytes_ + event.input.size() <= kMaxOpenInputs)
    item.input = std::make_shared<const std::string>(event.input);
  item.summary = summary_of(event.tool, event.input);
  item.suggestions = event.suggestions == "[]" ? "" : event.suggestions;
  // Those of an input that is too large to be kept cannot be answered here either.
  if (item.input) item.questions = event.questions;
  item.agent_id = event.agent_id;
  const auto held = std::ranges::count_if(items_, [](const auto& entry) { return entry.second->hold != nullptr; });
  if (static_cast<std::size_t>(held) < kMaxHeld) {
    item.answerable = Answerable::page;
    item.expires_at =
        parts_.clock->wall() + std::chrono::duration_cast<std::chrono::microseconds>(claude::kPermissionWait).count();
    open.hold = std::make_shared<Hold>(executor_);
  } else {
    item.why_terminal = "Too many requests are held already.";
  }
  return show(agent, std::move(open));
}

void Agents::open_notice(const AgentPtr& agent, AttentionKind kind, std::string text,
                         std::optional<WallMicros> expires_at) {
  close_notices(agent->session, Closed::withdrawn);
  OpenItem open;
  open.item.kind = kind;
  open.item.text = claude::clipped(text, kMaxItemText);
  open.item.summary = one_line(text);
  open.item.expires_at = expires_at;
  open.item.answerable = Answerable::page;
  show(agent, std::move(open));
}

// It waits, and no hook of it is held: the dashboard was away, or there are no hooks.
void Agents::open_terminal_request(const AgentPtr& agent, const claude::AgentStatus& status) {
  OpenItem open;
  open.item.kind =
      status.state == claude::AgentState::waiting_answer ? AttentionKind::question : kind_of_request(status.tool);
  open.item.tool = status.tool;
  open.item.guessed = true;
  open.item.why_terminal = agent->row.token_hash.empty() ? "This agent has no hooks of the dashboard."
                                                         : "The dashboard was not there when it was asked.";
  show(agent, std::move(open));
}

OpenItem* Agents::show(const AgentPtr& agent, OpenItem open) {
  if (items_.size() >= kMaxOpen) {
    log_error("agents", "too much waits: an item is not shown", {{"session", agent->session}});
    return nullptr;
  }
  AttentionItem& item = open.item;
  item.id = parts_.random->hex(kIdBytes);
  item.session = agent->session;
  item.session_name = agent->name;
  item.project = agent->project;
  item.since = parts_.clock->wall();
  if (item.input) input_bytes_ += item.input->size();
  auto kept = std::make_unique<OpenItem>(std::move(open));
  OpenItem* const shown = kept.get();
  items_[shown->item.id] = std::move(kept);
  recorder_->item({.item = shown->item});
  recorder_->event(
      {.session = agent->session,
       .row = {.at = shown->item.since,
               .kind = "attention",
               .state = std::string(to_string(shown->item.kind)),
               .what = shown->item.tool.empty() ? shown->item.summary : shown->item.tool + " " + shown->item.summary}});
  const AttentionItem told = shown->item;
  tell([&](Listener& listener) {
    if (listener.attention_opened) listener.attention_opened(told);
  });
  return shown;
}

// --- closing ----------------------------------------------------------------------------------------------------------------

void Agents::close(const std::string& id, Closed how, const std::string& by, Recorded recorded) {
  const auto found = items_.find(id);
  if (found == items_.end()) return;
  const std::unique_ptr<OpenItem> open = std::move(found->second);
  items_.erase(found);
  if (open->item.input) input_bytes_ -= open->item.input->size();
  closed_.push_back({.id = id, .how = how, .by = by});
  if (closed_.size() > kMaxRecentlyClosed) closed_.pop_front();
  if (recorded == Recorded::no) {
    recorder_->item({.item = open->item, .closed_at = parts_.clock->wall(), .how = how, .by = by});
    recorder_->event({.session = open->item.session,
                      .row = {.at = parts_.clock->wall(),
                              .kind = "closed",
                              .state = std::string(to_string(how)),
                              .what = open->item.tool,
                              .actor = by}});
  }
  // Whoever waits in a hook goes back to the terminal with nothing, unless he has got his answer.
  if (open->hold && !open->hold->answer) {
    open->hold->answer = std::string();
    open->hold->wake.notify();
  }
  tell([&](Listener& listener) {
    if (listener.attention_closed) listener.attention_closed(open->item, how, by);
  });
}

void Agents::close_where(const std::function<bool(const AttentionItem&)>& which, Closed how) {
  std::vector<std::string> ids;
  for (const auto& [id, open] : items_)
    if (which(open->item)) ids.push_back(id);
  for (const std::string& id : ids) close(id, how, "");
}

void Agents::close_all(const std::string& session, Closed how) {
  close_where([&](const AttentionItem& item) { return item.session == session; }, how);
}

void Agents::close_requests(const std::string& session, Closed how) {
  close_where([&](const AttentionItem& item) { return item.session == session && is_request(item.kind); }, how);
}

void Agents::close_notices(const std::string& session, Closed how) {
  close_where([&](const AttentionItem& item) { return item.session == session && !is_request(item.kind); }, how);
}

void Agents::close_guesses(const std::string& session) {
  close_where([&](const AttentionItem& item) { return item.session == session && item.guessed; }, Closed::withdrawn);
}

// What an event says about requests that are open: a tool that has run was allowed, in the terminal if not here.
void Agents::settle_requests(const AgentPtr& agent, const claude::HookEvent& event) {
  const bool ran = event.kind == HookKind::post_tool || event.kind == HookKind::tool_failure ||
                   event.kind == HookKind::permission_denied;
  if (!ran) return;
  for (const auto& [id, open] : items_) {
    const AttentionItem& item = open->item;
    if (item.session != agent->session || !is_request(item.kind) || item.tool != event.tool) continue;
    // A question's input comes back with the answers in it, and of a guess no input is known.
    const bool same = item.kind == AttentionKind::question || item.guessed ||
                      (item.input && *item.input == event.input) ||
                      (!item.input && item.input_bytes == event.input_bytes);
    if (same) return close(std::string(id), Closed::terminal, "");
  }
}

// --- people -----------------------------------------------------------------------------------------------------------------

std::size_t Agents::open_requests(const std::string& session) const {
  return static_cast<std::size_t>(std::ranges::count_if(items_, [&](const auto& entry) {
    return entry.second->item.session == session && is_request(entry.second->item.kind);
  }));
}

std::vector<AttentionItem> Agents::open_items() const {
  std::vector<AttentionItem> out;
  for (const auto& [id, open] : items_) out.push_back(open->item);
  std::ranges::sort(out, [](const AttentionItem& a, const AttentionItem& b) {
    return std::tie(a.since, a.id) < std::tie(b.since, b.id);
  });
  return out;
}

std::optional<AttentionItem> Agents::open_item(const std::string& id) const {
  const auto found = items_.find(id);
  if (found == items_.end()) return std::nullopt;
  return found->second->item;
}

// Why an item that is not open cannot be answered.
Task<Error> Agents::why_not_open(std::string id) {
  const auto recent = std::ranges::find(closed_, id, &ClosedItem::id);
  if (recent != closed_.end())
    co_return Error{.kind = ErrorKind::conflict, .message = words_for(recent->how, recent->by)};
  auto load = [id](storage::Connection& db) { return load_closed_item(db, id); };
  const auto stored = co_await parts_.database->run(std::move(load));
  if (!stored) co_return stored.error();
  if (!*stored) co_return Error{.kind = ErrorKind::not_found, .message = "there is no such item"};
  co_return Error{.kind = ErrorKind::conflict,
                  .message = words_for((*stored)->how.value_or(Closed::withdrawn), (*stored)->by)};
}

Task<void> Agents::audit_refusal(std::string id, std::string session, Decision::Kind kind, sessions::Actor actor,
                                 Error error) {
  const boost::json::object detail{{"item", id}, {"decision", to_string(kind)}, {"error", error.message}};
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = "attention.answer",
                       .target = session,
                       .outcome = audit::Outcome::error,
                       .detail = boost::json::serialize(detail)};
  const auto written = co_await parts_.trail->append_now(*parts_.database, std::move(record));
  if (!written) log_error("agents", "an audit row could not be written", {{"error", written.error().message}});
}

Task<Result<Closed>> Agents::answer(std::string id, Decision decision, sessions::Actor actor) {
  auto done = co_await try_answer(id, decision, actor);
  if (!done && done.error().kind != ErrorKind::not_found) {
    const auto open = open_item(id);
    co_await audit_refusal(id, open ? open->session : id, decision.kind, actor, done.error());
  }
  co_return done;
}

Task<Result<Closed>> Agents::try_answer(std::string id, Decision decision, sessions::Actor actor) {
  auto found = items_.find(id);
  if (found == items_.end()) {
    Error why = co_await why_not_open(id);
    co_return tl::unexpected(std::move(why));
  }
  OpenItem& open = *found->second;
  if (!open.answering.empty())
    co_return fail(ErrorKind::conflict, "It is just being answered by " + open.answering + ".");
  std::string body;
  if (decision.kind == Decision::Kind::seen && !is_request(open.item.kind)) {
    // Nothing to tell the client.
  } else {
    if (!open.hold)
      co_return fail(ErrorKind::conflict, "It can only be answered in the terminal. " + open.item.why_terminal);
    body = CO_TRY(hook_answer(open.item, decision));
  }
  const Closed how = closed_by(decision.kind);
  open.answering = actor.name;
  const bool stored = co_await store_answer(open.item, decision, how, actor);
  found = items_.find(id);
  if (!stored) {
    if (found != items_.end()) found->second->answering.clear();
    co_return fail(ErrorKind::unavailable,
                   "the answer could not be recorded, so it was not given: try again, or answer in the terminal");
  }
  if (found == items_.end()) {
    // Somebody was quicker in the terminal while this was written.
    Error why = co_await why_not_open(id);
    co_return tl::unexpected(std::move(why));
  }
  deliver(*found->second, std::move(body));
  const AttentionItem item = found->second->item;
  close(id, how, actor.name, Recorded::yes);
  if (const AgentPtr agent = find(item.session); agent && is_request(item.kind)) {
    agent->machine.on_answered(item.tool, item.input ? *item.input : "", parts_.clock->wall());
    look(agent);
  } else if (agent) {
    tell_changed(agent);
  }
  co_return how;
}

// The answer, its audit row and its event: together, or not at all.
Task<bool> Agents::store_answer(AttentionItem item, Decision decision, Closed how, sessions::Actor actor) {
  recorder_->forget_item(item.id);
  StoredItem stored{.item = item, .closed_at = parts_.clock->wall(), .how = how, .by = actor.name};
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = "attention.answer",
                       .target = item.session,
                       .outcome = audit::Outcome::ok,
                       .detail = audit_detail(item, decision)};
  StoredEvent event{.session = item.session,
                    .row = {.at = parts_.clock->wall(),
                            .kind = "answer",
                            .state = std::string(to_string(how)),
                            .what = item.tool.empty() ? item.summary : item.tool + " " + item.summary,
                            .actor = actor.name}};
  auto write = [stored = std::move(stored), record = std::move(record), event = std::move(event),
                trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(store_item(db, stored));
    TRY(store_event(db, event));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written)
    log_error("agents", "an answer could not be recorded", {{"item", item.id}, {"error", written.error().message}});
  co_return written.has_value();
}

void Agents::deliver(OpenItem& open, std::string body) {
  static auto& answers =
      metrics().counter("attention_answers_total", "Requests of agents that were answered on the page");
  if (!open.hold) return;
  answers.Increment();
  open.hold->answer = std::move(body);
  open.hold->wake.notify();
}

}  // namespace ccd::agents
