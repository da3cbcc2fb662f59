// Sessions started, resumed, restarted and forked. fleet.cpp brings many back, worktrees.cpp has the working trees, import.cpp the
// conversations.
#include "agents/lifecycle.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "agents/launch.hpp"
#include "agents/variables.hpp"
#include "base/log.hpp"
#include "files/projects.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::string_view kCreate = R"sql(
CREATE TABLE launches (
  session         TEXT PRIMARY KEY,
  environment     TEXT NOT NULL,  -- JSON object of texts: what it was given beside the usual
  model           TEXT NOT NULL,
  permission_mode TEXT NOT NULL,
  template        TEXT NOT NULL
) STRICT;
)sql";

// A client that is ended writes its books first; beside compilers that has taken seconds.
constexpr auto kCloseLimit = 10s;
// One in another container may have been killed, and only its file is left.
constexpr auto kCloseElsewhereLimit = 3s;
constexpr auto kCloseStep = 50ms;
constexpr WallMicros kJustEnded = 15'000'000;

}  // namespace

std::vector<storage::Migration> lifecycle_migrations() { return {{"agents/032-launches", kCreate}}; }

Lifecycle::Lifecycle(asio::any_io_executor executor, Parts parts)
    : executor_(executor),
      parts_(parts),
      trust_({.database = parts.database,
              .trail = parts.trail,
              .roots = parts.roots,
              .clock = parts.clock,
              .pool = parts.pool}),
      templates_({.database = parts.database, .trail = parts.trail, .clock = parts.clock, .random = parts.random}),
      list_(std::make_shared<claude::ConversationList>(config_dir_of({}) + "/projects")),
      listed_(executor),
      tasks_(executor) {}

Task<void> Lifecycle::stop() {
  tasks_.cancel();
  co_await tasks_.join(3s);
}

Result<> Lifecycle::store_kept(storage::Connection& db, const std::string& session, const Kept& kept) {
  TRY(db.run(
      "INSERT OR REPLACE INTO launches (session, environment, model, permission_mode, template) VALUES (?,?,?,?,?)",
      session, variables_to_json(kept.environment), kept.model, kept.permission_mode, kept.template_id));
  return {};
}

Task<Result<Lifecycle::Kept>> Lifecycle::kept(std::string session) {
  auto load = [session](storage::Connection& db) -> Result<Kept> {
    const auto read = [](const storage::Row& row) {
      return Kept{.environment = variables_from_json(row.text(0)),
                  .model = row.text(1),
                  .permission_mode = row.text(2),
                  .template_id = row.text(3)};
    };
    auto found = TRY(
        db.one("SELECT environment, model, permission_mode, template FROM launches WHERE session = ?", read, session));
    return found.value_or(Kept{});
  };
  co_return co_await parts_.database->run(std::move(load));
}

// Nothing when it may start.
Task<Result<std::optional<TrustState>>> Lifecycle::unseen(std::string folder, std::string accept_settings,
                                                          sessions::Actor actor) {
  std::optional<TrustState> out;
  auto state = co_await trust_.look(folder);
  if (!state) co_return tl::unexpected(std::move(state).error());
  if (!state->accepted && !accept_settings.empty() && accept_settings == state->settings.digest) {
    auto accepted = co_await trust_.accept(std::move(folder), std::move(accept_settings), std::move(actor));
    if (!accepted) co_return tl::unexpected(std::move(accepted).error());
    state = std::move(accepted);
  }
  if (!state->accepted) out = std::move(*state);
  co_return out;
}

// --- started ----------------------------------------------------------------------------------------------------------------

Task<Result<>> Lifecycle::fill_from_template(StartRequest* request) {
  if (request->template_id.empty()) co_return Result<>{};
  const auto found = co_await templates_.find(request->template_id);
  if (!found && found.error().kind == ErrorKind::not_found)
    co_return fail_field("template", "there is no such template");
  if (!found) co_return tl::unexpected(found.error());
  const auto fill = [](std::string& field, const std::string& value) {
    if (field.empty()) field = value;
  };
  fill(request->project, found->project);
  fill(request->model, found->model);
  fill(request->permission_mode, found->permission_mode);
  if (request->conversation.empty()) fill(request->prompt, found->prompt);
  for (const auto& variable : found->environment) {
    const bool given =
        std::ranges::any_of(request->environment, [&](const auto& own) { return own.first == variable.first; });
    if (!given) request->environment.push_back(variable);
  }
  co_return Result<>{};
}

