// What is known of a whole transcript: how many lines, where they lie, what they cost, and how the conversation stands.
//
// Grows with the file: each byte is read once. Memory is bounded whatever the file holds (kMaxMarks, kRecentMessages, kMaxModels,
// kMaxOpenTools, one line of kMaxLineBytes). One thread at a time; catch_up blocks on the disk.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "claude/transcript.hpp"
#include "claude/transcript_file.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {

// A mark every 16 KiB at first; each time there are kMaxMarks every second one goes and the distance doubles (at 1 GiB).
inline constexpr std::uint64_t kFirstMarkBytes = 16 * 1024;
inline constexpr std::size_t kMaxMarks = 65'536;
// Lines of one message follow each other, with some of subagents between them: a repeated id is looked for this far back.
inline constexpr std::size_t kRecentMessages = 64;
// More models in one session are added up under the empty name.
inline constexpr std::size_t kMaxModels = 32;
// Days with usage, by model; more are added up under the newest one that there is (four years of one model, one year of four).
inline constexpr std::size_t kMaxUsageDays = 1500;
// Tools that were called and have not answered; the oldest is forgotten.
inline constexpr std::size_t kMaxOpenTools = 64;

struct ModelUsage {
  Usage usage{};
  std::uint64_t messages = 0;
};

// A day, counted from 1970-01-01, and a model's name.
using UsageDay = std::pair<std::int32_t, std::string>;
// Which day a moment belongs to; a message without a time belongs to the day of the one before it.
using DayOf = std::int32_t (*)(WallMicros);
std::int32_t utc_day(WallMicros at);
// By this machine's time zone: what a person means by "today".
std::int32_t local_day(WallMicros at);

struct OpenTool {
  std::string id;
  std::string name;
  std::optional<WallMicros> since;
};

// How the conversation stands after the last whole line, by the main chain only.
struct Standing {
  EntryKind last = EntryKind::state;  // the last of prompt, reply, result, interruption, failure; state: none yet
  std::optional<WallMicros> at{};     // its time
  std::string stop_reason{};          // of the last reply: "end_turn", "tool_use", ...
  std::string failure{};              // error's name of the last failure, while nothing came after it
  std::string failure_text{};         // what the client showed for it; at most 512 bytes
  std::vector<OpenTool> open_tools{};
};

struct TranscriptFacts {
  std::uint64_t end = 0;        // offset behind the last whole line
  std::uint64_t lines = 0;      // whole lines, blank ones too
  std::uint64_t raw_lines = 0;  // of them not understood
  std::uint64_t prompts = 0;
  std::uint64_t compactions = 0;
  std::map<std::string, ModelUsage, std::less<>> usage{};  // by model
  std::map<UsageDay, ModelUsage> days{};                   // the same by day
  std::optional<double> cost_usd{};                        // the client's own figure, where it wrote one
  std::optional<WallMicros> first_at{};
  std::optional<WallMicros> last_at{};
  Standing standing{};
};

Usage total_of(const TranscriptFacts& facts);

class TranscriptIndex {
 public:
  explicit TranscriptIndex(DayOf day_of = &utc_day);

  // Takes what is new, at most `budget` bytes. True when the end of the file was reached. A file that was shortened since is begun
  // again from its start; whether another has taken its place, TranscriptFile::replaced says.
  Result<bool> catch_up(const TranscriptFile& file, std::uint64_t budget = UINT64_MAX);
  // The same from bytes in hand: the file's next ones.
  void feed(std::string_view bytes);

  [[nodiscard]] const TranscriptFacts& facts() const { return facts_; }

  // A line's start at or before line `line` (0 is the first), and that line's number: read on from there.
  struct Mark {
    std::uint64_t line = 0;
    std::uint64_t offset = 0;
  };
  [[nodiscard]] Mark mark_before_line(std::uint64_t line) const;
  [[nodiscard]] Mark mark_before_offset(std::uint64_t offset) const;
  [[nodiscard]] std::size_t marks() const { return marks_.size(); }

 private:
  struct Counted {
    std::uint64_t id = 0;  // hash of the message's id; 0: none
    std::string model;
    std::int32_t day = 0;
    Usage usage;
  };

  void take_line(std::string_view line);
  void end_line();
  void count(const LineFacts& line);
  void stand(const LineFacts& line);
  ModelUsage& usage_of(std::string_view model);
  ModelUsage& day_of(std::int32_t day, const std::string& model);

  DayOf day_of_;
  std::int32_t day_ = 0;  // of the last line that had a time
  LineParser parser_;
  TranscriptFacts facts_;
  std::vector<Mark> marks_;
  std::uint64_t mark_bytes_ = kFirstMarkBytes;
  std::string rest_;         // the beginning of a line whose end has not come
  std::uint64_t taken_ = 0;  // offset behind the last byte seen
  bool overlong_ = false;    // the line that is coming has passed kMaxLineBytes and is only counted
  std::array<Counted, kRecentMessages> recent_{};
  std::size_t next_recent_ = 0;
};

}  // namespace ccd::claude
