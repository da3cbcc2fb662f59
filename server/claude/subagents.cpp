// Listing subagents: one folder, and a small meta file beside each transcript.
#include "claude/subagents.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/unique_fd.hpp"
#include "claude/json_read.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {
namespace {

constexpr std::string_view kBefore = "agent-";
constexpr std::string_view kEnding = ".jsonl";
constexpr std::size_t kMaxIdBytes = 64;
// The client writes some hundred bytes.
constexpr std::size_t kMaxMetaBytes = 64 * 1024;
constexpr std::size_t kMaxTextBytes = 300;

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<UniqueFd> open_folder(const std::string& folder, const std::vector<std::string>& names) {
  UniqueFd at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at) return fail_errno("open the transcripts' folder");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const int how = i + 1 == names.size() ? O_RDONLY : O_PATH;
    UniqueFd next(::openat(at.get(), names[i].c_str(), how | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next && (errno == ELOOP || errno == ENOTDIR))
      return fail(ErrorKind::invalid, "the subagents' folder is a link, or lies behind one");
    if (!next) return fail_errno("open the subagents' folder");
    at = std::move(next);
  }
  return at;
}

void read_meta(int folder, SubagentFile& agent) {
  const std::string name = std::string(kBefore) + agent.id + ".meta.json";
  const UniqueFd fd(::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat about{};
  if (!fd || ::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) return;
  std::string text(kMaxMetaBytes, '\0');
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
  if (got <= 0) return;
  text.resize(static_cast<std::size_t>(got));
  simdjson::dom::parser parser;
  json::Object meta;
  if (parser.parse(text).get(meta) != simdjson::SUCCESS) return;
  agent.tool_id = clipped(json::text(meta, "toolUseId"), kMaxTextBytes);
  agent.type = clipped(json::text(meta, "agentType"), kMaxTextBytes);
  agent.description = clipped(json::text(meta, "description"), kMaxTextBytes);
}

struct Listed {
  std::unique_ptr<DIR, int (*)(DIR*)> folder{nullptr, ::closedir};
  std::vector<SubagentFile> agents{};  // without what their meta files say
};

Result<Listed> list(const std::string& folder, const std::vector<std::string>& names, std::size_t limit) {
  UniqueFd opened = TRY(open_folder(folder, names));
  Listed listed;
  listed.folder.reset(::fdopendir(opened.get()));
  if (!listed.folder) return fail_errno("list the subagents' folder");
  const int fd = opened.release();
  while (const dirent* entry = ::readdir(listed.folder.get())) {
    std::string_view name = entry->d_name;
    if (!name.starts_with(kBefore) || !name.ends_with(kEnding)) continue;
    name = name.substr(kBefore.size(), name.size() - kBefore.size() - kEnding.size());
    struct stat about{};
    if (!is_id(name) || ::fstatat(fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode))
      continue;
    listed.agents.push_back({.id = std::string(name), .bytes = static_cast<std::uint64_t>(about.st_size)});
    if (listed.agents.size() == limit) break;
  }
  std::ranges::sort(listed.agents, {}, &SubagentFile::id);
  return listed;
}

}  // namespace

Result<std::vector<SubagentFile>> list_subagents(const std::string& folder, const std::vector<std::string>& names,
                                                 std::size_t limit) {
  Listed listed = TRY(list(folder, names, limit));
  for (SubagentFile& agent : listed.agents) read_meta(::dirfd(listed.folder.get()), agent);
  return std::move(listed.agents);
}

Result<std::vector<std::string>> list_subagent_ids(const std::string& folder, const std::vector<std::string>& names,
                                                   std::size_t limit) {
  Listed listed = TRY(list(folder, names, limit));
  std::vector<std::string> ids;
  for (SubagentFile& agent : listed.agents) ids.push_back(std::move(agent.id));
  return ids;
}

}  // namespace ccd::claude
