// Segments, retention and gap marks of the log that this tap writes.
#include "recording/pane_tap/log_writer.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <memory>

#include "recording/pane_tap/system.hpp"

namespace ccd::recording::tap {
namespace {

constexpr mode_t kOwnerOnly = 0600;
// Replay needs no finer times than a person sees.
constexpr std::int64_t kTimeMarkMillis = 100;
// Room that must be there before a full disk counts as freed: else each freed block would make a gap of its own.
constexpr std::uint64_t kRoomBytes = std::uint64_t{64} * 1024;

struct SegmentRange {
  bool any = false;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// The oldest segment from `from` on and the newest one. errno in `error`.
SegmentRange find_segments(int folder, std::uint64_t from, int* error) {
  SegmentRange range;
  UniqueFd copy(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* const dir = copy ? ::fdopendir(copy.get()) : nullptr;
  *error = dir == nullptr ? errno : 0;
  if (dir == nullptr) return range;
  static_cast<void>(copy.release());  // closedir closes it
  const std::unique_ptr<DIR, int (*)(DIR*)> guard(dir, &::closedir);
  while (const dirent* entry = ::readdir(dir)) {  // NOLINT(concurrency-mt-unsafe): one thread reads it
    const auto start = parse_segment_name(entry->d_name);
    if (!start || *start < from) continue;
    range.first = range.any ? std::min(range.first, *start) : *start;
    range.last = range.any ? std::max(range.last, *start) : *start;
    range.any = true;
  }
  return range;
}

}  // namespace

int LogWriter::open() {
  folder_.reset(::open(kLogFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder_) return errno;
  int error = 0;
  const SegmentRange range = find_segments(folder_.get(), 0, &error);
  if (error != 0) return error;
  first_ = range.first;
  start_ = range.last;
  end_ = start_;
  if (range.any) {
    segment_.reset(::openat(folder_.get(), segment_name(start_).data(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!segment_ || ::fstat(segment_.get(), &status) != 0) return errno;
    end_ = start_ + static_cast<std::uint64_t>(status.st_size);
  }
  marks_.open();
  const bool continues = range.any || !marks_.empty();
  mark(MarkKind::tap_started, 0, static_cast<std::uint64_t>(::getpid()));
  if (continues) add_gap(GapReason::tap_restarted, kUnknownCount);
  return 0;
}

std::size_t LogWriter::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return 0;
  if (lost_ != 0 && !recover()) {
    lose(bytes.size());
    return 0;
  }
  const std::uint64_t from = end_;
  while (!bytes.empty()) {
    if (!ready_segment()) {
      lose(bytes.size());
      break;
    }
    const std::uint64_t room = limits_.segment_bytes - (end_ - start_);
    const std::ptrdiff_t n = write_some(segment_.get(), bytes.first(std::min<std::uint64_t>(bytes.size(), room)));
    if (n <= 0) {
      lose(bytes.size());
      break;
    }
    end_ += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  // After the bytes: whoever waits for them does not wait for the mark.
  if (end_ != from) time_mark(from);
  return static_cast<std::size_t>(end_ - from);
}

void LogWriter::time_mark(std::uint64_t offset) {
  const std::int64_t now = steady_millis();
  if (now < next_time_) return;
  next_time_ = now + kTimeMarkMillis;
  marks_.append({.offset = offset, .wall_micros = wall_micros(), .kind = MarkKind::time}, first_);
}

void LogWriter::add_gap(GapReason reason, std::uint64_t count) {
  if (lost_ == 0) lost_reason_ = reason;
  if (reason == GapReason::disk) lost_now_ += count;
  lost_ = lost_ == kUnknownCount || count == kUnknownCount ? kUnknownCount : lost_ + count;
  next_try_ = 0;
  recover();
}

bool LogWriter::mark(MarkKind kind, std::uint16_t detail, std::uint64_t value) {
  ++notes_;
  return marks_.append({.offset = end_, .wall_micros = wall_micros(), .kind = kind, .detail = detail, .value = value},
                       first_);
}

bool LogWriter::resize(PaneSize size) {
  waiting_size_ = size_value(size);
  if (lost_ == 0) mark_size();
  return waiting_size_ == 0;
}

void LogWriter::mark_size() {
  if (waiting_size_ != 0 && mark(MarkKind::resize, 0, waiting_size_)) waiting_size_ = 0;
}

void LogWriter::retry() {
  if (lost_ != 0) recover();
  else if (waiting_size_ != 0) mark_size();
}

void LogWriter::lose(std::uint64_t count) {
  lost_now_ += count;
  if (lost_ == 0) {
    lost_reason_ = GapReason::disk;
    next_try_ = steady_millis() + kRetryMillis;
  }
  if (lost_ != kUnknownCount) lost_ += count;
}

// True when the disk takes bytes again and the gap is marked.
bool LogWriter::recover() {
  const std::int64_t now = steady_millis();
  if (now < next_try_) return false;
  next_try_ = now + kRetryMillis;
  if (!ready_segment() || !marks_.has_room()) return false;
  if (!has_room(segment_.get(), end_ - start_, kRoomBytes)) return false;
  const Mark gap{.offset = end_,
                 .wall_micros = wall_micros(),
                 .kind = MarkKind::gap,
                 .detail = static_cast<std::uint16_t>(lost_reason_),
                 .value = lost_};
  if (!marks_.append(gap, first_)) return false;
  ++notes_;
  lost_ = 0;
  lost_now_ = 0;
  mark_size();
  return true;
}

// Opens the next segment when the last one is full. False when the disk does not give one.
bool LogWriter::ready_segment() {
  if (segment_ && end_ - start_ < limits_.segment_bytes) return true;
  UniqueFd next(::openat(folder_.get(), segment_name(end_).data(),
                         O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (!next) return false;
  // No sync of the finished one: even starting its write-back here costs the flood half of its speed, and tmux would
  // grow meanwhile.
  segment_ = std::move(next);
  start_ = end_;
  apply_retention();
  return true;
}

void LogWriter::apply_retention() {
  while (end_ - first_ > limits_.keep_bytes && first_ != start_) {
    if (::unlinkat(folder_.get(), segment_name(first_).data(), 0) != 0 && errno != ENOENT) return;
    int error = 0;
    const SegmentRange left = find_segments(folder_.get(), first_ + 1, &error);
    if (error != 0 || !left.any) return;
    first_ = left.first;
  }
}

}  // namespace ccd::recording::tap
