// What the dashboard sends to agents: prompts at once or when the agent is idle, to one or many, by schedule, and after a usage limit.
//
// Lives on the loop. One prompt at a time is typed into a session (typist.hpp); what waits is in the database before anybody hears that it waits.
// Everything but a person's own "send now" obeys one switch, and the budgets.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agents/agents.hpp"
#include "agents/cron.hpp"
#include "agents/prompt_store.hpp"
#include "agents/typist.hpp"
#include "audit/trail.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

inline constexpr std::size_t kMaxBroadcast = 100;  // sessions
inline constexpr std::size_t kMaxScheduleName = 100;

struct ScheduleView {
  Schedule schedule{};
  std::uint64_t bytes = 0;              // of the whole text
  std::optional<WallMicros> next_at{};  // none: it is disabled, or everything is stopped
};

class Prompts {
 public:
  struct Parts {  // all outlive this
    storage::Database* database;
    const audit::Trail* trail;
    sessions::Hub* hub;
    Agents* agents;
    Transcripts* transcripts;
    const Clock* clock;
    Random* random;
    // Whether a budget lets a prompt go to this session: `conflict` with its words.
    std::function<Result<>(const std::string& session)> may_send;
  };

  Prompts(asio::any_io_executor executor, Parts parts);
  ~Prompts();
  Prompts(const Prompts&) = delete;
  Prompts& operator=(const Prompts&) = delete;

  // After Agents::start().
  Task<Result<>> start();
  Task<void> stop();

  // Types it now and waits for the agent's word: the prompt as it ended. `conflict` when nothing was typed (the agent works, waits, has
  // something in its input line ...), `invalid` for a text that cannot be sent, `not_found` for an unknown session.
  Task<Result<Prompt>> send_now(std::string session, std::string text, sessions::Actor actor);
  // Sent as soon as the agent is idle, behind those that wait already. `too_many` beyond kMaxQueuedPrompts.
  Task<Result<Prompt>> queue(std::string session, std::string text, sessions::Actor actor);
  // The same to many; all or none. Each gets a prompt of its own.
  Task<Result<std::vector<Prompt>>> broadcast(std::vector<std::string> sessions, std::string text,
                                              sessions::Actor actor);
  // `not_found`; `conflict` when it does not wait any more.
  Task<Result<Prompt>> cancel(std::string id, sessions::Actor actor);
  // Newest first.
  Task<Result<std::vector<Prompt>>> list(std::string session, int limit);
  // Texts sent before, newest first; of one project, or of all when it is empty.
  Task<Result<std::vector<PastText>>> history(std::string project, int limit);
  // `not_found`: no such prompt, or it is so old that it was deleted.
  Task<Result<Prompt>> find(std::string id);
  [[nodiscard]] std::size_t waiting(const std::string& session) const;

  // Each with the beginning of its text, about kMaxListedText bytes.
  [[nodiscard]] std::vector<ScheduleView> schedules() const;
  // With all of it.
  [[nodiscard]] std::optional<ScheduleView> schedule(const std::string& id) const;
  // `invalid` with the field's name. `schedule.id` empty: a new one.
  Task<Result<ScheduleView>> put_schedule(Schedule schedule, sessions::Actor actor);
  Task<Result<>> remove_schedule(std::string id, sessions::Actor actor);

  // What is sent by itself when a session's usage limit is over; an empty text: nothing.
  [[nodiscard]] std::optional<LimitRule> limit_rule(const std::string& session) const;
  Task<Result<>> set_limit_rule(std::string session, std::string text, sessions::Actor actor);

  [[nodiscard]] const SendSwitch& send_switch() const { return switch_; }
  Task<Result<>> set_switch(bool stopped, sessions::Actor actor);

  // Called when what waits in a session, or what became of it, has changed. Stays until the guard goes.
  using Changed = std::function<void(const std::string& session)>;
  class Subscription {
   public:
    Subscription(Prompts* prompts, std::list<Changed>::iterator place) : prompts_(prompts), place_(place) {}
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { prompts_->listeners_.erase(place_); }

   private:
    Prompts* prompts_;
    std::list<Changed>::iterator place_;
  };
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(Changed changed);

 private:
  struct Timed {
    Schedule schedule;
    std::optional<Cron> cron{};
    std::optional<WallMicros> next_at{};
  };

  Task<void> run();
  void look();
  void start_next(const std::string& session);
  Task<void> deliver(Prompt prompt);
  Task<Prompt> finish(Prompt prompt, Delivery end);
  Task<Result<Prompt>> store_new(std::string session, std::string text, PromptSource source, std::string batch,
                                 PromptState state, sessions::Actor actor);
  Result<> check_session(const std::string& session) const;
  Task<void> fire(std::string schedule);
  Task<void> note_fired(Schedule schedule, std::string result);
  [[nodiscard]] ScheduleView view_of(const Timed& timed, std::size_t text_bytes) const;
  void note_limit(const std::string& session);
  Task<void> resume_after_limit(std::string session);
  void tell(const std::string& session);
  [[nodiscard]] Prompt make(std::string session, std::string text, PromptSource source, std::string batch,
                            PromptState state, const std::string& by) const;
  [[nodiscard]] audit::Record record_of(const sessions::Actor& actor, std::string action, const Prompt& prompt) const;
  [[nodiscard]] std::optional<WallMicros> next_time() const;

  asio::any_io_executor executor_;
  Parts parts_;
  Typist typist_;
  std::map<std::string, std::deque<Prompt>> queues_;                    // by session
  std::set<std::string> busy_;                                          // sessions into which something is being typed
  std::map<std::string, std::chrono::steady_clock::time_point> again_;  // blocked ones: not before
  std::map<std::string, Timed> schedules_;                              // by id
  std::map<std::string, LimitRule> limit_rules_;                        // by session
  std::map<std::string, WallMicros> limits_;                            // by session: when to go on
  SendSwitch switch_;
  std::list<Changed> listeners_;
  std::unique_ptr<Agents::Subscription> subscription_;
  Notifier wanted_;
  TaskGroup tasks_;
};

}  // namespace ccd::agents
