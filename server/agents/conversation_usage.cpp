// Reads a conversation's files.
#include "agents/conversation_usage.hpp"

#include "base/log.hpp"

namespace ccd::agents {

void ConversationFiles::read(const std::string& agent) {
  const auto file = place_.open(agent);
  if (!file) return;
  auto& index = files_.try_emplace(agent, &claude::local_day).first->second;
  if (const auto done = index.catch_up(*file); !done)
    log_warn("agents", "a transcript could not be read",
             {{"transcript", place_.path()}, {"agent", agent}, {"error", done.error().message}});
}

void ConversationFiles::catch_up() {
  read({});
  const auto agents = place_.subagent_ids(kMaxSubagentFiles + 1);
  if (!agents) return;
  for (const std::string& agent : *agents) {
    if (!files_.contains(agent) && files_.size() > kMaxSubagentFiles) {
      log_warn("agents", "a conversation has too many subagents: the usage of some is not counted",
               {{"transcript", place_.path()}});
      return;
    }
    read(agent);
  }
}

std::map<claude::UsageDay, claude::ModelUsage> ConversationFiles::days() const {
  std::map<claude::UsageDay, claude::ModelUsage> out;
  for (const auto& [path, index] : files_) {
    for (const auto& [day, usage] : index.facts().days) {
      claude::ModelUsage& to = out[day];
      to.messages += usage.messages;
      to.usage.input += usage.usage.input;
      to.usage.output += usage.usage.output;
      to.usage.cache_read += usage.usage.cache_read;
      to.usage.cache_write_5m += usage.usage.cache_write_5m;
      to.usage.cache_write_1h += usage.usage.cache_write_1h;
    }
  }
  return out;
}

}  // namespace ccd::agents
