// Routes of repositories under the project folders: status, differences, working trees.
#include <boost/json.hpp>

#include "api/api.hpp"
#include "api/errors.hpp"
#include "api/wire_lifecycle.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxBranch = 1000;

Result<std::string> path_of(const http::Request& request) {
  auto path = request.query("path");
  if (!path || path->empty()) return fail_field("path", "name a folder under a project root");
  return std::move(*path);
}

Result<git::DiffOf> diff_of(const http::Request& request) {
  const auto what = request.query("of");
  if (!what || *what == "worktree") return git::DiffOf::worktree;
  if (*what == "index") return git::DiffOf::index;
  if (*what == "both") return git::DiffOf::both;
  return fail_field("of", "worktree, index or both");
}

Result<bool> flag(const http::Request& request, std::string_view name) {
  const auto value = request.query(name);
  if (!value || *value == "false") return false;
  if (*value == "true") return true;
  return fail_field(std::string(name), std::string(name) + " is true or false");
}

}  // namespace

Task<Result<http::Response>> Api::git_status(Call call) {
  const std::string path = CO_TRY(path_of(call.http()));
  const auto repository = co_await parts_.lifecycle->repository(path);
  if (!repository) co_return tl::unexpected(repository.error());
  const auto status = co_await parts_.git->status(*repository);
  if (!status) co_return tl::unexpected(status.error());
  co_return json_response(200, status_json(*repository, *status));
}

Task<Result<http::Response>> Api::git_diff(Call call) {
  const std::string path = CO_TRY(path_of(call.http()));
  const git::DiffOf what = CO_TRY(diff_of(call.http()));
  const auto repository = co_await parts_.lifecycle->repository(path);
  if (!repository) co_return tl::unexpected(repository.error());
  std::string file = call.request->query("file").value_or("");
  const auto diff = co_await parts_.git->diff(*repository, what, std::move(file));
  if (!diff) co_return tl::unexpected(diff.error());
  co_return json_response(
      200, json::object{
               {"top", json_text(repository->top)}, {"diff", json_text(diff->text)}, {"truncated", diff->truncated}});
}

Task<Result<http::Response>> Api::git_worktrees(Call call) {
  const std::string path = CO_TRY(path_of(call.http()));
  const auto repository = co_await parts_.lifecycle->repository(path);
  if (!repository) co_return tl::unexpected(repository.error());
  const auto worktrees = co_await parts_.git->worktrees(*repository);
  if (!worktrees) co_return tl::unexpected(worktrees.error());
  const auto branches = co_await parts_.git->branches(*repository);
  if (!branches) co_return tl::unexpected(branches.error());
  json::array trees;
  for (const git::Worktree& each : *worktrees) trees.push_back(worktree_json(each));
  json::array names;
  for (const std::string& each : *branches) names.emplace_back(json_text(each));
  co_return json_response(
      200, json::object{
               {"top", json_text(repository->top)}, {"worktrees", std::move(trees)}, {"branches", std::move(names)}});
}

Task<Result<http::Response>> Api::git_worktree_add(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  std::string path = CO_TRY(body.text("path", kMaxPath));
  agents::WorktreeWish wish{.branch = CO_TRY(body.text("branch", kMaxBranch)),
                            .from = CO_TRY(body.text_or("from", "", kMaxBranch))};
  const auto made = co_await parts_.lifecycle->add_worktree(std::move(path), std::move(wish), call.actor());
  if (!made) co_return tl::unexpected(made.error());
  co_return json_response(
      201, json::object{
               {"path", json_text(made->path)}, {"branch", json_text(made->branch)}, {"new_branch", made->new_branch}});
}

Task<Result<http::Response>> Api::git_obstacles(Call call) {
  std::string path = CO_TRY(path_of(call.http()));
  const auto found = co_await parts_.lifecycle->obstacles(std::move(path));
  if (!found) co_return tl::unexpected(found.error());
  co_return json_response(200, json::object{{"obstacles", obstacles_json(*found)}});
}

Task<Result<http::Response>> Api::git_worktree_remove(Call call) {
  std::string path = CO_TRY(path_of(call.http()));
  const git::Removal removal{.ignored_files = CO_TRY(flag(call.http(), "ignored_files")),
                             .keep_branch = CO_TRY(flag(call.http(), "keep_branch"))};
  const auto removed = co_await parts_.lifecycle->remove_worktree(std::move(path), removal, call.actor());
  if (!removed) co_return tl::unexpected(removed.error());
  co_return http::empty(204);
}

}  // namespace ccd::api
