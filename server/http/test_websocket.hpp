// For this room's tests: a WebSocket client that writes its frames byte by byte, and a handler that echoes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http/test_server.hpp"
#include "http/websocket.hpp"

namespace ccd::http {

enum class Mask { on, off };

inline std::string frame(int first_byte, std::string_view payload, Mask mask = Mask::on) {
  std::string out(1, static_cast<char>(first_byte));
  const int bit = mask == Mask::on ? 0x80 : 0;
  const std::size_t size = payload.size();
  if (size < 126) {
    out += static_cast<char>(bit | static_cast<int>(size));
  } else if (size < 65536) {
    out += static_cast<char>(bit | 126);
    for (int shift = 8; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  } else {
    out += static_cast<char>(bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  }
  if (mask == Mask::off) return out += payload;
  const std::string key = "\x12\x34\x56\x78";
  out += key;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ key[i % 4]);
  return out;
}

// First bytes: final frames, and parts.
constexpr int kText = 0x81, kBinary = 0x82, kClose = 0x88, kPing = 0x89, kPong = 0x8A;
constexpr int kTextPart = 0x01, kMiddle = 0x00, kLast = 0x80;

inline std::string close_payload(int code, std::string_view reason = "") {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + std::string(reason);
}

struct Frame {
  int first_byte = -1;  // -1: the connection ended
  std::string payload;
  [[nodiscard]] int close_code() const {
    if (first_byte != kClose || payload.size() < 2) return 0;
    return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  }
};

constexpr std::string_view kHandshake =
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v1, "
    "ticket.abc\r\n\r\n";

class SocketClient : public Client {
 public:
  explicit SocketClient(std::uint16_t port, int receive_buffer = 0) : Client(port, receive_buffer) {
    send(kHandshake);
    handshake = reply();
  }
  Frame next() {
    Frame out;
    const std::string head = take(2);
    if (head.size() < 2) return out;
    std::size_t size = static_cast<unsigned char>(head[1]);
    EXPECT_LT(size, 128U) << "a server never masks";
    if (size >= 126) {
      const std::string wide = take(size == 126 ? 2 : 8);
      size = 0;
      for (const char c : wide) size = size << 8 | static_cast<unsigned char>(c);
    }
    out.payload = take(size);
    out.first_byte = static_cast<unsigned char>(head[0]);
    return out;
  }
  Reply handshake;
};

inline Task<void> echo_messages(std::shared_ptr<WebSocket> socket) {
  for (;;) {
    auto message = co_await socket->receive();
    if (!message) co_return;
    if (message->data == "throw") throw std::runtime_error("secret detail");
    if (message->data == "return") co_return;
    if (message->data == "close") socket->close(close_code::kPolicy, "as asked");
    else if (message->binary)
      EXPECT_TRUE(socket->send_binary(message->data.substr(0, 3),
                                      std::make_shared<const std::string>(message->data.substr(3))));
    else EXPECT_TRUE(socket->send_text(std::move(message->data)));
  }
}

inline Handler upgrade_to(std::function<Task<void>(std::shared_ptr<WebSocket>)> run, std::string subprotocol = "v1") {
  return [run, subprotocol](std::shared_ptr<Request>) -> Task<Response> {
    Response response;
    response.body = Upgrade{subprotocol, run};
    co_return response;
  };
}

}  // namespace ccd::http
