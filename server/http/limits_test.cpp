// Where the server says no: sizes, slow clients, too many connections, no descriptors, the port, the end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <atomic>

#include "http/server.hpp"
#include "http/test_server.hpp"

namespace ccd::http {
namespace {

std::atomic<bool> slow_is_running = false;
std::atomic<bool> slow_may_end = false;

Task<Response> echo(std::shared_ptr<Request> request) {
  if (request->path == "/slow") {
    slow_is_running = true;
    while (!slow_may_end) co_await sleep_for(1ms);
  }
  if (request->path == "/forever") co_await sleep_for(1h);
  co_return text(200, request->method + " " + request->path + " " + request->body);
}

TEST(Limits, ABodyOverTheLimitIs413AndTheClientHearsIt) {
  TestServer server(echo);
  const std::string megabyte(1024 * 1024, 'x');
  Client fits(server.port());
  fits.send("POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n" + megabyte);
  EXPECT_EQ(fits.reply().body.size(), 8 + megabyte.size());
  for (const std::string head : {"Content-Length: 4194304\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n400000\r\n"}) {
    Client client(server.port());
    client.send("POST /p HTTP/1.1\r\nHost: localhost\r\n" + head);
    // Well over what the socket buffers hold: without reading it away the answer would be lost.
    for (int i = 0; i < 4; ++i) client.send(megabyte);
    EXPECT_TRUE(is_error(client.reply(), 413, "too_large"));
  }
}

TEST(Limits, ADrippingHeadIsCutWith408) {
  Options options = TestServer::options();
  options.header_timeout = 150ms;
  TestServer server(echo, options);
  Client client(server.port());
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::string drip = "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ";
  // A byte at a time, for ever: each byte must not win more time, so the answer comes while it drips.
  bool answered = false;
  while (!answered && std::chrono::steady_clock::now() < end && client.send(drip.substr(0, 1))) {
    drip = drip.size() > 1 ? drip.substr(1) : "a";
    std::this_thread::sleep_for(5ms);
    char byte;
    answered = ::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  }
  EXPECT_TRUE(answered);
  EXPECT_TRUE(is_error(client.reply(), 408, "timeout"));
}

TEST(Limits, ASlowBodyIsCutWith408AndAnIdleConnectionSilently) {
  Options options = TestServer::options();
  options.max_body = 1000;
  options.body_timeout = 150ms;
  options.idle_timeout = 150ms;
  TestServer server(echo, options);
  Client slow(server.port());
  slow.send("POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(is_error(slow.reply(), 408, "timeout"));
  Client idle(server.port());
  EXPECT_EQ(idle.get("/x").status, 200);
  EXPECT_TRUE(idle.ended());
}

TEST(Limits, AClientThatDoesNotReadIsCut) {
  Options options = TestServer::options();
  options.write_timeout = 5ms;
  const auto large = std::make_shared<const std::string>(8 * 1024 * 1024, 'x');
  Handler handler = [large](std::shared_ptr<Request>) -> Task<Response> {
    Response response;
    response.body = large;
    co_return response;
  };
  TestServer server(handler, options);
  Client client(server.port(), 4096);
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 1; }));
  // 5 ms for each of 65 pieces, and the sweep.
  EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 0; }));
}

TEST(Limits, TheReserveAnswersProbesWhenAllOtherPlacesAreTaken) {
  Options options = TestServer::options();
  options.max_connections = 8;  // of which 2 are the reserve
  TestServer server(echo, options);
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 6; ++i) {
    held.push_back(std::make_unique<Client>(server.port()));
    EXPECT_EQ(held.back()->get("/a").status, 200);
  }
  {
    Client probe(server.port());
    const Reply healthy = probe.get("/health");
    EXPECT_EQ(healthy.status, 200);
    EXPECT_EQ(healthy.header("Connection"), "close");
    EXPECT_TRUE(probe.ended());
    Client page(server.port());
    EXPECT_TRUE(is_error(page.get("/a"), 503, "unavailable"));
    // Both places of the reserve are taken: told at once.
    Client late(server.port());
    EXPECT_TRUE(is_error(late.reply(), 503, "unavailable"));
  }
  held.clear();
  EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 0; }));
  Client again(server.port());
  EXPECT_EQ(again.get("/a").status, 200);
}

// Every address of 127.0.0.0/8 is loopback, which is not counted: another address of this machine stands for the
// outside.
std::string outside_address() {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  ::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);  // no packet is sent: only the route is looked up
  socklen_t size = sizeof address;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return "";
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  char text[INET_ADDRSTRLEN];
  return ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
}

