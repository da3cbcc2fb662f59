// WebSockets over real sockets, against a client that writes its frames byte by byte.
#include "http/websocket.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <fstream>

#include "http/test_server.hpp"

namespace ccd::http {
namespace {

enum class Mask { on, off };

std::string frame(int first_byte, std::string_view payload, Mask mask = Mask::on) {
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

std::string close_payload(int code, std::string_view reason = "") {
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

Task<void> echo_messages(std::shared_ptr<WebSocket> socket) {
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

Handler upgrade_to(std::function<Task<void>(std::shared_ptr<WebSocket>)> run, std::string subprotocol = "v1") {
  return [run, subprotocol](std::shared_ptr<Request>) -> Task<Response> {
    Response response;
    response.body = Upgrade{subprotocol, run};
    co_return response;
  };
}

TEST(WebSocket, HandshakeIsTheRfcsOwnExample) {
  TestServer server(upgrade_to(echo_messages));
  SocketClient client(server.port());
  EXPECT_EQ(client.handshake.status, 101);
  EXPECT_EQ(client.handshake.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(client.handshake.header("Sec-WebSocket-Protocol"), "v1");
  EXPECT_EQ(client.handshake.header("Sec-WebSocket-Extensions"), "");
  EXPECT_EQ(client.handshake.header("Server"), "");
  EXPECT_NE(client.handshake.header("X-Request-Id"), "");
}

TEST(WebSocket, WrongHandshakesAreRefusedAsJson) {
  TestServer server(upgrade_to(echo_messages));
  const auto without = [](std::string_view line, std::string_view instead = "") {
    std::string out(kHandshake);
    const std::size_t at = out.find(line);
    return out.replace(at, out.find("\r\n", at) + 2 - at, instead);
  };
  struct Bad {
    std::string bytes;
    int status;
    const char* code;
  };
  for (const Bad& bad : std::vector<Bad>{
           {without("Upgrade: websocket"), 426, "upgrade_required"},
           {without("Upgrade: websocket", "Upgrade: h2c\r\n"), 426, "upgrade_required"},
           {without("Connection:"), 400, "bad_request"},
           {without("Connection:", "Connection: keep-alive\r\n"), 400, "bad_request"},
           {without("Sec-WebSocket-Key"), 400, "bad_request"},
           {without("Sec-WebSocket-Key", "Sec-WebSocket-Key: short\r\n"), 400, "bad_request"},
           {without("Sec-WebSocket-Key",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
            400, "bad_request"},
           {without("Sec-WebSocket-Version"), 426, "upgrade_required"},
           {without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n"), 426, "upgrade_required"},
           {without("GET /ws", "POST /ws HTTP/1.1\r\n"), 400, "bad_request"},
           {std::string(kHandshake) + frame(kText, "early"), 400, "bad_request"},
       }) {
    Client client(server.port());
    client.send(bad.bytes);
    EXPECT_TRUE(is_error(client.reply(), bad.status, bad.code)) << bad.bytes;
  }
  Client evil(server.port());
  evil.send(without("Host:", "Host: evil.example\r\n"));
  EXPECT_TRUE(is_error(evil.reply(), 421, "misdirected"));
}

TEST(WebSocket, EchoesWholeAndFragmentedMessagesWithPingsBetween) {
  TestServer server(upgrade_to(echo_messages));
  SocketClient client(server.port());
  client.send(frame(kText, "hällo"));
  EXPECT_EQ(client.next().payload, "hällo");
  client.send(frame(kTextPart, "one ") + frame(kMiddle, "two ") + frame(kPing, "are you there") + frame(kMiddle, "") +
              frame(kLast, "three"));
  const Frame pong = client.next();
  EXPECT_EQ(pong.first_byte, kPong);
  EXPECT_EQ(pong.payload, "are you there");
  const Frame echoed = client.next();
  EXPECT_EQ(echoed.first_byte, kText);
  EXPECT_EQ(echoed.payload, "one two three");
  std::string all;
  for (int i = 0; i < 65536; ++i) all += static_cast<char>(i * 7);
  client.send(frame(kBinary, all));
  const Frame large = client.next();
  EXPECT_EQ(large.first_byte, kBinary);
  EXPECT_EQ(large.payload, all);
  // A character cut over two frames is still one character.
  client.send(frame(kTextPart, "\xC3") + frame(kLast, "\xA4"));
  EXPECT_EQ(client.next().payload, "ä");
  for (const char byte : frame(kText, "drip")) client.send(std::string(1, byte));
  EXPECT_EQ(client.next().payload, "drip");
  client.send(frame(kPong, "unasked") + frame(kText, ""));
  EXPECT_EQ(client.next().first_byte, kText);
}

TEST(WebSocket, FaultsCloseWithTheCodeThatNamesThem) {
  TestServer server(upgrade_to(echo_messages));
  struct Fault {
    const char* name;
    std::string bytes;
    int code;
  };
  const std::string too_big(64 * 1024 + 1, 'x');
  for (const Fault& fault : std::vector<Fault>{
           {"message over 64 KiB", frame(kBinary, too_big), 1009},
           {"fragments over 64 KiB", frame(kTextPart, too_big.substr(1)) + frame(kLast, "x"), 1009},
           {"length told as 2^63-1", std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4", 14), 1009},
           {"length told as 2^63", std::string("\x82\xff\x80\0\0\0\0\0\0\0\1\2\3\4", 14), 0},
           {"invalid UTF-8", frame(kText, "\xC3\x28"), 1007},
           {"overlong UTF-8", frame(kText, "\xC0\xAF"), 1007},
           {"surrogate", frame(kText, "\xED\xA0\x80"), 1007},
           {"beyond Unicode", frame(kText, "\xF4\x90\x80\x80"), 1007},
           {"unfinished character", frame(kText, "\xE2\x82"), 1007},
           {"invalid UTF-8 over fragments", frame(kTextPart, "\xC3") + frame(kLast, "\x28"), 1007},
           {"unmasked", frame(kText, "hello", Mask::off), 1002},
           {"unmasked ping", frame(kPing, "", Mask::off), 1002},
           {"reserved bit 1", frame(kText | 0x40, "x"), 1002},
           {"reserved bit 2", frame(kText | 0x20, "x"), 1002},
           {"reserved bit 3", frame(kText | 0x10, "x"), 1002},
           {"reserved opcode 3", frame(0x83, "x"), 1002},
           {"reserved opcode 7", frame(0x87, "x"), 1002},
           {"reserved opcode 11", frame(0x8B, "x"), 1002},
           {"reserved opcode 15", frame(0x8F, "x"), 1002},
           {"continuation of nothing", frame(kLast, "x"), 1002},
           {"text inside a message", frame(kTextPart, "a") + frame(kText, "b"), 1002},
           {"ping of 126 bytes", frame(kPing, std::string(126, 'x')), 1002},
           {"fragmented ping", frame(0x09, "x"), 1002},
           {"fragmented close", frame(0x08, close_payload(1000)), 1002},
           {"close of one byte", frame(kClose, "x"), 1002},
           {"close code 0", frame(kClose, close_payload(0)), 1002},
           {"close code 999", frame(kClose, close_payload(999)), 1002},
           {"close code 1004", frame(kClose, close_payload(1004)), 1002},
           {"close code 1005", frame(kClose, close_payload(1005)), 1002},
           {"close code 1006", frame(kClose, close_payload(1006)), 1002},
           {"close code 1016", frame(kClose, close_payload(1016)), 1002},
           {"close reason not UTF-8", frame(kClose, close_payload(1000, "\xC3\x28")), 1002},
           {"close 1000", frame(kClose, close_payload(1000, "bye")), 1000},
           {"close 3000", frame(kClose, close_payload(3000)), 3000},
       }) {
    SocketClient client(server.port());
    client.send(fault.bytes);
    const Frame answer = client.next();
    if (fault.code != 0) {
      EXPECT_EQ(answer.close_code(), fault.code) << fault.name;
    }
    EXPECT_NE(answer.first_byte, kText) << fault.name;
    client.half_close();
    EXPECT_EQ(client.rest(), "") << fault.name;
  }
  EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_sockets == 0; }));
}

TEST(WebSocket, ACloseWithoutACodeIsAnsweredAsNormal) {
  TestServer server(upgrade_to(echo_messages));
  SocketClient client(server.port());
  client.send(frame(kClose, ""));
  const Frame answer = client.next();
  EXPECT_EQ(answer.close_code(), 1000);
  EXPECT_TRUE(client.ended());
}

TEST(WebSocket, TheServersCloseSaysWhy) {
  TestServer server(upgrade_to(echo_messages));
  for (const auto& [message, code] :
       std::vector<std::pair<std::string, int>>{{"return", 1000}, {"throw", 1011}, {"close", 1008}}) {
    SocketClient client(server.port());
    client.send(frame(kText, message));
    const Frame answer = client.next();
    EXPECT_EQ(answer.close_code(), code) << message;
    EXPECT_EQ(answer.payload.find("secret"), std::string::npos);
    client.send(frame(kClose, answer.payload));
    EXPECT_TRUE(client.ended()) << message;
  }
  EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 0; }));
}

TEST(WebSocket, WhatWasQueuedIsSentBeforeTheClose) {
  Handler handler = upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(socket->send_text(std::to_string(i)));
    socket->close(close_code::kTryAgainLater, std::string(200, 'r'));
    EXPECT_TRUE(socket->closed());
    EXPECT_EQ(socket->send_text("late").error().kind, ErrorKind::cancelled);
    const auto message = co_await socket->receive();
    EXPECT_FALSE(message);
  });
  TestServer server(handler);
  SocketClient client(server.port());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.next().payload, std::to_string(i));
  const Frame closing = client.next();
  EXPECT_EQ(closing.close_code(), 1013);
  EXPECT_EQ(closing.payload.size(), 125U);
  client.send(frame(kClose, closing.payload));
  EXPECT_TRUE(client.ended());
}

