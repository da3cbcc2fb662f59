// Reading pages: whole lines are found by their ends, from the front or from the back, in pieces of kPieceBytes.
#include "claude/transcript_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

namespace ccd::claude {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
// The client's own books come in runs of a few lines without a time.
constexpr int kTimelessLinesMax = 64;
constexpr ParseLimits kTimeLimits{64, 64, 1};

void append(std::vector<Entry>& to, std::vector<Entry> from, std::string_view line) {
  if (!line.empty()) std::ranges::move(from, std::back_inserter(to));  // a blank line holds nothing
}

bool is_one_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

TranscriptFile::TranscriptFile(std::string path, UniqueFd fd, dev_t device, ino_t inode)
    : path_(std::move(path)), fd_(std::move(fd)), device_(device), inode_(inode) {}

// Not blocking: a FIFO in the place of a transcript must not hold the thread.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

Result<TranscriptFile> TranscriptFile::of(std::string path, UniqueFd fd) {
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0) return fail_errno("look at transcript");
  if (!S_ISREG(about.st_mode)) return fail(ErrorKind::invalid, "the transcript is not a regular file");
  return TranscriptFile(std::move(path), std::move(fd), about.st_dev, about.st_ino);
}

Result<TranscriptFile> TranscriptFile::open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), kOpenFlags));
  if (!fd) return fail_errno("open transcript");
  return of(path, std::move(fd));
}

Result<TranscriptFile> TranscriptFile::open_below(const std::string& folder, const std::vector<std::string>& names) {
  UniqueFd at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at) return fail_errno("open the transcripts' folder");
  std::string path = folder;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    if (!is_one_name(name)) return fail(ErrorKind::invalid, "no name of a transcript");
    const bool last = i + 1 == names.size();
    UniqueFd next(::openat(at.get(), name.c_str(), last ? kOpenFlags : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // A link in the place of a folder or of the file: not ours to follow.
    if (!next && (errno == ELOOP || errno == ENOTDIR))
      return fail(ErrorKind::invalid, "the transcript is a link, or lies behind one");
    if (!next) return fail_errno("open transcript");
    at = std::move(next);
    (path += '/') += name;
  }
  return of(std::move(path), std::move(at));
}

Result<std::string> TranscriptFile::identity() const {
  struct statx about{};
  if (::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &about) != 0)
    return fail_errno("look at transcript");
  // A file's number is given again once it is deleted; its time of birth is not. File systems that keep none give 0.
  std::string out;
  for (const std::uint64_t part :
       {std::uint64_t{about.stx_dev_major} << 32U | about.stx_dev_minor, std::uint64_t{about.stx_ino},
        static_cast<std::uint64_t>(about.stx_btime.tv_sec), std::uint64_t{about.stx_btime.tv_nsec}}) {
    (out += out.empty() ? "" : "-") += fmt::format("{:x}", part);
  }
  return out;
}

Result<std::uint64_t> TranscriptFile::bytes() const {
  struct stat about{};
  if (::fstat(fd_.get(), &about) != 0) return fail_errno("look at transcript");
  return static_cast<std::uint64_t>(about.st_size);
}

Result<bool> TranscriptFile::replaced(std::uint64_t known_bytes) const {
  struct stat about{};
  if (::lstat(path_.c_str(), &about) != 0) {
    if (errno == ENOENT) return true;
    return fail_errno("look at transcript");
  }
  return about.st_dev != device_ || about.st_ino != inode_ || static_cast<std::uint64_t>(about.st_size) < known_bytes;
}