Task<Result<>> Lifecycle::fill_from_conversation(StartRequest* request) {
  if (request->conversation.empty()) co_return Result<>{};
  // A list of its own: the shared one may be busy with a scan.
  auto find = [projects = config_dir_of(request->environment) + "/projects", id = request->conversation] {
    return claude::ConversationList(projects).find(id);
  };
  const auto found = co_await run_on(*parts_.pool, std::move(find));
  if (!found) co_return tl::unexpected(found.error());
  if (!found->facts.resumable)
    co_return fail(ErrorKind::conflict, "nothing has been said in this conversation: start a new one");
  if (request->project.empty()) request->project = found->facts.folder;
  if (request->project.empty())
    co_return fail_field("project", "the conversation does not say where it was: name the folder");
  co_return Result<>{};
}

// Where it is open otherwise: two clients that write one transcript damage it.
Task<Result<>> Lifecycle::not_open_elsewhere(std::string conversation, std::string config_dir, std::string except) {
  for (const sessions::Session& session : parts_.hub->list()) {
    if (session.id == except || session.status != sessions::Status::active || session.claude_session_id != conversation)
      continue;
    co_return fail(ErrorKind::conflict, "this conversation is open in the session " + session.name +
                                            ": two clients would damage it. Go on there, or fork it.");
  }
  auto look = [folder = config_dir + "/sessions"] { return claude::live_clients(folder); };
  const auto clients = co_await run_on(*parts_.pool, std::move(look));
  for (const claude::LiveClient& client : clients) {
    if (client.seen != claude::Seen::running || client.conversation != conversation) continue;
    co_return fail(ErrorKind::conflict,
                   "this conversation is open in a Claude Code outside of the dashboard (process " +
                       std::to_string(client.pid) + " in " + client.folder + "): end it there first, or fork it.");
  }
  co_return Result<>{};
}

Task<Result<Started>> Lifecycle::start(StartRequest request, sessions::Actor actor) {
  const auto filled = co_await fill_from_template(&request);
  if (!filled) co_return tl::unexpected(filled.error());
  const auto found = co_await fill_from_conversation(&request);
  if (!found) co_return tl::unexpected(found.error());
  const bool claude = request.command.empty() || parts_.hub->kind_of_command(request.command) == sessions::Kind::claude;
  if (!claude && !request.prompt.empty()) co_return fail_field("prompt", "only Claude Code takes a prompt");
  if (request.prompt.size() > kMaxPrompt) co_return fail_field("prompt", "a first prompt has at most 20000 bytes");
  auto open = [roots = parts_.roots, path = request.project]() -> Result<std::string> {
    return TRY(files::open_project_folder(*roots, path)).path;
  };
  auto folder = co_await run_on(*parts_.pool, std::move(open));
  if (!folder) co_return tl::unexpected(std::move(folder).error());
  request.project = *folder;

  if (claude) {
    auto look = co_await unseen(request.project, request.accept_settings, actor);
    if (!look) co_return tl::unexpected(std::move(look).error());
    if (*look) co_return Started{.session = {}, .unseen = std::move(*look)};
  }
  std::string made;
  if (request.worktree) {
    const auto moved = co_await move_to_worktree(&request, request.project, actor);
    if (!moved) co_return tl::unexpected(moved.error());
    made = *moved;
  }
  if (claude && !made.empty()) {
    // The branch may bring others than the folder has.
    auto look = co_await unseen(request.project, request.accept_settings, actor);
    if (!look) co_return tl::unexpected(std::move(look).error());
    if (*look) co_return Started{.session = {}, .unseen = std::move(*look)};
  }
  auto started = co_await create(std::move(request), actor);
  if (!started && !made.empty()) co_await take_back(made);
  co_return started;
}

