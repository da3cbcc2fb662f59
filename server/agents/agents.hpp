// What every agent does, and what waits for a person: the door of the room.
//
// Lives on the loop, no locks; disk and database work goes to their own threads. Joins claude (events, states, transcripts) with sessions.
// For each session that runs Claude Code it keeps a state machine, fed by the session's hooks, its transcript, its title and its end;
// and an inbox of what waits. The dashboard may be away: then requests stand in the terminal alone, and agents do not notice.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/attention.hpp"
#include "agents/open_item.hpp"
#include "agents/view.hpp"
#include "audit/trail.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "claude/hook_event.hpp"
#include "claude/session_settings.hpp"
#include "sessions/hub.hpp"
#include "sessions/launcher.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

struct Agent;  // agent.hpp
struct AgentRow;
class Recorder;  // recorder.hpp

// Every table of the room: agents, attention, events; prompts, schedules; usage, budgets.
std::vector<storage::Migration> migrations();

// One row of a session's history.
struct EventRow {
  std::int64_t id = 0;
  WallMicros at = 0;
  std::string kind{};    // "state", "attention", "answer", "conversation", "fallback"
  std::string state{};   // of a state: the new one
  std::string source{};  // of a state: who said it
  std::string what{};    // in words
  std::string actor{};   // who did it, where a person did
};

// Who is told. Called on the loop; a listener may leave while it is told, and must not call answer() from inside.
struct Listener {
  std::function<void(const std::string& session)> changed{};  // view() says something else
  std::function<void(const AttentionItem&)> attention_opened{};
  std::function<void(const AttentionItem&)> attention_changed{};  // still open, but told otherwise
  std::function<void(const AttentionItem&, Closed how, const std::string& by)> attention_closed{};
  std::function<void(const std::string& session, const claude::HookEvent&)> hook{};
  std::function<void(const std::string& session, const claude::StatusLine&)> status_line{};
};

class Agents final : public sessions::Launcher {
 public:
  struct Options {
    std::string data_dir;  // absolute
  };
  struct Parts {  // all outlive this
    storage::Database* database;
    const audit::Trail* trail;
    sessions::Hub* hub;
    const Clock* clock;
    Random* random;
    asio::thread_pool* pool;
  };

  Agents(asio::any_io_executor executor, Options options, Parts parts);
  ~Agents() override;
  Agents(const Agents&) = delete;
  Agents& operator=(const Agents&) = delete;

  // Where hooks reach this dashboard: "http://127.0.0.1:PORT", at the Unix socket `socket` (empty: over TCP). Before start(), and before
  // any session is made.
  void set_door(std::string url, std::string socket) {
    door_url_ = std::move(url);
    door_socket_ = std::move(socket);
  }
  // Loads what is known, brings the running sessions' files up to date, and begins to follow. After Hub::start().
  Task<Result<>> start();
  // Held requests go back to their terminals at once, so that nobody waits for a dashboard that stops. Then ends the room's tasks.
  void release_held();
  Task<void> stop();

  // --- what hooks tell (POST /api/hooks/claude/{id})

  // Whether the token is this session's. In constant time; false for a session without hooks.
  [[nodiscard]] bool token_valid(const std::string& session, std::string_view token) const;
  // Takes one event or status line. The body of the answer: empty but for a request that was decided on the page; such a request waits
  // inside until it is decided, `gone` returns (the client has hung up), or it is released to its terminal.
  // `unauthorized` for a wrong token or an unknown session, `invalid` for a body that is no event.
  Task<Result<std::string>> on_hook(std::string session, std::string token, std::string body,
                                    std::function<Task<void>()> gone);

  // What the session's transcript says, whenever it has grown.
  void note_standing(const std::string& session, const claude::Standing& standing);

  // --- what others see

  // None for a session in which no Claude Code runs.
  [[nodiscard]] std::optional<AgentView> view(const std::string& session) const;
  // Oldest first.
  [[nodiscard]] std::vector<AttentionItem> open_items() const;
  [[nodiscard]] std::optional<AttentionItem> open_item(const std::string& id) const;
  // `not_found` for an id that never was; `conflict` when it is no longer open (in words: how and by whom it was closed), is just being
  // answered, can only be answered in the terminal, or the decision does not fit; `invalid` as hook_answer().
  // The answer, its audit row and its event commit together, before the client hears of it.
  Task<Result<Closed>> answer(std::string id, Decision decision, sessions::Actor actor);
  // Newest first, at most `limit`, older than `before` (0: from the newest).
  Task<Result<std::vector<EventRow>>> events(std::string session, std::int64_t before, int limit);

