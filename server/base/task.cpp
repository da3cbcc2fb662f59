#include "base/task.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd {

namespace {
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
}

Task<void> sleep_for(std::chrono::steady_clock::duration how_long) {
  asio::steady_timer timer(co_await asio::this_coro::executor, how_long);
  co_await timer.async_wait(asio::use_awaitable);
}

Notifier::Notifier(asio::any_io_executor executor)
    : timer_(std::move(executor), asio::steady_timer::time_point::max()) {}

Task<void> Notifier::wait() { co_await timer_.async_wait(kQuiet); }

Task<bool> Notifier::wait_for(std::chrono::steady_clock::duration limit) {
  // A timer of its own races the shared one: many may wait here with different limits.
  const std::size_t before = rounds_;
  // One moment for both: were the end later than the deadline (a thread that was preempted between two looks at the clock), the loop
  // below would wait again, with nothing left to wake it.
  const auto end = std::chrono::steady_clock::now() + limit;
  asio::steady_timer deadline(timer_.get_executor(), end);
  auto expire = [this, before](const boost::system::error_code& ec) {
    if (!ec && rounds_ == before) timer_.cancel();
  };
  deadline.async_wait(expire);
  while (rounds_ == before && std::chrono::steady_clock::now() < end) {
    co_await timer_.async_wait(kQuiet);
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) break;
  }
  co_return rounds_ != before;
}

void Notifier::notify() {
  ++rounds_;
  timer_.cancel();
}

TaskGroup::TaskGroup(asio::any_io_executor executor) : executor_(executor), ended_(std::move(executor)) {}

void TaskGroup::spawn(std::string name, Task<void> task) {
  running_.emplace_back();
  const auto entry = std::prev(running_.end());
  entry->name = std::move(name);
  auto done = [this, entry](std::exception_ptr failure) {
    if (failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const boost::system::system_error& e) {
        if (e.code() != asio::error::operation_aborted) {
          log_error("base", "task failed", {{"task", entry->name}, {"error", e.code().message()}});
          metrics().counter("task_failures_total", "Tasks that ended by an exception").Increment();
        }
      } catch (const std::exception& e) {
        log_error("base", "task failed", {{"task", entry->name}, {"error", e.what()}});
        metrics().counter("task_failures_total", "Tasks that ended by an exception").Increment();
      }
    }
    running_.erase(entry);
    ended_.notify();
  };
  asio::co_spawn(executor_, std::move(task), asio::bind_cancellation_slot(entry->signal.slot(), std::move(done)));
  if (cancelled_) {
    // After co_spawn's own first step has installed its handler.
    auto again = [this] { cancel(); };
    asio::post(executor_, again);
  }
}

void TaskGroup::cancel() {
  cancelled_ = true;
  // Emitting can end a task at once, which erases its entry: go by a copy of the positions.
  std::list<Entry>::iterator next;
  for (auto it = running_.begin(); it != running_.end(); it = next) {
    next = std::next(it);
    it->signal.emit(asio::cancellation_type::terminal);
  }
}

Task<bool> TaskGroup::join(std::chrono::steady_clock::duration limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!running_.empty()) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) co_return false;
    co_await ended_.wait_for(left);
  }
  co_return true;
}

}  // namespace ccd
