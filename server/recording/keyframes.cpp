// Writes keyframes whole or not at all, and reads back only those that are whole and belong to the log beside them.
#include "recording/keyframes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "recording/checksum.hpp"
#include "recording/format.hpp"
#include "recording/log_reader.hpp"

namespace ccd::recording {
namespace {

constexpr mode_t kOwnerFolder = 0700;
constexpr mode_t kOwnerFile = 0600;
constexpr char kNewFile[] = "new";  // a keyframe before its rename
constexpr std::string_view kSuffix = ".key";
constexpr std::size_t kHexDigits = 16;
constexpr std::array<char, 8> kMagic{'c', 'c', 'k', 'e', 'y', 'f', 'r', 'm'};
constexpr std::uint32_t kVersion = 1;
// How much of the log before the offset is remembered by its checksum: enough that another output differs.
constexpr std::uint64_t kLogTailBytes = 4096;

// Where the fields of the header are (docs/storage.md).
enum Field : std::size_t {
  kAtMagic = 0,
  kAtVersion = 8,
  kAtHeaderBytes = 12,
  kAtOffset = 16,
  kAtCols = 24,
  kAtRows = 26,
  kAtFirstLine = 32,
  kAtTopLine = 40,
  kAtBodyBytes = 48,
  kAtBodyChecksum = 56,
  kAtLogBytes = 64,
  kAtLogChecksum = 72,
  kAtHeaderChecksum = 80,
  kHeaderBytes = 88,
};
using Header = std::array<std::byte, kHeaderBytes>;

// "<offset, 16 lower-case hex digits>.key" with its final zero.
SegmentName keyframe_name(std::uint64_t offset) {
  SegmentName name = segment_name(offset);
  std::copy(kSuffix.begin(), kSuffix.end(), name.begin() + kHexDigits);
  return name;
}

std::optional<std::uint64_t> parse_keyframe_name(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  return parse_segment_name(std::string(name.substr(0, name.size() - kSuffix.size())) + ".seg");
}

// What the log has just before an offset.
struct LogTail {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

Result<LogTail> log_tail(LogReader& log, std::uint64_t offset, std::uint64_t bytes) {
  std::array<std::byte, kLogTailBytes> tail{};
  const auto wanted = std::span(tail).first(bytes);
  if (TRY(log.read(offset - bytes, wanted)) < bytes)
    return fail(ErrorKind::invalid, "the log ends before the keyframe's offset");
  return LogTail{.bytes = bytes, .checksum = crc64(wanted)};
}

Header make_header(const Keyframe& keyframe, const LogTail& tail) {
  Header header{};
  std::memcpy(&header[kAtMagic], kMagic.data(), kMagic.size());
  put_u32(&header[kAtVersion], kVersion);
  put_u32(&header[kAtHeaderBytes], kHeaderBytes);
  put_u64(&header[kAtOffset], keyframe.offset);
  put_u16(&header[kAtCols], keyframe.cols);
  put_u16(&header[kAtRows], keyframe.rows);
  put_u64(&header[kAtFirstLine], keyframe.first_line);
  put_u64(&header[kAtTopLine], keyframe.top_line);
  put_u64(&header[kAtBodyBytes], keyframe.bytes.size());
  put_u64(&header[kAtBodyChecksum], crc64(keyframe.bytes));
  put_u64(&header[kAtLogBytes], tail.bytes);
  put_u64(&header[kAtLogChecksum], tail.checksum);
  put_u64(&header[kAtHeaderChecksum], crc64(std::span(header).first(kAtHeaderChecksum)));
  return header;
}

std::string folder_path(const std::string& session_dir) { return session_dir + "/" + kKeyframesFolder; }

Result<UniqueFd> open_folder(const std::string& path) {
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return fail_errno("open folder " + path);
  return folder;
}

Result<UniqueFd> make_folder(const std::string& session_dir) {
  const std::string path = folder_path(session_dir);
  if (::mkdir(path.c_str(), kOwnerFolder) == 0) {
    const UniqueFd parent = TRY(open_folder(session_dir));
    if (::fsync(parent.get()) != 0) return fail_errno("sync folder " + session_dir);
  } else if (errno != EEXIST) {
    return fail_errno("make folder " + path);
  }
  return open_folder(path);
}

Result<> write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write keyframe");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<> write_file(int folder, const Header& header, std::span<const std::byte> body, const char* name) {
  const UniqueFd file(::openat(folder, kNewFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kOwnerFile));
  if (!file) return fail_errno("make keyframe");
  TRY(write_all(file.get(), header));
  TRY(write_all(file.get(), body));
  // Before the rename: a name must never stand for a file whose content a power cut can still take.
  if (::fsync(file.get()) != 0) return fail_errno("sync keyframe");
  if (::renameat(folder, kNewFile, folder, name) != 0) return fail_errno("name keyframe");
  return {};
}

enum class Judgement { good, damaged, foreign };
struct Judged {
  Judgement judgement = Judgement::damaged;
  const char* why = "";
  Keyframe keyframe{};
};

// Of a regular file: whole and by its own account in order.
Result<Judged> read_file(int folder, std::uint64_t offset) {
  const UniqueFd file(::openat(folder, keyframe_name(offset).data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return fail_errno("open keyframe");
  if (!S_ISREG(status.st_mode)) return Judged{.judgement = Judgement::foreign, .why = "it is no file"};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > kHeaderBytes + kMaxKeyframeBytes) return Judged{.why = "it is too large"};
  std::vector<std::byte> bytes(size);
  for (std::size_t got = 0; got < size;) {
    const ssize_t n = ::pread(file.get(), &bytes[got], size - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read keyframe");
    if (n == 0) return Judged{.why = "it ends too early"};
    got += static_cast<std::size_t>(n);
  }
  if (size < kHeaderBytes || std::memcmp(&bytes[kAtMagic], kMagic.data(), kMagic.size()) != 0)
    return Judged{.why = "it does not begin as a keyframe"};
  if (get_u32(&bytes[kAtVersion]) > kVersion) return Judged{.judgement = Judgement::foreign, .why = "it is newer"};
  const auto body = std::span(bytes).subspan(kHeaderBytes);
  if (get_u64(&bytes[kAtHeaderChecksum]) != crc64(std::span(bytes).first(kAtHeaderChecksum)) ||
      get_u64(&bytes[kAtBodyChecksum]) != crc64(body) || get_u64(&bytes[kAtBodyBytes]) != body.size())
    return Judged{.why = "a checksum is wrong"};
  if (get_u64(&bytes[kAtOffset]) != offset) return Judged{.why = "it is named after another offset"};
  Judged good{.judgement = Judgement::good,
              .keyframe = {.offset = offset,
                           .cols = get_u16(&bytes[kAtCols]),
                           .rows = get_u16(&bytes[kAtRows]),
                           .first_line = get_u64(&bytes[kAtFirstLine]),
                           .top_line = get_u64(&bytes[kAtTopLine])}};
  good.keyframe.bytes = std::move(bytes);
  return good;
}

// Whether the log beside it is the one that it was made from. After a power cut the log's end may be gone and its
// offsets given to other output.
Result<bool> belongs(LogReader& log, const LogExtent& extent, std::uint64_t offset, std::span<const std::byte> header) {
  if (offset > extent.end) return false;
  const LogTail then{.bytes = get_u64(&header[kAtLogBytes]), .checksum = get_u64(&header[kAtLogChecksum])};
  // Retention has taken what it could be compared with; then there was no power cut, for that takes the end.
  if (then.bytes > kLogTailBytes || then.bytes > offset - extent.first) return then.bytes <= kLogTailBytes;
  const LogTail now = TRY(log_tail(log, offset, then.bytes));
  return now.checksum == then.checksum;
}

// The keyframe when it can be used; nullopt when not. Deletes what nobody can ever use.
Result<std::optional<Keyframe>> judge(int folder, const std::string& path, LogReader& log, std::uint64_t offset) {
  Judged found = TRY(read_file(folder, offset));
  if (found.judgement == Judgement::good) {
    const LogExtent extent = TRY(log.extent());
    if (offset < extent.first) return std::nullopt;
    if (TRY(belongs(log, extent, offset, found.keyframe.bytes))) {
      found.keyframe.bytes.erase(found.keyframe.bytes.begin(), found.keyframe.bytes.begin() + kHeaderBytes);
      return std::move(found.keyframe);
    }
    found = {.judgement = Judgement::damaged, .why = "the log is another one"};
  }
  if (found.judgement == Judgement::foreign) {
    log_info("recording", "a keyframe is not used", {{"folder", path}, {"offset", offset}, {"reason", found.why}});
    return std::nullopt;
  }
  log_warn("recording", "a keyframe was damaged and is deleted",
           {{"folder", path}, {"offset", offset}, {"reason", found.why}});
  if (::unlinkat(folder, keyframe_name(offset).data(), 0) != 0 && errno != ENOENT) return fail_errno("delete keyframe");
  return std::nullopt;
}

}  // namespace

Result<> write_keyframe(const std::string& session_dir, const Keyframe& keyframe) {
  if (keyframe.bytes.size() > kMaxKeyframeBytes) return fail(ErrorKind::too_large, "a keyframe is at most 16 MiB");
  LogReader log = TRY(LogReader::open(session_dir));
  const LogExtent extent = TRY(log.extent());
  if (keyframe.offset < extent.first || keyframe.offset > extent.end)
    return fail(ErrorKind::invalid, "the log does not reach to the keyframe's offset");
  const LogTail tail = TRY(log_tail(log, keyframe.offset, std::min(kLogTailBytes, keyframe.offset - extent.first)));

  const UniqueFd folder = TRY(make_folder(session_dir));
  const Header header = make_header(keyframe, tail);
  Result<> written = write_file(folder.get(), header, keyframe.bytes, keyframe_name(keyframe.offset).data());
  if (!written) {
    ::unlinkat(folder.get(), kNewFile, 0);
    return written;
  }
  if (::fsync(folder.get()) != 0) return fail_errno("sync folder " + folder_path(session_dir));
  const std::vector<KeyframeInfo> all = TRY(list_keyframes(session_dir));
  if (all.size() <= kMaxKeyframes) return {};
  return remove_keyframes_before(session_dir, all[all.size() - kMaxKeyframes].offset);
}

Result<std::optional<Keyframe>> latest_keyframe(const std::string& session_dir, std::uint64_t offset) {
  std::vector<KeyframeInfo> all = TRY(list_keyframes(session_dir));
  if (all.empty()) return std::nullopt;
  const std::string path = folder_path(session_dir);
  const UniqueFd folder = TRY(open_folder(path));
  LogReader log = TRY(LogReader::open(session_dir));
  for (; !all.empty(); all.pop_back()) {
    if (all.back().offset > offset) continue;
    Result<std::optional<Keyframe>> found = judge(folder.get(), path, log, all.back().offset);
    if (found && !*found) continue;
    if (found) return found;
    // One that cannot be read (a bad block, or deleted just now) does not keep the older ones from being used.
    log_warn("recording", "a keyframe cannot be read",
             {{"folder", path}, {"offset", all.back().offset}, {"error", found.error().message}});
  }
  return std::nullopt;
}

Result<std::vector<KeyframeInfo>> list_keyframes(const std::string& session_dir) {
  std::vector<KeyframeInfo> all;
  Result<UniqueFd> folder = open_folder(folder_path(session_dir));
  if (!folder && folder.error().kind == ErrorKind::not_found) return all;
  if (!folder) return tl::unexpected(folder.error());
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(folder->get()), &::closedir);
  if (!dir) return fail_errno("read keyframes");
  const int fd = folder->release();                     // closedir closes it
  while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe): one thread reads it
    const auto offset = parse_keyframe_name(entry->d_name);
    struct stat status{};
    if (!offset || ::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
      continue;
    all.push_back({.offset = *offset, .file_bytes = static_cast<std::uint64_t>(status.st_size)});
  }
  std::sort(all.begin(), all.end(), [](const KeyframeInfo& a, const KeyframeInfo& b) { return a.offset < b.offset; });
  return all;
}

Result<> remove_keyframes_before(const std::string& session_dir, std::uint64_t offset) {
  const std::vector<KeyframeInfo> all = TRY(list_keyframes(session_dir));
  if (all.empty() || all.front().offset >= offset) return {};
  const UniqueFd folder = TRY(open_folder(folder_path(session_dir)));
  for (const KeyframeInfo& each : all) {
    if (each.offset >= offset) break;
    if (::unlinkat(folder.get(), keyframe_name(each.offset).data(), 0) != 0 && errno != ENOENT)
      return fail_errno("delete keyframe");
  }
  return {};
}

}  // namespace ccd::recording