TEST(WebSocket, AClientThatNeverReadsMeetsTheQueuesBound) {
  struct Seen {
    std::size_t accepted = 0;
    std::size_t most_queued = 0;
    ErrorKind kind = ErrorKind::internal;
    bool drained = false;
  };
  auto seen = std::make_shared<Seen>();
  static constexpr std::size_t kPayload = 60'000;
  Handler handler = upgrade_to([seen](std::shared_ptr<WebSocket> socket) -> Task<void> {
    const auto payload = std::make_shared<const std::string>(kPayload, 'x');
    for (;;) {
      const auto queued = socket->send_binary("head", payload);
      seen->most_queued = std::max(seen->most_queued, socket->queued_bytes());
      if (!queued) {
        seen->kind = queued.error().kind;
        break;
      }
      ++seen->accepted;
      // Lets the writer fill the kernel's buffers, so that the bound is met with a stalled peer, not a busy loop.
      co_await sleep_for(1ms);
    }
    co_await socket->drained(1);
    seen->drained = socket->queued_bytes() == 0;
    EXPECT_TRUE(socket->send_text("end"));
    co_await socket->receive();
  });
  Options options = TestServer::options();
  options.max_send_queue = 1024 * 1024;
  TestServer server(handler, options);
  SocketClient client(server.port(), 16 * 1024);
  ASSERT_TRUE(server.eventually([seen] { return seen->kind == ErrorKind::too_large; }));
  EXPECT_LE(seen->most_queued, options.max_send_queue);
  EXPECT_GT(seen->most_queued, options.max_send_queue - 2 * kPayload);
  // What the kernel holds beyond our queue is bounded by SO_SNDBUF, which it doubles, and the client's buffer.
  EXPECT_LT(seen->accepted * kPayload,
            options.max_send_queue + 2U * static_cast<std::size_t>(options.websocket_send_buffer) + 512 * 1024);
  EXPECT_FALSE(server.on_loop([seen] { return seen->drained; }));
  const std::size_t accepted = server.on_loop([seen] { return seen->accepted; });
  for (std::size_t i = 0; i < accepted; ++i) {
    const Frame part = client.next();
    ASSERT_EQ(part.payload.size(), kPayload + 4);
    ASSERT_TRUE(part.payload.starts_with("headx"));
  }
  EXPECT_EQ(client.next().payload, "end");
  EXPECT_TRUE(server.on_loop([seen] { return seen->drained; }));
}

