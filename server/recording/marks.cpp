// Binary search and bulk read in the file of marks.
#include "recording/marks.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>

#include "base/unique_fd.hpp"

namespace ccd::recording {
namespace {

// The offset field of record `index`.
Result<std::uint64_t> offset_at(int fd, std::uint64_t index) {
  std::array<std::byte, 8> field{};
  if (::pread(fd, field.data(), field.size(), static_cast<off_t>(index * kMarkBytes)) !=
      static_cast<ssize_t>(field.size()))
    return fail_errno("read marks");
  return get_u64(field.data());
}

// The first record whose offset is at least `from`: records are in rising order of it.
Result<std::uint64_t> lower_bound(int fd, std::uint64_t records, std::uint64_t from) {
  std::uint64_t low = 0;
  std::uint64_t high = records;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (TRY(offset_at(fd, middle)) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

}  // namespace

Result<std::vector<Mark>> read_marks(const std::string& session_dir, std::uint64_t from) {
  const std::string path = session_dir + "/" + kMarksFile;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::vector<Mark>{};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail_errno("open " + path);
  // A record that is being appended may be there in part: it is not there yet.
  const std::uint64_t records = static_cast<std::uint64_t>(status.st_size) / kMarkBytes;
  const std::uint64_t begin = TRY(lower_bound(file.get(), records, from));

  std::vector<std::byte> bytes((records - begin) * kMarkBytes);
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n =
        ::pread(file.get(), bytes.data() + got, bytes.size() - got, static_cast<off_t>(begin * kMarkBytes + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  std::vector<Mark> marks;
  marks.reserve(got / kMarkBytes);
  for (std::size_t at = 0; at + kMarkBytes <= got; at += kMarkBytes) {
    const auto mark = decode_mark(std::span<const std::byte, kMarkBytes>(&bytes[at], kMarkBytes));
    if (mark) marks.push_back(*mark);
  }
  return marks;
}

}  // namespace ccd::recording
