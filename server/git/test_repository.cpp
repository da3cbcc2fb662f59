#include "git/test_repository.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace ccd::git {

namespace fs = std::filesystem;

namespace {
Task<void> into(ProcessSpec spec, std::optional<Result<ProcessOutput>>* out) {
  *out = co_await run_process(std::move(spec));
}
}  // namespace

// Made once and copied: five processes fewer for each test.
TestRepository::TestRepository(With with) {
  std::string name = (fs::canonical(fs::temp_directory_path()) / "git-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
  root_ = name;
  room_.emplace(
      Git::Options{.scratch = root_ + "/scratch"},
      [root = root_](const std::string& path) { return is_at_or_below(path, root) && path != root; },
      loop_.get_executor(), &pool_);
  static const TestRepository original{Original{}};
  const std::string from = original.root_ + (with == With::a_commit ? "/repo" : "/empty");
  fs::copy(from, top(), fs::copy_options::recursive);
}

TestRepository::TestRepository(Original) {
  std::string name = (fs::canonical(fs::temp_directory_path()) / "git-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
  root_ = name;
  fs::create_directories(top());
  git({"init", "--quiet", "--initial-branch=main"});
  git({"config", "user.name", "Somebody"});
  git({"config", "user.email", "somebody@example.org"});
  fs::copy(top(), root_ + "/empty", fs::copy_options::recursive);
  write("a.txt", "one\n");
  git({"add", "."});
  git({"commit", "--quiet", "-m", "first"});
}

TestRepository::~TestRepository() {
  room_.reset();
  pool_.join();
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

Result<ProcessOutput> TestRepository::attempt(std::vector<std::string> words, std::string folder) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  ProcessSpec spec{
      .argv = {"git"},
      .environment = {{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + root_, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1"}},
      .working_directory = folder.empty() ? top() : std::move(folder)};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  std::optional<Result<ProcessOutput>> out;
  group.spawn("git", into(std::move(spec), &out));
  loop.run_for(std::chrono::seconds(60));
  if (!out) return fail(ErrorKind::timeout, "git did not end");
  return std::move(*out);
}

std::string TestRepository::git(std::vector<std::string> words, std::string folder) {
  const auto out = attempt(words, std::move(folder));
  if (!out || out->exit_code != 0) {
    ADD_FAILURE() << "git " << words.front() << ": " << (out ? out->err : out.error().message);
    return "";
  }
  return out->out;
}

void TestRepository::write(const std::string& path, const std::string& text) const {
  const fs::path file = fs::path(top()) / path;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string TestRepository::read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool TestRepository::exists(const std::string& path) const {
  return fs::exists(fs::symlink_status(fs::path(top()) / path));
}

Repository TestRepository::found(const std::string& folder) {
  auto repository = run(room().find(folder));
  if (!repository) ADD_FAILURE() << repository.error().message;
  return repository.value_or(Repository{});
}

std::vector<Obstacle::Kind> TestRepository::kinds(const std::string& folder) {
  const auto obstacles = run(room().obstacles(found(folder)));
  std::vector<Obstacle::Kind> out;
  if (!obstacles) ADD_FAILURE() << obstacles.error().message;
  else
    for (const Obstacle& obstacle : *obstacles) out.push_back(obstacle.kind);
  return out;
}

}  // namespace ccd::git
