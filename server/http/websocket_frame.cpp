// The frame's head, and one sendmsg() for it and the message's parts.
#include "http/websocket_frame.hpp"

#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <algorithm>
#include <array>
#include <cstdint>

namespace ccd::http {
namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kBinary = 2;
// Lengths up to 125 stand in the second byte; it says 126 or 127 when two or eight bytes follow.
constexpr std::size_t kShort = 125;
constexpr std::uint8_t kTwoBytes = 126;
constexpr std::uint8_t kEightBytes = 127;

struct FrameHead {
  std::array<std::uint8_t, 10> bytes{};
  std::size_t size = 2;
};

FrameHead frame_head(const Outgoing& message) {
  const std::uint64_t size = message.size();
  FrameHead head;
  head.bytes[0] = kFinal | (message.binary ? kBinary : kText);
  std::size_t more = 0;
  if (size > 0xFFFF) more = 8;
  else if (size > kShort) more = 2;
  head.bytes[1] = more == 8 ? kEightBytes : more == 2 ? kTwoBytes : static_cast<std::uint8_t>(size);
  for (std::size_t i = 0; i < more; ++i) head.bytes[2 + i] = static_cast<std::uint8_t>(size >> (8 * (more - 1 - i)));
  head.size += more;
  return head;
}

iovec piece(const void* data, std::size_t size) { return {.iov_base = const_cast<void*>(data), .iov_len = size}; }

// The most that a send buffer counts for a message: its bytes, and some 1,300 of the kernel's own for each segment, of which the smallest has 536.
std::uint64_t cost_of(std::size_t bytes) {
  constexpr std::uint64_t kOnce = 4096;
  constexpr std::uint64_t kTimes = 4;
  return kOnce + kTimes * bytes;
}

}  // namespace

bool SendRoom::take(int fd, std::size_t bytes) {
  const std::uint64_t cost = cost_of(bytes);
  if (cost <= left_) {
    left_ -= cost;
    return true;
  }
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return false;
  // Half of the buffer is free, and the message needs a quarter of that: with what the kernel counts besides the bytes it fits.
  const std::uint64_t half = memory[SK_MEMINFO_SNDBUF] / 2;
  const std::uint64_t queued = memory[SK_MEMINFO_WMEM_QUEUED];
  if (queued >= half || bytes > half / 4) return false;
  left_ = half - queued;
  left_ -= std::min(left_, cost);
  return true;
}

Sent send_frame(int fd, const Outgoing& message, SendRoom& room) {
  if (!room.take(fd, message.size())) return Sent::nothing;
  const FrameHead head = frame_head(message);
  std::array<iovec, 3> pieces{piece(head.bytes.data(), head.size), piece(message.head.data(), message.head.size()), {}};
  if (message.payload) pieces[2] = piece(message.payload->data(), message.payload->size());
  msghdr header{};
  header.msg_iov = pieces.data();
  header.msg_iovlen = message.payload ? 3 : 2;
  const ssize_t sent = ::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent <= 0) return Sent::nothing;
  return static_cast<std::size_t>(sent) == head.size + message.size() ? Sent::whole : Sent::part;
}

}  // namespace ccd::http
