// What one conversation used, from its transcript and from those of its subagents, which stand in files of their own beside it. Blocks on the
// disk: on the pool, one thread at a time. Each byte is read once.
#pragma once

#include <map>
#include <string>

#include "agents/transcript_place.hpp"
#include "claude/transcript_index.hpp"

namespace ccd::agents {

// Of one conversation; the files of more are not read, and the log says so.
inline constexpr std::size_t kMaxSubagentFiles = 1000;

class ConversationFiles {
 public:
  explicit ConversationFiles(TranscriptPlace place) : place_(std::move(place)) {}

  // Reads what is new in the transcript and in its subagents'. What is not there, or not a plain file of this conversation, is nothing.
  void catch_up();
  // By day and model, all of it together.
  [[nodiscard]] std::map<claude::UsageDay, claude::ModelUsage> days() const;

 private:
  void read(const std::string& agent);
  TranscriptPlace place_;
  std::map<std::string, claude::TranscriptIndex> files_;  // by subagent; empty: its own
};

}  // namespace ccd::agents
