// Coroutines, structured: a Task has an owner that awaits or joins it. Nothing is ever detached.
//
// Traps of g++ 12: a capturing lambda inside a co_await expression is destroyed twice: name it first. Parameters of coroutines
// go by value, or by pointer to an owner that outlives them. TRY never contains co_await. tests/lint/coroutines guards these.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace ccd {

namespace asio = boost::asio;

template <class T = void>
using Task = asio::awaitable<T>;

// Runs `work` on the pool and resumes the caller on its own executor with the result. `work` must not touch room state.
template <class Work>
Task<std::invoke_result_t<Work>> run_on(asio::thread_pool& pool, Work work) {
  using R = std::invoke_result_t<Work>;
  auto body = [held = std::move(work)]() mutable -> Task<R> {
    if constexpr (std::is_void_v<R>) {
      held();
      co_return;
    } else {
      co_return held();
    }
  };
  co_return co_await asio::co_spawn(pool.get_executor(), std::move(body), asio::use_awaitable);
}

Task<void> sleep_for(std::chrono::steady_clock::duration how_long);

// Wakes waiting coroutines of one executor. Not thread-safe: all calls on the loop.
class Notifier {
 public:
  explicit Notifier(asio::any_io_executor executor);
  // Returns at the next notify(); also when cancelled (the caller checks its own condition in a loop anyway).
  Task<void> wait();
  // Returns true when notified, false when `limit` passed first.
  Task<bool> wait_for(std::chrono::steady_clock::duration limit);
  void notify();

 private:
  asio::steady_timer timer_;
  std::size_t rounds_ = 0;
};

// Owns running tasks. Destroy only after join() returned true, or after the io_context stopped for good.
class TaskGroup {
 public:
  explicit TaskGroup(asio::any_io_executor executor);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts the task. An exception that leaves it is logged as ERROR with the name and counted
  // (dashboard_task_failures_total); the process goes on.
  void spawn(std::string name, Task<void> task);
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }
  // Cancels every task; tasks spawned later are cancelled at once.
  void cancel();
  // Waits until all have ended, at most `limit`. True when none is left.
  Task<bool> join(std::chrono::steady_clock::duration limit);

 private:
  struct Entry {
    std::string name;
    asio::cancellation_signal signal;
  };
  asio::any_io_executor executor_;
  std::list<Entry> running_;
  Notifier ended_;
  bool cancelled_ = false;
};

}  // namespace ccd
