#include "backup/schedule.hpp"

#include <algorithm>

#include "backup/folder.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::backup {

namespace {

using namespace std::chrono_literals;

constexpr WallMicros kMicro = 1'000'000;
// How late a due time may be noticed; the clock may be set meanwhile.
constexpr auto kLongestSleep = 5s;

double seconds_of(WallMicros at) { return static_cast<double>(at) / static_cast<double>(kMicro); }

}  // namespace

WallMicros next_due(WallMicros now, std::optional<WallMicros> newest, std::chrono::seconds interval) {
  const WallMicros step = interval.count() * kMicro;
  const WallMicros offset = std::chrono::seconds(kHourOfDay).count() * kMicro;
  // The last of the times at or before now; the whole part rounds down for times before the first as well.
  WallMicros periods = (now - offset) / step;
  if ((now - offset) % step < 0) --periods;
  const WallMicros slot = periods * step + offset;
  return newest && *newest >= slot ? slot + step : slot;
}

Schedule::Schedule(Options options, const Clock* clock, asio::thread_pool* pool)
    : options_(std::move(options)), clock_(clock), pool_(pool) {}

Task<void> Schedule::look() {
  auto work = [folder = options_.source.folder] { return std::pair(list(folder), last_attempt(folder)); };
  const auto [entries, attempt] = co_await run_on(*pool_, std::move(work));
  if (!entries) co_return;
  // A file of the future is of a time when the clock was wrong.
  const auto is_past = [now = clock_->wall()](const Entry& e) { return e.at <= now; };
  const auto newest = std::find_if(entries->begin(), entries->end(), is_past);
  status_.kept = entries->size();
  status_.newest_at.reset();
  if (newest != entries->end()) {
    status_.newest_at = newest->at;
    status_.newest_name = newest->name;
    status_.newest_bytes = newest->bytes;
  }
  // What could not even be noted in the folder is newer than what is noted there.
  if (attempt && attempt->at >= status_.attempted_at.value_or(0)) {
    status_.attempted_at = attempt->at;
    status_.last = attempt->good ? Last::good : Last::failed;
    status_.error = attempt->error;
    status_.database_damaged = attempt->database_damaged;
  }
  show();
}

void Schedule::show() const {
  const auto gauge = [](const char* name, const char* help, double value) { metrics().gauge(name, help).Set(value); };
  gauge("backups_kept", "Backups in the folder", static_cast<double>(status_.kept));
  gauge("backup_last_success_timestamp_seconds", "When the newest backup was made; 0: there is none",
        status_.newest_at ? seconds_of(*status_.newest_at) : 0);
  gauge("backup_last_bytes", "Size of the newest backup", static_cast<double>(status_.newest_bytes));
  gauge("backup_last_attempt_timestamp_seconds", "When a backup was last tried; 0: not known",
        status_.attempted_at ? seconds_of(*status_.attempted_at) : 0);
  if (status_.last == Last::none) return;
  gauge("backup_last_result", "1: the last backup was published and restored; 0: it failed",
        status_.last == Last::good ? 1 : 0);
}

Task<void> Schedule::attempt() {
  const auto began = clock_->steady();
  auto work = [this] { return make(options_.source, *clock_, [this] { return !stopping_; }); };
  const auto made = co_await run_on(*pool_, std::move(work));
  if (stopping_) co_return;
  const double took = std::chrono::duration<double>(clock_->steady() - began).count();
  metrics().gauge("backup_seconds", "How long the last backup took").Set(took);
  status_.attempted_at = clock_->wall();
  status_.last = made ? Last::good : Last::failed;
  status_.error = made ? "" : made.error().message;
  status_.database_damaged = !made && made.error().kind == ErrorKind::corrupt;
  if (made) {
    log_info("backup", "published",
             {{"file", made->path},
              {"bytes", made->bytes},
              {"sha256", made->sha256},
              {"seconds", took},
              {"kept", made->kept}});
    if (!made->warning.empty()) log_warn("backup", "old backups stay", {{"error", made->warning}});
  } else {
    metrics().counter("backup_failures_total", "Backups that failed").Increment();
    log_error("backup", "failed", {{"error", made.error().message}, {"folder", options_.source.folder}});
  }
  co_await look();
}

Task<void> Schedule::run() {
  metrics().counter("backup_failures_total", "Backups that failed");
  if (options_.interval == 0s) log_info("backup", "none are made by themselves: BACKUP_INTERVAL=off", {});
  const auto delay = [this](std::chrono::seconds usual) {
    return std::chrono::microseconds(std::min(usual, options_.interval)).count();
  };
  WallMicros not_before = clock_->wall() + delay(kStartDelay);
  while (!stopping_) {
    co_await look();
    const WallMicros now = clock_->wall();
    std::chrono::steady_clock::duration pause = kLongestSleep;
    if (options_.interval > 0s) {
      const WallMicros due = next_due(now, status_.newest_at, options_.interval);
      // Only an overdue one waits for the start to be over, or for the next try.
      status_.next_at = due <= now ? std::max(due, not_before) : due;
      pause = std::min<std::chrono::steady_clock::duration>(std::chrono::microseconds(*status_.next_at - now),
                                                            kLongestSleep);
    }
    if (pause > 0s) {
      co_await sleep_for(pause);
      continue;
    }
    co_await attempt();
    not_before = clock_->wall() + (status_.last == Last::good ? 0 : delay(kRetryDelay));
  }
}

}  // namespace ccd::backup
