// Status, differences and working trees of the repositories under the project folders, by the git program.
//
// A repository's configuration and hooks are its maker's, who may be anybody, and this process has secrets that an agent must not
// have. So no command here starts a program that a repository names: see stand_in.hpp, config.hpp and docs/decisions/0024.
//
// Lives on the loop; not thread-safe; outlives every task that it returned. At most kAtOnce gits run at a time. Kinds of errors:
// not_found (no repository, no such branch), conflict (what git refuses: its first words), forbidden (outside of what is allowed),
// invalid (`field` names the input), too_many (kMaxWaiting wait), timeout, too_large, unavailable (no git, or a repository of a kind
// that is not known).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/process.hpp"
#include "base/task.hpp"
#include "git/porcelain.hpp"
#include "git/repository.hpp"

namespace ccd::git {

inline constexpr std::size_t kAtOnce = 4;       // each can take a core and some 100 MB on a large repository
inline constexpr std::size_t kMaxWaiting = 64;  // more would only time out in the end
inline constexpr std::size_t kMaxDiff = std::size_t{1} * 1024 * 1024;     // what a page can show; the rest is cut off
inline constexpr std::size_t kMaxListed = 50;                             // names in one obstacle; the rest is counted
inline constexpr std::size_t kMaxBranches = 200;                          // that a picker can show
inline constexpr std::string_view kWorktreeFolder = ".claude/worktrees";  // where Claude Code itself puts its own

enum class DiffOf {
  worktree,  // against the index: what is not staged
  index,     // against HEAD: what is staged
  both,      // the working tree against HEAD
};

struct Diff {
  std::string text{};  // git's patch format, bytes as in the files
  bool truncated = false;
};

// Something that is lost, or could be, when a working tree is removed.
struct Obstacle {
  enum class Kind {
    main,         // it is the repository's own working tree
    locked,       // somebody has locked it
    uncommitted,  // tracked files that differ from HEAD
    untracked,    // files that git knows nothing of
    ignored,      // files that git was told to ignore: may be removed when it is said so
    unmerged,     // commits on its branch only: the branch stays, so it may be removed when it is said so
    detached,     // commits on no branch at all
    operation,    // a merge, rebase or the like is under way
    submodules,   // their commits cannot be looked at without trusting them
    hidden,       // files that git was told not to look at
    nested,       // another repository in it
    session,      // somebody works in it
    unsure,       // it could not be found out
  };
  Kind kind = Kind::unsure;
  std::string text{};                // for people
  std::vector<std::string> items{};  // names of files, first lines of commits; at most kMaxListed
  std::size_t more = 0;              // of them
};
[[nodiscard]] std::string_view to_string(Obstacle::Kind kind);

struct Removal {
  bool ignored_files = false;  // files that git ignores may go
  bool keep_branch = false;    // commits on the branch alone are no loss: the branch stays
};
// Those that this removal does not put up with; empty: it may be removed.
[[nodiscard]] std::vector<Obstacle> in_the_way(std::vector<Obstacle> obstacles, const Removal& removal);
// The same for people, in one sentence or two.
[[nodiscard]] std::string describe(const std::vector<Obstacle>& obstacles);

struct NewWorktree {
  std::string branch{};  // taken when it exists, else made
  std::string
      from{};  // what a new branch begins at: a branch, tag or commit; empty: HEAD of the repository that is given
};

struct MadeWorktree {
  std::string path{};
  std::string branch{};
  bool new_branch = false;
};

// g++ 12 cannot take a braced list within a co_await expression.
template <class... Word>
std::vector<std::string> words(Word&&... word) {
  return {std::string(std::forward<Word>(word))...};
}

class Git {
 public:
  struct Options {
    std::string program = "git";
    std::string scratch{};  // absolute; made when it is not there; only this process's user may get in
  };
  // `pool` outlives this. `allowed` is called on its threads too.
  Git(Options options, Allowed allowed, asio::any_io_executor executor, asio::thread_pool* pool);
  Git(const Git&) = delete;
  Git& operator=(const Git&) = delete;

  // `folder` is canonical.
  Task<Result<Repository>> find(std::string folder);
  Task<Result<Status>> status(Repository repository);
  // `path`: relative to the top; empty: everything.
  Task<Result<Diff>> diff(Repository repository, DiffOf what, std::string path);
  // Only those in folders that are allowed.
  Task<Result<std::vector<Worktree>>> worktrees(Repository repository);
  // Local branches, the ones with the newest commits first, at most kMaxBranches.
  Task<Result<std::vector<std::string>>> branches(Repository repository);
  // In kWorktreeFolder of the repository's main working tree (or of this one, where that is not to be had). Hooks are not run and
  // filters not applied: large files of git-lfs come as pointers.
  Task<Result<MadeWorktree>> add_worktree(Repository repository, NewWorktree wanted);
  // What would be lost with this working tree.
  Task<Result<std::vector<Obstacle>>> obstacles(Repository repository);
  // `git worktree remove`, never with --force. conflict: describe() of what is in the way.
  Task<Result<>> remove_worktree(Repository repository, Removal removal);

 private:
  struct Call {
    std::vector<std::string> words{};
    std::string git_dir{};
    std::string work_tree{};  // also where it runs; empty: none
    std::chrono::milliseconds time_limit{};
    std::size_t output_limit = 0;
    std::string input{};
    OutputSeen on_output{};
  };
  enum class Failure { is_error, is_value };

  Task<Result<ProcessOutput>> run(Call call, std::string common_dir, Failure failure);
  // The same with the stand-in in place of the repository's common folder.
  Task<Result<ProcessOutput>> run_apart(Repository repository, Call call, Failure failure);
  // With the repository's real configuration, for commands that read no file's content and so reach no filter or driver.
  Task<Result<ProcessOutput>> run_there(Repository repository, std::vector<std::string> command, Failure failure);
  Task<Result<std::string>> config_for(Repository repository);
  Task<Result<std::string>> resolve(Repository repository, std::string revision);
  Task<std::string> remote_branch(Repository repository, std::string branch);
  Task<Result<Repository>> check_out(Repository repository, std::string path);
  Task<void> look_at_files(Repository repository, std::vector<Obstacle>* found);
  Task<void> look_at_index(Repository repository, std::vector<Obstacle>* found);
  Task<void> look_at_commits(Repository repository, Status status, std::vector<Obstacle>* found);
  Task<Result<Status>> status_with(Repository repository, std::vector<std::string> options);

  Options options_;
  Allowed allowed_;
  asio::thread_pool* pool_;
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  Notifier freed_;
};

}  // namespace ccd::git
