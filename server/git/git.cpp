// Starting git: what it is given and what not, and the questions that only read.
#include "git/git.hpp"

#include <sys/stat.h>
#include <memory>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "git/config.hpp"
#include "git/stand_in.hpp"

namespace ccd::git {

namespace {

using namespace std::chrono_literals;

constexpr auto kReadLimit = 20s;
constexpr auto kConfigLimit = 3s;
constexpr std::size_t kMaxConfig = std::size_t{1} * 1024 * 1024;
constexpr std::size_t kMaxAnswer = std::size_t{8} * 1024 * 1024;
constexpr std::size_t kMaxPath = 4096;

// Nothing is inherited. No home: what a person has told git to ignore everywhere is shown here, and never lost.
std::vector<std::string> environment(const std::string& git_dir, const std::string& common_dir,
                                     const std::string& work_tree) {
  std::vector<std::string> out{"PATH=/usr/local/bin:/usr/bin:/bin",
                               "LC_ALL=C",
                               "GIT_CONFIG_NOSYSTEM=1",
                               "GIT_CONFIG_GLOBAL=/dev/null",
                               "GIT_ATTR_NOSYSTEM=1",
                               "GIT_TERMINAL_PROMPT=0",
                               "GIT_OPTIONAL_LOCKS=0",
                               "GIT_LITERAL_PATHSPECS=1",
                               "GIT_NO_REPLACE_OBJECTS=1",
                               "GIT_NO_LAZY_FETCH=1",
                               "GIT_ALLOW_PROTOCOL=",
                               "GIT_PAGER=cat",
                               "GIT_EDITOR=false",
                               "GIT_ASKPASS=false",
                               "GIT_SSH_COMMAND=false",
                               "GIT_ADVICE=0"};
  if (!git_dir.empty()) out.push_back("GIT_DIR=" + git_dir);
  if (!common_dir.empty()) out.push_back("GIT_COMMON_DIR=" + common_dir);
  if (!work_tree.empty()) out.push_back("GIT_WORK_TREE=" + work_tree);
  return out;
}

// Given on the command line these are above every file. Names with a part that the repository chooses (filters, drivers) cannot be
// listed here: against those there is the stand-in.
std::vector<std::string> first_words(const std::string& program) {
  std::vector<std::string> out{program, "--no-pager"};
  for (const char* setting :
       {"safe.directory=*", "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.editor=false",
        "core.askPass=false", "core.sshCommand=false", "core.gitProxy=", "core.alternateRefsCommand=",
        "core.quotePath=false", "credential.helper=", "diff.external=", "protocol.allow=never", "gc.auto=0",
        "maintenance.auto=false", "submodule.recurse=false", "log.showSignature=false", "gpg.program=false"})
    out.insert(out.end(), {"-c", setting});
  return out;
}

Result<> make_scratch(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return fail_errno("make " + path);
  if (!S_ISDIR(status.st_mode))
    return fail(ErrorKind::unavailable, path + " is in the way: a folder of that name is needed");
  return {};
}

}  // namespace

Git::Git(Options options, Allowed allowed, asio::any_io_executor executor, asio::thread_pool* pool)
    : options_(std::move(options)), allowed_(std::move(allowed)), pool_(pool), freed_(executor) {
  clear_stand_ins(options_.scratch);
}

Task<Result<ProcessOutput>> Git::run(Call call, std::string common_dir, Failure failure) {
  if (waiting_ >= kMaxWaiting)
    co_return fail(ErrorKind::too_many, "git is asked too much at once: try again in a moment");
  struct Count {
    std::size_t* number;
    explicit Count(std::size_t* n) : number(n) { ++*number; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    ~Count() { --*number; }
  };
  std::optional<Count> waits(std::in_place, &waiting_);
  while (running_ >= kAtOnce) co_await freed_.wait();
  waits.reset();
  struct Running {
    Git* git;
    Count count{&git->running_};
    explicit Running(Git* g) : git(g) {}
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { git->freed_.notify(); }
  };
  std::optional<Running> runs(std::in_place, this);

  ProcessSpec spec;
  spec.argv = first_words(options_.program);
  spec.argv.insert(spec.argv.end(), call.words.begin(), call.words.end());
  spec.environment = environment(call.git_dir, common_dir, call.work_tree);
  spec.working_directory = call.work_tree.empty() ? "/" : call.work_tree;
  spec.input = std::move(call.input);
  spec.time_limit = call.time_limit;
  spec.output_limit = call.output_limit;
  spec.on_output = std::move(call.on_output);
  auto output = co_await run_process(std::move(spec));
  runs.reset();
  if (!output) {
    Error error = std::move(output).error();
    // To start it needs the program and the folder: the folder was looked at just before.
    if (error.kind == ErrorKind::not_found)
      error = {.kind = ErrorKind::unavailable, .message = "git cannot be started: is it installed?", .sys = error.sys};
    co_return tl::unexpected(std::move(error));
  }
  if (failure == Failure::is_error && output->exit_code != 0) {
    const std::string said = first_complaint(output->err);
    co_return fail(ErrorKind::conflict, "git " + call.words.front() + ": " +
                                            (said.empty() ? "exit status " + std::to_string(output->exit_code) : said));
  }
  co_return output;
}

// Read as text from standard input, so that git opens nothing by itself and follows no include.
Task<Result<std::string>> Git::config_for(Repository repository) {
  std::string settings;
  std::vector<std::string> files{repository.common_dir + "/config", repository.git_dir + "/config.worktree"};
  for (const std::string& file : files) {
    auto read = [file] { return read_small_file(file, kMaxConfig); };
    const auto text = co_await run_on(*pool_, std::move(read));
    if (!text && text.error().kind == ErrorKind::not_found) continue;
    if (!text) co_return tl::unexpected(text.error());
    Call call{.words = {"config", "--file", "-", "--no-includes", "--null", "--list"},
              .time_limit = kConfigLimit,
              .output_limit = 2 * kMaxConfig,
              .input = *text};
    const auto listed = co_await run(std::move(call), "", Failure::is_error);
    if (!listed) co_return tl::unexpected(listed.error());
    settings += listed->out;
  }
  co_return settings;
}

Task<Result<ProcessOutput>> Git::run_apart(Repository repository, Call call, Failure failure) {
  const auto settings = co_await config_for(repository);
  if (!settings) co_return tl::unexpected(settings.error());
  const SafeConfig config = CO_TRY(safe_config(*settings));
  if (config.bare && !repository.linked() && !call.work_tree.empty())
    co_return fail(ErrorKind::conflict, "this repository has no working tree of its own (it is bare)");
  auto make = [scratch = options_.scratch, repository, text = config.text]() -> Result<std::shared_ptr<StandIn>> {
    TRY(make_scratch(scratch));
    return std::make_shared<StandIn>(TRY(StandIn::make(scratch, repository, text)));
  };
  auto stand_in = co_await run_on(*pool_, std::move(make));
  if (!stand_in) co_return tl::unexpected(stand_in.error());
  call.git_dir = repository.git_dir;
  auto output = co_await run(std::move(call), (*stand_in)->path(), failure);
  auto remove = [held = std::move(*stand_in)]() mutable { held.reset(); };
  co_await run_on(*pool_, std::move(remove));
  co_return output;
}

Task<Result<ProcessOutput>> Git::run_there(Repository repository, std::vector<std::string> command, Failure failure) {
  Call call{
      .words = std::move(command), .git_dir = repository.git_dir, .time_limit = kReadLimit, .output_limit = kMaxAnswer};
  co_return co_await run(std::move(call), repository.common_dir, failure);
}

Task<Result<Repository>> Git::find(std::string folder) {
  auto work = [folder, allowed = allowed_] { return find_repository(folder, allowed); };
  co_return co_await run_on(*pool_, std::move(work));
}

Task<Result<Status>> Git::status_with(Repository repository, std::vector<std::string> options) {
  Call call{.words = {"status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=dirty"},
            .work_tree = repository.top,
            .time_limit = kReadLimit,
            .output_limit = kMaxAnswer};
  call.words.insert(call.words.end(), options.begin(), options.end());
  const auto output = co_await run_apart(std::move(repository), std::move(call), Failure::is_error);
  if (!output) co_return tl::unexpected(output.error());
  co_return parse_status(output->out);
}

Task<Result<Status>> Git::status(Repository repository) {
  co_return co_await status_with(std::move(repository), words("--untracked-files=normal"));
}

Task<Result<Diff>> Git::diff(Repository repository, DiffOf what, std::string path) {
  if (path.size() > kMaxPath || path.starts_with('/') || path.find('\0') != std::string::npos)
    co_return fail_field("file", "a file is named from the repository's first folder on");
  auto diff = std::make_shared<Diff>();
  Call call{.words = {"diff", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty",
                      "--submodule=short"},
            .work_tree = repository.top,
            .time_limit = kReadLimit,
            .output_limit = kMaxDiff};
  if (what == DiffOf::index) call.words.emplace_back("--cached");
  if (what == DiffOf::both) call.words.emplace_back("HEAD");
  call.words.emplace_back("--");
  if (!path.empty()) call.words.push_back(path);
  call.on_output = [diff](std::string_view piece) { diff->text += piece; };
  const auto output = co_await run_apart(std::move(repository), std::move(call), Failure::is_error);
  if (!output && output.error().kind != ErrorKind::too_large) co_return tl::unexpected(output.error());
  diff->truncated = !output;
  co_return std::move(*diff);
}

Task<Result<std::vector<Worktree>>> Git::worktrees(Repository repository) {
  const auto output =
      co_await run_there(std::move(repository), words("worktree", "list", "--porcelain", "-z"), Failure::is_error);
  if (!output) co_return tl::unexpected(output.error());
  auto all = parse_worktrees(output->out);
  if (all) std::erase_if(*all, [this](const Worktree& worktree) { return !allowed_(worktree.path); });
  co_return all;
}

Task<Result<std::vector<std::string>>> Git::branches(Repository repository) {
  const auto output =
      co_await run_there(std::move(repository),
                         words("for-each-ref", "--sort=-committerdate", "--count=" + std::to_string(kMaxBranches),
                               "--format=%(refname:lstrip=2)", "refs/heads/"),
                         Failure::is_error);
  if (!output) co_return tl::unexpected(output.error());
  std::vector<std::string> out;
  std::string_view rest = output->out;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    out.emplace_back(line);
  }
  co_return out;
}

}  // namespace ccd::git
