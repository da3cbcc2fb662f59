// What one person wants to be told, how, and when. Values and pure rules; docs/decisions/0025 says why they are so.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "notify/event.hpp"

namespace ccd::notify {

// Silence on phone and page, daily, by the clock of a place. Agents that wait are told of when it ends.
struct QuietHours {
  bool on = false;
  int from_minute = 22 * 60;  // of the day, 0 to 1439; never equal to the other
  int to_minute = 7 * 60;
  std::string zone = "UTC";
  bool operator==(const QuietHours&) const = default;
};

// When a notification offers to allow a request.
enum class LockScreen {
  whole,   // when it shows all of it
  always,  // also when the rest had to be cut off
  never,
};
std::string_view to_string(LockScreen rule);
std::optional<LockScreen> lock_screen_from(std::string_view word);

inline constexpr std::chrono::seconds kMaxDelay{3600};

struct Preferences {
  Kinds push = Kinds::all();
  Kinds sound{};                   // on an open page; off until somebody turns it on
  Kinds webhook = Kinds::all();    // of their own webhooks
  std::chrono::seconds delay{15};  // nothing is pushed that has been settled by then
  bool presence = true;            // nothing is pushed while they use a page
  bool contents = true;            // false: neither names nor commands leave the dashboard
  LockScreen lock_screen = LockScreen::whole;
  QuietHours quiet{};
  bool operator==(const Preferences&) const = default;
};

// As the API and the table have it. What is missing has its default; `invalid` with the field's name for what is wrong.
std::string preferences_text(const Preferences& preferences);
Result<Preferences> preferences_from(std::string_view json);

// When the quiet hours that it is now end; none when it is not quiet.
std::optional<WallMicros> quiet_until(const QuietHours& quiet, WallMicros now);

}  // namespace ccd::notify