// Holds a conversation for whoever opens it, until the session is there.
class Lifecycle::Opening {
 public:
  Opening(std::set<std::string>* open, std::string id) : open_(open), id_(std::move(id)) {}
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening() { open_->erase(id_); }

 private:
  std::set<std::string>* open_;
  std::string id_;
};

// Everything is decided; what is left is the conversation.
Task<Result<Started>> Lifecycle::create(StartRequest request, sessions::Actor actor) {
  sessions::CreateRequest create{.name = std::move(request.name),
                                 .project = std::move(request.project),
                                 .command = std::move(request.command),
                                 .environment = request.environment,
                                 .cols = request.cols,
                                 .rows = request.rows};
  create.launch = {.model = request.model, .permission_mode = request.permission_mode};
  create.prompt = std::move(request.prompt);
  std::optional<Opening> opening;
  if (!request.conversation.empty() && request.fork) {
    create.launch.start = claude::Start::fork;
    create.launch.forked_from = request.conversation;
  } else if (!request.conversation.empty()) {
    create.launch.start = claude::Start::resume;
    create.launch.conversation = request.conversation;
    if (!opening_.insert(request.conversation).second)
      co_return fail(ErrorKind::conflict, "this conversation is just being opened");
    opening.emplace(&opening_, request.conversation);
    const auto free = co_await not_open_elsewhere(request.conversation, config_dir_of(request.environment), "");
    if (!free) co_return tl::unexpected(free.error());
  }
  create.store = [kept = Kept{.environment = request.environment,
                              .model = request.model,
                              .permission_mode = request.permission_mode,
                              .template_id = request.template_id}](storage::Connection& db, const std::string& id) {
    return store_kept(db, id, kept);
  };
  auto session = co_await parts_.hub->create(std::move(create), std::move(actor));
  if (!session) co_return tl::unexpected(std::move(session).error());
  co_return Started{.session = std::move(*session), .unseen = {}};
}

Task<Result<Started>> Lifecycle::fork(std::string id, StartRequest request, sessions::Actor actor) {
  const auto session = parts_.hub->find(id);
  if (!session) co_return fail(ErrorKind::not_found, "there is no such session");
  if (session->claude_session_id.empty())
    co_return fail(ErrorKind::conflict, "no conversation of this session is known: there is nothing to fork");
  auto before = co_await kept(id);
  if (!before) co_return tl::unexpected(std::move(before).error());
  request.conversation = session->claude_session_id;
  request.fork = true;
  if (request.project.empty()) request.project = session->project;
  if (request.name.empty()) request.name = parts_.hub->free_name(session->name + "-fork");
  if (request.command.empty() && !session->adopted) request.command = without_conversation(session->command);
  if (request.model.empty()) request.model = before->model;
  if (request.permission_mode.empty()) request.permission_mode = before->permission_mode;
  if (request.environment.empty()) request.environment = before->environment;
  co_return co_await start(std::move(request), std::move(actor));
}

// --- started again ----------------------------------------------------------------------------------------------------------

Task<Result<sessions::ResumeRequest>> Lifecycle::plan_resume(sessions::Session session) {
  auto before = co_await kept(session.id);
  if (!before) co_return tl::unexpected(std::move(before).error());
  sessions::ResumeRequest out;
  out.environment = before->environment;
  const std::string& conversation = session.claude_session_id;
  const bool claude = parts_.hub->kind_of_command(session.command) == sessions::Kind::claude;
  if (session.adopted && conversation.empty())
    co_return fail(ErrorKind::conflict,
                   claude
                       ? "it was started by hand, and its conversation is not known: choose it among the conversations"
                       : "it was started by hand: the dashboard does not know how to start it again");
  if (!session.adopted && !claude) co_return out;
  // By hand, only the program's name is known.
  out.command = session.adopted ? parts_.hub->default_command() : without_conversation(session.command);
  const LaunchPlan plan = plan_launch(out.command);
  if (plan.hooks) out.launch = {.model = before->model, .permission_mode = before->permission_mode};
  if (conversation.empty()) co_return out;
  const std::string config_dir = config_dir_of(out.environment);
  auto find = [config_dir, conversation] {
    return claude::ConversationList(config_dir + "/projects").find(conversation);
  };
  const auto found = co_await run_on(*parts_.pool, std::move(find));
  const bool there = found && found->facts.resumable;
  if (there && !plan.hooks) {
    out.command.insert(out.command.end(), {"--resume", conversation});
  } else if (there) {
    out.launch.start = claude::Start::resume;
    out.launch.conversation = conversation;
  } else if (!found && plan.hooks) {
    // Nothing was said in it, so nothing was written: it begins under the same id.
    out.launch.conversation = conversation;
  }
  co_return out;
}

