// An open item of the inbox with what answers it. Internal to the room.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agents/attention.hpp"
#include "base/task.hpp"

namespace ccd::agents {

// A request that waits in on_hook(). Shared by the item and the coroutine that waits.
struct Hold {
  explicit Hold(const asio::any_io_executor& executor) : wake(executor) {}
  Notifier wake;
  std::optional<std::string> answer{};  // the body for the client; empty: the terminal decides
};

struct OpenItem {
  AttentionItem item{};
  std::shared_ptr<Hold> hold{};  // null: nobody waits
  std::string answering{};       // who is just answering it: the decision is on its way to the disk
};

}  // namespace ccd::agents
