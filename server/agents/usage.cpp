// Follows what agents use, and keeps the budgets' states.
#include "agents/usage.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;

// Status lines come at every redraw: what they change is written together, at most this late.
constexpr auto kWriteAfter = 5s;
// A new day begins budgets anew also where nothing changes.
constexpr auto kLookAgain = 60s;
constexpr auto kStopLimit = 3s;
constexpr std::size_t kIdBytes = 10;
// Conversations whose files' marks are kept in memory; more are read again from their beginning when they come back.
constexpr std::size_t kMaxCounted = 256;

constexpr double kMicrosPerDollar = 1e6;

int step_of(const BudgetState& state) { return state.over() ? 2 : state.near() ? 1 : 0; }

}  // namespace

Usage::Usage(asio::any_io_executor executor, Parts parts)
    : executor_(executor), parts_(parts), wanted_(executor), tasks_(executor) {}

Usage::~Usage() = default;

Task<Result<>> Usage::start() {
  const auto looked = co_await look_at_budgets();
  if (!looked) co_return looked;
  // What was used up before is not news.
  for (const BudgetState& state : budgets_) told_[state.budget.id] = step_of(state);
  Listener listener;
  listener.changed = [this](const std::string& session) {
    changed_.insert(session);
    wanted_.notify();
  };
  subscription_ = parts_.agents->subscribe(std::move(listener));
  for (const sessions::Session& session : parts_.hub->list())
    if (parts_.agents->view(session.id)) changed_.insert(session.id);
  tasks_.spawn("agents.usage", run());
  co_return Result<>{};
}

Task<void> Usage::stop() {
  subscription_.reset();
  tasks_.cancel();
  co_await tasks_.join(kStopLimit);
  co_await write();
}

Task<void> Usage::run() {
  for (;;) {
    if (changed_.empty()) co_await wanted_.wait_for(kLookAgain);
    if (!changed_.empty()) {
      co_await sleep_for(kWriteAfter);
      co_await write();
    } else if (budgets_day_ != today()) {
      if (const auto looked = co_await look_at_budgets(); !looked)
        log_warn("agents", "budgets could not be read", {{"error", looked.error().message}});
    }
  }
}

// What is to be written, as it is now. Transcripts are read on the pool, one conversation after the other.
Task<Usage::Pending> Usage::gather(std::set<std::string> sessions) {
  Pending pending;
  for (const std::string& id : sessions) {
    const auto view = parts_.agents->view(id);
    if (!view) continue;
    Work work{.session = id, .conversation = view->conversation, .model = view->model, .day = today()};
    work.totals = {.cost_micros = std::llround(view->cost_usd * kMicrosPerDollar),
                   .lines_added = static_cast<std::int64_t>(view->lines_added),
                   .lines_removed = static_cast<std::int64_t>(view->lines_removed),
                   .working_micros = view->working_micros,
                   .waiting_micros = view->waiting_micros};
    pending.work.push_back(std::move(work));
    if (view->conversation.empty() || view->transcript.empty()) continue;
    // What is not the session's to read is not counted either.
    const auto found = co_await parts_.transcripts->place_of(id);
    const auto* place = found ? std::get_if<TranscriptPlace>(&*found) : nullptr;
    if (place == nullptr) continue;
    const std::string path = place->path();
    if (files_.size() >= kMaxCounted && !files_.contains(path)) files_.clear();
    auto& files = files_[path];
    if (!files) files = std::make_unique<ConversationFiles>(*place);
    auto read = [of = files.get()] { return of->catch_up(), of->days(); };
    auto days = co_await run_on(*parts_.pool, std::move(read));
    pending.tokens.push_back({.conversation = place->conversation(), .session = id, .days = std::move(days)});
  }
  co_return pending;
}

