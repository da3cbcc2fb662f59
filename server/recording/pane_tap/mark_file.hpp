// Appends records to the session's `marks` and keeps that file under a bound.
#pragma once

#include <cstdint>

#include "base/unique_fd.hpp"
#include "recording/format.hpp"

namespace ccd::recording::tap {

// Ten time marks a second fill it in 15 hours of uninterrupted output; then every second one goes.
inline constexpr std::uint64_t kMaxMarksBytes = std::uint64_t{16} * 1024 * 1024;

class MarkFile {
 public:
  explicit MarkFile(std::uint64_t max_bytes = kMaxMarksBytes) : max_bytes_(max_bytes), compact_at_(max_bytes) {}
  // The working directory is the session's folder. Drops a record that a full disk cut short. A disk that does not even
  // give the file is tried again at each append.
  void open();
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // False when the disk did not take it: nothing of the record is in the file then. `first` is the log's oldest
  // offset, used when the file must shrink.
  bool append(const Mark& mark, std::uint64_t first);
  // True when the disk has room for another record.
  bool has_room();

 private:
  struct Selection {
    std::uint64_t first_offset;  // marks before it go
    std::uint64_t from_byte;     // of the old file
  };
  void compact(std::uint64_t first);
  bool rewrite(const Selection& keep);

  std::uint64_t max_bytes_;
  std::uint64_t compact_at_;
  UniqueFd file_;
  std::uint64_t size_ = 0;
};

}  // namespace ccd::recording::tap