TEST(Limits, OneSourceHasALimitButLoopbackAndTrustedProxiesDoNot) {
  const std::string outside = outside_address();
  if (outside.empty() || outside.starts_with("127."))
    GTEST_SKIP() << "skipped: this machine has no address but loopback";
  Options options = TestServer::options();
  options.host = "0.0.0.0";
  options.max_connections_per_source = 3;
  for (const bool trusted : {false, true}) {
    if (trusted) options.trusted_proxies = *TrustedProxies::parse(outside);
    TestServer server(echo, options);
    std::vector<std::unique_ptr<Client>> held;
    for (int i = 0; i < 3; ++i) {
      held.push_back(std::make_unique<Client>(server.port(), 0, outside));
      EXPECT_EQ(held.back()->get("/a").status, 200);
    }
    Client fourth(server.port(), 0, outside);
    if (trusted) {
      EXPECT_EQ(fourth.get("/a").status, 200);
    } else {
      EXPECT_TRUE(is_error(fourth.reply(), 429, "too_many"));
    }
    Client local(server.port());
    EXPECT_EQ(local.get("/a").status, 200);
    held.pop_back();
    EXPECT_TRUE(server.eventually([&] { return server.server().stats().open_connections == (trusted ? 4U : 3U); }));
    Client again(server.port(), 0, outside);
    EXPECT_EQ(again.get("/a").status, 200);
  }
}

TEST(Limits, RunningOutOfDescriptorsNeitherStopsNorSpinsIt) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  TestServer server(echo);
  Client first(server.port());
  EXPECT_EQ(first.get("/a").status, 200);
  // Sockets made before the limit falls; the server's side of them needs a descriptor each that it cannot get.
  int highest = ::dup(first.fd());
  ::close(highest);
  std::vector<int> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(highest);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const int fd : waiting) EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  rusage used_before{};
  ::getrusage(RUSAGE_SELF, &used_before);
  std::this_thread::sleep_for(300ms);  // the time in which the processor time is measured
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto micros = [](const rusage& r) {
    return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1'000'000 + r.ru_utime.tv_usec + r.ru_stime.tv_usec;
  };
  EXPECT_LT(micros(used) - micros(used_before), 150'000);
  EXPECT_EQ(first.get("/a").status, 200);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const int fd : waiting) ::close(fd);
  Client after(server.port());
  EXPECT_EQ(after.get("/a").status, 200);
}

TEST(Limits, APortInUseIsAConflictWithAWayOut) {
  TestServer server(echo);
  asio::io_context loop;
  asio::thread_pool pool(1);
  SystemClock clock;
  Options options = TestServer::options();
  options.port = server.port();
  options.pool = &pool;
  Server second(loop.get_executor(), options, &clock, echo);
  const auto listening = second.listen();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().kind, ErrorKind::conflict);
  EXPECT_NE(listening.error().message.find("port " + std::to_string(server.port()) + " is already in use"),
            std::string::npos);
  options.host = "example.org";
  Server third(loop.get_executor(), options, &clock, echo);
  EXPECT_EQ(third.listen().error().field, "host");
  options.host = "127.0.0.1";
  options.host_allowed = nullptr;
  Server fourth(loop.get_executor(), options, &clock, echo);
  EXPECT_EQ(fourth.listen().error().field, "host_allowed");
}

TEST(Limits, DrainAnswersWhatRunsAndRefusesWhatIsNew) {
  slow_is_running = false;
  slow_may_end = false;
  TestServer server(echo);
  Client idle(server.port());
  EXPECT_EQ(idle.get("/a").status, 200);
  Client running(server.port());
  running.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(server.eventually([] { return slow_is_running.load(); }));
  constexpr auto kDrain = 1min;
  auto stopped = std::async(std::launch::async, [&] { return server.stop(kDrain); });
  EXPECT_TRUE(idle.ended());  // so the drain has begun
  slow_may_end = true;
  const Reply reply = running.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Connection"), "close");
  running.half_close();
  EXPECT_LT(stopped.get(), kDrain) << "nothing was left to wait for";
  EXPECT_FALSE(Client(server.port()).connected());
}

TEST(Limits, DrainCutsWhatDoesNotEnd) {
  TestServer server(echo);
  Client running(server.port());
  running.send("GET /forever HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 1; }));
  EXPECT_LT(server.stop(100ms), kPatience);
  EXPECT_TRUE(running.ended());
}

}  // namespace
}  // namespace ccd::http
