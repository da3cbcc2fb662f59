#include "agents/transcript_place.hpp"

namespace ccd::agents {

namespace {

constexpr std::string_view kEnding = ".jsonl";
constexpr std::string_view kSubagents = "subagents";

}  // namespace

std::optional<TranscriptPlace> TranscriptPlace::of(std::string_view told, std::string_view config_dir,
                                                   std::string_view conversation) {
  std::string projects = std::string(config_dir) + "/projects";
  const std::string before = projects + "/";
  const std::string after = "/" + std::string(conversation) + std::string(kEnding);
  if (config_dir.empty() || conversation.empty() || !told.starts_with(before) || !told.ends_with(after))
    return std::nullopt;
  if (told.size() <= before.size() + after.size()) return std::nullopt;
  std::string folder(told.substr(before.size(), told.size() - before.size() - after.size()));
  if (folder.find('/') != std::string::npos) return std::nullopt;
  return TranscriptPlace(std::move(projects), std::move(folder), std::string(conversation));
}

std::vector<std::string> TranscriptPlace::names(const std::string& agent) const {
  if (agent.empty()) return {folder_, name_of(agent)};
  return {folder_, conversation_, std::string(kSubagents), name_of(agent)};
}

std::string TranscriptPlace::name_of(const std::string& agent) const {
  return (agent.empty() ? conversation_ : "agent-" + agent) + std::string(kEnding);
}

std::string TranscriptPlace::folder_of(const std::string& agent) const {
  std::string folder = projects_ + "/" + folder_;
  if (!agent.empty()) ((folder += '/') += conversation_) += "/" + std::string(kSubagents);
  return folder;
}

Result<claude::TranscriptFile> TranscriptPlace::open(const std::string& agent) const {
  return claude::TranscriptFile::open_below(projects_, names(agent));
}

Result<std::vector<claude::SubagentFile>> TranscriptPlace::subagents(std::size_t limit) const {
  return claude::list_subagents(projects_, {folder_, conversation_, std::string(kSubagents)}, limit);
}

Result<std::vector<std::string>> TranscriptPlace::subagent_ids(std::size_t limit) const {
  return claude::list_subagent_ids(projects_, {folder_, conversation_, std::string(kSubagents)}, limit);
}

}  // namespace ccd::agents
