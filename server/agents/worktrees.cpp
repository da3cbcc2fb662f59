// Working trees for sessions: made, looked at together with what runs in them, and taken away again.
#include <algorithm>
#include <boost/json.hpp>

#include "agents/launch.hpp"
#include "agents/lifecycle.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "files/projects.hpp"

namespace ccd::agents {

namespace {

namespace json = boost::json;

audit::Record record_of(const sessions::Actor& actor, std::string action, std::string target, std::string detail) {
  return {.actor = actor.name,
          .ip = actor.ip,
          .action = std::move(action),
          .target = std::move(target),
          .detail = std::move(detail)};
}

}  // namespace

Task<Result<git::Repository>> Lifecycle::repository(std::string folder) {
  auto open = [roots = parts_.roots, folder]() -> Result<std::string> {
    return TRY(files::open_project_folder(*roots, folder)).path;
  };
  auto path = co_await run_on(*parts_.pool, std::move(open));
  if (!path) co_return tl::unexpected(std::move(path).error());
  co_return co_await parts_.git->find(std::move(*path));
}

Task<void> Lifecycle::audit(audit::Record record) {
  const auto written = co_await parts_.trail->append_now(*parts_.database, std::move(record));
  if (!written) log_error("agents", "an audit row could not be written", {{"error", written.error().message}});
}

Task<Result<git::MadeWorktree>> Lifecycle::add_worktree(std::string folder, WorktreeWish wish, sessions::Actor actor) {
  auto found = co_await repository(folder);
  if (!found) co_return tl::unexpected(std::move(found).error());
  audit::Record record = record_of(actor, "worktree.create", found->top,
                                   json::serialize(json::object{{"branch", printable(wish.branch)}}));
  git::NewWorktree wanted{.branch = std::move(wish.branch), .from = std::move(wish.from)};
  auto made = co_await parts_.git->add_worktree(std::move(*found), std::move(wanted));
  if (made) record.target = made->path;
  else record.outcome = audit::Outcome::error;
  co_await audit(std::move(record));
  co_return made;
}

// The path of what was made; the request's project is in it then, as deep as it was in the repository.
Task<Result<std::string>> Lifecycle::move_to_worktree(StartRequest* request, std::string folder,
                                                      sessions::Actor actor) {
  auto found = co_await repository(folder);
  if (!found && found.error().kind == ErrorKind::not_found)
    co_return fail_field("worktree", "the project is in no git repository, so it has no working trees");
  if (!found) co_return tl::unexpected(std::move(found).error());
  const std::string below = folder.substr(std::min(found->top.size(), folder.size()));
  auto made = co_await add_worktree(folder, std::move(*request->worktree), std::move(actor));
  if (!made) co_return tl::unexpected(std::move(made).error());
  request->worktree.reset();
  // A folder that the branch does not have: then its top.
  auto open = [roots = parts_.roots, path = made->path + below]() -> Result<std::string> {
    return TRY(files::open_project_folder(*roots, path)).path;
  };
  const auto inside = co_await run_on(*parts_.pool, std::move(open));
  request->project = inside ? *inside : made->path;
  co_return made->path;
}

// The session for which it was made did not come to be. Its branch stays.
Task<void> Lifecycle::take_back(std::string worktree) {
  auto found = co_await repository(worktree);
  if (!found) co_return;
  const git::Removal removal{.keep_branch = true};
  const auto removed = co_await parts_.git->remove_worktree(std::move(*found), removal);
  if (!removed)
    log_warn("agents", "a working tree stays without a session",
             {{"path", worktree}, {"error", removed.error().message}});
}

Task<std::vector<git::Obstacle>> Lifecycle::sessions_in(std::string folder) {
  using Kind = git::Obstacle::Kind;
  std::vector<git::Obstacle> out;
  std::vector<std::string> names;
  const auto where = co_await parts_.hub->working_folders();
  if (!where)
    out.push_back({.kind = Kind::unsure, .text = "what runs in it could not be found out: " + where.error().message});
  for (const sessions::Session& session : parts_.hub->list()) {
    if (session.status != sessions::Status::active) continue;
    bool in_it = git::is_at_or_below(session.project, folder);
    if (where)
      for (const auto& [id, path] : *where) in_it = in_it || (id == session.id && git::is_at_or_below(path, folder));
    if (in_it) names.push_back(session.name);
  }
  auto look = [config = config_dir_of({}) + "/sessions"] { return claude::live_clients(config); };
  const auto clients = co_await run_on(*parts_.pool, std::move(look));
  for (const claude::LiveClient& client : clients)
    if (names.empty() && client.seen == claude::Seen::running && git::is_at_or_below(client.folder, folder))
      names.push_back("Claude Code, process " + std::to_string(client.pid));
  if (!names.empty()) out.push_back({.kind = Kind::session, .text = "somebody works in it", .items = std::move(names)});
  co_return out;
}

Task<Result<std::vector<git::Obstacle>>> Lifecycle::obstacles(std::string folder) {
  auto found = co_await repository(std::move(folder));
  if (!found) co_return tl::unexpected(std::move(found).error());
  auto running = co_await sessions_in(found->top);
  auto all = co_await parts_.git->obstacles(std::move(*found));
  if (!all) co_return all;
  all->insert(all->begin(), std::make_move_iterator(running.begin()), std::make_move_iterator(running.end()));
  co_return all;
}

Task<Result<>> Lifecycle::remove_worktree(std::string folder, git::Removal removal, sessions::Actor actor) {
  auto found = co_await repository(std::move(folder));
  if (!found) co_return tl::unexpected(std::move(found).error());
  audit::Record record = record_of(
      actor, "worktree.remove", found->top,
      json::serialize(json::object{{"ignored_files", removal.ignored_files}, {"keep_branch", removal.keep_branch}}));
  Result<> removed{};
  const auto running = co_await sessions_in(found->top);
  if (!running.empty()) removed = fail(ErrorKind::conflict, "the working tree stays: " + git::describe(running));
  else removed = co_await parts_.git->remove_worktree(std::move(*found), removal);
  if (!removed) {
    record.outcome = audit::Outcome::denied;
    record.detail = json::serialize(json::object{{"error", removed.error().message}});
  }
  co_await audit(std::move(record));
  co_return removed;
}

}  // namespace ccd::agents
