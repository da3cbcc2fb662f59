// Appends marks whole or not at all, and rewrites the file when it has grown to its bound.
#include "recording/pane_tap/mark_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <span>

#include "recording/pane_tap/system.hpp"

namespace ccd::recording::tap {
namespace {

constexpr mode_t kOwnerOnly = 0600;
// After a compaction that a full disk refused: try again when this much more was written.
constexpr std::uint64_t kCompactAgainBytes = std::uint64_t{64} * 1024;
constexpr std::size_t kRecordsPerRead = 128;  // one page

// What a compaction keeps of the old file, told record by record in its order.
class Selector {
 public:
  Selector(std::uint64_t first_offset, std::uint64_t from_byte) : first_offset_(first_offset), from_byte_(from_byte) {}

  // Copies to `out`, which has room for two, and returns how many records: the record when it is kept, and before the
  // first one that is the last size among those that are not: a reader must know which size the pane has there.
  std::size_t take(std::uint64_t at, std::span<const std::byte, kMarkBytes> record, std::span<std::byte> out) {
    const auto mark = decode_mark(record);
    if (!mark) return 0;
    if (mark->offset < first_offset_ || at < from_byte_) {
      if (mark->kind == MarkKind::resize) size_ = encode_mark(*mark);
      return 0;
    }
    if (mark->kind == MarkKind::time && !(keep_time_ = !keep_time_)) return 0;
    const std::size_t before = flush(out);
    std::copy(record.begin(), record.end(), &out[before * kMarkBytes]);
    return before + 1;
  }
  // The size alone, when no record followed it.
  std::size_t flush(std::span<std::byte> out) {
    if (!size_) return 0;
    std::copy(size_->begin(), size_->end(), out.begin());
    size_.reset();
    return 1;
  }

 private:
  std::uint64_t first_offset_;
  std::uint64_t from_byte_;
  bool keep_time_ = true;
  std::optional<MarkRecord> size_;
};

}  // namespace

void MarkFile::open() {
  file_.reset(::open(kMarksFile, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  struct stat status{};
  if (!file_ || ::fstat(file_.get(), &status) != 0) return file_.reset();
  size_ = static_cast<std::uint64_t>(status.st_size) / kMarkBytes * kMarkBytes;
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) file_.reset();
  ::unlink(kMarksNewFile);
}

bool MarkFile::append(const Mark& mark, std::uint64_t first) {
  if (!file_) open();
  if (!file_) return false;
  if (size_ >= compact_at_) compact(first);
  const MarkRecord record = encode_mark(mark);
  if (write_some(file_.get(), record) == static_cast<std::ptrdiff_t>(kMarkBytes)) {
    size_ += kMarkBytes;
    return true;
  }
  // A cut record would shift all later ones; without the truncation nothing may be appended.
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) file_.reset();
  return false;
}

bool MarkFile::has_room() {
  if (!file_) open();
  return file_ && tap::has_room(file_.get(), size_, kMarkBytes);
}

void MarkFile::compact(std::uint64_t first) {
  bool done = rewrite({.first_offset = first, .from_byte = 0});
  // Hardly anything but gaps: the older half goes, so that the bound holds whatever the disk did.
  if (done && size_ > max_bytes_ / 4 * 3)
    done = rewrite({.first_offset = first, .from_byte = size_ / 2 / kMarkBytes * kMarkBytes});
  compact_at_ = done ? max_bytes_ : size_ + kCompactAgainBytes;
}

// Copies what is kept to a new file and renames it over `marks`: readers see the old or the new one, never a part.
// False when the disk refused; the old file is as it was then.
bool MarkFile::rewrite(const Selection& keep) {
  UniqueFd fresh(::open(kMarksNewFile, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (!fresh) return false;
  std::array<std::byte, kRecordsPerRead * kMarkBytes> in{};
  std::array<std::byte, (kRecordsPerRead + 1) * kMarkBytes> out{};
  Selector selector(keep.first_offset, keep.from_byte);
  std::uint64_t written = 0;
  const auto write_out = [&](std::size_t records) {
    written += records * kMarkBytes;
    return write_some(fresh.get(), std::span(out).first(records * kMarkBytes)) ==
           static_cast<std::ptrdiff_t>(records * kMarkBytes);
  };
  for (std::uint64_t at = 0; at < size_;) {
    const ssize_t n = ::pread(file_.get(), in.data(), in.size(), static_cast<off_t>(at));
    if (n < static_cast<ssize_t>(kMarkBytes)) return false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n) / kMarkBytes; ++i, at += kMarkBytes)
      kept += selector.take(at, std::span<const std::byte, kMarkBytes>(&in[i * kMarkBytes], kMarkBytes),
                            std::span(out).subspan(kept * kMarkBytes));
    if (!write_out(kept)) return false;
  }
  if (!write_out(selector.flush(out))) return false;
  if (::rename(kMarksNewFile, kMarksFile) != 0) return false;
  file_ = std::move(fresh);
  size_ = written;
  return true;
}

}  // namespace ccd::recording::tap
