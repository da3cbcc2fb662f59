// Working trees: made beside the agents' own, and removed only when nothing is lost with them.
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <memory>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "git/git.hpp"

namespace ccd::git {

namespace {

using namespace std::chrono_literals;

constexpr auto kLookLimit = 60s;
// Writing out 100,000 files on a slow disk.
constexpr auto kCheckoutLimit = 300s;
constexpr std::size_t kMaxLook = std::size_t{64} * 1024 * 1024;  // a line for each of some 500,000 files
constexpr std::size_t kMaxBranch = 200;
constexpr std::size_t kMaxSlug = 60;
constexpr int kMaxTries = 100;  // folders of one name with a number behind
// Looked at for other repositories below what git ignores. A large node_modules has 100,000.
constexpr std::size_t kMaxWalked = 1'000'000;

using Kind = Obstacle::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 13> kKinds{{
    {Kind::main, "main"},
    {Kind::locked, "locked"},
    {Kind::uncommitted, "uncommitted"},
    {Kind::untracked, "untracked"},
    {Kind::ignored, "ignored"},
    {Kind::unmerged, "unmerged"},
    {Kind::detached, "detached"},
    {Kind::operation, "operation"},
    {Kind::submodules, "submodules"},
    {Kind::hidden, "hidden"},
    {Kind::nested, "nested"},
    {Kind::session, "session"},
    {Kind::unsure, "unsure"},
}};

void add(std::vector<Obstacle>& found, Kind kind, std::string text, std::vector<std::string> items = {},
         std::size_t more = 0) {
  if (items.size() > kMaxListed) {
    more += items.size() - kMaxListed;
    items.resize(kMaxListed);
  }
  found.push_back({.kind = kind, .text = std::move(text), .items = std::move(items), .more = more});
}

void add_unsure(std::vector<Obstacle>& found, const std::string& what, const Error& error) {
  add(found, Kind::unsure, what + " could not be found out: " + error.message);
}

// What git keeps in a working tree's folder while something is under way.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kOperations{{
    {"rebase-merge", "a rebase"},
    {"rebase-apply", "a rebase or git am"},
    {"MERGE_HEAD", "a merge"},
    {"CHERRY_PICK_HEAD", "a cherry-pick"},
    {"REVERT_HEAD", "a revert"},
    {"BISECT_LOG", "a bisection"},
    {"sequencer", "a series of picks or reverts"},
}};

std::string slug_of(std::string_view branch) {
  std::string out;
  for (const char c : branch.substr(0, kMaxSlug)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (plain && !(out.empty() && c == '.')) out += c;
    else if (!out.empty() && !out.ends_with('-')) out += '-';
  }
  while (out.ends_with('-') || out.ends_with('.')) out.pop_back();
  return out.empty() ? "worktree" : out;
}

Result<UniqueFd> folder_in(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0777) != 0 && errno != EEXIST) return fail_errno("make the folder " + name);
  UniqueFd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return fail(ErrorKind::conflict, name + " in the project is not a folder: move it away");
  return folder;
}

