// Queues of prompts, and who sends them when.
#include "agents/prompts.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.hpp"

namespace ccd::agents {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kIdBytes = 10;
constexpr auto kStopLimit = 3s;
// Times of the wall clock are looked at this often: it can be set.
constexpr auto kTick = 20s;
// Something stands in the input line, or the screen is busy: tried again this much later, or when the agent's state changes.
constexpr auto kBlockedPause = 5s;

}  // namespace

Prompts::Prompts(asio::any_io_executor executor, Parts parts)
    : executor_(executor),
      parts_(std::move(parts)),
      typist_(executor, {.hub = parts_.hub,
                         .agents = parts_.agents,
                         .transcripts = parts_.transcripts,
                         .clock = parts_.clock,
                         .random = parts_.random}),
      wanted_(executor),
      tasks_(executor) {}

Prompts::~Prompts() = default;

Task<Result<>> Prompts::start() {
  struct Loaded {
    std::vector<Prompt> open;
    std::vector<Schedule> schedules;
    std::vector<LimitRule> rules;
    SendSwitch send_switch;
  };
  auto load = [now = parts_.clock->wall()](storage::Connection& db) -> Result<Loaded> {
    Loaded out;
    out.open = TRY(load_open_prompts(db, now));
    out.schedules = TRY(load_schedules(db));
    out.rules = TRY(load_limit_rules(db));
    out.send_switch = TRY(load_switch(db));
    return out;
  };
  auto loaded = co_await parts_.database->transact(std::move(load));
  if (!loaded) co_return tl::unexpected(std::move(loaded).error());
  for (Prompt& prompt : loaded->open) queues_[prompt.session].push_back(std::move(prompt));
  const WallMicros now = parts_.clock->wall();
  for (Schedule& schedule : loaded->schedules) {
    Timed timed{.schedule = std::move(schedule)};
    // What was due while the dashboard was away is not made up for: an agent that gets last night's prompts at noon helps nobody.
    if (auto cron = Cron::parse(timed.schedule.cron)) timed.cron = std::move(*cron);
    if (timed.cron && timed.schedule.enabled) timed.next_at = timed.cron->next(now);
    schedules_.emplace(timed.schedule.id, std::move(timed));
  }
  for (LimitRule& rule : loaded->rules) limit_rules_.emplace(rule.session, std::move(rule));
  switch_ = loaded->send_switch;
  Listener listener;
  listener.changed = [this](const std::string& session) {
    note_limit(session);
    again_.erase(session);
    wanted_.notify();
  };
  subscription_ = parts_.agents->subscribe(std::move(listener));
  for (const auto& [session, rule] : limit_rules_) note_limit(session);
  tasks_.spawn("agents.prompts", run());
  co_return Result<>{};
}

Task<void> Prompts::stop() {
  subscription_.reset();
  tasks_.cancel();
  co_await tasks_.join(kStopLimit);
}

