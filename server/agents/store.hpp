// The tables `agents`, `attention` and `events`. Every function runs on the database's thread, inside the caller's transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agent.hpp"
#include "agents/agents.hpp"
#include "agents/attention.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

// Of one session: some days of work. Of all together: what a page can never need is not kept for ever.
inline constexpr std::int64_t kKeptEvents = 2000;
inline constexpr std::int64_t kKeptClosedItems = 20'000;

struct StoredItem {
  AttentionItem item{};
  std::optional<WallMicros> closed_at{};
  std::optional<Closed> how{};
  std::string by{};
};

struct StoredEvent {
  std::string session{};
  EventRow row{};
};

Result<std::vector<AgentRow>> load_agents(storage::Connection& db);
Result<> store_agent(storage::Connection& db, const AgentRow& row);

Result<std::vector<AttentionItem>> load_open_items(storage::Connection& db);
Result<> store_item(storage::Connection& db, const StoredItem& stored);
// How an item ended; none when there is no such item, or it is open.
Result<std::optional<StoredItem>> load_closed_item(storage::Connection& db, std::string_view id);
// Closed items beyond kKeptClosedItems go, the oldest first.
Result<> trim_items(storage::Connection& db);

Result<> store_event(storage::Connection& db, const StoredEvent& event);
// Of one session beyond kKeptEvents, the oldest first.
Result<> trim_events(storage::Connection& db, std::string_view session);
Result<std::vector<EventRow>> load_events(storage::Connection& db, std::string_view session, std::int64_t before,
                                          int limit);

}  // namespace ccd::agents
