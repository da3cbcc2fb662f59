#include "storage/lease.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <sstream>

#include "base/encoding.hpp"

namespace ccd::storage {

namespace {

// Five short lines.
constexpr std::size_t kMaxFile = 1024;
// The file may be deleted between its opening and its locking; more often than this is nobody's accident.
constexpr int kMaxTries = 5;

std::string to_text(const LeaseHolder& holder) {
  std::ostringstream out;
  out << "pid " << holder.pid << "\nport " << holder.port << "\nsince " << holder.since << "\nversion "
      << holder.version << "\nhost " << holder.host << '\n';
  return out.str();
}

template <class Number>
void read_number(std::string_view text, Number& out) {
  static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), out));
}

LeaseHolder from_text(const std::string& text) {
  LeaseHolder holder;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos) continue;
    const std::string_view name = std::string_view(line).substr(0, blank);
    const std::string value = line.substr(blank + 1);
    if (name == "pid") read_number(value, holder.pid);
    else if (name == "port") read_number(value, holder.port);
    else if (name == "since") read_number(value, holder.since);
    else if (name == "version") holder.version = printable(value);
    else if (name == "host") holder.host = printable(value);
  }
  return holder;
}

// One byte is enough, and the file may be empty.
struct flock whole_file(short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  return lock;
}

bool still_named(const UniqueFd& fd, const std::string& path) {
  struct stat open{};
  struct stat named{};
  return ::fstat(fd.get(), &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

}  // namespace

std::string describe(const LeaseHolder& holder) {
  return "pid " + std::to_string(holder.pid) + " on " + (holder.host.empty() ? "this machine" : holder.host) +
         ", port " + std::to_string(holder.port) + ", version " + holder.version + ", since " +
         iso_seconds(holder.since);
}

Lease::Lease(const std::string& database_path) : path_(database_path + ".lease") {}

Result<bool> Lease::try_take(const LeaseHolder& self) {
  if (held_) return true;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    UniqueFd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail_errno("open the lease " + path_);
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
      if (errno == EAGAIN || errno == EACCES) return false;
      return fail_errno("lock the lease " + path_);
    }
    if (!still_named(fd, path_)) continue;
    held_ = std::move(fd);
    introduce(self);
    return true;
  }
  return fail(ErrorKind::unavailable, "the lease " + path_ + " is deleted again and again");
}

void Lease::introduce(const LeaseHolder& self) {
  const std::string text = to_text(self);
  // A full disk takes no words; the lock is what counts.
  static_cast<void>(held_ && ::ftruncate(held_.get(), 0) == 0 &&
                    ::pwrite(held_.get(), text.data(), text.size(), 0) > 0);
}

Result<std::optional<LeaseHolder>> Lease::holder() const { return read(Whose::present); }

Result<std::optional<LeaseHolder>> Lease::last_holder() const { return read(Whose::last); }

Result<std::optional<LeaseHolder>> Lease::read(Whose whose) const {
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::optional<LeaseHolder>();
  if (!fd) return fail_errno("open the lease " + path_);
  // A reader may ask only about the lock that would be in a reader's way: the holder's is.
  struct flock lock = whole_file(F_RDLCK);
  if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0) return fail_errno("ask about the lease " + path_);
  if (whose == Whose::present && lock.l_type == F_UNLCK) return std::optional<LeaseHolder>();
  std::array<char, kMaxFile> buffer{};
  const ssize_t size = ::pread(fd.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) return fail_errno("read the lease " + path_);
  if (size == 0 && whose == Whose::last) return std::optional<LeaseHolder>();
  return std::optional(from_text(std::string(buffer.data(), static_cast<std::size_t>(size))));
}

}  // namespace ccd::storage
