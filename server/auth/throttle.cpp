#include "auth/throttle.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "auth/principal.hpp"

namespace ccd::auth {

namespace {

using Duration = std::chrono::steady_clock::duration;
constexpr std::string_view kNetworkKey = "all:network";
constexpr std::string_view kLoopbackKey = "all:loopback";

// One account however it is written; a name that cannot exist is one key as well, so that it cannot fill the table.
std::string account_key(std::string_view name) {
  if (!valid_user_name(name)) return "?";
  std::string key(name);
  for (char& c : key)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return key;
}

}  // namespace

const FailureCounts::Count* FailureCounts::find(const std::string& key) const {
  const auto found = counts_.find(key);
  return found == counts_.end() ? nullptr : &found->second;
}

Duration FailureCounts::wait(const std::string& key, const WaitRule& rule, Time now) const {
  const Count* count = find(key);
  if (count == nullptr) return Duration::zero();
  const int over = count->failures + count->pending - rule.free_failures;
  if (over <= 0) return Duration::zero();
  constexpr int kMostDoublings = 20;  // past any longest wait; keeps the shift defined
  const auto wait = std::min(rule.first * (1 << std::min(over - 1, kMostDoublings)), rule.longest);
  const Time from = count->pending > 0 ? now : count->last;
  return std::max(Duration::zero(), Duration(from + wait - now));
}

FailureCounts::Count& FailureCounts::touch(const std::string& key) {
  changed_.insert(key);
  if (const auto found = counts_.find(key); found != counts_.end()) {
    by_age_.splice(by_age_.end(), by_age_, found->second.age);
    return found->second;
  }
  if (counts_.size() >= max_keys_) {
    // What is pending must be found again at its end; hashing bounds how many are.
    const auto quiet = std::find_if(by_age_.begin(), by_age_.end(),
                                    [this](const std::string& k) { return counts_.at(k).pending == 0; });
    if (quiet != by_age_.end()) forget(std::string(*quiet));
  }
  Count& count = counts_[key];
  count.age = by_age_.insert(by_age_.end(), key);
  return count;
}

void FailureCounts::begin(const std::string& key, Time now) {
  Count& count = touch(key);
  if (count.failures == 0) count.last = now;
  ++count.pending;
}

void FailureCounts::end(const std::string& key, End how, Time now) {
  Count& count = touch(key);
  count.pending = std::max(0, count.pending - 1);
  if (how == End::failed) {
    ++count.failures;
    count.last = now;
  }
  if (count.failures == 0 && count.pending == 0) forget(key);
}

void FailureCounts::set(const std::string& key, int failures, Time last) {
  Count& count = touch(key);
  count.failures = failures;
  count.last = last;
}

void FailureCounts::forget(const std::string& key) {
  const auto found = counts_.find(key);
  if (found == counts_.end()) return;
  changed_.insert(key);
  by_age_.erase(found->second.age);
  counts_.erase(found);
}

void FailureCounts::forget_before(Time limit) {
  // In the order of the last touch: the first that stays ends it, and one that a success moved back stays a little longer.
  while (!by_age_.empty()) {
    const Count& count = counts_.at(by_age_.front());
    if (count.pending > 0 || count.last >= limit) return;
    forget(std::string(by_age_.front()));
  }
}

void TryBucket::refill(Time now) {
  const double seconds = std::chrono::duration<double>(now - at_).count();
  if (seconds <= 0) return;
  tokens_ = std::min(burst_, tokens_ + seconds * per_second_);
  at_ = now;
}

Duration TryBucket::take(Time now) {
  refill(now);
  if (tokens_ >= 1) {
    tokens_ -= 1;
    return Duration::zero();
  }
  const auto wait = std::chrono::duration_cast<Duration>(std::chrono::duration<double>((1 - tokens_) / per_second_));
  return std::max(wait, Duration(1));  // never rounded to "taken"
}

void TryBucket::set(double tokens, Time at) {
  tokens_ = std::clamp(tokens, 0.0, burst_);
  at_ = at;
}

void Throttle::Leave::succeeded() { not_tried(); }

void Throttle::Leave::not_tried() {
  if (Throttle* throttle = std::exchange(throttle_, nullptr)) throttle->end(attempt_, FailureCounts::End::not_failed);
}

void Throttle::Leave::failed() {
  if (Throttle* throttle = std::exchange(throttle_, nullptr)) throttle->end(attempt_, FailureCounts::End::failed);
}

Throttle::Throttle(const Clock* clock, ThrottleLimits limits)
    : clock_(clock),
      limits_(limits),
      sources_("source:", limits.max_keys),
      accounts_("account:", limits.max_keys),
      devices_("device:", limits.max_keys),
      network_(limits.network_burst, limits.network_per_hour, clock->steady()),
      loopback_(limits.loopback_burst, limits.loopback_per_hour, clock->steady()) {}

bool Throttle::by_device(const Attempt& attempt) const { return !attempt.device.empty(); }

TryBucket& Throttle::bucket_of(const Attempt& attempt) { return is_loopback(attempt.ip) ? loopback_ : network_; }

Result<Throttle::Leave> Throttle::admit(Attempt attempt) {
  const auto now = clock_->steady();
  for (FailureCounts* counts : {&sources_, &accounts_, &devices_}) counts->forget_before(now - limits_.forget_after);
  if (by_device(attempt)) {
    const FailureCounts::Count* count = devices_.find(attempt.device);
    if (count == nullptr || count->failures + count->pending < limits_.device_failures) {
      devices_.begin(attempt.device, now);
      return Leave(this, std::move(attempt));
    }
    attempt.device.clear();  // it has lost its privilege for now
  }
  const std::string source = source_network(attempt.ip);
  const std::string account = account_key(attempt.account);
  auto wait = std::max(sources_.wait(source, limits_.source, now), accounts_.wait(account, limits_.account, now));
  // The shared tries last: who has to wait anyway must not use them up.
  if (wait == Duration::zero()) wait = bucket_of(attempt).take(now);
  if (wait > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    return tl::unexpected(Error{.kind = ErrorKind::too_many,
                                .message = "too many failed logins: try again in " + std::to_string(seconds) + " s",
                                .retry_seconds = static_cast<int>(seconds)});
  }
  sources_.begin(source, now);
  accounts_.begin(account, now);
  return Leave(this, std::move(attempt));
}

void Throttle::end(const Attempt& attempt, FailureCounts::End how) {
  const auto now = clock_->steady();
  if (by_device(attempt)) {
    devices_.end(attempt.device, how, now);
    return;
  }
  sources_.end(source_network(attempt.ip), how, now);
  accounts_.end(account_key(attempt.account), how, now);
  if (how == FailureCounts::End::not_failed) bucket_of(attempt).give_back();
}

std::vector<ThrottleRow> Throttle::changed() {
  const auto now = clock_->steady();
  const WallMicros wall = clock_->wall();
  const auto wall_of = [&](FailureCounts::Time at) {
    return wall - std::chrono::duration_cast<std::chrono::microseconds>(now - at).count();
  };
  std::vector<ThrottleRow> rows;
  for (FailureCounts* counts : {&sources_, &accounts_, &devices_}) {
    for (const std::string& key : counts->take_changed()) {
      const FailureCounts::Count* count = counts->find(key);
      ThrottleRow row{.key = counts->prefix() + key};
      if (count != nullptr) {
        // What is pending is stored as failed: killing the process must not give tries back.
        row.count = count->failures + count->pending;
        row.at = wall_of(count->pending > 0 ? now : count->last);
      }
      rows.push_back(std::move(row));
    }
  }
  rows.push_back({std::string(kNetworkKey), network_.tokens(), wall_of(network_.at())});
  rows.push_back({std::string(kLoopbackKey), loopback_.tokens(), wall_of(loopback_.at())});
  return rows;
}

void Throttle::restore(const std::vector<ThrottleRow>& rows) {
  const auto now = clock_->steady();
  const WallMicros wall = clock_->wall();
  const auto time_of = [&](WallMicros at) {
    const auto age = std::chrono::microseconds(std::max<WallMicros>(0, wall - at));
    return now - std::chrono::duration_cast<Duration>(std::min<std::chrono::microseconds>(age, std::chrono::hours(24)));
  };
  std::vector<ThrottleRow> by_time = rows;
  std::sort(by_time.begin(), by_time.end(), [](const ThrottleRow& a, const ThrottleRow& b) { return a.at < b.at; });
  for (const ThrottleRow& row : by_time) {
    if (row.key == kNetworkKey) network_.set(row.count, time_of(row.at));
    if (row.key == kLoopbackKey) loopback_.set(row.count, time_of(row.at));
    for (FailureCounts* counts : {&sources_, &accounts_, &devices_}) {
      if (!row.key.starts_with(counts->prefix())) continue;
      constexpr double kMostFailures = 1e6;
      const int failures = static_cast<int>(std::clamp(row.count, 0.0, kMostFailures));
      counts->set(row.key.substr(counts->prefix().size()), failures, time_of(row.at));
    }
  }
}

}  // namespace ccd::auth
