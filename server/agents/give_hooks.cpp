// Clients that somebody started by hand, started again with the dashboard's hooks: what is looked at before anything is ended, and what then happens.
#include <boost/json.hpp>

#include "agents/launch.hpp"
#include "agents/lifecycle.hpp"
#include "agents/transcript_place.hpp"
#include "base/encoding.hpp"
#include "claude/transcript_tail.hpp"
#include "files/projects.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;
using claude::AgentState;

// tmux tells the end of a pane within some milliseconds.
constexpr auto kPaneEndLimit = 5s;
constexpr auto kPaneEndStep = 20ms;

// What is known about the client before anything is done to it.
struct Look {
  std::optional<claude::LiveClient> client{};
  std::string folder{};    // its own, opened under a project root
  bool resumable = false;  // something was said
  bool tool_open = false;  // a tool runs, or waits for permission
};

// Blocks: on the pool.
Result<Look> look_at(const files::Roots& roots, const std::string& config_dir, pid_t pane) {
  Look look;
  look.client = claude::client_below(config_dir + "/sessions", pane);
  if (!look.client) return look;
  look.folder = TRY(files::open_project_folder(roots, look.client->folder)).path;
  const auto found = claude::ConversationList(config_dir + "/projects").find(look.client->conversation);
  if (!found) return look;
  look.resumable = found->facts.resumable;
  const auto place = TranscriptPlace::of(found->path, config_dir, look.client->conversation);
  const auto file = place ? place->open() : Result<claude::TranscriptFile>(fail(ErrorKind::not_found, "no transcript"));
  if (!file) return look;
  claude::TranscriptTail tail;
  if (const auto standing = tail.catch_up(*file)) look.tool_open = !standing->open_tools.empty();
  return look;
}

}  // namespace

Result<> Lifecycle::check_hooks_wanted(const sessions::Session& session) {
  if (session.status != sessions::Status::active)
    return fail(ErrorKind::conflict, "the session has ended: resume it, and its agent has hooks");
  const auto view = parts_.agents->view(session.id);
  if (!view) return fail(ErrorKind::conflict, "no Claude Code runs in this session");
  if (view->hooks == Hooks::live) return fail(ErrorKind::conflict, "this agent has the dashboard's hooks already");
  if (!session.adopted && session.kind == sessions::Kind::claude)
    return fail(ErrorKind::conflict, "this command cannot have the dashboard's hooks. " + view->hooks_reason);
  switch (view->status.state) {
    case AgentState::working:
      return fail(ErrorKind::conflict,
                  "the agent is working: try again when it is done, so that nothing is broken off");
    case AgentState::waiting_permission:
    case AgentState::waiting_answer:
      return fail(ErrorKind::conflict, "the agent waits for an answer in its terminal: answer it first");
    default: return {};
  }
}

Task<Result<Started>> Lifecycle::give_hooks(std::string id, std::string accept_settings, sessions::Actor actor) {
  const auto session = parts_.hub->find(id);
  if (!session) co_return fail(ErrorKind::not_found, "there is no such session");
  CO_TRY(check_hooks_wanted(*session));
  if (!giving_.insert(id).second) co_return fail(ErrorKind::conflict, "this agent is just being given its hooks");
  struct Leave {
    std::set<std::string>* set;
    std::string id;
    ~Leave() { set->erase(id); }
  } const leave{&giving_, id};

  const std::string config_dir = config_dir_of({});
  const pid_t pane = parts_.hub->pane_process(id);
  auto work = [roots = parts_.roots, config_dir, pane] { return look_at(*roots, config_dir, pane); };
  auto look = co_await run_on(*parts_.pool, std::move(work));
  if (!look) co_return tl::unexpected(std::move(look).error().in("the client's folder"));
  if (!look->client)
    co_return fail(ErrorKind::conflict,
                   "the client's process cannot be seen from here: end it in its terminal, and go on with its "
                   "conversation from the list of conversations");
  if (look->tool_open)
    co_return fail(ErrorKind::conflict,
                   "the agent runs a tool, or waits for permission to run one: try again when that is over, so that "
                   "nothing is broken off");
  auto trust = co_await unseen(look->folder, accept_settings, actor);
  if (!trust) co_return tl::unexpected(std::move(trust).error());
  if (*trust) co_return Started{.session = {}, .unseen = std::move(*trust)};

  const claude::LiveClient client = *look->client;
  const bool whole_pane = session->adopted && client.pid == pane && look->folder == session->project;
  const auto detail = boost::json::serialize(boost::json::object{
      {"conversation", client.conversation}, {"folder", printable(look->folder)}, {"pid", client.pid}});
  audit::Record record{.actor = actor.name, .ip = actor.ip, .action = "session.hooks", .target = id, .detail = detail};
  co_await audit(std::move(record));
  const auto ended = co_await end_client(client, config_dir);
  if (!ended) co_return tl::unexpected(ended.error());
  bool same_session = false;
  if (whole_pane) same_session = co_await has_ended(id);
  if (same_session) {
    parts_.hub->note_conversation(id, client.conversation);
    co_return co_await resume(std::move(id), std::move(accept_settings), std::move(actor));
  }
  StartRequest request{.name = parts_.hub->free_name(session->name),
                       .project = look->folder,
                       .cols = session->cols,
                       .rows = session->rows};
  if (look->resumable) request.conversation = client.conversation;
  request.accept_settings = std::move(accept_settings);
  co_return co_await start(std::move(request), std::move(actor));
}

Task<Result<>> Lifecycle::end_client(claude::LiveClient client, std::string config_dir) {
  auto ask = [folder = config_dir + "/sessions", client] { return claude::ask_to_end(folder, client); };
  const auto asked = co_await run_on(*parts_.pool, std::move(ask));
  if (!asked && asked.error().kind != ErrorKind::not_found) co_return asked;
  co_await wait_until_closed(client.conversation, config_dir);
  auto again = [folder = config_dir + "/sessions", pid = client.pid] {
    return claude::client_below(folder, pid).has_value();
  };
  const bool runs = co_await run_on(*parts_.pool, std::move(again));
  if (runs)
    co_return fail(ErrorKind::conflict,
                   "the client was told to end, and has not yet: nothing was started. Look at its terminal.");
  co_return Result<>{};
}

// With the client, its pane.
Task<bool> Lifecycle::has_ended(std::string id) {
  const auto deadline = parts_.clock->steady() + kPaneEndLimit;
  for (;;) {
    const auto session = parts_.hub->find(id);
    if (!session || session->status != sessions::Status::active) co_return session.has_value();
    if (parts_.clock->steady() >= deadline) co_return false;
    co_await sleep_for(kPaneEndStep);
  }
}

}  // namespace ccd::agents
