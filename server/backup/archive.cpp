#include "backup/archive.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/encoding.hpp"
#include "base/unique_fd.hpp"

namespace ccd::backup {

namespace {

constexpr std::size_t kBlock = 256 * 1024;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to say: gzip, largest window
constexpr int kMemoryLevel = 8;
constexpr unsigned char kUnix = 3;
// The trailer is a gzip member: a header with a comment, an empty deflate block, CRC 0, length 0.
constexpr std::string_view kTrailerHead("\x1f\x8b\x08\x10\0\0\0\0\0\xff", 10);
constexpr std::string_view kTrailerWord = "sha256=";
constexpr std::string_view kTrailerTail("\0\x03\0\0\0\0\0\0\0\0\0", 11);
constexpr std::size_t kHashText = 64;
constexpr std::size_t kTrailerSize = kTrailerHead.size() + kTrailerWord.size() + kHashText + kTrailerTail.size();
constexpr std::size_t kMaxComment = 256;

std::string trailer(const std::string& hash) {
  return std::string(kTrailerHead).append(kTrailerWord).append(hash).append(kTrailerTail);
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256& other) : context_(EVP_MD_CTX_new()) { EVP_MD_CTX_copy_ex(context_, other.context_); }
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  // Of what was added so far.
  [[nodiscard]] std::string hex() const {
    const Sha256 copy(*this);
    std::array<std::byte, 32> digest{};
    EVP_DigestFinal_ex(copy.context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return hex_encode(digest);
  }

 private:
  EVP_MD_CTX* context_;
};

Result<UniqueFd> make_new(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("make " + path);
  return fd;
}

Result<> write_all(const UniqueFd& fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_errno("write " + path);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

// Empty at the end of the file.
Result<std::string_view> read_some(const UniqueFd& fd, std::vector<char>& block, const std::string& path) {
  for (;;) {
    const ssize_t size = ::read(fd.get(), block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("read " + path);
    return std::string_view(block.data(), static_cast<std::size_t>(size));
  }
}

tl::unexpected<Error> stopped() { return fail(ErrorKind::cancelled, "stopped"); }

unsigned char* bytes_of(std::string_view text) {
  // zlib reads through a pointer that is not const.
  return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
}

class Deflater {
 public:
  Deflater() {
    good_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
            Z_OK;
    head_.comment = bytes_of(mark_);
    head_.os = kUnix;
    good_ = good_ && deflateSetHeader(&stream_, &head_) == Z_OK;
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Gives what comes out to take(text).
  template <class Take>
  Result<> put(std::string_view in, int flush, Take take) {
    if (!good_) return fail(ErrorKind::internal, "zlib could not be set up");
    stream_.next_in = bytes_of(in);
    stream_.avail_in = static_cast<uInt>(in.size());
    for (;;) {
      stream_.next_out = reinterpret_cast<unsigned char*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int code = deflate(&stream_, flush);
      if (code == Z_STREAM_ERROR) return fail(ErrorKind::internal, "zlib failed");
      TRY(take(std::string_view(out_.data(), out_.size() - stream_.avail_out)));
      if (stream_.avail_out != 0) return {};
    }
  }

 private:
  z_stream stream_{};
  gz_header head_{};
  std::string mark_{kMark};
  std::vector<char> out_ = std::vector<char>(kBlock);
  bool good_ = false;
};

class Inflater {
 public:
  Inflater() {
    good_ = inflateInit2(&stream_, kGzipWindow) == Z_OK;
    head_.comment = reinterpret_cast<unsigned char*>(comment_.data());
    head_.comm_max = static_cast<uInt>(comment_.size() - 1);
    good_ = good_ && inflateGetHeader(&stream_, &head_) == Z_OK;
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Gives what comes out to take(text); returns how much of `in` it used: less than all only when the member has ended.
  template <class Take>
  Result<std::size_t> put(std::string_view in, Take take) {
    if (!good_) return fail(ErrorKind::internal, "zlib could not be set up");
    stream_.next_in = bytes_of(in);
    stream_.avail_in = static_cast<uInt>(in.size());
    while (!ended_) {
      stream_.next_out = reinterpret_cast<unsigned char*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return fail(ErrorKind::corrupt,
                    std::string("not gzip, or damaged: ") + (stream_.msg ? stream_.msg : "no gzip stream"));
      TRY(take(std::string_view(out_.data(), out_.size() - stream_.avail_out)));
      ended_ = code == Z_STREAM_END;
      if (stream_.avail_in == 0 && stream_.avail_out != 0) break;
    }
    return in.size() - stream_.avail_in;
  }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool marked() const { return std::string_view(comment_.data()) == kMark; }

 private:
  z_stream stream_{};
  gz_header head_{};
  std::array<char, kMaxComment> comment_{};
  std::vector<char> out_ = std::vector<char>(kBlock);
  bool good_ = false;
  bool ended_ = false;
};

}  // namespace

Result<Packed> pack(const std::string& from, const std::string& to, const storage::KeepGoing& keep_going) {
  const UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return fail_errno("open " + from);
  const auto target = TRY(make_new(to));
  Sha256 hash;
  Packed packed;
  const auto take = [&](std::string_view bytes) -> Result<> {
    hash.add(bytes);
    packed.bytes += bytes.size();
    return write_all(target, bytes, to);
  };
  Deflater deflater;
  std::vector<char> block(kBlock);
  for (bool more = true; more;) {
    if (keep_going && !keep_going()) return stopped();
    const auto bytes = TRY(read_some(source, block, from));
    more = !bytes.empty();
    TRY(deflater.put(bytes, more ? Z_NO_FLUSH : Z_FINISH, take));
  }
  TRY(take(trailer(hash.hex())));
  packed.sha256 = hash.hex();
  if (::fsync(target.get()) != 0) return fail_errno("sync " + to);
  // What is read back for the test restore shall come from the disk.
  static_cast<void>(::posix_fadvise(target.get(), 0, 0, POSIX_FADV_DONTNEED));
  return packed;
}

Result<Unpacked> unpack(const std::string& from, const std::string& to, const storage::KeepGoing& keep_going) {
  const UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!source || ::fstat(source.get(), &info) != 0) return fail_errno("open " + from);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, from + " is not a regular file");
  const auto target = TRY(make_new(to));
  Unpacked unpacked;
  const auto take = [&](std::string_view bytes) -> Result<> {
    unpacked.bytes += bytes.size();
    if (unpacked.bytes > kMaxUnpacked)
      return fail(ErrorKind::corrupt, "it unpacks to more than 64 GiB: no backup does");
    return write_all(target, bytes, to);
  };
  Inflater inflater;
  Sha256 hash;         // of all but the last kTrailerSize bytes
  std::string kept;    // those bytes
  std::string behind;  // what follows the first member, as far as the trailer could reach
  std::vector<char> block(kBlock);
  for (;;) {
    if (keep_going && !keep_going()) return stopped();
    const auto bytes = TRY(read_some(source, block, from));
    if (bytes.empty()) break;
    kept.append(bytes);
    const std::size_t sure = kept.size() > kTrailerSize ? kept.size() - kTrailerSize : 0;
    hash.add(std::string_view(kept).substr(0, sure));
    kept.erase(0, sure);
    const std::size_t used = inflater.ended() ? 0 : TRY(inflater.put(bytes, take));
    behind.append(bytes.substr(used, kTrailerSize + 1 - std::min(behind.size(), kTrailerSize + 1)));
  }
  if (!inflater.ended()) return fail(ErrorKind::corrupt, "it ends in the middle: part of it is missing");
  const bool trailed = behind == kept && kept == trailer(hash.hex());
  if (!trailed && (inflater.marked() || !behind.empty()))
    return fail(ErrorKind::corrupt, "its checksum does not match: it was changed or damaged after it was made");
  unpacked.origin = trailed ? Origin::ours : Origin::foreign;
  hash.add(kept);
  unpacked.sha256 = hash.hex();
  return unpacked;
}

}  // namespace ccd::backup
