// A transcript on disk: pages of entries from any place in it, without reading the rest.
//
// The file is written by somebody else while it is read, and never trusted. Only lines that end in '\n' are given; the last one
// waits for its end. Calls block on the disk: run them on a pool, one thread at a time.
#pragma once

#include <sys/types.h>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "claude/transcript.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {

// A page ends when it has read this much, after at least one line: lines of images are large, and pages must be quick.
inline constexpr std::size_t kPageBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kPageLinesMax = 500;

struct Page {
  std::vector<Entry> entries;    // in the file's order
  std::uint64_t begin = 0;       // offset of the first line looked at: the next page before this one ends here
  std::uint64_t end = 0;         // offset behind the last line: the next page after this one begins here
  std::uint64_t file_bytes = 0;  // when the page was read
};

class TranscriptFile {
 public:
  // `not_found`, `forbidden`, or `invalid` when it is no regular file. Never follows a symbolic link in its last part.
  static Result<TranscriptFile> open(const std::string& path);
  // FOLDER/NAME/NAME/...: no link is followed below `folder`, and each name is one part of a path. `invalid` for names that are
  // none ("..", "a/b"), else as open().
  static Result<TranscriptFile> open_below(const std::string& folder, const std::vector<std::string>& names);

  [[nodiscard]] Result<std::uint64_t> bytes() const;
  // Tells this file from every other that was or will be at its path: hex digits. The same while it only grows or is cut.
  [[nodiscard]] Result<std::string> identity() const;
  // Another file has taken the path's place, or this one is shorter than `known_bytes`: what was learnt of it is void.
  [[nodiscard]] Result<bool> replaced(std::uint64_t known_bytes) const;

  // At most `lines` whole lines that begin at `offset` or after it. An offset inside a line begins at the next one.
  Result<Page> page_from(std::uint64_t offset, std::size_t lines, const ParseLimits& limits = kPageLimits);
  // At most `lines` whole lines that end at or before `offset`: the newest ones. An offset past the end means the end.
  Result<Page> page_before(std::uint64_t offset, std::size_t lines, const ParseLimits& limits = kPageLimits);
  // The entries of the one line that begins at `offset`; `not_found` when no line does.
  Result<std::vector<Entry>> line_at(std::uint64_t offset, const ParseLimits& limits = kWholeLimits);
  // The data of an image or document in the line that begins at `offset`; see LineParser::media.
  Result<Media> media_at(std::uint64_t offset, std::size_t entry, std::size_t block);
  // The text of that line without its end; `too_large` over kMaxLineBytes.
  Result<std::string> text_at(std::uint64_t offset) const;
  // Where the first line lies whose time is `at` or later, by a search that takes times to rise; behind the last line when all are
  // earlier. Lines without a time go with the next one that has one.
  Result<std::uint64_t> offset_of_time(WallMicros at);

  // The beginning of the first line at or after `offset`; the file's end when there is none.
  [[nodiscard]] Result<std::uint64_t> line_begin(std::uint64_t offset) const;
  // Reads up to `size` bytes; fewer only at the end of the file.
  Result<std::size_t> read(std::uint64_t offset, char* to, std::size_t size) const;

 private:
  TranscriptFile(std::string path, UniqueFd fd, dev_t device, ino_t inode);
  static Result<TranscriptFile> of(std::string path, UniqueFd fd);
  Result<Page> read_lines(std::uint64_t begin, std::uint64_t until, std::size_t lines, const ParseLimits& limits);
  Result<std::uint64_t> start_of_lines_before(std::uint64_t end, std::size_t lines) const;
  Result<std::uint64_t> end_of_lines(std::uint64_t limit) const;

  std::string path_;
  UniqueFd fd_;
  dev_t device_;
  ino_t inode_;
  LineParser parser_;
};

}  // namespace ccd::claude
