// What one conversation used, from its transcript and from those of its subagents, which stand in files of their own beside it. Blocks on the
// disk: on the pool, one thread at a time. Each byte is read once.
#pragma once

#include <map>
#include <string>

#include "claude/transcript_index.hpp"

namespace ccd::agents {

// Of one conversation; the files of more are not read, and the log says so.
inline constexpr std::size_t kMaxSubagentFiles = 1000;

class ConversationFiles {
 public:
  explicit ConversationFiles(std::string transcript) : transcript_(std::move(transcript)) {}

  // Reads what is new in the transcript and in `<transcript without .jsonl>/subagents/agent-*.jsonl`. What is not there is nothing.
  void catch_up();
  // By day and model, all of it together.
  [[nodiscard]] std::map<claude::UsageDay, claude::ModelUsage> days() const;

 private:
  void read(const std::string& path);
  std::string transcript_;
  std::map<std::string, claude::TranscriptIndex> files_;  // by path
};

}  // namespace ccd::agents
