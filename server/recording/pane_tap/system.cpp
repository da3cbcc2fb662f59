// The few system calls that need a loop or a translation.
#include "recording/pane_tap/system.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace ccd::recording::tap {

std::int64_t wall_micros() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

std::int64_t steady_millis() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

std::ptrdiff_t write_some(int fd, std::span<const std::byte> bytes) {
  for (;;) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n >= 0 || errno != EINTR) return n;
  }
}

bool has_room(int fd, std::uint64_t offset, std::uint64_t bytes) {
  return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0 ||
         errno == EOPNOTSUPP || errno == ENOSYS;
}

void complain(const char* what) { ::dprintf(STDERR_FILENO, "pane-tap: %s\n", what); }
void complain_errno(const char* what, int sys) {
  ::dprintf(STDERR_FILENO, "pane-tap: %s: %s\n", what, ::strerrordesc_np(sys));
}

}  // namespace ccd::recording::tap
