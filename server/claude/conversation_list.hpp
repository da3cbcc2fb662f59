// The conversations that Claude Code keeps on this machine: found in its folder `projects`, newest first.
//
// Calls block on the disk: run them on a pool, one at a time. Files belong to the client and are never changed. Symbolic links are
// not followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "claude/conversation.hpp"

namespace ccd::claude {

// Looked at in one scan; years of daily work have some thousand. The rest is left out, which the listing says.
inline constexpr std::size_t kMaxProjectFolders = 2000;
inline constexpr std::size_t kMaxTranscripts = 50'000;
// Told in one listing: older ones are found by asking for their id.
inline constexpr std::size_t kMaxConversations = 1000;

struct Conversation {
  std::string id{};    // UUID
  std::string path{};  // of the transcript
  std::uint64_t bytes = 0;
  WallMicros modified = 0;
  ConversationFacts facts{};
  // Of a transcript that was not read whole, by the part of it that was.
  std::uint64_t messages = 0;
  bool messages_estimated = false;
};

struct ConversationListing {
  std::vector<Conversation> conversations{};  // the newest first
  bool truncated = false;                     // there are more
};

class ConversationList {
 public:
  // `folder`: the client's `projects`; it need not exist.
  explicit ConversationList(std::string folder) : folder_(std::move(folder)) {}

  // The newest `limit`. Only files that changed since the last call are read.
  ConversationListing newest(std::size_t limit);
  // not_found: no transcript has this id.
  Result<Conversation> find(std::string_view id);

 private:
  struct Found {
    std::string path;
    std::string id;
    std::uint64_t bytes = 0;
    WallMicros modified = 0;
  };
  struct Known {
    std::uint64_t bytes = 0;
    WallMicros modified = 0;
    Conversation conversation{};
    std::uint64_t round = 0;
  };
  std::vector<Found> look(std::optional<std::string_view> id, bool& truncated) const;
  std::optional<Conversation> read(const Found& found);

  std::string folder_;
  std::unordered_map<std::string, Known> known_;  // by path
  std::uint64_t round_ = 0;
};

}  // namespace ccd::claude
