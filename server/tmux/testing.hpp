// For tests: a private tmux server in a folder of its own, and a loop that runs one task to its end.
#pragma once

#include <gtest/gtest.h>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"
#include "base/task.hpp"
#include "tmux/tmux.hpp"

namespace ccd::tmux::testing {

using namespace std::chrono_literals;

// A server that dies with the test. Everything it makes is under dir().
class TmuxTest : public ::testing::Test {
 protected:
  TmuxTest();
  // Ends the tasks and the server, while what a test keeps for them is still there.
  void TearDown() override;

  [[nodiscard]] const std::filesystem::path& dir() const { return dir_; }
  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }
  [[nodiscard]] Options options() const;

  // Runs the loop until the task has ended; fails the test after 30 s.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    auto body = [](Task<T> inner, std::optional<T>* into) -> Task<void> { *into = co_await std::move(inner); };
    tasks_.spawn("test", body(std::move(task), &result));
    run_until([&] { return result.has_value(); }, 30s);
    if (!result) throw std::runtime_error("the task did not end");
    return *std::move(result);
  }
  // Runs the loop until the condition holds; false when it did not in time.
  bool run_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 30s);

  // The real client, as a person would use it: `tmux -L ... arguments`, by argv.
  ProcessOutput by_hand(std::vector<std::string> arguments);
  std::string hand(std::vector<std::string> arguments);  // what it printed; it must succeed
  ProcessOutput program(std::vector<std::string> argv);  // any program, in the same environment

  // A session that runs `cat`, in a pane without a pipe unless one is given.
  NewSession cat(const std::string& name);
  static std::string read(const std::filesystem::path& file);
  // Waits until the file holds this text.
  bool wait_for_text(const std::filesystem::path& file, const std::string& text);

  asio::io_context loop_;
  TaskGroup tasks_{loop_.get_executor()};
  std::filesystem::path dir_;
  Tmux tmux_;
};

}  // namespace ccd::tmux::testing
