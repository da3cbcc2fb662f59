// When a usage limit ends, read from the sentence that the client shows: no hook has it as a field.
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <string>

#include "claude/agent_state.hpp"

namespace ccd::claude {
namespace {

using namespace std::chrono;

// A time further away than this is not a limit's.
constexpr hours kLongest{24 * 32};

std::optional<int> take_number(std::string_view& text, std::size_t most_digits) {
  int value = 0;
  const char* first = text.data();
  const auto [end, failed] = std::from_chars(first, first + std::min(most_digits, text.size()), value);
  if (failed != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - first));
  return value;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// "Oct 5, " or "Oct 5 at ": month and day of a limit of a week.
std::optional<month_day> take_date(std::string_view& text) {
  constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                     "jul", "aug", "sep", "oct", "nov", "dec"};
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    std::string_view rest = text;
    if (!take(rest, kMonths[i]) || !take(rest, " ")) continue;
    const auto number = take_number(rest, 2);
    const month_day date{month(i + 1), day(static_cast<unsigned>(number.value_or(0)))};
    if (!date.ok()) return std::nullopt;
    if (!take(rest, ", ") && !take(rest, " at ")) return std::nullopt;
    text = rest;
    return date;
  }
  return std::nullopt;
}

// "3pm", "3:45pm", "15:45".
std::optional<minutes> take_time(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour) return std::nullopt;
  int minute = 0;
  const bool exact = take(text, ":");
  if (exact) {
    const auto number = take_number(text, 2);
    if (!number) return std::nullopt;
    minute = *number;
  }
  take(text, " ");
  const bool pm = take(text, "pm");
  const bool twelve = pm || take(text, "am");
  if (minute > 59 || (twelve ? *hour < 1 || *hour > 12 : !exact || *hour > 23)) return std::nullopt;
  return hours(twelve ? *hour % 12 + (pm ? 12 : 0) : *hour) + minutes(minute);
}

std::optional<WallMicros> after_now(sys_seconds at, sys_time<microseconds> now) {
  if (at <= now || at - now > kLongest) return std::nullopt;
  return duration_cast<microseconds>(at.time_since_epoch()).count();
}

// "...limit reached|1795460922": seconds since the epoch, of older releases.
std::optional<WallMicros> from_epoch(std::string_view text, sys_time<microseconds> now) {
  const std::size_t bar = text.rfind('|');
  if (bar == std::string_view::npos) return std::nullopt;
  text.remove_prefix(bar + 1);
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || value < 0 || value > 100'000'000'000) return std::nullopt;
  return after_now(sys_seconds(seconds(value)), now);
}

}  // namespace

std::optional<WallMicros> limit_reset(std::string_view text, WallMicros now_micros, seconds utc_offset) {
  const sys_time<microseconds> now{microseconds(now_micros)};
  if (const auto at = from_epoch(text, now)) return at;
  std::string lower(text.substr(0, 512));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string_view rest = lower;
  const std::size_t place = rest.find("reset");
  if (place == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(place + 5);
  take(rest, "s");
  take(rest, " at");
  if (!take(rest, " ")) return std::nullopt;
  const auto date = take_date(rest);
  const auto time = take_time(rest);
  if (!time) return std::nullopt;
  const seconds offset = rest.starts_with(" (utc)") ? seconds(0) : utc_offset;
  const auto today = floor<days>(now + offset);
  if (!date) {
    const auto at = today + *time - offset;
    return after_now(floor<seconds>(at > now ? at : at + days(1)), now);
  }
  const year_month_day here{today};
  for (const year y : {here.year(), here.year() + years(1)}) {
    const year_month_day day_of{y, date->month(), date->day()};
    if (!day_of.ok()) continue;
    if (const auto at = after_now(floor<seconds>(sys_days(day_of) + *time - offset), now)) return at;
  }
  return std::nullopt;
}

}  // namespace ccd::claude
