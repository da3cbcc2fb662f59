#include "agents/recorder.hpp"

#include <set>
#include <utility>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;

// A turn of an agent makes several changes within a moment: one commit for all of them.
constexpr auto kPause = 250ms;
// After a refusal of the disk.
constexpr auto kRetryPause = 5s;
// Deleting old rows with every batch would cost more than the rows.
constexpr int kTrimEvery = 64;

}  // namespace

void Recorder::agent(const AgentRow& row) {
  agents_[row.session] = row;
  wanted_.notify();
}

void Recorder::item(StoredItem item) {
  if (items_.size() >= kMaxQueuedItems && !items_.contains(item.item.id)) {
    log_error("agents", "what waits for people cannot be written: the disk refuses", {{"item", item.item.id}});
    return;
  }
  std::string id = item.item.id;
  items_[std::move(id)] = std::move(item);
  wanted_.notify();
}

void Recorder::event(StoredEvent event) {
  static auto& lost =
      metrics().counter("agent_events_lost_total", "Events of agents that the disk did not take in time");
  if (events_.size() >= kMaxQueuedEvents) {
    events_.pop_front();
    lost.Increment();
  }
  events_.push_back(std::move(event));
  wanted_.notify();
}

Task<void> Recorder::run() {
  for (;;) {
    while (empty()) co_await wanted_.wait();
    co_await sleep_for(kPause);
    co_await flush();
    if (!empty()) co_await sleep_for(kRetryPause);
  }
}

Task<void> Recorder::flush() {
  if (empty()) co_return;
  auto agents = std::exchange(agents_, {});
  auto items = std::exchange(items_, {});
  auto events = std::exchange(events_, {});
  const bool trim = ++trimmed_ % kTrimEvery == 0;
  auto write = [&agents, &items, &events, trim](storage::Connection& db) -> Result<> {
    std::set<std::string> sessions;
    for (const auto& [session, row] : agents) TRY(store_agent(db, row));
    for (const auto& [id, item] : items) TRY(store_item(db, item));
    for (const StoredEvent& event : events) {
      TRY(store_event(db, event));
      sessions.insert(event.session);
    }
    if (!trim) return {};
    for (const std::string& session : sessions) TRY(trim_events(db, session));
    return trim_items(db);
  };
  const auto written = co_await database_->transact(std::move(write));
  if (written) co_return;
  log_error("agents", "what agents do could not be written", {{"error", written.error().message}});
  // What came meanwhile is newer.
  agents_.merge(agents);
  items_.merge(items);
  for (auto it = events.rbegin(); it != events.rend() && events_.size() < kMaxQueuedEvents; ++it)
    events_.push_front(std::move(*it));
}

}  // namespace ccd::agents
