// One outgoing WebSocket message, given to the kernel in one call. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
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
  part,  // nothing else may be sent but the rest of it; only when the kernel lacks memory
};

// What a TCP socket's send buffer certainly takes. The kernel is asked only when what it had, less what went since, is not enough: asked
// before each message, it takes a fifth of the time that output needs to all of five hundred viewers.
class SendRoom {
 public:
  // Takes the message's part of the room when there is so much.
  bool take(int fd, std::size_t bytes);
  // Somebody else has written to the socket.
  void forget() { left_ = 0; }

 private:
  std::uint64_t left_ = 0;  // bytes as the kernel counts them
};

// Sends the message as one frame (RFC 6455, 5.2: final, not masked) when the TCP socket has room for all of it now.
Sent send_frame(int fd, const Outgoing& message, SendRoom& room);

}  // namespace ccd::http
