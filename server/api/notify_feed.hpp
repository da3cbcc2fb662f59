// Joins the inbox with notifications: what opens and closes there is told to people who are not looking.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agents/agents.hpp"
#include "notify/notify.hpp"

namespace ccd::api {

// What a tool would do, from its input (JSON): the command, address or file first, then every other field with its name, so that nothing
// is left out but the agent's own description of it.
std::string request_text(std::string_view tool, std::string_view input);

// The item as notifications need it. Its digest is over all that an answer decides on.
notify::Event notify_event(const agents::AttentionItem& item);

class NotifyFeed {
 public:
  // After Agents::start(): what is open by then is known, and told to nobody. Both outlive the feed.
  NotifyFeed(agents::Agents* agents, notify::Notify* notify);

 private:
  std::unique_ptr<agents::Agents::Subscription> subscription_;
};

}  // namespace ccd::api