// The path of a new working tree below `top`: its parents are made, without following links, and hidden from git.
Result<std::string> place_for(const std::string& top, std::string_view branch) {
  UniqueFd folder(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return fail_errno("open " + top);
  std::string_view rest = kWorktreeFolder;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    folder = TRY(folder_in(folder.get(), std::string(rest.substr(0, slash))));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  const UniqueFd ignore(
      ::openat(folder.get(), ".gitignore", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (ignore && ::write(ignore.get(), "*\n", 2) != 2) return fail_errno("hide the working trees from git");
  const std::string slug = slug_of(branch);
  for (int i = 1; i <= kMaxTries; ++i) {
    const std::string name = i == 1 ? slug : slug + "-" + std::to_string(i);
    struct stat status{};
    if (::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
      return top + "/" + std::string(kWorktreeFolder) + "/" + name;
  }
  return fail(ErrorKind::conflict, "there are 100 working trees of this name: remove some first");
}

// The first other repository below one of `folders`, or nothing. too_large: there is too much to look at.
Result<std::string> other_repository(const std::vector<std::string>& folders) {
  std::size_t walked = 0;
  for (const std::string& folder : folders) {
    std::string path = folder;
    std::array<char*, 2> start{path.data(), nullptr};
    const std::unique_ptr<FTS, int (*)(FTS*)> walk(
        ::fts_open(start.data(), FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, nullptr), &::fts_close);
    if (!walk) return fail_errno("look below " + folder);
    while (const FTSENT* entry = ::fts_read(walk.get())) {
      if (++walked > kMaxWalked) return fail(ErrorKind::too_large, "there are over a million files that git ignores");
      if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
        return fail_errno("look below " + folder, entry->fts_errno);
      if (std::string_view(entry->fts_name, entry->fts_namelen) == ".git" && entry->fts_info != FTS_DP)
        return std::string(entry->fts_path);
    }
  }
  return std::string();
}

std::vector<std::string> paths_of(const Status& status, ChangeKind kind) {
  std::vector<std::string> out;
  for (const Change& change : status.changes)
    if (change.kind == kind) out.push_back(printable(change.path));
  return out;
}

}  // namespace

std::string_view to_string(Obstacle::Kind kind) {
  for (const auto& [each, word] : kKinds)
    if (each == kind) return word;
  return "unsure";
}

std::vector<Obstacle> in_the_way(std::vector<Obstacle> obstacles, const Removal& removal) {
  std::erase_if(obstacles, [&](const Obstacle& obstacle) {
    return (obstacle.kind == Kind::ignored && removal.ignored_files) ||
           (obstacle.kind == Kind::unmerged && removal.keep_branch);
  });
  return obstacles;
}

std::string describe(const std::vector<Obstacle>& obstacles) {
  std::string out;
  for (const Obstacle& obstacle : obstacles) {
    if (!out.empty()) out += "; ";
    out += obstacle.text;
    if (obstacle.items.empty()) continue;
    out += ": ";
    constexpr std::size_t kNamed = 5;
    for (std::size_t i = 0; i < obstacle.items.size() && i < kNamed; ++i)
      out += (i > 0 ? ", " : "") + obstacle.items[i];
    const std::size_t more = obstacle.more + (obstacle.items.size() > kNamed ? obstacle.items.size() - kNamed : 0);
    if (more > 0) out += " and " + std::to_string(more) + " more";
  }
  return out;
}

// --- made -------------------------------------------------------------------------------------------------------------------

Task<Result<std::string>> Git::resolve(Repository repository, std::string revision) {
  const auto output = co_await run_there(
      std::move(repository), words("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"),
      Failure::is_value);
  if (!output) co_return tl::unexpected(output.error());
  std::string id = output->out.substr(0, output->out.find('\n'));
  if (output->exit_code != 0 || id.empty())
    co_return fail(ErrorKind::not_found, "the repository has no commit `" + printable(revision) + "`");
  co_return id;
}

// A branch of that name that exactly one remote has: who asks for it means that one, as `git switch` takes it.
Task<std::string> Git::remote_branch(Repository repository, std::string branch) {
  const auto output =
      co_await run_there(std::move(repository),
                         words("for-each-ref", "--format=%(refname)", "refs/remotes/*/" + branch), Failure::is_error);
  if (!output) co_return "";
  const std::size_t end = output->out.find('\n');
  if (end == std::string::npos || end + 1 != output->out.size()) co_return "";
  co_return output->out.substr(0, end);
}

Task<Result<MadeWorktree>> Git::add_worktree(Repository repository, NewWorktree wanted) {
  const std::string& branch = wanted.branch;
  if (branch.empty() || branch.size() > kMaxBranch || branch.find('\0') != std::string::npos || branch.starts_with('-'))
    co_return fail_field("branch", "a branch's name has 1 to 200 characters and does not start with -");
  if (wanted.from.size() > kMaxBranch || wanted.from.find('\0') != std::string::npos)
    co_return fail_field("from", "name a branch, a tag or a commit");
  const auto formed =
      co_await run_there(repository, words("check-ref-format", "refs/heads/" + branch), Failure::is_value);
  if (!formed) co_return tl::unexpected(formed.error());
  if (formed->exit_code != 0)
    co_return fail_field("branch", "git takes no branch of this name: no spaces, no .., no ~^:?*[\\, no / at the end");
  const auto there = co_await run_there(
      repository, words("show-ref", "--verify", "--quiet", "--", "refs/heads/" + branch), Failure::is_value);
  if (!there) co_return tl::unexpected(there.error());
  MadeWorktree made{.branch = branch, .new_branch = there->exit_code != 0};
  std::string start;
  std::string remote;
  if (made.new_branch) {
    if (wanted.from.empty()) remote = co_await remote_branch(repository, branch);
    std::string revision = wanted.from.empty() ? "HEAD" : wanted.from;
    if (!remote.empty()) revision = remote;
    auto resolved = co_await resolve(repository, std::move(revision));
    if (!resolved && wanted.from.empty())
      co_return fail(ErrorKind::conflict, "the repository has no commit yet: make the first one, then a working tree");
    if (!resolved) co_return fail_field("from", resolved.error().message);
    start = std::move(*resolved);
  }
  const auto all = co_await worktrees(repository);
  if (!all) co_return tl::unexpected(all.error());
  const bool has_main = !all->empty() && all->front().main && !all->front().bare;
  const std::string top = has_main ? all->front().path : repository.top;
  auto place = [top, branch] { return place_for(top, branch); };
  auto path = co_await run_on(*pool_, std::move(place));
  if (!path) co_return tl::unexpected(path.error());
  made.path = std::move(*path);

  // Nothing is written out yet, so no filter of the repository is reached.
  std::vector<std::string> add_words{"worktree", "add", "--quiet", "--no-checkout"};
  if (made.new_branch && !remote.empty())
    add_words.insert(add_words.end(), {"--track", "-b", branch, "--", made.path, remote});
  else if (made.new_branch) add_words.insert(add_words.end(), {"--no-track", "-b", branch, "--", made.path, start});
  else add_words.insert(add_words.end(), {"--", made.path, branch});
  const auto added = co_await run_there(repository, std::move(add_words), Failure::is_error);
  if (!added) co_return tl::unexpected(added.error());
  const auto checked_out = co_await check_out(repository, made.path);
  if (!checked_out) {
    // Nobody has worked in it yet.
    co_await run_there(repository, words("worktree", "remove", "--force", "--", made.path), Failure::is_value);
    if (made.new_branch)
      co_await run_there(repository, words("update-ref", "-d", "refs/heads/" + branch, start), Failure::is_value);
    co_return tl::unexpected(checked_out.error());
  }
  co_return made;
}

Task<Result<Repository>> Git::check_out(Repository repository, std::string path) {
  auto made = co_await find(path);
  if (!made) co_return tl::unexpected(made.error());
  if (made->top != path || made->common_dir != repository.common_dir)
    co_return fail(ErrorKind::conflict, "the new working tree was moved or replaced while it was made");
  Call call{.words = {"reset", "--hard", "--quiet", "--no-recurse-submodules"},
            .work_tree = path,
            .time_limit = kCheckoutLimit,
            .output_limit = kMaxListed * 1024};
  const auto written = co_await run_apart(*made, std::move(call), Failure::is_error);
  if (!written) co_return tl::unexpected(written.error());
  co_return made;
}

// --- removed ----------------------------------------------------------------------------------------------------------------

Task<void> Git::look_at_files(Repository repository, std::vector<Obstacle>* found) {
  const auto status = co_await status_with(repository, words("--untracked-files=all", "--ignored=matching"));
  if (!status) {
    add_unsure(*found, "what is not committed", status.error());
    co_return;
  }
  std::vector<std::string> changed = paths_of(*status, ChangeKind::changed);
  for (const ChangeKind kind : {ChangeKind::renamed, ChangeKind::unmerged}) {
    const auto more = paths_of(*status, kind);
    changed.insert(changed.end(), more.begin(), more.end());
  }
  if (!changed.empty()) add(*found, Kind::uncommitted, "changes are not committed", std::move(changed));
  auto untracked = paths_of(*status, ChangeKind::untracked);
  if (!untracked.empty()) add(*found, Kind::untracked, "files are not in git", std::move(untracked));
  auto ignored = paths_of(*status, ChangeKind::ignored);
  std::vector<std::string> folders;
  for (const Change& change : status->changes)
    if (change.kind == ChangeKind::ignored && change.path.ends_with('/'))
      folders.push_back(repository.top + "/" + change.path.substr(0, change.path.size() - 1));
  if (!ignored.empty()) add(*found, Kind::ignored, "files that git ignores are removed with it", std::move(ignored));
  if (status->left_out > 0)
    add(*found, Kind::unsure, "there are " + std::to_string(status->left_out) + " more changes than can be looked at");
  auto walk = [folders = std::move(folders)] { return other_repository(folders); };
  const auto other = co_await run_on(*pool_, std::move(walk));
  if (!other) add_unsure(*found, "what lies in ignored folders", other.error());
  else if (!other->empty()) add(*found, Kind::nested, "another repository lies in it", {printable(*other)});
  co_await look_at_commits(std::move(repository), *status, found);
}

// Files that git was told to take for unchanged, or not to have: what is in them is in no status. And submodules.
Task<void> Git::look_at_index(Repository repository, std::vector<Obstacle>* found) {
  Call call{.words = {"ls-files", "-z", "-v", "--stage"},
            .work_tree = repository.top,
            .time_limit = kLookLimit,
            .output_limit = kMaxLook};
  const auto output = co_await run_apart(repository, std::move(call), Failure::is_error);
  if (!output) {
    add_unsure(*found, "which files git does not look at", output.error());
    co_return;
  }
  auto sort = [text = output->out, top = repository.top] {
    std::pair<std::vector<std::string>, std::vector<std::string>> hidden_and_submodules;
    std::string_view rest = text;
    while (!rest.empty()) {
      // "H 100644 <id> 0\tpath": a small letter is assumed unchanged, S is not to be in the working tree.
      const std::string_view entry = rest.substr(0, rest.find('\0'));
      rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
      const std::size_t tab = entry.find('\t');
      if (tab == std::string_view::npos || entry.size() < 3) continue;
      const std::string path(entry.substr(tab + 1));
      if (entry.substr(2).starts_with("160000")) hidden_and_submodules.second.push_back(printable(path));
      const bool assumed = entry[0] >= 'a' && entry[0] <= 'z';
      if (assumed || (entry[0] == 'S' && exists(top + "/" + path)))
        hidden_and_submodules.first.push_back(printable(path));
    }
    return hidden_and_submodules;
  };
  auto [hidden, submodules] = co_await run_on(*pool_, std::move(sort));
  if (!hidden.empty())
    add(*found, Kind::hidden, "git was told not to look at some files (assume-unchanged or skip-worktree)",
        std::move(hidden));
  if (!submodules.empty())
    add(*found, Kind::submodules, "it has submodules, which have to be looked at by hand", std::move(submodules));
}

Task<void> Git::look_at_commits(Repository repository, Status status, std::vector<Obstacle>* found) {
  if (status.head.empty()) co_return;
  Call call{.words = {"log", "-z", "--no-notes", "--no-decorate", "--format=%h %s",
                      "--max-count=" + std::to_string(kMaxListed + 1), "HEAD", "--not", "--remotes"},
            .work_tree = repository.top,
            .time_limit = kLookLimit,
            .output_limit = kMaxLook};
  if (!status.branch.empty()) call.words.push_back("--exclude=" + status.branch);
  call.words.insert(call.words.end(), {"--branches", "--"});
  const auto output = co_await run_apart(std::move(repository), std::move(call), Failure::is_error);
  if (!output) {
    add_unsure(*found, "which commits are nowhere else", output.error());
    co_return;
  }
  std::vector<std::string> commits;
  std::string_view rest = output->out;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    commits.push_back(printable(line));
  }
  if (commits.empty()) co_return;
  if (status.branch.empty()) add(*found, Kind::detached, "commits are on no branch", std::move(commits));
  else
    add(*found, Kind::unmerged,
        "commits are on the branch " + printable(status.branch) + " alone: neither pushed nor merged",
        std::move(commits));
}

Task<Result<std::vector<Obstacle>>> Git::obstacles(Repository repository) {
  std::vector<Obstacle> found;
  if (!repository.linked()) {
    add(found, Kind::main, "it is the repository's main working tree");
    co_return found;
  }
  const auto all = co_await worktrees(repository);
  if (!all) co_return tl::unexpected(all.error());
  bool listed = false;
  for (const Worktree& worktree : *all) {
    if (worktree.path != repository.top) continue;
    listed = true;
    if (worktree.locked)
      add(found, Kind::locked, "it is locked" + (worktree.locked->empty() ? "" : ": " + *worktree.locked));
  }
  if (!listed) add(found, Kind::unsure, "the repository does not list it as one of its working trees");
  auto look = [git_dir = repository.git_dir] {
    std::vector<std::string> out;
    for (const auto& [name, words] : kOperations)
      if (exists(git_dir + "/" + std::string(name))) out.emplace_back(words);
    return out;
  };
  auto operations = co_await run_on(*pool_, std::move(look));
  if (!operations.empty()) add(found, Kind::operation, "something is under way in it", std::move(operations));
  co_await look_at_files(repository, &found);
  co_await look_at_index(repository, &found);
  co_return found;
}

Task<Result<>> Git::remove_worktree(Repository repository, Removal removal) {
  auto found = co_await obstacles(repository);
  if (!found) co_return tl::unexpected(found.error());
  const auto left = in_the_way(std::move(*found), removal);
  if (!left.empty()) co_return fail(ErrorKind::conflict, "the working tree stays: " + describe(left));
  // From the repository's own folder: with its last working tree gone git would have none to stand in.
  Repository main = repository;
  main.git_dir = repository.common_dir;
  Call call{.words = {"worktree", "remove", "--", repository.top},
            .time_limit = kCheckoutLimit,
            .output_limit = kMaxListed * 1024};
  const auto removed = co_await run_apart(std::move(main), std::move(call), Failure::is_error);
  if (!removed) co_return tl::unexpected(removed.error());
  co_return Result<>{};
}

}  // namespace ccd::git
