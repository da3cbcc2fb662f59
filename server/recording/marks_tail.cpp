// Follows the file of marks through appends and replacements.
#include "recording/marks_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

#include "recording/marks.hpp"

namespace ccd::recording {

Result<MarksTail> MarksTail::open(std::string session_dir, std::uint64_t from) {
  MarksTail tail(std::move(session_dir) + "/" + kMarksFile, from);
  static_cast<void>(TRY(tail.open_file()));
  return tail;
}

// False when there is no file (yet).
Result<bool> MarksTail::open_file() {
  file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file_ && errno == ENOENT) return false;
  struct stat status{};
  if (!file_ || ::fstat(file_.get(), &status) != 0) return fail_errno("open marks");
  const std::uint64_t records = static_cast<std::uint64_t>(status.st_size) / kMarkBytes;
  next_ = TRY(first_mark_at(file_.get(), records, popped_ == 0 ? from_ : last_offset_)) * kMarkBytes;
  taken_ = 0;
  filled_ = 0;
  head_.reset();
  to_skip_ = popped_;
  return true;
}

Result<const Mark*> MarksTail::peek() {
  while (!head_) {
    if (taken_ == filled_) {
      if (!TRY(refill())) return nullptr;
      continue;
    }
    const auto mark = decode_mark(std::span<const std::byte, kMarkBytes>(&buffer_[taken_], kMarkBytes));
    taken_ += kMarkBytes;
    if (!mark || mark->kind == MarkKind::time) continue;
    // After a replacement: these were popped before. A replacement keeps the order and drops from the beginning.
    if (to_skip_ > 0 && mark->offset == last_offset_) --to_skip_;
    else head_ = mark;
  }
  return &*head_;
}

void MarksTail::pop() {
  if (!head_) return;
  popped_ = popped_ > 0 && head_->offset == last_offset_ ? popped_ + 1 : 1;
  last_offset_ = head_->offset;
  to_skip_ = 0;
  head_.reset();
}

// False when nothing new is there.
Result<bool> MarksTail::refill() {
  if (!file_ && !TRY(open_file())) return false;
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("stat marks");
  // The tap has renamed a shorter file over this one. What it had last is read first, so nothing is missed: the new file
  // has it too.
  if (status.st_nlink == 0) {
    if (!TRY(open_file())) return false;
    if (::fstat(file_.get(), &status) != 0) return fail_errno("stat marks");
  }
  const std::uint64_t whole = static_cast<std::uint64_t>(status.st_size) / kMarkBytes * kMarkBytes;
  if (whole <= next_) return false;
  const std::size_t wanted = std::min<std::uint64_t>(whole - next_, buffer_.size());
  const ssize_t n = ::pread(file_.get(), buffer_.data(), wanted, static_cast<off_t>(next_));
  if (n < 0) return fail_errno("read marks");
  taken_ = 0;
  filled_ = static_cast<std::size_t>(n) / kMarkBytes * kMarkBytes;
  next_ += filled_;
  return filled_ > 0;
}

}  // namespace ccd::recording
