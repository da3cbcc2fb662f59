// What agents use: follows them, keeps the tables true, and says when a budget is used up.
//
// Lives on the loop. Nothing is looked at while nothing changes: a session's figures are written kWriteAfter after they changed, those of
// all changed sessions in one transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agents/agents.hpp"
#include "agents/budget.hpp"
#include "agents/conversation_usage.hpp"
#include "agents/transcripts.hpp"
#include "agents/usage_store.hpp"
#include "audit/trail.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

class Usage {
 public:
  struct Parts {  // all outlive this
    storage::Database* database;
    const audit::Trail* trail;
    sessions::Hub* hub;
    Agents* agents;
    Transcripts* transcripts;
    const Clock* clock;
    Random* random;
    asio::thread_pool* pool;
  };

  Usage(asio::any_io_executor executor, Parts parts);
  ~Usage();
  Usage(const Usage&) = delete;
  Usage& operator=(const Usage&) = delete;

  // After Agents::start().
  Task<Result<>> start();
  // Writes what is left. Before Agents::stop().
  Task<void> stop();

  Task<Result<std::vector<UsageRow>>> report(UsageQuery query);
  // As of the last look, at most kLookAgain ago.
  [[nodiscard]] const std::vector<BudgetState>& budgets() const { return budgets_; }
  Task<Result<BudgetState>> add_budget(Budget budget, sessions::Actor actor);
  Task<Result<>> remove_budget(std::string id, sessions::Actor actor);
  // Asked before the dashboard sends a prompt: `conflict`, with the words of the budget that is used up and pauses sending.
  [[nodiscard]] Result<> may_send(const std::string& session) const;
  // Called once each time a budget comes to be nearly used up, and used up.
  void on_reached(std::function<void(const BudgetState&)> reached) { reached_ = std::move(reached); }

 private:
  struct Pending {
    std::vector<ConversationUsage> tokens;
    std::vector<Work> work;
  };

  Task<void> run();
  Task<void> write();
  Task<Pending> gather(std::set<std::string> sessions);
  Task<Result<>> look_at_budgets();
  void note_reached(const std::vector<BudgetState>& now);
  [[nodiscard]] std::int32_t today() const { return claude::local_day(parts_.clock->wall()); }

  asio::any_io_executor executor_;
  Parts parts_;
  std::set<std::string> changed_;                                    // sessions
  std::map<std::string, std::unique_ptr<ConversationFiles>> files_;  // by transcript
  std::vector<BudgetState> budgets_;
  std::int32_t budgets_day_ = 0;
  std::map<std::string, int> told_;  // by budget: 0 fine, 1 nearly, 2 used up
  std::function<void(const BudgetState&)> reached_;
  std::unique_ptr<Agents::Subscription> subscription_;
  Notifier wanted_;
  TaskGroup tasks_;
};

}  // namespace ccd::agents
