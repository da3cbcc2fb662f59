// Backups made by themselves: when the next one is due, and how the last one went. Lives on the loop; the work is done on the pool.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "backup/backup.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"

namespace ccd::backup {

// Backups stand at this time of the day (UTC) when the interval divides a day: when few people work.
inline constexpr std::chrono::hours kHourOfDay{2};
// After a start whose backup is overdue: the start itself has enough to do. Both at most the interval.
inline constexpr std::chrono::seconds kStartDelay{60};
// After a failure.
inline constexpr std::chrono::minutes kRetryDelay{10};

// When the next backup is due, given the newest one that is not in the future (none: there is none) and an interval above 0. In the past: now.
WallMicros next_due(WallMicros now, std::optional<WallMicros> newest, std::chrono::seconds interval);

class Schedule {
 public:
  struct Options {
    Source source;
    std::chrono::seconds interval{0};  // 0: none by themselves
  };
  enum class Last { none, good, failed };
  struct Status {
    Last last = Last::none;               // of the last attempt, whoever made it; none: not known of any
    std::string error;                    // of it, when it failed
    bool database_damaged = false;        // the last attempt found the database itself damaged
    std::optional<WallMicros> newest_at;  // the newest backup in the folder
    std::string newest_name;
    std::uint64_t newest_bytes = 0;
    std::optional<WallMicros> attempted_at;
    std::optional<WallMicros> next_at;
    std::size_t kept = 0;
  };

  // `clock` and `pool` outlive it.
  Schedule(Options options, const Clock* clock, asio::thread_pool* pool);
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Makes backups when they are due, until cancelled or stopped, and keeps the status: what others publish in the folder
  // counts too. With interval 0 it only keeps the status.
  Task<void> run();
  // Ends a backup under way at its next step; nothing is published then.
  void stop() { stopping_ = true; }
  [[nodiscard]] const Status& status() const { return status_; }
  [[nodiscard]] const Options& options() const { return options_; }

 private:
  Task<void> attempt();
  Task<void> look();
  void show() const;

  const Options options_;
  const Clock* clock_;
  asio::thread_pool* pool_;
  std::atomic<bool> stopping_{false};
  Status status_;
};

}  // namespace ccd::backup