TEST(WebSocket, AStalledPeerDoesNotHoldACloseForever) {
  Handler handler = upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    const auto payload = std::make_shared<const std::string>(3'000'000, 'x');
    EXPECT_TRUE(socket->send_binary("", payload));
    co_return;
  });
  Options options = TestServer::options();
  options.close_timeout = 200ms;
  TestServer server(handler, options);
  SocketClient client(server.port(), 16 * 1024);
  EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 0; }));
}

TEST(WebSocket, PingsKeepALivingPeerAndCutADeadOne) {
  Options options = TestServer::options();
  options.ping_interval = 60ms;
  TestServer server(upgrade_to(echo_messages), options);
  SocketClient living(server.port());
  SocketClient dead(server.port());
  ASSERT_TRUE(server.eventually([&] { return server.server().stats().open_sockets == 2; }));
  for (int i = 0; i < 10; ++i) {
    const Frame ping = living.next();
    ASSERT_EQ(ping.first_byte, kPing);
    living.send(frame(kPong, ping.payload));
  }
  EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_sockets == 1; }));
  living.send(frame(kText, "still here"));
  Frame answer = living.next();
  while (answer.first_byte == kPing) answer = living.next();
  EXPECT_EQ(answer.payload, "still here");
}

TEST(WebSocket, DrainClosesWith1012) {
  TestServer server(upgrade_to(echo_messages));
  std::vector<std::unique_ptr<SocketClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<SocketClient>(server.port()));
  ASSERT_TRUE(server.eventually([&] { return server.server().stats().open_sockets == 20; }));
  auto stopped = std::async(std::launch::async, [&] { return server.stop(5s); });
  for (auto& client : clients) {
    const Frame closing = client->next();
    EXPECT_EQ(closing.close_code(), 1012) << closing.first_byte;
    client->send(frame(kClose, closing.payload));
    EXPECT_TRUE(client->ended());
    client->half_close();
  }
  EXPECT_LT(stopped.get(), 2s);
}

