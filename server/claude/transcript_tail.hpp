// How a conversation stands, from the end of its transcript: what is far back is not read.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "claude/transcript_file.hpp"
#include "claude/transcript_index.hpp"

namespace ccd::claude {

// Read of a transcript that was not followed before; and when more than this has come at once, what lies before it is passed over.
inline constexpr std::uint64_t kStandingBytes = std::uint64_t{1} * 1024 * 1024;

class TranscriptTail {
 public:
  // Takes what has come since; begins anew for another file, or one that was cut. Blocks on the disk; one thread at a time.
  Result<Standing> catch_up(const TranscriptFile& file);

 private:
  std::string file_;        // which one
  std::uint64_t next_ = 0;  // what lies before it was taken
  TranscriptIndex index_;   // of what was taken: its offsets are not the file's
};

}  // namespace ccd::claude
