// One line of a transcript into entries. Pure: bytes in, values out; every input gives at least one entry, the worst one raw.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "claude/transcript.hpp"

namespace ccd::claude {

// What the index needs of a line, without the cost of its texts. Views are valid until the next call.
struct LineFacts {
  EntryKind kind = EntryKind::raw;
  Chain chain = Chain::main;
  std::optional<WallMicros> at{};
  std::string_view message_id{};
  std::string_view model{};
  std::string_view stop_reason{};
  std::string_view detail{};  // as Entry::detail
  std::string_view text{};    // of a failure: what the client showed
  std::optional<Usage> usage{};
  std::optional<double> cost_usd{};  // the session's total so far, of a cost-state line
  struct Tool {
    std::string_view id;
    std::string_view name;  // empty: its result
  };
  std::vector<Tool> tools{};  // at most kMaxLineTools
};
inline constexpr std::size_t kMaxLineTools = 64;

// What a person can look for in a line: the words of the conversation, not what the client keeps its books with. Views are valid
// until the next call.
struct LineTexts {
  EntryKind kind = EntryKind::raw;
  std::optional<WallMicros> at{};
  Chain chain = Chain::main;
  std::vector<std::string_view> texts{};  // at most kMaxLineTexts; empty for kinds state and attachment
};
inline constexpr std::size_t kMaxLineTexts = 4096;

// The data of an image or a document.
struct Media {
  std::string media_type{};  // as the file says it: not to be trusted
  std::string base64{};
};

// Keeps the parser's memory (some 14 bytes for each byte of the longest line so far, given back after lines over 1 MiB).
// One thread at a time.
class LineParser {
 public:
  LineParser();
  ~LineParser();
  LineParser(LineParser&&) noexcept;
  LineParser& operator=(LineParser&&) noexcept;

  // `line` without its '\n'. One entry, or the two of a half line that a whole one follows.
  std::vector<Entry> entries(std::string_view line, LinePlace place, const ParseLimits& limits);
  // The same decision as entries(); of two entries in a line, the second.
  LineFacts facts(std::string_view line);
  // Of two entries in a line, the second.
  LineTexts texts(std::string_view line);
  // Of the block with this number in the entry with this number (as entries() counts them); nothing when it holds no data.
  std::optional<Media> media(std::string_view line, std::size_t entry, std::size_t block);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// What entries() gives for a line that it does not understand; for lines that are too long to be given to it.
Entry raw_entry(std::string_view beginning, LinePlace place, const ParseLimits& limits);

// "2026-11-23T19:08:42.366Z"; nothing for anything else.
std::optional<WallMicros> parse_timestamp(std::string_view text);

// The text cut to at most `limit` bytes at a character's border, with wrong bytes as U+FFFD.
std::string clipped(std::string_view text, std::size_t limit);

}  // namespace ccd::claude
