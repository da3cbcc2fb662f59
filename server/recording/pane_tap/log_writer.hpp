// Appends the pane's bytes to the session's log: segments, retention, and an honest account of what the disk did not
// take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/unique_fd.hpp"
#include "recording/format.hpp"
#include "recording/pane_tap/mark_file.hpp"

namespace ccd::recording::tap {

class LogWriter {
 public:
  struct Limits {
    std::uint64_t segment_bytes;
    std::uint64_t keep_bytes;
  };
  explicit LogWriter(Limits limits) : limits_(limits) {}

  // The working directory is the session's folder. Continues at the end of the last segment. errno when `log` cannot be
  // read, else 0: a full disk is no error here.
  int open();

  // Never fails and never waits for more than the disk: what cannot be written is counted, and nothing is written after
  // a loss before its gap mark is. Returns how many of the bytes, from the first on, are in the log.
  std::size_t append(std::span<const std::byte> bytes);
  // Bytes that are missing at this place for another reason than the disk.
  void add_gap(GapReason reason, std::uint64_t count);
  // False when the disk did not take it.
  bool mark(MarkKind kind, std::uint16_t detail, std::uint64_t value);
  // The pane has this size from the log's end on. False when that is marked later: behind the gap mark after a loss.
  bool resize(PaneSize size);

  // True after a loss until the disk takes bytes again: call retry() every kRetryMillis.
  [[nodiscard]] bool blocked() const { return lost_ != 0 || waiting_size_ != 0; }
  void retry();

  [[nodiscard]] std::uint64_t end() const { return end_; }
  // How many marks were written that a reader must see in their place: all but those of time.
  [[nodiscard]] std::uint64_t notes() const { return notes_; }
  // How many bytes were lost since the disk began to fail; 0 when it does not.
  [[nodiscard]] std::uint64_t lost_now() const { return lost_now_; }

  // Often enough that a freed disk is used at once for a person's eyes, rare enough to cost nothing.
  static constexpr std::int64_t kRetryMillis = 100;

 private:
  bool ready_segment();
  bool recover();
  void lose(std::uint64_t count);
  void mark_size();
  void apply_retention();
  void time_mark(std::uint64_t offset);

  Limits limits_;
  UniqueFd folder_;   // the log folder
  UniqueFd segment_;  // the last segment
  MarkFile marks_;
  std::uint64_t first_ = 0;  // oldest byte
  std::uint64_t start_ = 0;  // of the last segment
  std::uint64_t end_ = 0;    // one past the newest byte
  std::uint64_t notes_ = 0;
  std::uint64_t lost_ = 0;          // not kept since end_, not marked yet; kUnknownCount when nobody knows
  std::uint64_t lost_now_ = 0;      // the part of it that this tap has read
  std::uint64_t waiting_size_ = 0;  // of a resize that is not marked yet; 0: none
  GapReason lost_reason_ = GapReason::disk;
  std::int64_t next_try_ = 0;   // steady milliseconds
  std::int64_t next_time_ = 0;  // steady milliseconds of the next time mark
};

}  // namespace ccd::recording::tap
