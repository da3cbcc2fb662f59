// Budgets in words, days and SQL.
#include "agents/budget.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "agents/usage_store.hpp"

namespace ccd::agents {
namespace {

constexpr std::int64_t kMaxBound = 1'000'000'000'000'000;
constexpr std::size_t kMaxTarget = 4096;

template <class E, std::size_t N>
std::optional<E> from_word(std::string_view word, const std::array<E, N>& all) {
  for (const E value : all)
    if (word == to_string(value)) return value;
  return std::nullopt;
}

constexpr std::array kScopes{Budget::Scope::all, Budget::Scope::project, Budget::Scope::session};
constexpr std::array kPeriods{Budget::Period::day, Budget::Period::week, Budget::Period::month, Budget::Period::ever};
constexpr std::array kUnits{Budget::Unit::usd, Budget::Unit::tokens};
constexpr std::array kActions{Budget::Action::warn, Budget::Action::pause};

std::string amount(Budget::Unit unit, std::int64_t value) {
  if (unit == Budget::Unit::tokens) return fmt::format("{} tokens", value);
  return fmt::format("{}.{:02d} USD", value / 1'000'000, value % 1'000'000 / 10'000);
}

Result<std::int64_t> used_by(storage::Connection& db, const Budget& budget, std::int32_t today) {
  UsageQuery query{.from_day = period_begin(budget.period, today), .to_day = today, .by = GroupBy::model};
  if (budget.scope == Budget::Scope::session) query.session = budget.target;
  if (budget.scope == Budget::Scope::project) query.project = budget.target;
  Amounts total;
  for (const UsageRow& row : TRY(read_usage(db, query))) total += row.amounts;
  return budget.unit == Budget::Unit::usd ? total.cost_micros : static_cast<std::int64_t>(all_tokens(total.tokens));
}

}  // namespace

std::string_view to_string(Budget::Scope scope) {
  switch (scope) {
    case Budget::Scope::all: return "all";
    case Budget::Scope::project: return "project";
    case Budget::Scope::session: return "session";
  }
  return "all";
}

std::string_view to_string(Budget::Period period) {
  switch (period) {
    case Budget::Period::day: return "day";
    case Budget::Period::week: return "week";
    case Budget::Period::month: return "month";
    case Budget::Period::ever: return "ever";
  }
  return "day";
}

std::string_view to_string(Budget::Unit unit) { return unit == Budget::Unit::usd ? "usd" : "tokens"; }
std::string_view to_string(Budget::Action action) { return action == Budget::Action::warn ? "warn" : "pause"; }

Result<Budget> make_budget(std::string_view scope, std::string target, std::string_view period, std::string_view unit,
                           std::int64_t bound, std::string_view action) {
  Budget budget;
  const auto scope_value = from_word(scope, kScopes);
  if (!scope_value) return fail_field("scope", "all, project or session");
  const auto period_value = from_word(period, kPeriods);
  if (!period_value) return fail_field("period", "day, week, month or ever");
  const auto unit_value = from_word(unit, kUnits);
  if (!unit_value) return fail_field("unit", "usd or tokens");
  const auto action_value = from_word(action, kActions);
  if (!action_value) return fail_field("action", "warn or pause");
  if (*scope_value == Budget::Scope::all && !target.empty())
    return fail_field("target", "a budget for all sessions has no target");
  if (*scope_value != Budget::Scope::all && (target.empty() || target.size() > kMaxTarget))
    return fail_field("target", "a project's path or a session's id, at most 4096 bytes");
  if (bound < 1 || bound > kMaxBound)
    return fail_field("bound", "over 0, and at most 1,000,000,000 USD or 10^15 tokens");
  budget.scope = *scope_value;
  budget.target = std::move(target);
  budget.period = *period_value;
  budget.unit = *unit_value;
  budget.bound = bound;
  budget.action = *action_value;
  return budget;
}

std::int32_t period_begin(Budget::Period period, std::int32_t today) {
  const std::chrono::sys_days day{std::chrono::days{today}};
  switch (period) {
    case Budget::Period::day: return today;
    case Budget::Period::week: {
      const std::chrono::days since_monday = std::chrono::weekday{day} - std::chrono::Monday;
      return today - static_cast<std::int32_t>(since_monday.count());
    }
    case Budget::Period::month: {
      const std::chrono::year_month_day date{day};
      return today - static_cast<std::int32_t>(static_cast<unsigned>(date.day())) + 1;
    }
    case Budget::Period::ever: return INT32_MIN;
  }
  return today;
}

std::string BudgetState::words() const {
  const std::string of = budget.scope == Budget::Scope::all       ? "all sessions"
                         : budget.scope == Budget::Scope::project ? "the project " + budget.target
                                                                  : "the session";
  const std::string when = budget.period == Budget::Period::ever
                               ? "the whole budget"
                               : fmt::format("the {}'s budget", to_string(budget.period));
  return fmt::format("{} of {} for {} is {} ({})", when, amount(budget.unit, budget.bound), of,
                     over()   ? "used up"
                     : near() ? "nearly used up"
                              : "not used up",
                     amount(budget.unit, used));
}

bool BudgetState::covers(std::string_view session, std::string_view project) const {
  switch (budget.scope) {
    case Budget::Scope::all: return true;
    case Budget::Scope::project: return budget.target == project;
    case Budget::Scope::session: return budget.target == session;
  }
  return false;
}

Result<> insert_budget(storage::Connection& db, const Budget& b) {
  const auto count = TRY(db.one("SELECT count(*) FROM budgets", [](const storage::Row& row) { return row.i64(0); }));
  if (count && *count >= static_cast<std::int64_t>(kMaxBudgets))
    return fail(ErrorKind::too_many, "there are 100 budgets: remove one first");
  TRY(
      db.run("INSERT INTO budgets (id, scope, target, period, unit, bound, action, created_by, created_at) VALUES "
             "(?,?,?,?,?,?,?,?,?)",
             b.id, to_string(b.scope), b.target, to_string(b.period), to_string(b.unit), b.bound, to_string(b.action),
             b.created_by, b.created_at));
  return {};
}

namespace {

constexpr std::string_view kColumns = "id, scope, target, period, unit, bound, action, created_by, created_at";

Budget read_budget(const storage::Row& row) {
  Budget b;
  b.id = row.text(0);
  b.scope = from_word(row.text_view(1), kScopes).value_or(Budget::Scope::all);
  b.target = row.text(2);
  b.period = from_word(row.text_view(3), kPeriods).value_or(Budget::Period::day);
  b.unit = from_word(row.text_view(4), kUnits).value_or(Budget::Unit::usd);
  b.bound = row.i64(5);
  b.action = from_word(row.text_view(6), kActions).value_or(Budget::Action::warn);
  b.created_by = row.text(7);
  b.created_at = row.i64(8);
  return b;
}

}  // namespace

Result<Budget> erase_budget(storage::Connection& db, std::string_view id) {
  auto found = TRY(db.one(fmt::format("SELECT {} FROM budgets WHERE id = ?", kColumns), read_budget, id));
  if (!found) return fail(ErrorKind::not_found, "there is no such budget");
  TRY(db.run("DELETE FROM budgets WHERE id = ?", id));
  return std::move(*found);
}

Result<std::vector<BudgetState>> read_budgets(storage::Connection& db, std::int32_t today) {
  std::vector<BudgetState> out;
  for (Budget& budget :
       TRY(db.all(fmt::format("SELECT {} FROM budgets ORDER BY created_at, id", kColumns), read_budget))) {
    const std::int64_t used = TRY(used_by(db, budget, today));
    out.push_back({.budget = std::move(budget), .used = used});
  }
  return out;
}

}  // namespace ccd::agents
