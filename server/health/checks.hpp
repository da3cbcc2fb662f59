// Named health checks and the report that GET /health gives.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"

namespace ccd::health {

// How long one check may take before it counts as "error". Shorter than the 3 s and more that probes wait.
inline constexpr std::chrono::milliseconds kCheckTimeLimit{2000};
// How long a report is served again without new checks, so that a flood of /health costs nothing.
inline constexpr std::chrono::milliseconds kReportLifetime{500};

enum class Degrades { no, yes };

// A check's result: "ok", "error" or a word of its own ("not-installed").
struct Verdict {
  std::string word;
  Degrades degrades = Degrades::no;
};

struct Report {
  enum class Status { healthy, degraded };
  Status status = Status::healthy;
  std::vector<std::pair<std::string, std::string>> checks;  // name and word, in the order of add()
  std::int64_t uptime_seconds = 0;
  WallMicros at = 0;
  std::string version;
  std::string role{};  // "standby" and the like; empty for the one that serves
};

// The runbook's shape: {"status":...,"checks":{...},"uptime":...,"timestamp":...,"version":...}; a role comes last.
std::string to_json(const Report& report);

// Lives on the loop.
class Checks {
 public:
  // `clock` outlives it. Uptime counts from here.
  Checks(asio::any_io_executor executor, const Clock& clock, std::string version,
         std::chrono::milliseconds check_limit = kCheckTimeLimit);
  // Destroy only after close() returned true, or after the io_context stopped for good.
  ~Checks();
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  // True is "ok", false "error", which degrades. An exception counts as "error".
  void add(std::string name, std::function<Task<bool>()> check);
  void add(std::string name, std::function<Task<Verdict>()> check);

  // What reports say from now on; the last one is not served again.
  void set_role(std::string role);

  // Runs every check at once, or returns the last report when that is younger than kReportLifetime; calls during a run
  // share it. A check over its limit is "error" now and until it has ended: it is cancelled and never started twice.
  Task<Report> run();

  // Cancels what still runs; true when all has ended within `limit`.
  Task<bool> close(std::chrono::steady_clock::duration limit);

 private:
  struct Check {
    std::string name;
    std::function<Task<Verdict>()> ask;
    std::unique_ptr<TaskGroup> running{};  // the one call under way, if any: it may outlast its round
    std::optional<Verdict> verdict{};      // this round's
    std::string last_word{};               // to log a change once
  };
  // One round of all checks; a task of its own, so that it ends although the request that began it goes away.
  Task<void> round();
  Task<void> ask(Check* check);
  [[nodiscard]] bool all_answered() const;
  void conclude();

  const asio::any_io_executor executor_;
  const Clock* clock_;
  const std::string version_;
  std::string role_;
  const std::chrono::milliseconds check_limit_;
  const std::chrono::steady_clock::time_point started_;
  std::vector<std::unique_ptr<Check>> checks_;
  TaskGroup rounds_;
  Notifier changed_;  // an answer came, or a round closed
  bool round_open_ = false;
  bool closed_ = false;
  std::uint64_t rounds_closed_ = 0;
  Report last_;
  std::optional<std::chrono::steady_clock::time_point> last_at_{};
};

}  // namespace ccd::health
