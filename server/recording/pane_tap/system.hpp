// pane-tap's clock and its few helpers around system calls. Standard library only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ccd::recording::tap {

std::int64_t wall_micros();    // since the Unix epoch
std::int64_t steady_millis();  // for intervals

// write() again after a signal; the result of the last try.
std::ptrdiff_t write_some(int fd, std::span<const std::byte> bytes);

// False when the disk certainly has no room for `bytes` at `offset`; the file's size stays. True where the file system
// cannot tell.
bool has_room(int fd, std::uint64_t offset, std::uint64_t bytes);

// "pane-tap: <what>" on standard error: for people who start it by hand (tmux sends it to /dev/null).
void complain(const char* what);
void complain_errno(const char* what, int sys);

}  // namespace ccd::recording::tap
