#include "tmux/testing.hpp"

#include <unistd.h>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace ccd::tmux::testing {
namespace {

std::filesystem::path make_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "ccd-tmux-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return path;
}

std::string config_file() {
  const char* source = std::getenv("DASHBOARD_SOURCE");
  return (source != nullptr ? std::filesystem::path(source) : std::filesystem::path(__FILE__).parent_path() / "../..") /
         "ops/tmux.conf";
}

}  // namespace

TmuxTest::TmuxTest() : dir_(make_folder()), tmux_(options(), loop_.get_executor()) { std::signal(SIGPIPE, SIG_IGN); }

void TmuxTest::TearDown() {
  tasks_.cancel();
  EXPECT_TRUE(run_until([&] { return tasks_.running() == 0; })) << "a task did not end when cancelled";
  by_hand({"kill-server"});
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

Options TmuxTest::options() const {
  return {.program = "tmux", .socket_name = "t", .config_file = config_file(), .tmpdir = dir_.string()};
}

bool TmuxTest::run_until(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  loop_.restart();
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    if (loop_.run_one_for(5ms) == 0) loop_.restart();
  }
  return true;
}

ProcessOutput TmuxTest::by_hand(std::vector<std::string> arguments) {
  std::vector<std::string> argv{"tmux", "-u", "-L", "t", "-f", "/dev/null"};
  for (std::string& argument : arguments) argv.push_back(std::move(argument));
  return program(std::move(argv));
}

ProcessOutput TmuxTest::program(std::vector<std::string> argv) {
  // A loop of its own: it must not move what is tested along.
  asio::io_context loop;
  ProcessSpec spec{.argv = std::move(argv)};
  spec.environment = std::vector<std::string>{"PATH=/usr/local/bin:/usr/bin:/bin", "TERM=xterm-256color",
                                              "LANG=C.UTF-8", "TMUX_TMPDIR=" + dir_.string(), "SHELL=/bin/sh"};
  std::optional<Result<ProcessOutput>> result;
  auto body = [](ProcessSpec what, std::optional<Result<ProcessOutput>>* into) -> Task<void> {
    *into = co_await run_process(std::move(what));
  };
  TaskGroup tasks(loop.get_executor());
  tasks.spawn("by hand", body(std::move(spec), &result));
  loop.run();
  if (!result || !*result) throw std::runtime_error("tmux did not run");
  return **std::move(result);
}

std::string TmuxTest::hand(std::vector<std::string> arguments) {
  const std::string name = arguments.empty() ? "" : arguments[0];
  const ProcessOutput output = by_hand(std::move(arguments));
  EXPECT_EQ(output.exit_code, 0) << name << ": " << output.err;
  return output.out;
}

NewSession TmuxTest::cat(const std::string& name) {
  return {.name = name,
          .folder = dir_.string(),
          .argv = {"cat"},
          .environment = {},
          .cols = 80,
          .rows = 24,
          .dashboard_id = "id-" + name,
          .pipe_command = ""};
}

std::string TmuxTest::read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

bool TmuxTest::wait_for_text(const std::filesystem::path& file, const std::string& text) {
  return run_until([&] { return read(file).find(text) != std::string::npos; });
}

}  // namespace ccd::tmux::testing