std::optional<WallMicros> Prompts::next_time() const {
  std::optional<WallMicros> next;
  const auto sooner = [&next](std::optional<WallMicros> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  for (const auto& [id, timed] : schedules_) sooner(timed.next_at);
  for (const auto& [session, at] : limits_) sooner(at);
  return next;
}

Task<void> Prompts::run() {
  for (;;) {
    look();
    std::chrono::steady_clock::duration pause = kTick;
    if (const auto next = next_time())
      pause = std::clamp<std::chrono::steady_clock::duration>(std::chrono::microseconds(*next - parts_.clock->wall()),
                                                              10ms, kTick);
    for (const auto& [session, at] : again_)
      pause = std::clamp<std::chrono::steady_clock::duration>(at - parts_.clock->steady(), 10ms, pause);
    co_await wanted_.wait_for(pause);
  }
}

// Whatever is due now.
void Prompts::look() {
  const WallMicros now = parts_.clock->wall();
  for (auto& [id, timed] : schedules_) {
    if (!timed.next_at || *timed.next_at > now) continue;
    timed.next_at = timed.cron->next(now);
    tasks_.spawn("agents.schedule", fire(id));
  }
  for (auto it = limits_.begin(); it != limits_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    tasks_.spawn("agents.limit", resume_after_limit(it->first));
    it = limits_.erase(it);
  }
  std::vector<std::string> waiting;
  for (const auto& [session, queue] : queues_) waiting.push_back(session);
  for (const std::string& session : waiting) start_next(session);
}

void Prompts::start_next(const std::string& session) {
  std::deque<Prompt>& queue = queues_[session];
  if (queue.empty()) {
    queues_.erase(session);
    again_.erase(session);
    return;
  }
  if (const auto at = again_.find(session); at != again_.end()) {
    if (at->second > parts_.clock->steady()) return;
    again_.erase(at);
  }
  if (busy_.contains(session) || switch_.stopped) return;
  const auto view = parts_.agents->view(session);
  if (!view || view->status.state != claude::AgentState::idle) return;
  if (!parts_.may_send(session)) return;
  Prompt next = queue.front();
  busy_.insert(session);
  tasks_.spawn("agents.prompt", deliver(std::move(next)));
}

// One that waited: `sending` is in the database before the first key.
Task<void> Prompts::deliver(Prompt prompt) {
  const std::string session = prompt.session;
  const auto still_first = [this, &session, &prompt] {
    const auto queue = queues_.find(session);
    return queue != queues_.end() && !queue->second.empty() && queue->second.front().id == prompt.id;
  };
  // Taken back at the last moment: the database has that word, and keeps it.
  bool begun = false;
  if (still_first()) {
    auto note = [id = prompt.id](storage::Connection& db) { return begin_sending(db, id); };
    const auto noted = co_await parts_.database->transact(std::move(note));
    if (!noted) again_[session] = parts_.clock->steady() + kBlockedPause;
    begun = noted && *noted && still_first();
  }
  if (!begun) {
    busy_.erase(session);
    wanted_.notify();
    co_return;
  }
  prompt.state = PromptState::sending;
  queues_[session].pop_front();
  tell(session);
  // The switch and the budget can change until the first key.
  const std::function<std::string()> why_not = [this, session]() -> std::string {
    if (switch_.stopped) return "sending was stopped";
    const auto may = parts_.may_send(session);
    return may ? std::string() : may.error().message;
  };
  const Delivery end = co_await typist_.deliver(session, prompt.text, prompt.created_by, why_not);
  busy_.erase(session);
  if (end.end == Delivery::End::blocked) {
    prompt.state = PromptState::queued;
    prompt.detail = end.detail;
    queues_[session].push_front(prompt);
    again_[session] = parts_.clock->steady() + kBlockedPause;
    auto back = [prompt](storage::Connection& db) { return update_prompt(db, prompt); };
    if (const auto stored = co_await parts_.database->transact(std::move(back)); !stored)
      log_error("agents", "a prompt's state could not be written",
                {{"prompt", prompt.id}, {"error", stored.error().message}});
    tell(session);
  } else {
    co_await finish(std::move(prompt), end);
  }
  wanted_.notify();
}

Task<Prompt> Prompts::finish(Prompt prompt, Delivery end) {
  prompt.state = end.end == Delivery::End::sent        ? PromptState::sent
                 : end.end == Delivery::End::uncertain ? PromptState::uncertain
                                                       : PromptState::failed;
  prompt.detail = end.detail;
  prompt.done_at = parts_.clock->wall();
  audit::Record record = record_of({.name = prompt.created_by, .ip = ""}, "prompt.sent", prompt);
  if (prompt.state != PromptState::sent) {
    record.action = "prompt.error";
    record.outcome = audit::Outcome::error;
  }
  auto write = [prompt, record = std::move(record), trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(update_prompt(db, prompt));
    TRY(trim_prompts(db, prompt.session));
    return trail->append(db, record);
  };
  if (const auto stored = co_await parts_.database->transact(std::move(write)); !stored)
    log_error("agents", "a prompt's end could not be written",
              {{"prompt", prompt.id}, {"error", stored.error().message}});
  if (prompt.state != PromptState::sent)
    log_warn("agents", "a prompt",
             {{"prompt", prompt.id},
              {"session", prompt.session},
              {"state", to_string(prompt.state)},
              {"detail", prompt.detail}});
  tell(prompt.session);
  co_return prompt;
}

Prompt Prompts::make(std::string session, std::string text, PromptSource source, std::string batch, PromptState state,
                     const std::string& by) const {
  return {.id = parts_.random->hex(kIdBytes),
          .session = std::move(session),
          .text = std::move(text),
          .source = source,
          .batch = std::move(batch),
          .created_by = by,
          .created_at = parts_.clock->wall(),
          .state = state};
}

// Never the text: the table has it, and the trail is kept for longer.
audit::Record Prompts::record_of(const sessions::Actor& actor, std::string action, const Prompt& prompt) const {
  const boost::json::object detail{{"prompt", prompt.id},
                                   {"source", to_string(prompt.source)},
                                   {"bytes", prompt.text.size()},
                                   {"state", to_string(prompt.state)}};
  return {.actor = actor.name,
          .ip = actor.ip,
          .action = std::move(action),
          .target = prompt.session,
          .outcome = audit::Outcome::ok,
          .detail = boost::json::serialize(detail)};
}

Result<> Prompts::check_session(const std::string& session) const {
  const auto found = parts_.hub->find(session);
  if (!found) return fail(ErrorKind::not_found, "there is no such session");
  if (found->status != sessions::Status::active) return fail(ErrorKind::conflict, "the session has ended");
  if (!parts_.agents->view(session)) return fail(ErrorKind::conflict, "no Claude Code runs in this session");
  const auto queue = queues_.find(session);
  if (queue != queues_.end() && queue->second.size() >= kMaxQueuedPrompts)
    return fail(ErrorKind::too_many, "100 prompts wait in this session already");
  return {};
}

Task<Result<Prompt>> Prompts::store_new(std::string session, std::string text, PromptSource source, std::string batch,
                                        PromptState state, sessions::Actor actor) {
  Prompt prompt = make(std::move(session), std::move(text), source, std::move(batch), state, actor.name);
  const audit::Record record = record_of(actor, state == PromptState::queued ? "prompt.queue" : "prompt.send", prompt);
  auto write = [prompt, record, trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(insert_prompt(db, prompt));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  if (state == PromptState::queued) {
    queues_[prompt.session].push_back(prompt);
    wanted_.notify();
  }
  tell(prompt.session);
  co_return prompt;
}

Task<Result<Prompt>> Prompts::send_now(std::string session, std::string text, sessions::Actor actor) {
  const std::string clean = CO_TRY(prompt_text(text));
  CO_TRY(check_session(session));
  CO_TRY(parts_.may_send(session));
  if (busy_.contains(session))
    co_return fail(ErrorKind::conflict, "another prompt is being sent to this agent at this moment");
  busy_.insert(session);
  auto stored = co_await store_new(session, clean, PromptSource::person, "", PromptState::sending, actor);
  if (!stored) {
    busy_.erase(session);
    co_return tl::unexpected(std::move(stored).error());
  }
  // Goes on when whoever asked has gone.
  struct Outcome {
    explicit Outcome(const asio::any_io_executor& executor) : done(executor) {}
    Notifier done;
    std::optional<Prompt> prompt;
    bool blocked = false;
  };
  const auto outcome = std::make_shared<Outcome>(executor_);
  auto work = [](Prompts* self, Prompt prompt, std::shared_ptr<Outcome> to) -> Task<void> {
    const Delivery end = co_await self->typist_.deliver(prompt.session, prompt.text, prompt.created_by, nullptr);
    self->busy_.erase(prompt.session);
    self->wanted_.notify();
    to->blocked = end.end == Delivery::End::blocked;
    to->prompt = co_await self->finish(std::move(prompt), end);
    to->done.notify();
  };
  tasks_.spawn("agents.send", work(this, *stored, outcome));
  while (!outcome->prompt) co_await outcome->done.wait();
  if (outcome->blocked) co_return fail(ErrorKind::conflict, "not sent: " + outcome->prompt->detail);
  co_return *outcome->prompt;
}

Task<Result<Prompt>> Prompts::queue(std::string session, std::string text, sessions::Actor actor) {
  std::string clean = CO_TRY(prompt_text(text));
  CO_TRY(check_session(session));
  co_return co_await store_new(std::move(session), std::move(clean), PromptSource::person, "", PromptState::queued,
                               std::move(actor));
}

Task<Result<std::vector<Prompt>>> Prompts::broadcast(std::vector<std::string> sessions, std::string text,
                                                     sessions::Actor actor) {
  const std::string clean = CO_TRY(prompt_text(text));
  std::ranges::sort(sessions);
  const auto [first, last] = std::ranges::unique(sessions);
  sessions.erase(first, last);
  if (sessions.empty() || sessions.size() > kMaxBroadcast) co_return fail_field("sessions", "1 to 100 sessions");
  for (const std::string& session : sessions) CO_TRY(check_session(session));
  const std::string batch = parts_.random->hex(kIdBytes);
  std::vector<Prompt> prompts;
  std::vector<audit::Record> records;
  for (const std::string& session : sessions) {
    prompts.push_back(make(session, clean, PromptSource::broadcast, batch, PromptState::queued, actor.name));
    records.push_back(record_of(actor, "prompt.broadcast", prompts.back()));
  }
  auto write = [prompts, records = std::move(records), trail = parts_.trail](storage::Connection& db) -> Result<> {
    for (const Prompt& prompt : prompts) TRY(insert_prompt(db, prompt));
    for (const audit::Record& record : records) TRY(trail->append(db, record));
    return {};
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  for (const Prompt& prompt : prompts) {
    queues_[prompt.session].push_back(prompt);
    tell(prompt.session);
  }
  wanted_.notify();
  co_return prompts;
}

Task<Result<Prompt>> Prompts::cancel(std::string id, sessions::Actor actor) {
  for (auto& [session, queue] : queues_) {
    const auto found = std::ranges::find(queue, id, &Prompt::id);
    if (found == queue.end()) continue;
    Prompt prompt = *found;
    // From here on nobody begins to type it.
    queue.erase(found);
    prompt.state = PromptState::cancelled;
    prompt.detail = "taken back by " + actor.name;
    prompt.done_at = parts_.clock->wall();
    const audit::Record record = record_of(actor, "prompt.cancel", prompt);
    auto write = [prompt, record, trail = parts_.trail](storage::Connection& db) -> Result<> {
      TRY(update_prompt(db, prompt));
      return trail->append(db, record);
    };
    const auto written = co_await parts_.database->transact(std::move(write));
    if (!written) {
      prompt.state = PromptState::queued;
      queues_[prompt.session].push_front(prompt);
      co_return tl::unexpected(written.error());
    }
    tell(prompt.session);
    co_return prompt;
  }
  auto look_up = [id](storage::Connection& db) {
    return db.one("SELECT state FROM prompts WHERE id = ?", [](const storage::Row& row) { return row.text(0); }, id);
  };
  const auto known = co_await parts_.database->run(std::move(look_up));
  if (!known) co_return tl::unexpected(known.error());
  if (!*known) co_return fail(ErrorKind::not_found, "there is no such prompt");
  co_return fail(ErrorKind::conflict, "it does not wait any more: it is " + **known);
}

Task<Result<std::vector<Prompt>>> Prompts::list(std::string session, int limit) {
  auto read = [session = std::move(session), limit](storage::Connection& db) {
    return read_prompts(db, session, limit);
  };
  co_return co_await parts_.database->run(std::move(read));
}

Task<Result<Prompt>> Prompts::find(std::string id) {
  auto read = [id = std::move(id)](storage::Connection& db) { return find_prompt(db, id); };
  auto found = co_await parts_.database->run(std::move(read));
  if (!found) co_return tl::unexpected(std::move(found).error());
  if (!*found) co_return fail(ErrorKind::not_found, "there is no such prompt (any more)");
  co_return std::move(**found);
}

Task<Result<std::vector<PastText>>> Prompts::history(std::string project, int limit) {
  auto read = [project = std::move(project), limit](storage::Connection& db) {
    return read_prompt_history(db, project, limit);
  };
  co_return co_await parts_.database->run(std::move(read));
}

std::size_t Prompts::waiting(const std::string& session) const {
  const auto queue = queues_.find(session);
  return queue == queues_.end() ? 0 : queue->second.size();
}

Task<Result<>> Prompts::set_switch(bool stopped, sessions::Actor actor) {
  const SendSwitch now{.stopped = stopped, .by = actor.name, .at = parts_.clock->wall()};
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = stopped ? "sending.stop" : "sending.start",
                       .target = "all",
                       .outcome = audit::Outcome::ok,
                       .detail = ""};
  auto write = [now, record = std::move(record), trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(put_switch(db, now));
    return trail->append(db, record);
  };
  // Stopped at once, whether the disk takes it or not.
  const SendSwitch before = switch_;
  if (stopped) switch_ = now;
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) {
    if (!stopped) switch_ = before;
    co_return written;
  }
  switch_ = now;
  tell("");
  wanted_.notify();
  co_return Result<>{};
}

std::unique_ptr<Prompts::Subscription> Prompts::subscribe(Changed changed) {
  listeners_.push_back(std::move(changed));
  return std::make_unique<Subscription>(this, std::prev(listeners_.end()));
}

void Prompts::tell(const std::string& session) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const auto here = it++;
    (*here)(session);
  }
}

}  // namespace ccd::agents