Result<std::size_t> TranscriptFile::read(std::uint64_t offset, char* to, std::size_t size) const {
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(fd_.get(), to + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read transcript");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

Result<std::uint64_t> TranscriptFile::line_begin(std::uint64_t offset) const {
  if (offset == 0) return 0;
  std::string piece(kPieceBytes, '\0');
  // The byte before: an offset right behind a line's end is a beginning itself.
  for (std::uint64_t at = offset - 1;;) {
    const std::size_t got = TRY(read(at, piece.data(), piece.size()));
    if (const void* end = std::memchr(piece.data(), '\n', got)) {
      return at + static_cast<std::uint64_t>(static_cast<const char*>(end) - piece.data()) + 1;
    }
    at += got;
    if (got < piece.size()) return at;
  }
}

// The offset behind the last line's end at or before `limit`; 0 when there is no whole line.
Result<std::uint64_t> TranscriptFile::end_of_lines(std::uint64_t limit) const {
  std::string piece(kPieceBytes, '\0');
  while (limit > 0) {
    const std::uint64_t from = limit - std::min<std::uint64_t>(limit, piece.size());
    const std::size_t got = TRY(read(from, piece.data(), limit - from));
    if (const void* end = ::memrchr(piece.data(), '\n', got)) {
      return from + static_cast<std::uint64_t>(static_cast<const char*>(end) - piece.data()) + 1;
    }
    limit = from;
  }
  return 0;
}

// Where the last `lines` lines before `end` begin (`end` is a line's beginning), looking back at most about kPageBytesMax.
Result<std::uint64_t> TranscriptFile::start_of_lines_before(std::uint64_t end, std::size_t lines) const {
  if (end == 0 || lines == 0) return end;
  std::string piece(kPieceBytes, '\0');
  std::uint64_t begin = end;       // of the oldest line found so far
  std::uint64_t looked = end - 1;  // not at the end of the newest line itself
  std::size_t found = 0;
  while (looked > 0) {
    const std::uint64_t from = looked - std::min<std::uint64_t>(looked, piece.size());
    std::size_t left = TRY(read(from, piece.data(), looked - from));
    while (const void* at = ::memrchr(piece.data(), '\n', left)) {
      left = static_cast<std::size_t>(static_cast<const char*>(at) - piece.data());
      const std::uint64_t candidate = from + left + 1;
      // One line always; more only while the page stays small.
      if (found > 0 && end - candidate > kPageBytesMax) return begin;
      begin = candidate;
      if (++found == lines) return begin;
    }
    looked = from;
    if (found > 0 && end - looked > kPageBytesMax) return begin;
  }
  return found > 0 && end > kPageBytesMax ? begin : 0;
}

// Whole lines from `begin`, which is a line's beginning, while they begin before `until`.
Result<Page> TranscriptFile::read_lines(std::uint64_t begin, std::uint64_t until, std::size_t lines,
                                        const ParseLimits& limits) {
  Page page{.entries = {}, .begin = begin, .end = begin, .file_bytes = TRY(bytes())};
  std::string held(kPieceBytes, '\0');
  std::size_t have = 0;      // bytes in `held`, from `begin` on
  std::size_t taken = 0;     // of them given as lines
  std::size_t searched = 0;  // of them without a line's end
  while (lines > 0 && page.end < until && taken < kPageBytesMax) {
    const auto* end = static_cast<const char*>(std::memchr(held.data() + searched, '\n', have - searched));
    if (end != nullptr) {
      const std::string_view line(held.data() + taken, static_cast<std::size_t>(end - held.data()) - taken);
      append(page.entries, parser_.entries(line, {begin + taken, line.size()}, limits), line);
      taken += line.size() + 1;
      searched = taken;
      page.end = begin + taken;
      --lines;
      continue;
    }
    searched = have;
    if (have - taken > kMaxLineBytes) {
      const std::uint64_t next = TRY(line_begin(begin + have));
      char last = 0;
      if (TRY(read(next - 1, &last, 1)) == 0 || last != '\n') return page;  // its end has not come
      const std::string_view start(held.data() + taken, have - taken);
      page.entries.push_back(raw_entry(start, {page.end, next - 1 - page.end}, limits));
      page.end = next;
      return page;
    }
    // Twice as much each time: a long line is read once, and copied a bounded number of times.
    if (have == held.size()) held.resize(2 * held.size());
    const std::size_t got = TRY(read(begin + have, held.data() + have, held.size() - have));
    have += got;
    if (got == 0) return page;
  }
  return page;
}

Result<Page> TranscriptFile::page_from(std::uint64_t offset, std::size_t lines, const ParseLimits& limits) {
  const std::uint64_t size = TRY(bytes());
  const std::uint64_t begin = offset < size ? TRY(line_begin(offset)) : TRY(end_of_lines(size));
  return read_lines(begin, UINT64_MAX, std::clamp<std::size_t>(lines, 1, kPageLinesMax), limits);
}

Result<Page> TranscriptFile::page_before(std::uint64_t offset, std::size_t lines, const ParseLimits& limits) {
  const std::uint64_t size = TRY(bytes());
  const std::uint64_t end = TRY(end_of_lines(std::min(offset, size)));
  const std::uint64_t begin = TRY(start_of_lines_before(end, std::clamp<std::size_t>(lines, 1, kPageLinesMax)));
  return read_lines(begin, end, kPageLinesMax, limits);
}

Result<std::vector<Entry>> TranscriptFile::line_at(std::uint64_t offset, const ParseLimits& limits) {
  const std::uint64_t begin = TRY(line_begin(offset));
  Page page = TRY(page_from(offset, 1, limits));
  if (begin != offset || page.end == page.begin) {
    return fail(ErrorKind::not_found, "no line of the transcript begins at this offset");
  }
  return std::move(page.entries);
}

Result<std::string> TranscriptFile::text_at(std::uint64_t offset) const {
  const std::uint64_t size = TRY(bytes());
  if (offset >= size || TRY(line_begin(offset)) != offset)
    return fail(ErrorKind::not_found, "no line of the transcript begins at this offset");
  std::string text;
  for (;;) {
    const std::size_t have = text.size();
    text.resize(have + std::max(kPieceBytes, have));
    const std::size_t got = TRY(read(offset + have, text.data() + have, text.size() - have));
    text.resize(have + got);
    const std::size_t end = text.find('\n', have);
    if (std::min(end, text.size()) > kMaxLineBytes) return fail(ErrorKind::too_large, "the line is longer than 32 MiB");
    if (end != std::string::npos) {
      text.resize(end);
      return text;
    }
    if (got == 0) return fail(ErrorKind::not_found, "no whole line of the transcript begins at this offset");
  }
}

Result<Media> TranscriptFile::media_at(std::uint64_t offset, std::size_t entry, std::size_t block) {
  const std::string line = TRY(text_at(offset));
  auto found = parser_.media(line, entry, block);
  if (!found) return fail(ErrorKind::not_found, "this entry has no image or document with this number");
  return std::move(*found);
}

Result<std::uint64_t> TranscriptFile::offset_of_time(WallMicros at) {
  std::uint64_t low = 0;  // everything before it is earlier
  const std::uint64_t size = TRY(bytes());
  std::uint64_t high = TRY(end_of_lines(size));
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    std::uint64_t begin = TRY(line_begin(middle));
    // From the middle on to the first line with a time; without one up to `high`, the answer lies before.
    std::optional<WallMicros> time;
    std::uint64_t end = begin;
    for (int tries = 0; end < high && !time && tries < kTimelessLinesMax; ++tries) {
      const Page page = TRY(page_from(end, 1, kTimeLimits));
      if (page.end == page.begin) break;
      for (const Entry& entry : page.entries) time = entry.at ? entry.at : time;
      end = page.end;
    }
    if (time && *time < at) low = end;
    else high = middle;
  }
  return line_begin(low);
}

}  // namespace ccd::claude