Task<Result<Started>> Lifecycle::resume(std::string id, std::string accept_settings, sessions::Actor actor) {
  const auto session = parts_.hub->find(id);
  if (!session) co_return fail(ErrorKind::not_found, "there is no such session");
  if (session->status == sessions::Status::active) co_return fail(ErrorKind::conflict, "the session runs already");
  auto plan = co_await plan_resume(*session);
  if (!plan) co_return tl::unexpected(std::move(plan).error());
  const bool claude = !plan->command.empty();
  std::optional<Opening> opening;
  if (claude) {
    auto look = co_await unseen(session->project, std::move(accept_settings), actor);
    if (!look) co_return tl::unexpected(std::move(look).error().in("the session's folder " + session->project));
    if (*look) co_return Started{.session = {}, .unseen = std::move(*look)};
    // One that was ended just now may still be writing its books.
    if (parts_.clock->wall() - session->ended_at.value_or(0) < kJustEnded)
      co_await wait_until_closed(session->claude_session_id, config_dir_of(plan->environment));
    if (!session->claude_session_id.empty()) {
      if (!opening_.insert(session->claude_session_id).second)
        co_return fail(ErrorKind::conflict, "this conversation is just being opened");
      opening.emplace(&opening_, session->claude_session_id);
    }
    const auto free = co_await not_open_elsewhere(session->claude_session_id, config_dir_of(plan->environment), id);
    if (!free) co_return tl::unexpected(free.error());
  }
  auto resumed = co_await parts_.hub->resume(std::move(id), std::move(*plan), std::move(actor));
  if (!resumed) co_return tl::unexpected(std::move(resumed).error());
  co_return Started{.session = std::move(*resumed), .unseen = {}};
}

// A client that was told to end has the transcript open for a moment more.
Task<void> Lifecycle::wait_until_closed(std::string conversation, std::string config_dir) {
  const auto began = parts_.clock->steady();
  while (!conversation.empty()) {
    auto look = [folder = config_dir + "/sessions"] { return claude::live_clients(folder); };
    const auto clients = co_await run_on(*parts_.pool, std::move(look));
    bool running = false;
    bool elsewhere = false;
    for (const claude::LiveClient& client : clients) {
      if (client.conversation != conversation) continue;
      (client.seen == claude::Seen::running ? running : elsewhere) = true;
    }
    const auto waited = parts_.clock->steady() - began;
    if (!running && !elsewhere) co_return;
    if (waited >= kCloseLimit || (!running && waited >= kCloseElsewhereLimit)) co_return;
    co_await sleep_for(kCloseStep);
  }
}

Task<Result<Started>> Lifecycle::restart(std::string id, std::string accept_settings, sessions::Actor actor) {
  const auto session = parts_.hub->find(id);
  if (!session) co_return fail(ErrorKind::not_found, "there is no such session");
  if (session->status == sessions::Status::active) {
    // What would refuse the start is found before anything is ended.
    const auto plan = co_await plan_resume(*session);
    if (!plan) co_return tl::unexpected(plan.error());
    if (!plan->command.empty()) {
      auto look = co_await unseen(session->project, accept_settings, actor);
      if (!look) co_return tl::unexpected(std::move(look).error());
      if (*look) co_return Started{.session = {}, .unseen = std::move(*look)};
    }
    const auto ended = co_await parts_.hub->end(id, actor);
    if (!ended && ended.error().kind != ErrorKind::conflict) co_return tl::unexpected(ended.error());
  }
  co_return co_await resume(std::move(id), std::move(accept_settings), std::move(actor));
}

}  // namespace ccd::agents