Task<void> Usage::write() {
  if (changed_.empty()) co_return;
  const std::set<std::string> sessions = std::exchange(changed_, {});
  Pending pending = co_await gather(sessions);
  auto store = [pending = std::move(pending)](storage::Connection& db) -> Result<> {
    for (const ConversationUsage& tokens : pending.tokens) TRY(put_tokens(db, tokens));
    for (const Work& work : pending.work) TRY(add_work(db, work));
    return {};
  };
  const auto stored = co_await parts_.database->transact(std::move(store));
  if (!stored) {
    // Totals are told again with the next change, and a transcript says everything again: nothing is lost by waiting.
    log_warn("agents", "usage could not be written", {{"error", stored.error().message}});
    changed_.insert(sessions.begin(), sessions.end());
    co_return;
  }
  if (const auto looked = co_await look_at_budgets(); !looked)
    log_warn("agents", "budgets could not be read", {{"error", looked.error().message}});
}

Task<Result<>> Usage::look_at_budgets() {
  const std::int32_t day = today();
  auto read = [day](storage::Connection& db) { return read_budgets(db, day); };
  auto states = co_await parts_.database->run(std::move(read));
  if (!states) co_return tl::unexpected(std::move(states).error());
  budgets_ = std::move(*states);
  budgets_day_ = day;
  note_reached(budgets_);
  co_return Result<>{};
}

// Each budget is told once for each step, and again in its next period.
void Usage::note_reached(const std::vector<BudgetState>& now) {
  std::map<std::string, int> steps;
  for (const BudgetState& state : now) {
    const int step = step_of(state);
    steps[state.budget.id] = step;
    const auto before = told_.find(state.budget.id);
    if (before == told_.end() || step <= before->second) continue;
    log_warn("agents", "a budget", {{"budget", state.budget.id}, {"words", state.words()}});
    metrics().counter("agents_budget_reached_total", "Budgets that came to be nearly or wholly used up").Increment();
    if (reached_) reached_(state);
  }
  told_ = std::move(steps);
}

Task<Result<std::vector<UsageRow>>> Usage::report(UsageQuery query) {
  auto read = [query = std::move(query)](storage::Connection& db) { return read_usage(db, query); };
  co_return co_await parts_.database->run(std::move(read));
}

Task<Result<BudgetState>> Usage::add_budget(Budget budget, sessions::Actor actor) {
  budget.id = parts_.random->hex(kIdBytes);
  budget.created_by = actor.name;
  budget.created_at = parts_.clock->wall();
  const boost::json::object detail{
      {"scope", to_string(budget.scope)}, {"target", budget.target}, {"period", to_string(budget.period)},
      {"unit", to_string(budget.unit)},   {"bound", budget.bound},   {"action", to_string(budget.action)}};
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = "budget.add",
                       .target = budget.id,
                       .outcome = audit::Outcome::ok,
                       .detail = boost::json::serialize(detail)};
  const std::string id = budget.id;
  auto write = [budget = std::move(budget), record = std::move(record),
                trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(insert_budget(db, budget));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  told_[id] = 2;  // who sets it sees at once how far it is
  const auto looked = co_await look_at_budgets();
  if (!looked) co_return tl::unexpected(looked.error());
  for (const BudgetState& state : budgets_)
    if (state.budget.id == id) co_return state;
  co_return fail(ErrorKind::not_found, "the budget was removed at once");
}

Task<Result<>> Usage::remove_budget(std::string id, sessions::Actor actor) {
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = "budget.remove",
                       .target = id,
                       .outcome = audit::Outcome::ok,
                       .detail = ""};
  auto write = [id, record = std::move(record), trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(erase_budget(db, id));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return written;
  co_return co_await look_at_budgets();
}

Result<> Usage::may_send(const std::string& session) const {
  const auto found = parts_.hub->find(session);
  const std::string project = found ? found->project : std::string();
  for (const BudgetState& state : budgets_) {
    if (state.budget.action != Budget::Action::pause || !state.over() || !state.covers(session, project)) continue;
    return fail(
        ErrorKind::conflict,
        state.words() + ", so the dashboard sends no prompt: raise or remove the budget, or type in the terminal");
  }
  return {};
}

}  // namespace ccd::agents
