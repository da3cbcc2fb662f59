// Finds the segment that holds an offset and reads across segments while the log grows and shrinks.
#include "recording/log_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <memory>

#include "recording/format.hpp"
#include "recording/tail_start.hpp"

namespace ccd::recording {
namespace {

// Sequences are far shorter; a string that is longer (an image) is cut at its end's next newline at worst.
constexpr std::uint64_t kLookBackBytes = std::uint64_t{16} * 1024;
// An output without a newline and a place between two sequences over this much is no text.
constexpr std::uint64_t kSearchBytes = std::uint64_t{256} * 1024;
// Retention may delete what was just listed; each try starts from a fresh listing.
constexpr int kTries = 4;

}  // namespace

Result<LogReader> LogReader::open(const std::string& session_dir) {
  const std::string path = session_dir + "/" + kLogFolder;
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return fail_errno("open " + path);
  return LogReader(std::move(folder));
}

// The unbroken run of segments that ends at the log's end, oldest first. What lies before a hole (a power cut can leave
// one) is treated as deleted.
Result<std::vector<LogReader::Segment>> LogReader::list() {
  UniqueFd copy(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_errno("open log");
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(copy.get()), &::closedir);
  if (!dir) return fail_errno("read log");
  static_cast<void>(copy.release());  // closedir closes it
  std::vector<Segment> segments;
  while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe): one thread reads it
    const auto start = parse_segment_name(entry->d_name);
    if (start) segments.push_back({.start = *start, .size = 0});
  }
  std::sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) { return a.start < b.start; });
  for (std::size_t i = segments.size(); i-- > 0;) {
    struct stat status{};
    const bool there =
        ::fstatat(folder_.get(), segment_name(segments[i].start).data(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    segments[i].size = there ? static_cast<std::uint64_t>(status.st_size) : 0;
    // The newest one may have grown between the listing and now; all older ones are finished.
    const bool joins = i + 1 == segments.size() || segments[i].start + segments[i].size == segments[i + 1].start;
    if (there && joins) continue;
    segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    break;
  }
  if (!segments.empty()) newest_start_ = segments.back().start;
  return segments;
}

Result<LogExtent> LogReader::extent() {
  const std::vector<Segment> segments = TRY(list());
  if (segments.empty()) return LogExtent{};
  return LogExtent{.first = segments.front().start, .end = segments.back().start + segments.back().size};
}

// False when there is no such segment.
Result<bool> LogReader::open_segment(std::uint64_t start) {
  UniqueFd fd(::openat(folder_.get(), segment_name(start).data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) return false;
  if (!fd) return fail_errno("open log segment");
  segment_ = std::move(fd);
  segment_start_ = start;
  newest_start_ = std::max(newest_start_, start);
  return true;
}

// Makes the segment that holds `offset` the current one. False when the log is empty and the offset its beginning.
Result<bool> LogReader::locate(std::uint64_t offset) {
  for (int tries = 0; tries < kTries; ++tries) {
    const std::vector<Segment> segments = TRY(list());
    if (segments.empty() && offset == 0) return false;
    if (segments.empty() || offset > segments.back().start + segments.back().size)
      return fail(ErrorKind::invalid, "the offset is beyond the end of the log");
    if (offset < segments.front().start)
      return fail(ErrorKind::not_found, "the log does not reach back to this offset");
    const auto after = std::upper_bound(segments.begin(), segments.end(), offset,
                                        [](std::uint64_t at, const Segment& s) { return at < s.start; });
    if (TRY(open_segment(std::prev(after)->start))) return true;
  }
  return fail(ErrorKind::unavailable, "the log's segments are deleted faster than they can be opened");
}

Result<std::size_t> LogReader::read_some(std::uint64_t offset, std::span<std::byte> out) {
  if (out.empty()) return 0;
  if (!segment_ || offset < segment_start_) {
    if (!TRY(locate(offset))) return 0;
  }
  for (bool relocated = false;;) {
    const ssize_t n = ::pread(segment_.get(), out.data(), out.size(), static_cast<off_t>(offset - segment_start_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read log");
    if (n > 0) return static_cast<std::size_t>(n);
    // A segment is finished exactly when another one starts where it ends; an empty one starts where it ends itself.
    if (offset > segment_start_ && TRY(open_segment(offset))) continue;
    if (relocated || TRY(at_log_end(offset))) return 0;
    relocated = TRY(locate(offset));
    if (!relocated) return 0;
  }
}

Result<std::size_t> LogReader::read(std::uint64_t offset, std::span<std::byte> out) {
  std::size_t got = 0;
  while (got < out.size()) {
    const Result<std::size_t> some = read_some(offset + got, out.subspan(got));
    // What was read before retention deleted the rest is good.
    if (!some && got > 0) break;
    const std::size_t more = TRY(some);
    if (more == 0) break;
    got += more;
  }
  return got;
}

// Nothing is at `offset` and no segment starts there: true when the log just ends, false when the reader fell behind
// retention or asks for what is not there.
Result<bool> LogReader::at_log_end(std::uint64_t offset) {
  struct stat status{};
  if (::fstat(segment_.get(), &status) != 0) return fail_errno("stat log segment");
  return segment_start_ == newest_start_ && status.st_nlink > 0 &&
         offset <= segment_start_ + static_cast<std::uint64_t>(status.st_size);
}

Result<std::uint64_t> LogReader::tail_offset(std::uint64_t max_bytes) {
  const LogExtent log = TRY(extent());
  if (log.end - log.first <= max_bytes && log.first == 0) return std::uint64_t{0};
  const std::uint64_t from = std::max(log.first, log.end - std::min(max_bytes, log.end));
  const std::uint64_t back = from - std::min(kLookBackBytes, from - log.first);
  std::vector<std::byte> bytes(std::min(log.end - back, kLookBackBytes + kSearchBytes));
  bytes.resize(TRY(read(back, bytes)));
  const std::size_t found = find_tail_start(bytes, from - back);
  return found < bytes.size() ? back + found : log.end;
}

}  // namespace ccd::recording
