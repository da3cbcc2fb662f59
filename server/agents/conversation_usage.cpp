// Reads a conversation's files.
#include "agents/conversation_usage.hpp"

#include <dirent.h>

#include <memory>

#include "base/log.hpp"
#include "claude/transcript_file.hpp"

namespace ccd::agents {
namespace {

constexpr std::string_view kEnding = ".jsonl";
constexpr std::string_view kBeginning = "agent-";

bool is_subagent_file(std::string_view name) { return name.starts_with(kBeginning) && name.ends_with(kEnding); }

}  // namespace

void ConversationFiles::read(const std::string& path) {
  const auto file = claude::TranscriptFile::open(path);
  if (!file) return;
  auto& index = files_.try_emplace(path, &claude::local_day).first->second;
  if (const auto done = index.catch_up(*file); !done)
    log_warn("agents", "a transcript could not be read", {{"file", path}, {"error", done.error().message}});
}

void ConversationFiles::catch_up() {
  if (!transcript_.ends_with(kEnding)) return;
  read(transcript_);
  const std::string folder = transcript_.substr(0, transcript_.size() - kEnding.size()) + "/subagents";
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), &::closedir);
  if (!open) return;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string path = folder + "/" + entry->d_name;
    if (!is_subagent_file(entry->d_name)) continue;
    if (!files_.contains(path) && files_.size() > kMaxSubagentFiles) {
      log_warn("agents", "a conversation has too many subagents: the usage of some is not counted", {{"transcript", transcript_}});
      return;
    }
    read(path);
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
