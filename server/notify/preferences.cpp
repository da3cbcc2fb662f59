#include "notify/preferences.hpp"

#include <fmt/format.h>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "base/time_zone.hpp"

namespace ccd::notify {

namespace {

namespace json = boost::json;

constexpr int kDayMinutes = 24 * 60;
constexpr std::size_t kMaxJsonDepth = 8;
constexpr std::size_t kMaxZone = 64;
constexpr std::int64_t kMinuteMicros = 60'000'000;

json::array kinds_json(const Kinds& kinds) {
  json::array out;
  for (const Kind kind : kKinds)
    if (kinds.has(kind)) out.emplace_back(to_string(kind));
  return out;
}

std::string time_text(int minute) { return fmt::format("{:02}:{:02}", minute / 60, minute % 60); }

std::optional<int> time_from(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  int hour = 0;
  int minute = 0;
  const auto read = [](std::string_view digits, int& out) {
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return ec == std::errc() && end == digits.data() + digits.size();
  };
  if (!read(text.substr(0, 2), hour) || !read(text.substr(3, 2), minute) || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59)
    return std::nullopt;
  return hour * 60 + minute;
}

// Reads fields that are there; the first one that is wrong is the error.
class Reader {
 public:
  explicit Reader(const json::object& fields, std::string prefix = "") : fields_(fields), prefix_(std::move(prefix)) {}

  void flag(std::string_view name, bool& out) {
    const json::value* value = fields_.if_contains(name);
    if (value && !value->is_bool()) return wrong(name, "must be true or false");
    if (value) out = value->get_bool();
  }
  void kinds(std::string_view name, Kinds& out) {
    const json::value* value = fields_.if_contains(name);
    if (!value) return;
    constexpr std::string_view right = "must be a list of: permission, question, plan, done, failure, limit";
    if (!value->is_array()) return wrong(name, right);
    Kinds read;
    for (const json::value& item : value->get_array()) {
      const auto kind = item.is_string() ? kind_from(item.get_string()) : std::nullopt;
      if (!kind) return wrong(name, right);
      read.add(*kind);
    }
    out = read;
  }
  void time(std::string_view name, int& out) {
    const json::value* value = fields_.if_contains(name);
    if (!value) return;
    const auto minute = value->is_string() ? time_from(value->get_string()) : std::nullopt;
    if (!minute) return wrong(name, "must be a time from 00:00 to 23:59");
    out = *minute;
  }
  void zone(std::string_view name, std::string& out) {
    const json::value* value = fields_.if_contains(name);
    if (!value) return;
    const std::string text =
        value->is_string() && value->get_string().size() <= kMaxZone ? std::string(value->get_string()) : "";
    if (!known_time_zone(text)) return wrong(name, "must be the name of a time zone, for example Europe/Berlin");
    out = text;
  }
  void seconds(std::string_view name, std::chrono::seconds& out) {
    const json::value* value = fields_.if_contains(name);
    if (!value) return;
    const std::int64_t* number = value->if_int64();
    if (!number || *number < 0 || *number > kMaxDelay.count())
      return wrong(name, "must be a whole number from 0 to 3600");
    out = std::chrono::seconds(*number);
  }
  void lock_screen(std::string_view name, LockScreen& out) {
    const json::value* value = fields_.if_contains(name);
    if (!value) return;
    const auto rule = value->is_string() ? lock_screen_from(value->get_string()) : std::nullopt;
    if (!rule) return wrong(name, "must be whole, always or never");
    out = *rule;
  }
  void wrong(std::string_view name, std::string_view what) {
    if (error_.field.empty())
      error_ = {.kind = ErrorKind::invalid,
                .message = prefix_ + std::string(name) + " " + std::string(what),
                .field = prefix_ + std::string(name)};
  }
  [[nodiscard]] Result<> result() const {
    if (error_.field.empty()) return {};
    return tl::unexpected(error_);
  }

 private:
  const json::object& fields_;
  std::string prefix_;
  Error error_{};
};

Result<QuietHours> quiet_from(const json::object& fields) {
  QuietHours out;
  Reader read(fields, "quiet.");
  read.flag("on", out.on);
  read.time("from", out.from_minute);
  read.time("to", out.to_minute);
  read.zone("zone", out.zone);
  if (out.from_minute == out.to_minute) read.wrong("to", "must be another time than the beginning");
  TRY(read.result());
  return out;
}

}  // namespace

std::string_view to_string(LockScreen rule) {
  switch (rule) {
    case LockScreen::whole: return "whole";
    case LockScreen::always: return "always";
    case LockScreen::never: return "never";
  }
  return "never";
}

std::optional<LockScreen> lock_screen_from(std::string_view word) {
  for (const LockScreen rule : {LockScreen::whole, LockScreen::always, LockScreen::never})
    if (to_string(rule) == word) return rule;
  return std::nullopt;
}

std::string preferences_text(const Preferences& preferences) {
  const QuietHours& quiet = preferences.quiet;
  return json::serialize(json::object{{"push", kinds_json(preferences.push)},
                                      {"sound", kinds_json(preferences.sound)},
                                      {"webhook", kinds_json(preferences.webhook)},
                                      {"delay_seconds", preferences.delay.count()},
                                      {"presence", preferences.presence},
                                      {"contents", preferences.contents},
                                      {"lock_screen", to_string(preferences.lock_screen)},
                                      {"quiet",
                                       {{"on", quiet.on},
                                        {"from", time_text(quiet.from_minute)},
                                        {"to", time_text(quiet.to_minute)},
                                        {"zone", quiet.zone}}}});
}

Result<Preferences> preferences_from(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec, {}, options);
  if (ec || !value.is_object()) return fail(ErrorKind::invalid, "preferences are a JSON object");
  const json::object& fields = value.get_object();
  Preferences out;
  Reader read(fields);
  read.kinds("push", out.push);
  read.kinds("sound", out.sound);
  read.kinds("webhook", out.webhook);
  read.seconds("delay_seconds", out.delay);
  read.flag("presence", out.presence);
  read.flag("contents", out.contents);
  read.lock_screen("lock_screen", out.lock_screen);
  const json::value* quiet = fields.if_contains("quiet");
  if (quiet && !quiet->is_object()) read.wrong("quiet", "must be an object");
  TRY(read.result());
  if (quiet) out.quiet = TRY(quiet_from(quiet->get_object()));
  return out;
}

std::optional<WallMicros> quiet_until(const QuietHours& quiet, WallMicros now) {
  if (!quiet.on) return std::nullopt;
  const auto offset_at = [&](WallMicros at) {
    return std::chrono::microseconds(utc_offset(quiet.zone, at).value_or(std::chrono::seconds(0))).count();
  };
  const std::int64_t local = now + offset_at(now);
  const std::int64_t local_minute = (local >= 0 ? local : local - (kMinuteMicros - 1)) / kMinuteMicros;
  const int minute = static_cast<int>(((local_minute % kDayMinutes) + kDayMinutes) % kDayMinutes);
  const bool over_midnight = quiet.from_minute > quiet.to_minute;
  const bool inside = over_midnight ? minute >= quiet.from_minute || minute < quiet.to_minute
                                    : minute >= quiet.from_minute && minute < quiet.to_minute;
  if (!inside) return std::nullopt;
  const int left = (quiet.to_minute - minute + kDayMinutes) % kDayMinutes;
  // As the clocks of that place will stand then: they may be changed in between.
  const std::int64_t local_end = (local_minute + left) * kMinuteMicros;
  const WallMicros end = local_end - offset_at(local_end - offset_at(now));
  return std::max(end, now + 1);
}

}  // namespace ccd::notify
