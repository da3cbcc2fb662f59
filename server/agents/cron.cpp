// Reads cron's fields, and looks for the next day and time that fit them.
#include "agents/cron.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <string>

namespace ccd::agents {
namespace {

constexpr std::size_t kMaxText = 256;
constexpr WallMicros kSecond = 1'000'000;
constexpr int kMaxDaysAhead =
    5 * 366 + 1;  // a 29th of February on a given weekday can be further away: then it is said to be never

struct Field {
  std::string_view name;
  int low;
  int high;
  std::array<std::string_view, 12> names{};
};
constexpr std::array<Field, 5> kFields{{
    {"minute", 0, 59},
    {"hour", 0, 23},
    {"day of the month", 1, 31},
    {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    {"day of the week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}};

tl::unexpected<Error> wrong(const Field& field, std::string_view part) {
  return fail_field("cron", "the " + std::string(field.name) + " '" + std::string(part) +
                                "' is not understood: *, numbers from " + std::to_string(field.low) + " to " +
                                std::to_string(field.high) + ", ranges, lists and steps (*/15)");
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> value_of(const Field& field, std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (std::size_t i = 0; i < field.names.size(); ++i)
    if (!field.names[i].empty() && lower == field.names[i]) return field.low + static_cast<int>(i);
  const auto value = number(text);
  if (!value || *value < field.low || *value > field.high) return std::nullopt;
  return value;
}

// One item of a list: "*", "5", "9-17", "*/15", "9-17/2".
template <std::size_t N>
bool take_item(const Field& field, std::string_view item, std::bitset<N>& to) {
  const std::size_t slash = item.find('/');
  const std::string_view range = item.substr(0, slash);
  int step = 1;
  if (slash != std::string_view::npos) {
    const auto given = number(item.substr(slash + 1));
    if (!given || *given < 1 || *given > field.high) return false;
    step = *given;
  }
  int from = field.low, to_value = field.high;
  if (range != "*") {
    const std::size_t dash = range.find('-');
    const auto first = value_of(field, range.substr(0, dash));
    if (!first) return false;
    from = *first;
    to_value = slash == std::string_view::npos ? from : field.high;
    if (dash != std::string_view::npos) {
      const auto last = value_of(field, range.substr(dash + 1));
      if (!last || *last < from) return false;
      to_value = *last;
    }
  }
  for (int value = from; value <= to_value; value += step) to.set(static_cast<std::size_t>(value));
  return true;
}

template <std::size_t N>
Result<> take_field(const Field& field, std::string_view text, std::bitset<N>& to) {
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    if (!take_item(field, rest.substr(0, comma), to)) return wrong(field, text);
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  for (std::size_t at = text.size() > kMaxText ? std::string_view::npos : text.find_first_not_of(" \t");
       at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    if (count < parts.size()) parts[count] = text.substr(at, end - at);
    ++count;
    at = text.find_first_not_of(" \t", end);
  }
  if (count != parts.size())
    return fail_field(
        "cron",
        "five fields: minute, hour, day of the month, month, day of the week. Every weekday at nine: 0 9 * * mon-fri");
  Cron out;
  std::bitset<8> weekdays;
  TRY(take_field(kFields[0], parts[0], out.minutes_));
  TRY(take_field(kFields[1], parts[1], out.hours_));
  TRY(take_field(kFields[2], parts[2], out.days_));
  TRY(take_field(kFields[3], parts[3], out.months_));
  TRY(take_field(kFields[4], parts[4], weekdays));
  for (std::size_t day = 0; day < 7; ++day) out.weekdays_[day] = weekdays[day] || (day == 0 && weekdays[7]);
  if (!parts[2].starts_with('*') && !parts[4].starts_with('*')) out.rule_ = DayRule::either;
  if (!out.next(0)) return fail_field("cron", "that day never comes");
  return out;
}

std::optional<WallMicros> Cron::next(WallMicros after) const {
  const std::time_t start = after / kSecond;
  std::tm today{};
  if (::localtime_r(&start, &today) == nullptr) return std::nullopt;
  for (int ahead = 0; ahead <= kMaxDaysAhead; ++ahead) {
    // Noon is on the same day whatever the clock does.
    std::tm noon{};
    noon.tm_year = today.tm_year;
    noon.tm_mon = today.tm_mon;
    noon.tm_mday = today.tm_mday + ahead;
    noon.tm_hour = 12;
    noon.tm_isdst = -1;
    if (::mktime(&noon) == -1) return std::nullopt;
    if (!months_[static_cast<std::size_t>(noon.tm_mon + 1)]) continue;
    const bool day = days_[static_cast<std::size_t>(noon.tm_mday)],
               weekday = weekdays_[static_cast<std::size_t>(noon.tm_wday)];
    if (rule_ == DayRule::both ? !(day && weekday) : !(day || weekday)) continue;
    for (int hour = 0; hour < 24; ++hour) {
      if (!hours_[static_cast<std::size_t>(hour)]) continue;
      for (int minute = 0; minute < 60; ++minute) {
        if (!minutes_[static_cast<std::size_t>(minute)]) continue;
        std::tm local = noon;
        local.tm_hour = hour;
        local.tm_min = minute;
        local.tm_sec = 0;
        local.tm_isdst = -1;
        const std::time_t at = ::mktime(&local);
        if (at != -1 && WallMicros{at} * kSecond > after) return WallMicros{at} * kSecond;
      }
    }
  }
  return std::nullopt;
}

}  // namespace ccd::agents
