#include "claude/transcript_tail.hpp"

#include <algorithm>

namespace ccd::claude {

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace

Result<Standing> TranscriptTail::catch_up(const TranscriptFile& file) {
  const std::string identity = TRY(file.identity());
  const std::uint64_t bytes = TRY(file.bytes());
  if (identity != file_ || bytes < next_ || bytes - next_ > kStandingBytes) {
    index_ = TranscriptIndex();
    file_ = identity;
    next_ = bytes > kStandingBytes ? TRY(file.line_begin(bytes - kStandingBytes)) : 0;
  }
  std::string piece(kReadBytes, '\0');
  while (next_ < bytes) {
    const std::size_t got = TRY(file.read(next_, piece.data(), std::min<std::uint64_t>(piece.size(), bytes - next_)));
    if (got == 0) break;
    index_.feed(std::string_view(piece).substr(0, got));
    next_ += got;
  }
  return index_.facts().standing;
}

}  // namespace ccd::claude
