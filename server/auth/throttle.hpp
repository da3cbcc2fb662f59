// Bounds password guessing without locking the owner out. Pure: no I/O; the caller stores what changed() gives.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace ccd::auth {

// So many failures are free; each one after them makes the next try wait, doubling from `first` to `longest`.
struct WaitRule {
  int free_failures;
  std::chrono::seconds first;
  std::chrono::seconds longest;
};

struct ThrottleLimits {
  // Of one source_network(), as OpenSSH does it.
  WaitRule source{3, std::chrono::seconds(5), std::chrono::seconds(600)};
  // Of one account, for all sources without a device it knows: soft, so that nobody can lock an account.
  WaitRule account{10, std::chrono::seconds(1), std::chrono::seconds(30)};
  // A device that the account knows skips every other bound until it has failed so often itself.
  int device_failures = 10;
  // Tries over all sources that may reach the hash: at once, and per hour after that. Loopback has a share of its own, so that a
  // flood from the network leaves the console usable. 30 + 40 + 10 + 15 = 95 in any hour; a success is not counted.
  double network_burst = 30;
  double network_per_hour = 40;
  double loopback_burst = 10;
  double loopback_per_hour = 15;
  std::chrono::seconds forget_after{3600};  // since the last failure
  std::size_t max_keys = 10'000;  // sources, accounts and devices each: 1.5 MB; then the longest quiet is forgotten
};

struct Attempt {
  std::string ip;
  std::string account;  // the name as typed, known or not
  std::string device;   // id of a device that this account knows, or empty
};

// One count as it is stored, so that a restart forgets nothing.
struct ThrottleRow {
  std::string key;    // "source:203.0.113.9", "account:ann", "device:<id>", "all:network", "all:loopback"
  double count = 0;   // failures; for "all:" the tries left
  WallMicros at = 0;  // of the last failure; for "all:" of the count
};

// Failures per key, bounded. The longest quiet key is forgotten first.
class FailureCounts {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Count {
    int failures = 0;
    int pending = 0;  // admitted and not ended: stands for a failure until it ends
    Time last{};
    std::list<std::string>::iterator age{};
  };

  FailureCounts(std::string prefix, std::size_t max_keys) : prefix_(std::move(prefix)), max_keys_(max_keys) {}

  [[nodiscard]] const Count* find(const std::string& key) const;
  [[nodiscard]] std::chrono::steady_clock::duration wait(const std::string& key, const WaitRule& rule, Time now) const;
  void begin(const std::string& key, Time now);
  enum class End { failed, not_failed };
  void end(const std::string& key, End how, Time now);
  void set(const std::string& key, int failures, Time last);
  void forget(const std::string& key);
  void forget_before(Time limit);
  [[nodiscard]] std::size_t size() const { return counts_.size(); }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  // Keys that changed since the last call.
  std::unordered_set<std::string> take_changed() { return std::exchange(changed_, {}); }

 private:
  Count& touch(const std::string& key);

  std::string prefix_;
  std::size_t max_keys_;
  std::unordered_map<std::string, Count> counts_;
  std::list<std::string> by_age_;  // longest quiet first
  std::unordered_set<std::string> changed_;
};

// Tries over all sources: `burst` at once, refilled by time.
class TryBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;
  TryBucket(double burst, double per_hour, Time now)
      : burst_(burst), per_second_(per_hour / 3600), tokens_(burst), at_(now) {}
  // Zero when a try was taken, else the time until there is one.
  std::chrono::steady_clock::duration take(Time now);
  void give_back() { tokens_ = std::min(burst_, tokens_ + 1); }
  void set(double tokens, Time at);
  [[nodiscard]] double tokens() const { return tokens_; }
  [[nodiscard]] Time at() const { return at_; }

 private:
  void refill(Time now);
  double burst_;
  double per_second_;
  double tokens_;
  Time at_;
};

class Throttle {
 public:
  // Leave to try one password. Ends as the first of succeeded(), not_tried() (the hash did not run) and failed(), which is also
  // what destruction means: a caller that goes away in the middle has had its try. The Throttle outlives it.
  class Leave {
   public:
    Leave(Leave&& other) noexcept
        : throttle_(std::exchange(other.throttle_, nullptr)), attempt_(std::move(other.attempt_)) {}
    Leave& operator=(Leave&&) = delete;
    ~Leave() { failed(); }
    void succeeded();
    void not_tried();
    void failed();

   private:
    friend class Throttle;
    Leave(Throttle* throttle, Attempt attempt) : throttle_(throttle), attempt_(std::move(attempt)) {}
    Throttle* throttle_;  // null once ended
    Attempt attempt_;
  };

  explicit Throttle(const Clock* clock, ThrottleLimits limits = {});

  // Leave, or ErrorKind::too_many with the seconds to wait in Error::retry_seconds.
  Result<Leave> admit(Attempt attempt);

  // What to store since the last call; a count of 0 under a key other than "all:" means: delete the row.
  std::vector<ThrottleRow> changed();
  // From storage, before the first admit(). A row of the future (the clock was set back) counts as of now.
  void restore(const std::vector<ThrottleRow>& rows);

  [[nodiscard]] std::size_t sources() const { return sources_.size(); }

 private:
  // What an attempt is counted under: a device alone, or source, account and a bucket.
  [[nodiscard]] bool by_device(const Attempt& attempt) const;
  TryBucket& bucket_of(const Attempt& attempt);
  void end(const Attempt& attempt, FailureCounts::End how);

  const Clock* clock_;
  ThrottleLimits limits_;
  FailureCounts sources_;
  FailureCounts accounts_;
  FailureCounts devices_;
  TryBucket network_;
  TryBucket loopback_;
};

}  // namespace ccd::auth
