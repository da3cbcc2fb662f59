// A session's life: started from a folder, a template or an old conversation, in a working tree of its own; resumed, forked, restarted; a
// whole fleet brought back after tmux or the machine has gone down.
//
// Lives on the loop; outlives its tasks. What it promises: a conversation is never opened by two clients at a time as far as can
// be seen; a project's settings are shown before the first Claude Code starts among them (trust.hpp); no working tree goes with work
// in it (git/git.hpp). docs/decisions/0024.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/agents.hpp"
#include "agents/templates.hpp"
#include "agents/trust.hpp"
#include "audit/trail.hpp"
#include "base/task.hpp"
#include "claude/conversation_list.hpp"
#include "claude/live_clients.hpp"
#include "files/roots.hpp"
#include "git/git.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

// Starting is what costs (a client takes a second of a core); what runs then runs by itself.
inline constexpr std::size_t kResumedAtOnce = 3;

struct WorktreeWish {
  std::string branch{};
  std::string from{};  // see git::NewWorktree
};

struct StartRequest {
  std::string name{};
  std::string project{};               // empty only with a conversation, whose folder it then is
  std::vector<std::string> command{};  // empty: Claude Code as it is configured here
  std::vector<std::pair<std::string, std::string>> environment{};  // over those of the template
  int cols = 0;
  int rows = 0;
  std::string template_id{};
  std::string model{};
  std::string permission_mode{};
  std::string prompt{};        // empty: the template's, unless a conversation is gone on with
  std::string conversation{};  // UUID: goes on with it, or begins with a copy of it
  bool fork = false;
  std::optional<WorktreeWish> worktree{};
  std::string accept_settings{};  // the digest of a project's settings that somebody has seen
};

// A session, or what has to be looked at first (then nothing was started).
struct Started {
  std::optional<sessions::Session> session{};
  std::optional<TrustState> unseen{};
};

struct Resumed {
  std::string session{};
  std::string name{};
  enum class Outcome { resumed, running, unseen, failed } outcome = Outcome::failed;
  std::optional<sessions::Session> now{};
  std::optional<TrustState> unseen{};
  std::optional<Error> error{};
};
std::string_view to_string(Resumed::Outcome outcome);

struct FoundConversation {
  claude::Conversation conversation{};
  bool startable = false;  // its folder is there, under a project root
  std::string why_not{};   // for people
  std::string session{};   // of the dashboard's, that is in it or was last; empty: none
  std::string live_in{};   // where it is open now, for people; empty: nowhere
};

class Lifecycle {
 public:
  struct Parts {  // all outlive this
    storage::Database* database;
    const audit::Trail* trail;
    sessions::Hub* hub;
    Agents* agents;
    git::Git* git;
    const files::Roots* roots;
    const Clock* clock;
    Random* random;
    asio::thread_pool* pool;
  };
  Lifecycle(asio::any_io_executor executor, Parts parts);
  Lifecycle(const Lifecycle&) = delete;
  Lifecycle& operator=(const Lifecycle&) = delete;

  [[nodiscard]] Trust& trust() { return trust_; }
  [[nodiscard]] Templates& templates() { return templates_; }

  // What is being brought back goes on until `stop`.
  Task<void> stop();

  Task<Result<Started>> start(StartRequest request, sessions::Actor actor);
  // Of an ended or lost one, under its own id. Claude Code goes on with the conversation that ran last; another program starts anew.
  Task<Result<Started>> resume(std::string session, std::string accept_settings, sessions::Actor actor);
  // The same for one that runs: it is ended first, and waited for.
  Task<Result<Started>> restart(std::string session, std::string accept_settings, sessions::Actor actor);
  // A client that somebody started by hand in this session is told to end, and the dashboard goes on with its conversation, with its hooks: in
  // the same session where the client is all that the pane runs, else in a new one beside the person's shell. conflict: it has them, it works,
  // it waits for somebody, or its process cannot be seen from here; then nothing was ended.
  Task<Result<Started>> give_hooks(std::string session, std::string accept_settings, sessions::Actor actor);
  // A new session with a copy of its conversation; `request` gives what is to be different (name, worktree, prompt, model, mode, size).
  Task<Result<Started>> fork(std::string session, StartRequest request, sessions::Actor actor);

  // Lost agents back, all or these; a few at a time, and each once however often it is asked for. `accept_settings`: digests.
  Task<std::vector<Resumed>> resume_fleet(std::optional<std::vector<std::string>> sessions,
                                          std::vector<std::string> accept_settings, sessions::Actor actor);

  // Conversations on this machine, the newest first.
  struct Conversations {
    std::vector<FoundConversation> found{};
    bool truncated = false;
  };
  Task<Conversations> conversations(std::size_t limit);

  // What is in the way of removing the working tree at `folder` (anywhere in it), sessions included.
  Task<Result<std::vector<git::Obstacle>>> obstacles(std::string folder);
  Task<Result<git::MadeWorktree>> add_worktree(std::string folder, WorktreeWish wish, sessions::Actor actor);
  Task<Result<>> remove_worktree(std::string folder, git::Removal removal, sessions::Actor actor);
  // The repository that a folder under a project root is in.
  Task<Result<git::Repository>> repository(std::string folder);

 private:
  class Opening;
  struct Kept {  // what a session was started with and its row does not say
    std::vector<std::pair<std::string, std::string>> environment{};
    std::string model{};
    std::string permission_mode{};
    std::string template_id{};
  };

  Task<Result<std::optional<TrustState>>> unseen(std::string folder, std::string accept_settings,
                                                 sessions::Actor actor);
  Task<Result<Started>> create(StartRequest request, sessions::Actor actor);
  Task<void> take_back(std::string worktree);
  Task<void> audit(audit::Record record);
  Task<Result<>> fill_from_template(StartRequest* request);
  Task<Result<>> fill_from_conversation(StartRequest* request);
  Task<Result<std::string>> move_to_worktree(StartRequest* request, std::string folder, sessions::Actor actor);
  Task<Result<>> not_open_elsewhere(std::string conversation, std::string config_dir, std::string except);
  Task<void> wait_until_closed(std::string conversation, std::string config_dir);
  Task<Result<sessions::ResumeRequest>> plan_resume(sessions::Session session);
  Task<Result<Kept>> kept(std::string session);
  Result<> check_hooks_wanted(const sessions::Session& session);
  Task<Result<>> end_client(claude::LiveClient client, std::string config_dir);
  Task<bool> has_ended(std::string session);
  Task<std::vector<git::Obstacle>> sessions_in(std::string folder);
  Task<void> bring_back(std::string session, std::vector<std::string> accept_settings, sessions::Actor actor,
                        std::shared_ptr<Resumed> out);
  [[nodiscard]] static Result<> store_kept(storage::Connection& db, const std::string& session, const Kept& kept);

  asio::any_io_executor executor_;
  Parts parts_;
  Trust trust_;
  Templates templates_;
  std::shared_ptr<claude::ConversationList> list_;
  bool listing_ = false;
  Notifier listed_;
  std::set<std::string> opening_;  // conversations that are just being opened
  std::set<std::string> giving_;   // sessions whose clients are just being given hooks
  TaskGroup tasks_;
};

std::vector<storage::Migration> lifecycle_migrations();

}  // namespace ccd::agents
