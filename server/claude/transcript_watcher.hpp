// Tells when transcripts grow, appear or go: one inotify descriptor for the process, one watch for each folder with transcripts in it.
// All calls and callbacks on the executor's one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"

namespace ccd::claude {

class TranscriptWatcher {
  struct State;

 public:
  // Guard of one registration: no callback after its destruction, not even from within callbacks. May outlive the watcher.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

   private:
    friend class TranscriptWatcher;
    Watch(std::weak_ptr<State> state, std::uint64_t id) : state_(std::move(state)), id_(id) {}
    void release();
    std::weak_ptr<State> state_;
    std::uint64_t id_ = 0;
  };

  // What may have happened since the callback before. `lost`: the folder itself has gone, and nothing more will be told: watch again.
  enum class Change { file, lost };

  explicit TranscriptWatcher(const asio::any_io_executor& executor);
  TranscriptWatcher(const TranscriptWatcher&) = delete;
  TranscriptWatcher& operator=(const TranscriptWatcher&) = delete;
  ~TranscriptWatcher();

  // Calls `changed` after the file called `name` in the folder was written, cut, made, replaced or removed; it need not be there yet. Many
  // writes may give one call, and a call without a change is possible. Watch first, then read. not_found: there is no such folder;
  // unavailable: the kernel's limit of watches is reached.
  Result<Watch> watch(const std::string& folder, std::string name, std::function<void(Change)> changed);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace ccd::claude
