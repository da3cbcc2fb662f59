// One open WebSocket: one reader, many senders, all on the loop.
//
// Ping: every Options::ping_interval; after two without an answer while a receive() waits, the connection is cut. So
// the owner should always be in receive(): pongs and the peer's close are seen only there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"

namespace ccd::http {

struct Message {
  bool binary = false;
  std::string data;  // valid UTF-8 when not binary
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;

  // The next message. ErrorKind::cancelled once the socket is closed, by either side or by a fault (over the size limit
  // 1009, invalid UTF-8 1007, protocol 1002: the close frame is sent before this returns). One receive() at a time.
  virtual Task<Result<Message>> receive() = 0;

  // These queue and return at once. ErrorKind::too_large when the queue would pass Options::max_send_queue: the message
  // is not queued and the socket stays open; the caller decides. ErrorKind::cancelled when the socket is closed.
  virtual Result<> send_text(std::string data) = 0;
  virtual Result<> send_binary(std::string data) = 0;
  // One message of two parts, neither copied; `payload` can be shared between sockets.
  virtual Result<> send_binary(std::string header, std::shared_ptr<const std::string> payload) = 0;

  // Bytes that are queued and not yet taken by the kernel, with a fixed cost per message.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  // Returns when queued_bytes() < below, or the socket is closed. Any number may wait.
  virtual Task<void> drained(std::size_t below) = 0;

  // Sends what is queued, then the close frame; the connection is cut when the peer does not answer in
  // Options::close_timeout. receive() ends. The first call counts. `reason`: at most 123 bytes of UTF-8, longer is cut.
  virtual void close(std::uint16_t code, std::string reason) = 0;
  [[nodiscard]] virtual bool closed() const = 0;

  std::string remote_ip;
  std::string subprotocol;
};

namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kInvalidPayload = 1007;
inline constexpr std::uint16_t kPolicy = 1008;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kInternal = 1011;
inline constexpr std::uint16_t kServiceRestart = 1012;
inline constexpr std::uint16_t kTryAgainLater = 1013;
}  // namespace close_code

}  // namespace ccd::http