TEST(WebSocket, DrainCutsThoseThatDoNotAnswer) {
  TestServer server(upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    for (;;) co_await sleep_for(1h);
    static_cast<void>(socket);
  }));
  SocketClient client(server.port());
  EXPECT_EQ(client.handshake.status, 101);
  EXPECT_LT(server.stop(100ms), 2s);
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(WebSocket, TwoThousandIdleSocketsAreHeld) {
  constexpr std::size_t kSockets = 2000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 2 * kSockets + 600) GTEST_SKIP() << "skipped: the limit of open files is " << limit.rlim_cur;
  {
    TestServer server(upgrade_to(echo_messages));
    std::vector<std::unique_ptr<SocketClient>> clients;
    clients.reserve(kSockets);
    clients.push_back(std::make_unique<SocketClient>(server.port()));
    const std::size_t start = resident_bytes();
    while (clients.size() < kSockets) clients.push_back(std::make_unique<SocketClient>(server.port()));
    EXPECT_EQ(server.server().stats().open_sockets, kSockets);
    // The client's own objects are in it: under 300 bytes each.
    const std::size_t each = (resident_bytes() - start) / kSockets;
    RecordProperty("bytes_per_idle_socket", static_cast<int>(each));
    std::cout << "bytes per idle socket, both ends in this process: " << each << "\n";
#ifndef DASHBOARD_SANITIZED
    EXPECT_LT(each, 24'000U);
#endif
    for (const std::size_t i : {std::size_t{0}, kSockets / 2, kSockets - 1}) {
      clients[i]->send(frame(kText, "hello"));
      EXPECT_EQ(clients[i]->next().payload, "hello");
    }
    clients.clear();
    EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_sockets == 0; }));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace ccd::http
