// A regular file, open for reading: its size, time, entity tag and content.
//
// open_file, read_range and read_whole block on the disk: call them on the pool, through run_on (base/task.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "files/roots.hpp"

namespace ccd::files {

// What one answer may hold in memory. Bigger files are read in ranges, of which each has the same limit.
inline constexpr std::size_t kMaxReadBytes = std::size_t{64} * 1024 * 1024;
// Enough to tell text from binary: what git and grep look at.
inline constexpr std::size_t kSniffBytes = 8192;
// Two changes within one tick of the kernel's clock carry the same time (10 ms at worst), or the same second on file
// systems that keep no fraction.
inline constexpr WallMicros kTimestampTick = 50'000;
inline constexpr WallMicros kCoarseTimestampTick = 2'000'000;

enum class ContentGuess { text, binary };  // text: no NUL, well-formed UTF-8 in the first kSniffBytes

struct OpenFile {
  UniqueFd fd;  // O_RDONLY; keeps showing this file when the name is given to another
  std::uint64_t size = 0;
  WallMicros modified = 0;
  std::string etag;  // quoted. Weak (W/"...") while a further change could carry the same time
  ContentGuess type = ContentGuess::binary;
};

// Any size. `now` decides whether the tag is weak. forbidden, not_found, conflict (a folder, FIFO, socket or device),
// io.
[[nodiscard]] Result<OpenFile> open_file(const ConfinedPath& path, WallMicros now);

// Shorter than `length` only when the file ends before. too_large over kMaxReadBytes.
[[nodiscard]] Result<std::string> read_range(int fd, std::uint64_t offset, std::size_t length);
// As many bytes as it had when it was opened; fewer when it has shrunk. too_large over kMaxReadBytes.
[[nodiscard]] Result<std::string> read_whole(const OpenFile& file);

}  // namespace ccd::files
