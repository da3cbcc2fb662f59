// Reads a session's log by offset while its pane-tap goes on writing. All calls block on local disk only; one thread at
// a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace ccd::recording {

struct LogExtent {
  std::uint64_t first = 0;  // oldest byte that is still there (retention deletes whole segments)
  std::uint64_t end = 0;    // one past the newest byte
};

class LogReader {
 public:
  // The folder must exist (create_session_folder); a log that no tap has written to yet is empty, not an error.
  static Result<LogReader> open(const std::string& session_dir);

  // Reads the folder: a few microseconds per segment. Not for every keystroke.
  Result<LogExtent> extent();

  // Fills `out` from `offset` on, across segments, and returns how much there was: less than out.size() means that the
  // log ended there at the time of the call. not_found: retention has deleted the offset; invalid: it is beyond the
  // end.
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out);
  // As read(), but what one pread gives: less than there is when a segment ends; 0 only at the end of the log. For who must
  // show the first bytes before asking for more.
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out);

  // A place at most `max_bytes` before the end from which a terminal can show the log: after a newline and outside of
  // UTF-8 characters and escape sequences, as far as a bounded look-back can tell; the end itself when there is no such
  // place.
  Result<std::uint64_t> tail_offset(std::uint64_t max_bytes);

 private:
  struct Segment {
    std::uint64_t start;
    std::uint64_t size;
  };
  explicit LogReader(UniqueFd folder) : folder_(std::move(folder)) {}
  Result<std::vector<Segment>> list();
  Result<bool> open_segment(std::uint64_t start);
  Result<bool> locate(std::uint64_t offset);
  Result<bool> at_log_end(std::uint64_t offset);

  UniqueFd folder_;   // the log folder
  UniqueFd segment_;  // the segment read last
  std::uint64_t segment_start_ = 0;
  std::uint64_t newest_start_ = 0;  // highest segment seen, to tell the log's end from a hole
};

}  // namespace ccd::recording