  class Subscription {
   public:
    Subscription(Agents* agents, std::list<Listener>::iterator place) : agents_(agents), place_(place) {}
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { agents_->listeners_.erase(place_); }

   private:
    Agents* agents_;
    std::list<Listener>::iterator place_;
  };
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(Listener listener);

  // sessions::Launcher
  Task<Result<sessions::LaunchWords>> prepare(sessions::LaunchRequest request) override;
  void abandoned(const std::string& session) override { prepared_.erase(session); }

 private:
  using AgentPtr = std::shared_ptr<Agent>;

  // agents.cpp: who there is, and what each does
  Task<void> tick_loop();
  void on_session(const sessions::Session& session);
  void on_removed(const std::string& id);
  AgentPtr add(const sessions::Session& session);
  [[nodiscard]] AgentPtr find(const std::string& session) const;
  void look(const AgentPtr& agent);  // works out the state again, and tells what follows from it
  void on_state_change(const AgentPtr& agent, const claude::AgentStatus& before, const claude::AgentStatus& now);
  void tell_changed(const AgentPtr& agent);
  void tell(const std::function<void(Listener&)>& call);
  [[nodiscard]] std::string folder_of(const std::string& session) const;

  // launcher.cpp: the files of each session
  Result<claude::SessionFiles> files_of(claude::SettingsOptions options) const;
  Task<void> refresh_files(std::string session);

  // hooks.cpp
  Task<Result<std::string>> take_event(AgentPtr agent, claude::HookEvent event, std::function<Task<void>()> gone);
  void take_status_line(const AgentPtr& agent, const claude::StatusLine& line);
  void note_event(const AgentPtr& agent, const claude::HookEvent& event);
  Task<std::string> hold(std::string id, std::function<Task<void>()> gone);
  void hold_ended(const std::string& id);

  // inbox.cpp
  enum class Recorded { no, yes };  // its end is in the database already
  OpenItem* open_request(const AgentPtr& agent, const claude::HookEvent& event);
  void open_notice(const AgentPtr& agent, AttentionKind kind, std::string text, std::optional<WallMicros> expires_at);
  void open_terminal_request(const AgentPtr& agent, const claude::AgentStatus& status);
  OpenItem* show(const AgentPtr& agent, OpenItem open);
  void close(const std::string& id, Closed how, const std::string& by, Recorded recorded = Recorded::no);
  void close_where(const std::function<bool(const AttentionItem&)>& which, Closed how);
  void close_all(const std::string& session, Closed how);
  void close_requests(const std::string& session, Closed how);
  void close_notices(const std::string& session, Closed how);
  void close_guesses(const std::string& session);
  void settle_requests(const AgentPtr& agent, const claude::HookEvent& event);
  [[nodiscard]] std::size_t open_requests(const std::string& session) const;
  Task<Error> why_not_open(std::string id);
  Task<Result<Closed>> try_answer(std::string id, Decision decision, sessions::Actor actor);
  Task<bool> store_answer(AttentionItem item, Decision decision, Closed how, sessions::Actor actor);
  void deliver(OpenItem& open, std::string body);
  Task<void> audit_refusal(std::string id, std::string session, Decision::Kind kind, sessions::Actor actor,
                           Error error);

  asio::any_io_executor executor_;
  Options options_;
  Parts parts_;
  std::string door_url_;
  std::string door_socket_;
  std::map<std::string, AgentPtr> agents_;                  // by session
  std::map<std::string, std::unique_ptr<OpenItem>> items_;  // by id
  std::size_t input_bytes_ = 0;                             // of open items
  struct ClosedItem {
    std::string id;
    Closed how;
    std::string by;
  };
  std::deque<ClosedItem> closed_;  // the newest ones, so that a late answer can be told why it is late
  std::map<std::string, std::shared_ptr<AgentRow>> prepared_;  // of sessions that the hub is just making
  std::list<Listener> listeners_;
  std::unique_ptr<sessions::Hub::Subscription> hub_subscription_;
  std::unique_ptr<Recorder> recorder_;
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace ccd::agents
