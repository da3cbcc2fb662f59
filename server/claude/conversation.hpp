// What a list of conversations shows of one, from the beginning and the end of its transcript alone. Pure: bytes in, values out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace ccd::claude {

// The beginning holds the folder and the first prompt, behind what hooks and files put in front of it; the end the title and the
// last time. A transcript that is not longer than both is read whole.
inline constexpr std::size_t kHeadBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kTailBytes = std::size_t{192} * 1024;
inline constexpr std::size_t kMaxConversationText = 300;  // of prompts and titles

struct ConversationFacts {
  std::string folder{};        // where the client was started, as the entries say it; empty: they do not
  std::string branch{};        // git's, when it was started
  std::string title{};         // given by a person, else by the client
  std::string first_prompt{};  // its beginning
  std::optional<WallMicros> began{};
  std::optional<WallMicros> last_activity{};
  std::uint64_t messages = 0;   // prompts and replies that were seen
  std::uint64_t looked_at = 0;  // bytes in which they were counted
  bool resumable = false;       // the client takes it up again: there is at least one message
};

// `head` begins with the file's first byte; `tail` ends with its last and may begin inside a line. An empty `tail`: `head` is all.
[[nodiscard]] ConversationFacts conversation_facts(std::string_view head, std::string_view tail);

}  // namespace ccd::claude
