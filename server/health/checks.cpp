#include "health/checks.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <exception>

#include "base/log.hpp"

namespace ccd::health {

namespace {
const Verdict kError{.word = "error", .degrades = Degrades::yes};
}

std::string to_json(const Report& report) {
  // boost::json keeps the order in which keys are added: it is the order that the runbook prints.
  boost::json::object checks;
  for (const auto& [name, word] : report.checks) checks[name] = word;
  boost::json::object body;
  body["status"] = report.status == Report::Status::healthy ? "healthy" : "degraded";
  body["checks"] = std::move(checks);
  body["uptime"] = report.uptime_seconds;
  body["timestamp"] = iso_seconds(report.at);
  body["version"] = report.version;
  if (!report.role.empty()) body["role"] = report.role;
  return boost::json::serialize(body);
}

Checks::Checks(asio::any_io_executor executor, const Clock& clock, std::string version,
               std::chrono::milliseconds check_limit)
    : executor_(std::move(executor)),
      clock_(&clock),
      version_(std::move(version)),
      check_limit_(check_limit),
      started_(clock.steady()),
      rounds_(executor_),
      changed_(executor_) {}

Checks::~Checks() = default;

void Checks::add(std::string name, std::function<Task<bool>()> check) {
  auto as_verdict = [held = std::move(check)]() -> Task<Verdict> {
    const bool good = co_await held();
    co_return good ? Verdict{.word = "ok"} : kError;
  };
  add(std::move(name), std::function<Task<Verdict>()>(std::move(as_verdict)));
}

void Checks::add(std::string name, std::function<Task<Verdict>()> check) {
  checks_.push_back(std::make_unique<Check>());
  checks_.back()->name = std::move(name);
  checks_.back()->ask = std::move(check);
}

void Checks::set_role(std::string role) {
  role_ = std::move(role);
  last_at_.reset();
}

Task<void> Checks::ask(Check* check) {
  Verdict verdict = kError;
  try {
    verdict = co_await check->ask();
  } catch (const std::exception& e) {
    log_debug("health", "check threw", {{"check", check->name}, {"error", e.what()}});
  }
  check->verdict = std::move(verdict);
  changed_.notify();
}

bool Checks::all_answered() const {
  return std::all_of(checks_.begin(), checks_.end(), [](const auto& check) { return check->verdict.has_value(); });
}

Task<void> Checks::round() {
  for (auto& check : checks_) {
    check->verdict.reset();
    if (check->running && check->running->running() > 0) continue;  // hangs since an earlier round
    check->running = std::make_unique<TaskGroup>(executor_);
    check->running->spawn("health check " + check->name, ask(check.get()));
  }
  const auto deadline = std::chrono::steady_clock::now() + check_limit_;
  while (!all_answered()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) break;
    co_await changed_.wait_for(left);
  }
  conclude();
  for (auto& check : checks_) {
    if (!check->verdict) check->running->cancel();
  }
}

void Checks::conclude() {
  Report report{.checks = {},
                .uptime_seconds = std::chrono::duration_cast<std::chrono::seconds>(clock_->steady() - started_).count(),
                .at = clock_->wall(),
                .version = version_,
                .role = role_};
  for (auto& check : checks_) {
    const Verdict verdict = check->verdict.value_or(kError);
    if (verdict.degrades == Degrades::yes) report.status = Report::Status::degraded;
    // Once for each change; a start where all is well says nothing.
    if (verdict.word != (check->last_word.empty() ? "ok" : check->last_word)) {
      const auto log = verdict.degrades == Degrades::yes ? log_warn : log_info;
      log("health", "check changed", {{"check", check->name}, {"was", check->last_word}, {"is", verdict.word}});
    }
    check->last_word = verdict.word;
    report.checks.emplace_back(check->name, verdict.word);
  }
  last_ = std::move(report);
  last_at_ = clock_->steady();
  round_open_ = false;
  ++rounds_closed_;
  changed_.notify();
}

Task<Report> Checks::run() {
  const bool fresh = last_at_ && clock_->steady() - *last_at_ < kReportLifetime;
  if (fresh || closed_) co_return last_;
  const auto seen = rounds_closed_;
  if (!round_open_) {
    round_open_ = true;
    rounds_.spawn("health round", round());
  }
  while (rounds_closed_ == seen) co_await changed_.wait();
  co_return last_;
}

Task<bool> Checks::close(std::chrono::steady_clock::duration limit) {
  closed_ = true;
  rounds_.cancel();
  for (auto& check : checks_) {
    if (check->running) check->running->cancel();
  }
  // Those who wait for the round get what is known; a check without an answer is an error.
  if (round_open_ || !last_at_) conclude();
  const auto end = std::chrono::steady_clock::now() + limit;
  bool all = co_await rounds_.join(limit);
  for (auto& check : checks_) {
    if (!check->running) continue;
    const auto left = std::max(end - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
    const bool ended = co_await check->running->join(left);
    all = all && ended;
  }
  co_return all;
}

}  // namespace ccd::health
