// Tells when session logs grow: one inotify descriptor for the process. All calls and callbacks on the executor's one
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"

namespace ccd::recording {

class LogWatcher {
  struct State;

 public:
  // Guard of one registration: no callback after its destruction, not even from within callbacks. May outlive the
  // watcher.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

   private:
    friend class LogWatcher;
    Watch(std::weak_ptr<State> state, std::uint64_t id) : state_(std::move(state)), id_(id) {}
    void release();
    std::weak_ptr<State> state_;
    std::uint64_t id_ = 0;
  };

  explicit LogWatcher(const asio::any_io_executor& executor);
  LogWatcher(const LogWatcher&) = delete;
  LogWatcher& operator=(const LogWatcher&) = delete;
  ~LogWatcher();

  // Calls `grown` after each growth of the log, new segments included; many writes may give one call, and a call
  // without growth is possible. Watch first, then read: what is written in between is reported. The error is the
  // kernel's (`unavailable` when its limit of watches is reached) or not_found without the folder.
  Result<Watch> watch(const std::string& session_dir, std::function<void()> grown);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace ccd::recording
