// When what is told to whom: delays, quiet hours, presence, and many things at once as one notification. Pure; the caller has the clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "notify/event.hpp"
#include "notify/preferences.hpp"

namespace ccd::notify {

using SteadyTime = std::chrono::steady_clock::time_point;

// Everything waits so long for others that come at the same moment.
inline constexpr std::chrono::seconds kBundleWindow{2};
// So many requests at once have a notification each; more are one. Of what is no request, two are one.
inline constexpr std::size_t kMaxSingleRequests = 3;
// To one person; then the rest waits, and is bundled by that.
inline constexpr std::size_t kMaxPerMinute = 12;
// Waiting for one person; one more is not told at all.
inline constexpr std::size_t kMaxWaiting = 500;

// One notification to be shown.
struct Notification {
  std::string user{};
  std::vector<std::shared_ptr<const Event>> events{};  // more than one: a bundle
  std::string tag{};                                   // what replaces what, on a device
  bool operator==(const Notification&) const = default;
};

// How it stands with somebody at this moment.
struct Gate {
  const Preferences* preferences = nullptr;  // null: they have nothing to be told on any more
  std::optional<SteadyTime> present_until{};
};

class Planner {
 public:
  // For somebody whose preferences want it.
  void add(const std::string& user, const Preferences& preferences, std::shared_ptr<const Event> event, SteadyTime now);
  // It was settled: nobody is told any more.
  void closed(const std::string& event_id);
  void forget(const std::string& user);

  // What is due. A request or a failure that meets quiet hours, or somebody who is at a page, waits for their end; the rest is dropped then.
  std::vector<Notification> take_due(SteadyTime now, WallMicros wall,
                                     const std::function<Gate(const std::string& user)>& gate);
  [[nodiscard]] std::optional<SteadyTime> next_due() const;
  // Somebody may have left their page, or wants something else now: what waits for that is looked at now.
  void look_again(SteadyTime now);
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    std::string user;
    std::shared_ptr<const Event> event;
    SteadyTime due;
    bool held = false;  // for the end of quiet hours or of somebody's presence
  };
  using Places = std::vector<std::list<Waiting>::iterator>;

  void hold(const Places& places, SteadyTime until);
  [[nodiscard]] std::optional<SteadyTime> held_by_rate(const std::string& user, SteadyTime now);
  std::vector<Notification> bundled(const std::string& user, const Places& places);

  std::list<Waiting> waiting_;
  std::map<std::string, std::deque<SteadyTime>> told_;  // in the last minute
};

}  // namespace ccd::notify
