// Writes what agents do to the database in batches: states, items, events. Internal to the room; on the loop.
//
// What is waiting to be written is bounded: an agent's row and an item are kept once, the newest counts; of events the oldest go first. A
// disk that refuses is tried again, and nothing on the page waits for it.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "agents/store.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

inline constexpr std::size_t kMaxQueuedEvents = 4096;
inline constexpr std::size_t kMaxQueuedItems = 4096;

class Recorder {
 public:
  Recorder(const asio::any_io_executor& executor, storage::Database* database)
      : database_(database), wanted_(executor) {}

  void agent(const AgentRow& row);
  void item(StoredItem item);
  void event(StoredEvent event);
  // The caller writes this item himself, in a transaction of his own.
  void forget_item(const std::string& id) { items_.erase(id); }

  // Until it is cancelled.
  Task<void> run();
  // What is left, once.
  Task<void> flush();

 private:
  [[nodiscard]] bool empty() const { return agents_.empty() && items_.empty() && events_.empty(); }

  storage::Database* database_;
  Notifier wanted_;
  std::map<std::string, AgentRow> agents_;
  std::map<std::string, StoredItem> items_;
  std::deque<StoredEvent> events_;
  int trimmed_ = 0;
};

}  // namespace ccd::agents
