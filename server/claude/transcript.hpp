// What a Claude Code transcript says: entries, their blocks, and token usage. Values only; transcript_line.hpp reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace ccd::claude {

enum class EntryKind {
  prompt,        // what a person (or a program in their place: `origin`) asked
  reply,         // a message of the model: text, thinking, tool calls
  result,        // results of tools
  summary,       // what a compaction left of the conversation before it
  compaction,    // the line at which a compaction took place
  interruption,  // a person stopped the turn: no hook tells of it
  failure,       // the API refused: rate limit, login, overload; `detail` names the error
  system,        // other notes of the client; `detail` is the subtype
  note,          // text that the client put in for the model or for itself: command output, reminders
  attachment,    // what was put beside a prompt: files, skills, hooks' results; `detail` is its type
  state,         // bookkeeping of the client: mode, title, cost; `detail` is the type
  raw,           // not understood: unknown type, no JSON, broken UTF-8, too deep, too long
};

enum class BlockKind { text, thinking, tool_use, tool_result, image, document, unknown };
enum class Chain { main, side };  // side: a subagent's conversation
enum class Outcome { good, failed };

std::string_view to_string(EntryKind kind);
std::string_view to_string(BlockKind kind);

struct Usage {
  std::uint64_t input = 0;  // tokens of each kind
  std::uint64_t output = 0;
  std::uint64_t cache_read = 0;
  std::uint64_t cache_write_5m = 0;
  std::uint64_t cache_write_1h = 0;  // costs more than one of 5 minutes
  bool operator==(const Usage&) const = default;
};

// All text in blocks and entries is valid UTF-8 (wrong bytes are U+FFFD) and cut at ParseLimits; `bytes` says how long it was.
struct Block {
  BlockKind kind = BlockKind::unknown;
  std::string text{};               // text, thinking, a result's texts; of an unknown block its JSON
  std::uint64_t bytes = 0;          // of the whole text; of an image or document, of its base64 data
  std::string tool_id{};            // tool_use and tool_result: links the two
  std::string tool{};               // tool_use: "Bash"
  std::string input{};              // tool_use: its JSON; over the limit an object of its small fields, or nothing
  std::uint64_t input_bytes = 0;    // of the whole: `input` is whole when it has this size
  Outcome outcome = Outcome::good;  // tool_result
  std::string media_type{};         // image and document: "image/png"
  std::string source{};             // image and document: "base64" (read_line gets it), "url" or "file"
};

// Where an entry's line lies. Lines, not entries, are what pages and the index count: a line holds one entry, or two when a
// killed client's half line was continued by the next client's whole one.
struct LinePlace {
  std::uint64_t offset = 0;  // of the line's first byte in the file
  std::uint64_t bytes = 0;   // without the line's end
  bool operator==(const LinePlace&) const = default;
};

struct Entry {
  EntryKind kind = EntryKind::raw;
  LinePlace line{};
  std::string type{};    // as the file says it
  std::string detail{};  // see EntryKind
  std::string uuid{};
  std::string parent_uuid{};
  std::optional<WallMicros> at{};
  Chain chain = Chain::main;
  std::string agent_id{};    // of a side chain
  std::string origin{};      // prompts: "human", "task-notification", ...; empty in older files
  std::string model{};       // replies
  std::string message_id{};  // replies: several lines can be pieces of one message
  std::string stop_reason{};
  std::optional<Usage> usage{};  // of the whole message, on each of its lines: count a message once
  std::vector<Block> blocks{};
  std::string result{};  // results: the tool's own JSON (a diff's hunks, ...), as Block::input with input_bytes
  std::uint64_t result_bytes = 0;
  std::string raw{};  // the line's beginning, for kinds raw, state, attachment and system
};

// Limits of what one entry holds. A page shows beginnings; whoever wants one entry whole reads its line again with `whole`.
struct ParseLimits {
  std::size_t text_bytes;  // of each text, and of `raw`
  std::size_t
      input_bytes;     // of a tool's input or own result: over it only fields up to a quarter of this, while they fit
  std::size_t blocks;  // of one entry; what follows is one unknown block without text, whose `bytes` is their number
};
inline constexpr ParseLimits kPageLimits{16 * 1024, 64 * 1024, 64};
inline constexpr ParseLimits kWholeLimits{8 * 1024 * 1024, 8 * 1024 * 1024, 1024};

// A longer line stays raw: the API takes requests of 32 MB, so an honest line is below it. Bounds the parser's memory.
inline constexpr std::size_t kMaxLineBytes = std::size_t{32} * 1024 * 1024;

}  // namespace ccd::claude
