// Binary search and bulk read in the file of marks.
#include "recording/marks.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "base/unique_fd.hpp"

namespace ccd::recording {
namespace {

constexpr std::uint64_t kRecordsPerRead = 128;  // one page

// The offset field of record `index`.
Result<std::uint64_t> offset_at(int fd, std::uint64_t index) {
  std::array<std::byte, 8> field{};
  if (::pread(fd, field.data(), field.size(), static_cast<off_t>(index * kMarkBytes)) !=
      static_cast<ssize_t>(field.size()))
    return fail_errno("read marks");
  return get_u64(field.data());
}

struct MarksFile {
  UniqueFd fd;                // none: nothing was ever recorded
  std::uint64_t records = 0;  // a record that is being appended may be there in part: it is not there yet
};

Result<MarksFile> open_marks(const std::string& path) {
  MarksFile file{.fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW))};
  if (!file.fd && errno == ENOENT) return file;
  struct stat status{};
  if (!file.fd || ::fstat(file.fd.get(), &status) != 0) return fail_errno("open " + path);
  file.records = static_cast<std::uint64_t>(status.st_size) / kMarkBytes;
  return file;
}

// As many of the records from `begin` on as are there.
Result<std::size_t> read_records(int fd, std::uint64_t begin, std::span<std::byte> out) {
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t n = ::pread(fd, out.data() + got, out.size() - got, static_cast<off_t>(begin * kMarkBytes + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read marks");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got / kMarkBytes;
}

std::optional<Mark> record_at(std::span<const std::byte> records, std::size_t index) {
  return decode_mark(std::span<const std::byte, kMarkBytes>(&records[index * kMarkBytes], kMarkBytes));
}

}  // namespace

// Records are in rising order of their offsets.
Result<std::uint64_t> first_mark_at(int file, std::uint64_t records, std::uint64_t from) {
  std::uint64_t low = 0;
  std::uint64_t high = records;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (TRY(offset_at(file, middle)) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

Result<std::vector<Mark>> read_marks(const std::string& session_dir, std::uint64_t from) {
  const MarksFile file = TRY(open_marks(session_dir + "/" + kMarksFile));
  if (!file.fd) return std::vector<Mark>{};
  const std::uint64_t begin = TRY(first_mark_at(file.fd.get(), file.records, from));
  std::vector<std::byte> bytes((file.records - begin) * kMarkBytes);
  const std::size_t count = TRY(read_records(file.fd.get(), begin, bytes));
  std::vector<Mark> marks;
  marks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto mark = record_at(bytes, i);
    if (mark) marks.push_back(*mark);
  }
  return marks;
}

Result<std::optional<PaneSize>> size_at(const std::string& session_dir, std::uint64_t offset) {
  const MarksFile file = TRY(open_marks(session_dir + "/" + kMarksFile));
  if (!file.fd) return std::nullopt;
  std::uint64_t end = file.records;
  if (offset != kUnknownCount) end = TRY(first_mark_at(file.fd.get(), file.records, offset + 1));
  std::array<std::byte, kRecordsPerRead * kMarkBytes> bytes{};
  while (end > 0) {
    const std::uint64_t begin = end - std::min(end, kRecordsPerRead);
    const auto records = std::span(bytes).first((end - begin) * kMarkBytes);
    for (std::size_t i = TRY(read_records(file.fd.get(), begin, records)); i-- > 0;) {
      const auto mark = record_at(records, i);
      if (mark && mark->kind == MarkKind::resize) return size_of_value(mark->value);
    }
    end = begin;
  }
  return std::nullopt;
}

}  // namespace ccd::recording
