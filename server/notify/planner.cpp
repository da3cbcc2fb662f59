#include "notify/planner.hpp"

#include <algorithm>

#include "base/metrics.hpp"

namespace ccd::notify {

namespace {

constexpr std::chrono::minutes kRateWindow{1};
constexpr std::string_view kRequestsTag = "requests";
constexpr std::string_view kNoticesTag = "notices";

// Still worth a notification when hours have passed.
bool keeps(Kind kind) { return is_request(kind) || kind == Kind::failure; }

}  // namespace

void Planner::add(const std::string& user, const Preferences& preferences, std::shared_ptr<const Event> event,
                  SteadyTime now) {
  if (!preferences.push.has(event->kind)) return;
  const auto mine = std::ranges::count(waiting_, user, &Waiting::user);
  if (static_cast<std::size_t>(mine) >= kMaxWaiting) {
    metrics().counter("notify_dropped_total", "Notifications that were not sent because too many waited").Increment();
    return;
  }
  waiting_.push_back({.user = user, .event = std::move(event), .due = now + preferences.delay + kBundleWindow});
}

void Planner::closed(const std::string& event_id) {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.event->id == event_id; });
}

void Planner::forget(const std::string& user) {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.user == user; });
  told_.erase(user);
}

void Planner::hold(const Places& places, SteadyTime until) {
  for (const auto place : places) {
    if (!keeps(place->event->kind)) {
      waiting_.erase(place);
      continue;
    }
    place->due = until;
    place->held = true;
  }
}

std::optional<SteadyTime> Planner::held_by_rate(const std::string& user, SteadyTime now) {
  std::deque<SteadyTime>& told = told_[user];
  while (!told.empty() && told.front() + kRateWindow <= now) told.pop_front();
  if (told.size() < kMaxPerMinute) return std::nullopt;
  return told.front() + kRateWindow;
}

std::vector<Notification> Planner::bundled(const std::string& user, const Places& places) {
  Notification requests{.user = user, .tag = std::string(kRequestsTag)};
  Notification notices{.user = user, .tag = std::string(kNoticesTag)};
  for (const auto place : places) (is_request(place->event->kind) ? requests : notices).events.push_back(place->event);
  std::vector<Notification> out;
  const auto put = [&](Notification all, std::size_t most) {
    if (all.events.size() > most) return out.push_back(std::move(all));
    for (const auto& event : all.events) out.push_back({.user = user, .events = {event}, .tag = event->id});
  };
  put(std::move(requests), kMaxSingleRequests);
  put(std::move(notices), 1);
  return out;
}

std::vector<Notification> Planner::take_due(SteadyTime now, WallMicros wall,
                                            const std::function<Gate(const std::string& user)>& gate) {
  std::map<std::string, Places> due;
  for (auto place = waiting_.begin(); place != waiting_.end(); ++place)
    if (place->due <= now) due[place->user].push_back(place);
  std::vector<Notification> out;
  for (auto& [user, first] : due) {
    // Whose own wait is over goes along with the one that is due.
    Places places;
    for (auto place = waiting_.begin(); place != waiting_.end(); ++place)
      if (place->user == user && place->due <= now + kBundleWindow) places.push_back(place);
    const Gate at = gate(user);
    if (at.preferences == nullptr) {
      forget(user);
      continue;
    }
    if (const auto quiet = quiet_until(at.preferences->quiet, wall)) {
      hold(places, now + std::chrono::microseconds(*quiet - wall));
      continue;
    }
    if (at.preferences->presence && at.present_until) {
      hold(places, *at.present_until);
      continue;
    }
    if (const auto until = held_by_rate(user, now)) {
      for (const auto place : places) place->due = *until;
      continue;
    }
    for (Notification& notification : bundled(user, places)) {
      told_[user].push_back(now);
      out.push_back(std::move(notification));
    }
    for (const auto place : places) waiting_.erase(place);
  }
  return out;
}

std::optional<SteadyTime> Planner::next_due() const {
  const auto first = std::ranges::min_element(waiting_, {}, &Waiting::due);
  if (first == waiting_.end()) return std::nullopt;
  return first->due;
}

void Planner::look_again(SteadyTime now) {
  for (Waiting& waiting : waiting_)
    if (waiting.held) waiting.due = std::min(waiting.due, now);
}

}  // namespace ccd::notify
