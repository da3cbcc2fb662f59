// WebSockets that do not read, do not answer, or are many.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <fstream>

#include "http/test_websocket.hpp"

namespace ccd::http {
namespace {

TEST(WebSocketLimits, AClientThatNeverReadsMeetsTheQueuesBound) {
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

// Many messages of every size fill the kernel's buffer to its last bytes: none is cut in two, however few the kernel was asked about.
TEST(WebSocketLimits, WhoReadsLateGetsEveryMessageWhole) {
  static constexpr std::size_t kMessages = 6000;
  static constexpr std::size_t kLongest = 2000;
  auto said = std::make_shared<std::size_t>(0);
  Handler handler = upgrade_to([said](std::shared_ptr<WebSocket> socket) -> Task<void> {
    for (; *said < kMessages; ++*said) {
      const auto payload = std::make_shared<const std::string>(*said % kLongest, 'x');
      EXPECT_TRUE(socket->send_binary(std::to_string(*said) + " ", payload));
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    co_await socket->receive();
  });
  Options options = TestServer::options();
  options.max_send_queue = 2 * kMessages * kLongest;
  TestServer server(handler, options);
  SocketClient client(server.port(), 16 * 1024);
  ASSERT_TRUE(server.eventually([said] { return *said == kMessages; }));
  for (std::size_t i = 0; i < kMessages; ++i)
    ASSERT_EQ(client.next().payload, std::to_string(i) + " " + std::string(i % kLongest, 'x'));
}

TEST(WebSocketLimits, AStalledPeerDoesNotHoldACloseForever) {
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

TEST(WebSocketLimits, PingsKeepALivingPeerAndCutADeadOne) {
  Options options = TestServer::options();
  options.ping_interval = 300ms;  // within which a living peer must be able to answer
  TestServer server(upgrade_to(echo_messages), options);
  SocketClient living(server.port());
  SocketClient dead(server.port());
  ASSERT_TRUE(server.eventually([&] { return server.server().stats().open_sockets == 2; }));
  for (int i = 0; i < 4; ++i) {
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

TEST(WebSocketLimits, DrainClosesWith1012) {
  TestServer server(upgrade_to(echo_messages));
  std::vector<std::unique_ptr<SocketClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<SocketClient>(server.port()));
  ASSERT_TRUE(server.eventually([&] { return server.server().stats().open_sockets == 20; }));
  constexpr auto kDrain = 1min;
  auto stopped = std::async(std::launch::async, [&] { return server.stop(kDrain); });
  for (auto& client : clients) {
    const Frame closing = client->next();
    EXPECT_EQ(closing.close_code(), 1012) << closing.first_byte;
    client->send(frame(kClose, closing.payload));
    EXPECT_TRUE(client->ended());
    client->half_close();
  }
  EXPECT_LT(stopped.get(), kDrain) << "nothing was left to wait for";
}

TEST(WebSocketLimits, DrainCutsThoseThatDoNotAnswer) {
  TestServer server(upgrade_to([](std::shared_ptr<WebSocket> socket) -> Task<void> {
    for (;;) co_await sleep_for(1h);
    static_cast<void>(socket);
  }));
  SocketClient client(server.port());
  EXPECT_EQ(client.handshake.status, 101);
  EXPECT_LT(server.stop(100ms), kPatience);
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(WebSocketLimits, TwoThousandIdleSocketsAreHeld) {
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
