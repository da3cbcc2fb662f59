// WebSockets over real sockets: handshake, messages, faults, closing.
#include <gtest/gtest.h>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "http/test_websocket.hpp"

namespace ccd::http {
namespace {

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

TEST(WebSocket, CompressionIsAgreedOnlyWhenItIsAnOption) {
  for (const bool on : {false, true}) {
    Options options = TestServer::options();
    options.compression = on;
    TestServer server(upgrade_to(echo_messages), options);
    Client client(server.port());
    std::string offer(kHandshake);
    offer.insert(offer.size() - 2, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
    client.send(offer);
    const std::string agreed = client.reply().header("Sec-WebSocket-Extensions");
    EXPECT_EQ(agreed.starts_with("permessage-deflate"), on) << agreed;
  }
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
    if (fault.code != 0) {
      EXPECT_EQ(answer.first_byte, kClose) << fault.name;
    }
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

// At the borders of the three ways to write a length, in one part and in two.
TEST(WebSocket, MessagesOfEverySizeArriveAsTheyAre) {
  static constexpr std::array<std::size_t, 10> kSizes{0, 1, 2, 125, 126, 127, 65535, 65536, 65537, 300'000};
  Handler handler = upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    for (const std::size_t size : kSizes) {
      const std::string bytes(size, static_cast<char>('a' + size % 26));
      EXPECT_TRUE(socket->send_text(bytes));
      EXPECT_TRUE(
          socket->send_binary(bytes.substr(0, size / 3), std::make_shared<const std::string>(bytes.substr(size / 3))));
      // Sometimes the writer sleeps, sometimes it is at work.
      if (size % 2 == 0) co_await sleep_for(20ms);
    }
    co_await socket->receive();
  });
  TestServer server(handler);
  SocketClient client(server.port(), 16 * 1024);
  for (const std::size_t size : kSizes) {
    for (const int kind : {kText, kBinary}) {
      const Frame got = client.next();
      ASSERT_EQ(got.first_byte, kind) << size;
      ASSERT_EQ(got.payload, std::string(size, static_cast<char>('a' + size % 26)));
    }
  }
}

// The server answers a ping in the middle of what it says by itself: never in the middle of a frame.
TEST(WebSocket, AnswersStandBetweenMessages) {
  Handler handler = upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    for (;;) {
      const auto message = co_await socket->receive();
      if (!message) co_return;
      for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(socket->send_binary("part ", std::make_shared<const std::string>(message->data)));
    }
  });
  TestServer server(handler);
  SocketClient client(server.port());
  for (int round = 0; round < 50; ++round) {
    client.send(frame(kPing, "p") + frame(kText, std::to_string(round)) + frame(kPing, "q"));
    int pongs = 0;
    for (int seen = 0; seen < 22; ++seen) {
      const Frame got = client.next();
      if (got.first_byte == kPong) ++pongs;
      else ASSERT_EQ(got.payload, "part " + std::to_string(round));
    }
    EXPECT_EQ(pongs, 2);
  }
}

// Numbers what it says, in two voices: by itself in every turn of the loop, and for each message it gets.
class Talk {
 public:
  explicit Talk(std::shared_ptr<WebSocket> socket) : socket_(std::move(socket)) {}
  Task<void> speak() {
    while (!done_ && !socket_->closed()) {
      if (socket_->queued_bytes() < kEnough) say();
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
  }
  Task<void> answer(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      const auto message = co_await socket_->receive();
      if (!message) break;
      say();
    }
    done_ = true;
  }

 private:
  static constexpr std::size_t kEnough = 10'000;
  void say() { EXPECT_TRUE(socket_->send_text(std::to_string(said_++))); }
  std::shared_ptr<WebSocket> socket_;
  int said_ = 0;
  bool done_ = false;
};

// Pings come meanwhile: what is said stays in order, whether Beast writes it or it goes to the kernel at once.
TEST(WebSocket, MessagesKeepTheirOrderAmongAnswers) {
  constexpr int kRounds = 400;
  Handler handler = upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    Talk talk(socket);
    TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn("speak", talk.speak());
    co_await talk.answer(kRounds);
    co_await tasks.join(5s);
    EXPECT_TRUE(socket->send_text("end"));
    co_await socket->drained(1);
  });
  TestServer server(handler);
  SocketClient client(server.port());
  const std::jthread typing([&] {
    for (int i = 0; i < kRounds; ++i) client.send(frame(kPing, "p") + frame(kText, "t"));
  });
  for (int expected = 0;;) {
    const Frame got = client.next();
    if (got.first_byte == kPong) continue;
    ASSERT_EQ(got.first_byte, kText);
    if (got.payload == "end") break;
    ASSERT_EQ(got.payload, std::to_string(expected++));
  }
}

// A viewer on a slow line has a message half received when its ping is answered: the answer comes after it.
TEST(WebSocket, PingInsideAHalfSentMessageIsAnsweredAfterIt) {
  constexpr std::size_t kBig = 3'000'000;
  Handler handler = upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    for (const std::size_t size : {kBig, kBig / 64, kBig / 8})
      EXPECT_TRUE(socket->send_binary("", std::make_shared<const std::string>(size, 'x')));
    const auto message = co_await socket->receive();
    EXPECT_FALSE(message);
  });
  TestServer server(handler);
  SocketClient client(server.port(), 16 * 1024);
  client.send(frame(kPing, "now"));
  std::vector<std::size_t> sizes;
  int pongs = 0;
  while (sizes.size() < 3 || pongs == 0) {
    const Frame got = client.next();
    if (got.first_byte == kPong) ++pongs;
    else if (got.first_byte == kBinary) sizes.push_back(got.payload.size());
    else FAIL() << "first byte " << got.first_byte;
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{kBig, kBig / 64, kBig / 8}));
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

}  // namespace
}  // namespace ccd::http
