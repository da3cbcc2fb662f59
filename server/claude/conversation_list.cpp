#include "claude/conversation_list.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/unique_fd.hpp"
#include "claude/session_settings.hpp"

namespace ccd::claude {

namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr WallMicros kSecond = 1'000'000;

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

Folder open_folder(int at, const char* name) {
  UniqueFd fd(::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  Folder folder(fd ? ::fdopendir(fd.get()) : nullptr, &::closedir);
  if (folder) (void)fd.release();
  return folder;
}

// From `offset`, up to `size` bytes; fewer where the file ends before.
std::string read_part(int fd, std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(fd, text.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

WallMicros modified(const struct stat& status) {
  return status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec / 1000;
}

}  // namespace

std::vector<ConversationList::Found> ConversationList::look(std::optional<std::string_view> id, bool& truncated) const {
  std::vector<Found> found;
  // The folder itself may be a link: people keep it elsewhere.
  const UniqueFd root(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return found;
  const Folder projects = open_folder(root.get(), ".");
  std::size_t folders = 0;
  while (const dirent* project =
             projects ? ::readdir(projects.get()) : nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
    if (project->d_name[0] == '.') continue;
    if (++folders > kMaxProjectFolders) {
      truncated = true;
      break;
    }
    const Folder files = open_folder(root.get(), project->d_name);
    while (const dirent* file =
               files ? ::readdir(files.get()) : nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
      const std::string_view name = file->d_name;
      if (!name.ends_with(kSuffix)) continue;
      const std::string_view stem = name.substr(0, name.size() - kSuffix.size());
      if (!valid_uuid(stem) || (id && stem != *id)) continue;
      struct stat status{};
      if (::fstatat(::dirfd(files.get()), file->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        continue;
      if (found.size() == kMaxTranscripts) {
        truncated = true;
        return found;
      }
      found.push_back({.path = folder_ + "/" + project->d_name + "/" + std::string(name),
                       .id = std::string(stem),
                       .bytes = static_cast<std::uint64_t>(status.st_size),
                       .modified = modified(status)});
    }
  }
  return found;
}

std::optional<Conversation> ConversationList::read(const Found& found) {
  Known& known = known_[found.path];
  known.round = round_;
  if (known.bytes == found.bytes && known.modified == found.modified && !known.conversation.id.empty())
    return known.conversation;
  const UniqueFd file(::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  Conversation conversation{.id = found.id, .path = found.path, .bytes = found.bytes, .modified = found.modified};
  const bool whole = found.bytes <= kHeadBytes + kTailBytes;
  const std::string head = read_part(file.get(), 0, whole ? kHeadBytes + kTailBytes : kHeadBytes);
  const std::string tail = whole ? std::string() : read_part(file.get(), found.bytes - kTailBytes, kTailBytes);
  conversation.facts = conversation_facts(head, tail);
  conversation.messages = conversation.facts.messages;
  if (!whole && conversation.facts.looked_at > 0) {
    conversation.messages_estimated = true;
    const double share = static_cast<double>(found.bytes) / static_cast<double>(conversation.facts.looked_at);
    conversation.messages =
        static_cast<std::uint64_t>(static_cast<double>(conversation.facts.messages) * std::max(share, 1.0));
  }
  known.bytes = found.bytes;
  known.modified = found.modified;
  known.conversation = conversation;
  return conversation;
}

ConversationListing ConversationList::newest(std::size_t limit) {
  ConversationListing out;
  std::vector<Found> found = look(std::nullopt, out.truncated);
  limit = std::min(limit, kMaxConversations);
  std::ranges::sort(found, [](const Found& a, const Found& b) {
    return std::tie(b.modified, a.path) < std::tie(a.modified, b.path);
  });
  if (found.size() > limit) {
    found.resize(limit);
    out.truncated = true;
  }
  ++round_;
  for (const Found& each : found)
    if (auto conversation = read(each)) out.conversations.push_back(std::move(*conversation));
  std::erase_if(known_, [this](const auto& entry) { return entry.second.round != round_; });
  return out;
}

Result<Conversation> ConversationList::find(std::string_view id) {
  if (!valid_uuid(id)) return fail_field("conversation", "a conversation is named by its UUID");
  bool truncated = false;
  std::vector<Found> found = look(id, truncated);
  // A conversation that was gone on with in another folder can have a file in both: the newer one counts.
  std::ranges::sort(found, [](const Found& a, const Found& b) { return a.modified > b.modified; });
  for (const Found& each : found)
    if (auto conversation = read(each)) return std::move(*conversation);
  return fail(ErrorKind::not_found, "there is no conversation with this id");
}

}  // namespace ccd::claude
