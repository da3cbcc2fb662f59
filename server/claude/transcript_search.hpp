// Looks for words in a transcript, as a person sees them: in texts, tools' inputs and results, whatever their case.
//
// Reads the file forwards in bounded steps and keeps nothing: measured, that is quick enough without an index (decision 0023).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "claude/transcript.hpp"
#include "claude/transcript_file.hpp"

namespace ccd::claude {

inline constexpr std::size_t kMaxQueryBytes = 256;

// What one step may cost. It ends at the first that is reached.
struct SearchLimits {
  std::uint64_t bytes = std::uint64_t{64} * 1024 * 1024;  // of the file
  std::size_t hits = 100;
  std::chrono::milliseconds time{300};
};

struct SearchHit {
  std::uint64_t offset = 0;  // of the line: one hit for each
  EntryKind kind = EntryKind::raw;
  Chain chain = Chain::main;
  std::optional<WallMicros> at{};
  std::string before{};  // the excerpt, cut at characters and on one line: up to 40 bytes, the match, up to 80
  std::string match{};
  std::string after{};
};

struct SearchPage {
  std::vector<SearchHit> hits{};  // in the file's order
  std::uint64_t next = 0;         // where the next step begins
  bool done = false;              // `next` is behind the last whole line
};

class TranscriptSearch {
 public:
  // `invalid` with the field `q` for an empty query, one over kMaxQueryBytes or one that is no UTF-8.
  static Result<TranscriptSearch> make(std::string_view query);

  // From the first line at or after `from`. Lines of the client's books (state, attachment) and lines over kMaxLineBytes have no hits.
  // Blocks on the disk; one thread at a time.
  Result<SearchPage> step(const TranscriptFile& file, std::uint64_t from, const SearchLimits& limits = {});

 private:
  explicit TranscriptSearch(std::string_view query);
  std::optional<SearchHit> look(std::string_view line, std::uint64_t offset);
  [[nodiscard]] std::size_t next_candidate(std::string_view lowered, std::size_t from) const;

  std::string folded_;  // the query
  std::string
      needle_;  // a part of it that stands so in each line with a match, but for the case of its ASCII letters; may be empty
  LineParser parser_;
};

// Lower case, letter by letter: ß stays ß. Letters that are not ASCII never become ASCII. Bytes that are not UTF-8 stay.
std::string folded(std::string_view text);

}  // namespace ccd::claude
