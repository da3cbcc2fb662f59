// Agents: what hooks and status lines tell, and the requests that wait in them.
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "agents/agent.hpp"
#include "agents/agents.hpp"
#include "agents/launch.hpp"
#include "agents/open_item.hpp"
#include "agents/recorder.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::agents {

namespace {

using claude::HookKind;

// Larger bodies (a whole file in a Write) are parsed beside the loop: 1 MB takes about a millisecond.
constexpr std::size_t kParseOnLoop = 256 * 1024;

struct Told {
  std::optional<claude::HookEvent> event;
  std::optional<claude::StatusLine> status_line;
};

Result<Told> read_body(const std::string& body) {
  Told told;
  if (claude::is_status_line(body)) told.status_line = TRY(claude::parse_status_line(body));
  else told.event = TRY(claude::parse_hook_event(body));
  return told;
}

// Whether a path has the form of this conversation's transcript, ".../projects/PROJECT/CONVERSATION.jsonl": hooks may name one, and
// nothing else on this machine.
bool is_transcript_of(std::string_view path, std::string_view conversation) {
  constexpr std::string_view kProjects = "/projects";
  const std::string after = "/" + std::string(conversation) + ".jsonl";
  if (!path.starts_with('/') || !path.ends_with(after)) return false;
  path.remove_suffix(after.size());
  const std::size_t slash = path.rfind('/');
  const std::string_view folder = path.substr(slash + 1);
  path = path.substr(0, slash);
  if (folder.empty() || folder == "." || folder == ".." || !path.ends_with(kProjects)) return false;
  return path.find("/..") == std::string_view::npos;
}

}  // namespace

bool Agents::token_valid(const std::string& session, std::string_view token) const {
  const AgentPtr agent = find(session);
  // Hashed in any case: the time tells nothing about which sessions there are.
  const std::string hash = token_hash(token);
  return agent && !agent->row.token_hash.empty() && equal_constant_time(hash, agent->row.token_hash);
}

Task<Result<std::string>> Agents::on_hook(std::string session, std::string token, std::string body,
                                          std::function<Task<void>()> gone) {
  static auto& taken = metrics().counter("agent_hooks_total", "Events and status lines of agents", {{"outcome", "ok"}});
  static auto& refused =
      metrics().counter("agent_hooks_total", "Events and status lines of agents", {{"outcome", "refused"}});
  if (!token_valid(session, token)) {
    refused.Increment();
    co_return fail(ErrorKind::unauthorized, "this is not the token of this session's hooks");
  }
  if (stopping_) co_return fail(ErrorKind::unavailable, "the dashboard is stopping");
  Result<Told> told = Told{};
  if (body.size() <= kParseOnLoop) {
    told = read_body(body);
  } else {
    auto parse = [body = std::move(body)] { return read_body(body); };
    told = co_await run_on(*parts_.pool, std::move(parse));
  }
  if (!told) {
    refused.Increment();
    co_return tl::unexpected(told.error());
  }
  const AgentPtr agent = find(session);
  if (!agent) co_return fail(ErrorKind::unauthorized, "the session has gone");
  taken.Increment();
  agent->hooks_heard = true;
  if (told->status_line) {
    take_status_line(agent, *told->status_line);
    co_return std::string();
  }
  co_return co_await take_event(agent, std::move(*told->event), std::move(gone));
}

void Agents::note_event(const AgentPtr& agent, const claude::HookEvent& event) {
  AgentRow& row = agent->row;
  if (row.conversation != event.session_id) {
    recorder_->event({.session = agent->session,
                      .row = {.at = parts_.clock->wall(), .kind = "conversation", .what = event.session_id}});
    row.conversation = event.session_id;
    row.transcript.clear();
    parts_.hub->note_conversation(agent->session, event.session_id);
  }
  // Where the client may keep transcripts is not for a hook to say: whoever reads one holds its place against row.config_dir.
  if (row.transcript != event.transcript_path && is_transcript_of(event.transcript_path, event.session_id))
    row.transcript = event.transcript_path;
  // A subagent's mode and words are its own.
  if (!event.agent_id.empty()) return;
  if (!event.permission_mode.empty()) row.permission_mode = event.permission_mode;
  if (event.kind == HookKind::session_start && !event.model.empty()) row.model = event.model;
  if (event.kind == HookKind::stop || event.kind == HookKind::stop_failure)
    row.last_message = claude::clipped(event.text, kMaxLastMessage);
}

Task<Result<std::string>> Agents::take_event(AgentPtr agent, claude::HookEvent event,
                                             std::function<Task<void>()> gone) {
  note_event(agent, event);
  agent->machine.on_hook(event, parts_.clock->wall());
  settle_requests(agent, event);
  std::string held;
  if (event.kind == HookKind::permission_request) {
    const OpenItem* item = open_request(agent, event);
    if (item != nullptr && item->hold) held = item->item.id;
  }
  look(agent);
  tell([&](Listener& listener) {
    if (listener.hook) listener.hook(agent->session, event);
  });
  if (held.empty()) co_return std::string();
  // The event is not needed while it waits, and may be large.
  event = {};
  co_return co_await hold(held, std::move(gone));
}

// Until somebody answers on the page, the client hangs up, or the request is left to its terminal.
Task<std::string> Agents::hold(std::string id, std::function<Task<void>()> gone) {
  using namespace asio::experimental::awaitable_operators;
  const auto found = items_.find(id);
  if (found == items_.end() || !found->second->hold) co_return std::string();
  const std::shared_ptr<Hold> hold = found->second->hold;
  struct Ended {
    Agents* agents;
    std::string id;
    std::shared_ptr<Hold> hold;
    ~Ended() {
      if (!hold->answer) agents->hold_ended(id);
    }
  } const ended{this, id, hold};
  auto decided = [](std::shared_ptr<Hold> waiting) -> Task<void> {
    while (!waiting->answer) co_await waiting->wake.wait();
  };
  co_await (decided(hold) || gone());
  co_return hold->answer.value_or("");
}

// The client has hung up on a request that nobody has answered: whoever denies it in the terminal ends the hook.
void Agents::hold_ended(const std::string& id) {
  const auto found = items_.find(id);
  if (found == items_.end() || stopping_) return;
  const OpenItem& open = *found->second;
  const AgentPtr agent = find(open.item.session);
  const std::string tool = open.item.tool;
  const std::shared_ptr<const std::string> input = open.item.input;
  close(id, Closed::terminal, "");
  if (!agent) return;
  agent->machine.on_hung_up(tool, input ? *input : "", parts_.clock->wall());
  look(agent);
}

void Agents::take_status_line(const AgentPtr& agent, const claude::StatusLine& line) {
  AgentRow& row = agent->row;
  if (!line.model_name.empty()) row.model = line.model_name;
  row.cost_usd = line.cost_usd;
  row.context_percent = line.context_used_percent;
  row.context_tokens = line.context_tokens;
  row.context_size = line.context_size;
  row.lines_added = line.lines_added;
  row.lines_removed = line.lines_removed;
  tell_changed(agent);
  tell([&](Listener& listener) {
    if (listener.status_line) listener.status_line(agent->session, line);
  });
}

void Agents::release_held() {
  stopping_ = true;
  for (const auto& [id, open] : items_) {
    if (!open->hold || open->hold->answer) continue;
    recorder_->event({.session = open->item.session,
                      .row = {.at = parts_.clock->wall(),
                              .kind = "fallback",
                              .what = "The dashboard stops: " + open->item.tool + " waits in the terminal alone."}});
    open->hold->answer = std::string();
    open->hold->wake.notify();
  }
}

}  // namespace ccd::agents
