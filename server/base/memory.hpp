// Gives back to the system what this process has freed.
//
// malloc keeps freed pages that lie between used ones, for ever: after fifty screens were looked at and dropped, two thirds of what they had taken
// stayed. malloc_trim() returns every whole page that is free; it has to be called.
#pragma once

#include <cstddef>

#include "base/task.hpp"

namespace ccd {

class SpareMemory {
 public:
  // Bytes of memory that malloc holds and nobody uses, about.
  static std::size_t now();
  // Gives it back when at least kWorthwhile have come since the last time. True when it did. Takes some milliseconds, during which others
  // that allocate may wait: for the pool. One call at a time.
  bool give_back();

  // Below this, asking the system for the pages again would cost more than they are worth.
  static constexpr std::size_t kWorthwhile = std::size_t{1} * 1024 * 1024;

 private:
  std::size_t left_ = 0;  // after the last time: parts of pages, and what is not malloc's
};

// Looks every kGiveBackEvery, until cancelled. The pool must outlive it.
Task<void> give_back_memory(asio::thread_pool* pool);
// Soon enough for who looks at the memory of a dashboard that nobody uses any more, and seldom enough to cost nothing.
inline constexpr std::chrono::seconds kGiveBackEvery{10};

}  // namespace ccd
