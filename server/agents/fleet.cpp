// The whole fleet back after tmux or the machine has gone down: some at a time, each once, and what became of each.
#include <algorithm>
#include <deque>

#include "agents/lifecycle.hpp"
#include "base/log.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;

// A start waits for tmux, the old tap and the new one, each some seconds at most.
constexpr auto kStartingLimit = 30s;
constexpr auto kStartingStep = 20ms;

struct Queue {
  std::deque<std::shared_ptr<Resumed>> waiting{};
  std::size_t left = 0;  // not done
  Notifier done;
  explicit Queue(asio::any_io_executor executor) : done(executor) {}
};

}  // namespace

std::string_view to_string(Resumed::Outcome outcome) {
  switch (outcome) {
    case Resumed::Outcome::resumed: return "resumed";
    case Resumed::Outcome::running: return "running";
    case Resumed::Outcome::unseen: return "settings_unseen";
    case Resumed::Outcome::failed: return "failed";
  }
  return "failed";
}

Task<void> Lifecycle::bring_back(std::string session, std::vector<std::string> accept_settings, sessions::Actor actor,
                                 std::shared_ptr<Resumed> out) {
  const auto known = parts_.hub->find(session);
  if (!known) {
    out->error = Error{.kind = ErrorKind::not_found, .message = "there is no such session"};
    co_return;
  }
  out->name = known->name;
  if (known->status == sessions::Status::active) {
    out->outcome = Resumed::Outcome::running;
    out->now = known;
    co_return;
  }
  // Which of the digests is this folder's is found out by trying: there are as many as there are folders.
  std::string accept;
  const auto state = co_await trust_.look(known->project);
  if (state && std::ranges::find(accept_settings, state->settings.digest) != accept_settings.end())
    accept = state->settings.digest;
  auto started = co_await resume(session, std::move(accept), std::move(actor));
  if (started && started->session) {
    out->outcome = Resumed::Outcome::resumed;
    out->name = started->session->name;
    out->now = std::move(started->session);
  } else if (started) {
    out->outcome = Resumed::Outcome::unseen;
    out->unseen = std::move(started->unseen);
  } else {
    // Somebody else was quicker: what becomes of it is the answer.
    const auto deadline = parts_.clock->steady() + kStartingLimit;
    const auto starts = [&] { return parts_.hub->starting(session) || opening_.contains(known->claude_session_id); };
    while (starts() && parts_.clock->steady() < deadline) co_await sleep_for(kStartingStep);
    const auto now = parts_.hub->find(session);
    const bool runs = now && now->status == sessions::Status::active;
    out->outcome = runs ? Resumed::Outcome::running : Resumed::Outcome::failed;
    if (runs) out->now = now;
    else out->error = std::move(started).error();
  }
}

Task<std::vector<Resumed>> Lifecycle::resume_fleet(std::optional<std::vector<std::string>> sessions,
                                                   std::vector<std::string> accept_settings, sessions::Actor actor) {
  auto queue = std::make_shared<Queue>(executor_);
  std::vector<std::shared_ptr<Resumed>> all;
  const auto add = [&](const std::string& id, const std::string& name) {
    if (std::ranges::any_of(all, [&](const auto& one) { return one->session == id; })) return;
    all.push_back(std::make_shared<Resumed>(Resumed{.session = id, .name = name}));
  };
  if (sessions) {
    for (const std::string& id : *sessions) add(id, "");
  } else {
    for (const sessions::Session& session : parts_.hub->list())
      if (session.status == sessions::Status::lost &&
          (session.kind == sessions::Kind::claude || parts_.agents->view(session.id)))
        add(session.id, session.name);
  }
  // The first one alone: it starts tmux's server for all.
  if (!all.empty()) co_await bring_back(all.front()->session, accept_settings, actor, all.front());
  if (all.size() > 1) queue->waiting.assign(all.begin() + 1, all.end());
  queue->left = queue->waiting.size();
  auto work = [](Lifecycle* self, std::shared_ptr<Queue> from, std::vector<std::string> accept,
                 sessions::Actor who) -> Task<void> {
    while (!from->waiting.empty()) {
      const std::shared_ptr<Resumed> next = from->waiting.front();
      from->waiting.pop_front();
      co_await self->bring_back(next->session, accept, who, next);
      --from->left;
      from->done.notify();
    }
  };
  // In tasks of their own: they go on when whoever asked has gone.
  for (std::size_t i = 0; i < std::min(kResumedAtOnce, queue->left); ++i)
    tasks_.spawn("agents.resume", work(this, queue, accept_settings, actor));
  while (queue->left > 0) co_await queue->done.wait();
  std::vector<Resumed> out;
  out.reserve(all.size());
  for (const auto& one : all) out.push_back(*one);
  std::size_t back = 0;
  for (const Resumed& one : out) back += one.outcome == Resumed::Outcome::resumed ? 1 : 0;
  log_info("agents", "sessions were brought back", {{"asked", out.size()}, {"resumed", back}});
  co_return out;
}

}  // namespace ccd::agents
