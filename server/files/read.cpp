// Opens regular files and reads them with pread, so a descriptor has no position to share.
#include "files/read.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>
#include <limits>
#include <new>
#include <utility>

#include "base/encoding.hpp"
#include "files/open.hpp"

namespace ccd::files {
namespace {

WallMicros micros(const timespec& at) { return static_cast<WallMicros>(at.tv_sec) * 1'000'000 + at.tv_nsec / 1000; }

// The change time counts, not only the modification time: nobody can set it back.
std::string entity_tag(const struct stat& status, WallMicros now) {
  const auto& changed = status.st_ctim;
  const auto tick = changed.tv_nsec == 0 ? kCoarseTimestampTick : kTimestampTick;
  const bool may_change_unseen = micros(changed) + tick > now;
  return fmt::format("{}\"{:x}-{:x}-{:x}-{:x}.{:x}\"", may_change_unseen ? "W/" : "", status.st_dev, status.st_ino,
                     status.st_size, changed.tv_sec, changed.tv_nsec);
}

// Whether `text` is UTF-8 if a last character that is cut off by the sniffing window is not held against it.
bool utf8_but_for_the_cut(std::string_view text, bool cut) {
  if (valid_utf8(text)) return true;
  if (!cut) return false;
  for (std::size_t dropped = 1; dropped <= 3 && dropped < text.size(); ++dropped) {
    const auto first = static_cast<unsigned char>(text[text.size() - dropped]);
    if (first >= 0xC2) {
      const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
      return length > dropped && valid_utf8(text.substr(0, text.size() - dropped));
    }
  }
  return false;
}

ContentGuess guess(std::string_view start, std::uint64_t size) {
  if (start.find('\0') != std::string_view::npos) return ContentGuess::binary;
  return utf8_but_for_the_cut(start, size > start.size()) ? ContentGuess::text : ContentGuess::binary;
}

}  // namespace

Result<OpenFile> open_file(const ConfinedPath& path, WallMicros now) {
  auto opened = TRY(open_confined(path, Kind::file));
  OpenFile file;
  file.size = static_cast<std::uint64_t>(opened.status.st_size);
  file.modified = micros(opened.status.st_mtim);
  file.etag = entity_tag(opened.status, now);
  file.type = guess(TRY(read_range(opened.fd.get(), 0, kSniffBytes)), file.size);
  file.fd = std::move(opened.fd);
  return file;
}

Result<std::string> read_range(int fd, std::uint64_t offset, std::size_t length) {
  if (length > kMaxReadBytes) {
    return fail(
        ErrorKind::too_large,
        fmt::format("{} bytes are more than the {} that are read at once: ask for a range", length, kMaxReadBytes));
  }
  constexpr auto kMaxOffset = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()) - kMaxReadBytes;
  std::string out;
  if (offset > kMaxOffset) return out;
  try {
    out.resize(length);
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::unavailable, "not enough memory to read the file; try again");
  }
  std::size_t done = 0;
  while (done < length) {
    const auto n = ::pread(fd, out.data() + done, length - done, static_cast<off_t>(offset + done));
    if (n == 0) break;
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      return fail_errno("read file");
    }
  }
  out.resize(done);
  return out;
}

Result<std::string> read_whole(const OpenFile& file) {
  if (file.size > kMaxReadBytes) {
    return fail(
        ErrorKind::too_large,
        fmt::format("{} bytes are more than the {} that are read at once: ask for a range", file.size, kMaxReadBytes));
  }
  return read_range(file.fd.get(), 0, static_cast<std::size_t>(file.size));
}

}  // namespace ccd::files
