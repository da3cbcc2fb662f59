// Budgets: a bound on what agents may cost in a period, and what happens there. Pure but for reading and writing its table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "storage/connection.hpp"

namespace ccd::agents {

inline constexpr std::size_t kMaxBudgets = 100;
// From this share of a bound on, the budget is said to be nearly used up.
inline constexpr double kBudgetNear = 0.8;

struct Budget {
  enum class Scope { all, project, session };
  enum class Period { day, week, month, ever };  // a week begins on Monday
  enum class Unit { usd, tokens };
  // What happens at the bound: people are told; or besides, the dashboard sends no prompt any more. Agents themselves are never stopped.
  enum class Action { warn, pause };
  std::string id{};  // 20 hex digits
  Scope scope = Scope::all;
  std::string target{};  // a project's path, a session's id; empty for all
  Period period = Period::day;
  Unit unit = Unit::usd;
  std::int64_t bound = 0;  // millionths of a US dollar, or tokens
  Action action = Action::warn;
  std::string created_by{};
  WallMicros created_at = 0;
};
std::string_view to_string(Budget::Scope scope);
std::string_view to_string(Budget::Period period);
std::string_view to_string(Budget::Unit unit);
std::string_view to_string(Budget::Action action);
// `invalid` with the field's name for what is no such word, a target that does not fit the scope, or a bound below 1 or over 10^15.
Result<Budget> make_budget(std::string_view scope, std::string target, std::string_view period, std::string_view unit,
                           std::int64_t bound, std::string_view action);

// The first day of the period that `today` lies in.
std::int32_t period_begin(Budget::Period period, std::int32_t today);

struct BudgetState {
  Budget budget{};
  std::int64_t used = 0;  // in the budget's unit, in the period that runs now
  [[nodiscard]] bool near() const {
    return static_cast<double>(used) >= kBudgetNear * static_cast<double>(budget.bound);
  }
  [[nodiscard]] bool over() const { return used >= budget.bound; }
  // In words: "the day's budget of 5.00 USD for all sessions is used up (5.12 USD)".
  [[nodiscard]] std::string words() const;
  // Whether the session's prompts count in it.
  [[nodiscard]] bool covers(std::string_view session, std::string_view project) const;
};

// On the database's thread, inside the caller's transaction.
Result<> insert_budget(storage::Connection& db, const Budget& budget);
// `not_found` for an unknown id.
Result<Budget> erase_budget(storage::Connection& db, std::string_view id);
// Oldest first, with what is used up by `today`.
Result<std::vector<BudgetState>> read_budgets(storage::Connection& db, std::int32_t today);

}  // namespace ccd::agents
