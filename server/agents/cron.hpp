// When a schedule is due: the five fields of cron, in the machine's time zone. Pure but for the zone.
//
// No library of Debian's reads them for C++. The grammar is crontab(5)'s: "minute hour day-of-month month day-of-week", each `*`, a number, a
// range, a list, any of them with a step (`*/15`, `9-17/2`); months and days of the week also by their English names' first three
// letters; Sunday is 0 and 7. As there, when neither day field begins with `*`, a day that fits one of them is due.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace ccd::agents {

class Cron {
 public:
  // `invalid` (field "cron"), saying which field is wrong and what would be right; also for what is never due ("0 0 30 2 *").
  static Result<Cron> parse(std::string_view text);

  // The next moment after `after` that is due. A time that the clock skips in spring is due when the clock has jumped; one that
  // comes twice in autumn is due the first time. None within five years: there is none.
  [[nodiscard]] std::optional<WallMicros> next(WallMicros after) const;

 private:
  Cron() = default;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;    // 1 to 31
  std::bitset<13> months_;  // 1 to 12
  std::bitset<7> weekdays_;
  enum class DayRule { both, either } rule_ = DayRule::both;
};

}  // namespace ccd::agents
