// Reads a session's marks in order while they are appended: each mark once, at the price of one fstat while nothing is
// new.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "recording/format.hpp"

namespace ccd::recording {

// Time marks are skipped: there are ten a second, and who wants them asks read_marks(). All calls block on local disk
// only; one thread at a time. Allocates nothing after open().
class MarksTail {
 public:
  // Begins with the first mark at or after `from`. A session without marks is empty, not an error.
  static Result<MarksTail> open(std::string session_dir, std::uint64_t from);

  // The next mark, which stays the next one until pop(). nullptr: there is none yet. The pointer is good until the next
  // call. Follows the file when the tap replaces it by a shorter one (docs/storage.md, marks).
  Result<const Mark*> peek();
  void pop();
  // What peek() would say without looking at the file; nullptr: it would have to look.
  [[nodiscard]] const Mark* known() const { return head_ ? &*head_ : nullptr; }

 private:
  MarksTail(std::string path, std::uint64_t from) : path_(std::move(path)), from_(from) {}
  Result<bool> open_file();
  Result<bool> refill();

  // Marks of interest come a few in an hour; time marks in between are skipped, ten for each second of output.
  static constexpr std::size_t kRecordsPerRead = 32;

  std::string path_;    // of the file of marks
  std::uint64_t from_;  // as given to open()
  UniqueFd file_;
  std::uint64_t next_ = 0;  // byte of the file that follows the buffer
  std::array<std::byte, kRecordsPerRead * kMarkBytes> buffer_{};
  std::size_t taken_ = 0;  // bytes of the buffer
  std::size_t filled_ = 0;
  std::optional<Mark> head_;
  // The place, to find it again in a file that replaced this one: so many marks of this offset were popped.
  std::uint64_t last_offset_ = 0;
  std::uint64_t popped_ = 0;
  std::uint64_t to_skip_ = 0;
};

}  // namespace ccd::recording
