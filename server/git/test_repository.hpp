// A real repository in a folder of its own, made by git as a person would, and the room's calls run to their end.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "git/git.hpp"

namespace ccd::git {

class TestRepository {
 public:
  // root/repo is a repository on the branch main with one commit of a.txt, unless `empty`.
  enum class With { a_commit, nothing };
  explicit TestRepository(With with = With::a_commit);
  TestRepository(const TestRepository&) = delete;
  TestRepository& operator=(const TestRepository&) = delete;
  ~TestRepository();

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string top() const { return root_ + "/repo"; }
  // Runs git in `folder` as its owner would, hooks and filters included; fails the test when git does.
  std::string git(std::vector<std::string> words, std::string folder = {});
  // The same, whatever comes of it.
  Result<ProcessOutput> attempt(std::vector<std::string> words, std::string folder = {});
  void write(const std::string& path, const std::string& text) const;  // below the top; folders are made
  static std::string read(const std::string& path);
  [[nodiscard]] bool exists(const std::string& path) const;  // below the top

  // The room, allowed to go where it is below root/.
  Git& room() { return *room_; }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    TaskGroup group(loop_.get_executor());
    auto work = [](Task<T> t, std::optional<T>* to) -> Task<void> { *to = co_await std::move(t); };
    group.spawn("test", work(std::move(task), &out));
    loop_.restart();
    loop_.run_for(std::chrono::seconds(60));
    if (!out) throw std::runtime_error("the task did not end");
    return std::move(*out);
  }
  Repository found(const std::string& folder);
  std::vector<Obstacle::Kind> kinds(const std::string& folder);

 private:
  struct Original {};
  explicit TestRepository(Original);

  std::string root_;
  asio::io_context loop_;
  asio::thread_pool pool_{2};
  std::optional<Git> room_;
};

}  // namespace ccd::git
