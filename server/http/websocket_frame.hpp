// One outgoing WebSocket message, given to the kernel in one call. Internal to the room.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace ccd::http {

struct Outgoing {
  bool binary = false;
  std::string head;
  std::shared_ptr<const std::string> payload;  // may be null

  [[nodiscard]] std::size_t size() const { return head.size() + (payload ? payload->size() : 0); }
};

enum class Sent {
  nothing,  // the socket has no room to spare, or fails
  whole,
  part,     // nothing else may be sent but the rest of it; only when the kernel lacks memory
};

// Sends the message as one frame (RFC 6455, 5.2: final, not masked) when the TCP socket has room for all of it now.
Sent send_frame(int fd, const Outgoing& message);

}  // namespace ccd::http
