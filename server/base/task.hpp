// Coroutines, structured: a Task has an owner that awaits or joins it. Nothing is ever detached.
//
// Traps of g++ 12: a capturing lambda inside a co_await expression is destroyed twice: name it first. Parameters of coroutines
// go by value, or by pointer to an owner that outlives them. TRY never contains co_await. tests/lint/coroutines guards these.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace ccd {

namespace asio = boost::asio;

template <class T = void>
using Task = asio::awaitable<T>;

// Runs `work` on the pool and resumes the caller on its own executor with the result. `work` must not touch room state. Cancelling the
// caller does not reach the pool, whose threads would race with it: the caller ends once `work` has.
template <class Work>
Task<std::invoke_result_t<Work>> run_on(asio::thread_pool& pool, Work work) {
  using R = std::invoke_result_t<Work>;
  // Something to hand over also when `work` throws, or gives nothing.
  using Held =
      std::conditional_t<std::is_void_v<R>, bool, std::optional<std::conditional_t<std::is_void_v<R>, bool, R>>>;
  auto start = [&pool](auto handler, Work held) {
    const auto executor = asio::get_associated_executor(handler);
    auto guard = asio::make_work_guard(executor);
    auto run = [handler = std::move(handler), held = std::move(held), executor, guard = std::move(guard)]() mutable {
      std::exception_ptr failure;
      Held result{};
      try {
        if constexpr (std::is_void_v<R>) held();
        else result.emplace(held());
      } catch (...) {
        failure = std::current_exception();
      }
      auto resume = [handler = std::move(handler), failure, result = std::move(result)]() mutable {
        handler(failure, std::move(result));
      };
      asio::post(executor, std::move(resume));
    };
    asio::post(pool, std::move(run));
  };
  Held result = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, Held)>(
      std::move(start), asio::use_awaitable, std::move(work));
  if constexpr (!std::is_void_v<R>) co_return std::move(*result);
  else (void)result;
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
