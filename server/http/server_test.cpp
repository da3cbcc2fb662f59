// The server over real sockets: statuses, limits, slow clients, keep-alive, files, logs, drain.
#include "http/server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <fstream>
#include <mutex>
#include <sstream>

#include "base/metrics.hpp"
#include "http/security_headers.hpp"
#include "http/smuggling_rows.hpp"
#include "http/test_server.hpp"

namespace ccd::http {
namespace {

// Answers with what it got; some paths do something special.
Task<Response> echo(std::shared_ptr<Request> request) {
  if (request->path == "/throw") throw std::runtime_error("secret detail");
  if (request->path == "/late") {
    co_await sleep_for(100ms);
    throw std::runtime_error("secret detail");
  }
  if (request->path == "/split") {
    Response response = text(200, "x");
    response.headers.emplace_back("X-A", "b\r\nX-Injected: yes");
    co_return response;
  }
  if (request->path == "/none") co_return empty(204);
  if (request->path == "/who") {
    request->principal = "anna";
    co_return text(200, request->remote_ip + (request->forwarded ? " forwarded" : "") +
                            (request->secure ? " secure" : "") + (request->loopback_peer ? " loopback" : ""));
  }
  if (request->path == "/slow") co_await sleep_for(300ms);
  if (request->path == "/forever") co_await sleep_for(1h);
  co_return text(200, request->method + " " + request->path + " " + request->body);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Server, AnswersAndKeepsTheConnection) {
  TestServer server(echo);
  Client client(server.port());
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.get("/a%20b");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "GET /a b ");
    EXPECT_EQ(reply.header("Connection"), "");
  }
  client.send(
      "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabcPOST /q HTTP/1.1\r\nHost: "
      "localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.reply().body, "POST /p abc");
  EXPECT_EQ(client.reply().body, "POST /q de");
  EXPECT_EQ(client.get("/x", "Connection: close\r\n").header("Connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST(Server, EveryAnswerCarriesTheSecurityHeaders) {
  TestServer server(echo);
  for (const std::string target : {"/a", "/throw", "/none", "/%zz"}) {
    Client client(server.port());
    const Reply reply = client.get(target);
    EXPECT_EQ(reply.header("Content-Security-Policy"), kContentSecurityPolicy) << target;
    EXPECT_EQ(reply.header("Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(reply.header("Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(reply.header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(reply.header("Permissions-Policy"), kPermissionsPolicy);
    EXPECT_EQ(reply.header("Cache-Control"), "no-store");
    EXPECT_NE(reply.header("Date"), "");
    EXPECT_NE(reply.header("X-Request-Id"), "");
    EXPECT_EQ(reply.header("Server"), "");
  }
}

TEST(Server, HostIsCheckedBeforeEverything) {
  TestServer server(echo);
  for (const std::string path : {"/health", "/a", "/assets/x.js"}) {
    Client client(server.port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    EXPECT_TRUE(is_error(client.reply(), 421, "misdirected"));
    EXPECT_TRUE(client.ended());
  }
}

TEST(Server, AHandlersExceptionTellsOnlyTheRequestId) {
  TestServer server(echo);
  Client client(server.port());
  for (const std::string path : {"/throw", "/late", "/split"}) {
    const Reply reply = client.get(path);
    EXPECT_TRUE(is_error(reply, 500, "internal")) << path;
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
    EXPECT_NE(reply.body.find(reply.header("X-Request-Id")), std::string::npos);
    EXPECT_EQ(reply.header("X-Injected"), "");
  }
  EXPECT_EQ(client.get("/a").status, 200);
}

TEST(Server, HeadAndEmptyAnswersHaveNoBody) {
  TestServer server(echo);
  Client client(server.port());
  client.send("HEAD /abc HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Reply head = client.reply(false);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "10");
  const Reply none = client.get("/none");
  EXPECT_EQ(none.status, 204);
  EXPECT_EQ(none.header("Content-Length"), "");
  EXPECT_EQ(client.get("/x").body, "GET /x ");
}

TEST(Server, ExpectContinueIsAnsweredBeforeTheBody) {
  TestServer server(echo);
  Client client(server.port());
  client.send("POST /p HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.take(25), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_EQ(client.reply().body, "POST /p abc");
  // Too large is said instead of "continue".
  client.send("POST /p HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_TRUE(is_error(client.reply(), 413, "too_large"));
}

TEST(Server, ABodyOverTheLimitIs413AndTheClientHearsIt) {
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

TEST(Server, SmugglingTableOverSocketsGivesNo5xxAndNoSecondRequest) {
  std::mutex mutex;
  std::vector<std::string> seen;
  Handler record = [&](std::shared_ptr<Request> request) -> Task<Response> {
    const std::scoped_lock lock(mutex);
    seen.push_back(request->method + " " + request->path + " " + request->body);
    co_return empty(200);
  };
  TestServer server(record);
  for (const Row& row : smuggling_rows()) {
    seen.clear();
    Client client(server.port());
    client.send(row.bytes);
    client.half_close();
    std::vector<int> statuses;
    for (Reply reply = client.reply(); reply.status != 0; reply = client.reply()) {
      statuses.push_back(reply.status);
      EXPECT_TRUE(reply.status == 200 || reply.body.starts_with("{\"error\":")) << row.name;
    }
    const std::scoped_lock lock(mutex);
    EXPECT_EQ(seen, row.seen) << row.name;
    std::vector<int> expected(row.seen.size(), 200);
    if (row.refusal != 0) expected.push_back(row.refusal);
    EXPECT_EQ(statuses, expected) << row.name;
  }
}

TEST(Server, ADrippingHeadIsCutWith408) {
  Options options = TestServer::options();
  options.header_timeout = 150ms;
  TestServer server(echo, options);
  Client client(server.port());
  const auto begin = std::chrono::steady_clock::now();
  std::string drip = "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ";
  // A byte at a time, for ever: each byte must not win more time.
  while (std::chrono::steady_clock::now() < begin + 3s && client.send(drip.substr(0, 1))) {
    drip = drip.size() > 1 ? drip.substr(1) : "a";
    std::this_thread::sleep_for(5ms);
    char byte;
    if (::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) break;
  }
  EXPECT_TRUE(is_error(client.reply(), 408, "timeout"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST(Server, ASlowBodyIsCutWith408AndAnIdleConnectionSilently) {
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

TEST(Server, AClientThatDoesNotReadIsCut) {
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

TEST(Server, TheReserveAnswersProbesWhenAllOtherPlacesAreTaken) {
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

// Every address of 127.0.0.0/8 is loopback, which is not counted: another address of this machine stands for the outside.
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

TEST(Server, OneSourceHasALimitButLoopbackAndTrustedProxiesDoNot) {
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

TEST(Server, RunningOutOfDescriptorsNeitherStopsNorSpinsIt) {
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

TEST(Server, ProxiesAreBelievedOnlyWhenTrusted) {
  const std::string headers = "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
  {
    TestServer server(echo);
    Client client(server.port());
    EXPECT_EQ(client.get("/who").body, "127.0.0.1 loopback");
    EXPECT_EQ(client.get("/who", headers).body, "127.0.0.1 forwarded loopback");
    EXPECT_EQ(client.get("/who", "X-Real-IP: 1.1.1.1\r\n").body, "127.0.0.1 forwarded loopback");
    EXPECT_EQ(client.get("/who", "Forwarded: for=1.1.1.1\r\n").body, "127.0.0.1 forwarded loopback");
  }
  Options options = TestServer::options();
  options.trusted_proxies = *TrustedProxies::parse("127.0.0.1");
  TestServer server(echo, options);
  Client client(server.port());
  EXPECT_EQ(client.get("/who", headers).body, "203.0.113.9 forwarded secure loopback");
  EXPECT_EQ(
      client.get("/who", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https, http\r\n")
          .body,
      "2.2.2.2 forwarded loopback");
}

TEST(Server, FilesAreStreamedAndAShortOneCutsTheConnection) {
  TemporaryFolder folder;
  const std::string path = folder.path("data");
  std::string bytes;
  for (int i = 0; bytes.size() < 3'000'000; ++i) bytes += std::to_string(i) + ",";
  std::ofstream(path, std::ios::binary) << bytes;
  Handler handler = [&](std::shared_ptr<Request> request) -> Task<Response> {
    Response response;
    const std::uint64_t offset = request->path == "/part" ? 1000 : 0;
    const std::uint64_t length = request->path == "/part"    ? 200'000
                                 : request->path == "/long"  ? bytes.size() + 1
                                 : request->path == "/empty" ? 0
                                                             : bytes.size();
    response.body = FileSlice{UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), offset, length};
    co_return response;
  };
  TestServer server(handler);
  Client client(server.port());
  EXPECT_EQ(client.get("/all").body, bytes);
  EXPECT_EQ(client.get("/part").body, bytes.substr(1000, 200'000));
  EXPECT_EQ(client.get("/empty").body, "");
  client.send("HEAD /all HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.reply(false).header("Content-Length"), std::to_string(bytes.size()));
  const Reply cut = client.get("/long");
  EXPECT_EQ(cut.header("Content-Length"), std::to_string(bytes.size() + 1));
  EXPECT_LT(cut.body.size(), bytes.size() + 1);
  EXPECT_TRUE(client.ended());
}

TEST(Server, AccessLogHasALineForEachRequestAlsoOverRotation) {
  TemporaryFolder folder;
  Options options = TestServer::options();
  options.access_log_path = folder.path("access.log");
  constexpr int kRotations = 20;
  constexpr int kEach = 10;
  {
    TestServer server(echo, options);
    Client client(server.port());
    for (int i = 0; i < kRotations; ++i) {
      for (int j = 0; j < kEach; ++j) EXPECT_EQ(client.get("/who?n=" + std::to_string(i * kEach + j)).status, 200);
      std::filesystem::rename(options.access_log_path, folder.path("access." + std::to_string(i)));
      server.on_loop([&] { server.server().reopen_access_log(); });
    }
    Client wrong(server.port());
    EXPECT_EQ(wrong.get("/%zz?\"x").status, 400);
  }
  struct stat status {};
  ASSERT_EQ(::stat(options.access_log_path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  // A line is added once its answer is out, so a rotation can come first: the current file counts too.
  std::string all = read_file(options.access_log_path);
  for (int i = 0; i < kRotations; ++i) all += read_file(folder.path("access." + std::to_string(i)));
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), kRotations * kEach + 1);
  for (int n = 0; n < kRotations * kEach; ++n)
    EXPECT_NE(all.find(" 127.0.0.1 anna GET \"/who?n=" + std::to_string(n) + "\" 200 18 "), std::string::npos) << n;
  EXPECT_NE(read_file(options.access_log_path).find(" 127.0.0.1 - GET \"/%zz?\\x22x\" 400 "), std::string::npos);
}

TEST(Server, AnAccessLogThatCannotBeOpenedIsNoStop) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink(folder.path("target"), folder.path("link"));
  for (const std::string name : {"fifo", "link", "absent/x", ""}) {
    Options options = TestServer::options();
    options.access_log_path = folder.path(name);
    TestServer server(echo, options);
    Client client(server.port());
    EXPECT_EQ(client.get("/a").status, 200) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path("target")));
}

TEST(Server, APortInUseIsAConflictWithAWayOut) {
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

TEST(Server, DrainAnswersWhatRunsAndRefusesWhatIsNew) {
  TestServer server(echo);
  Client idle(server.port());
  EXPECT_EQ(idle.get("/a").status, 200);
  Client running(server.port());
  running.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 2; }));
  std::this_thread::sleep_for(50ms);  // the request is in its handler for 300 ms
  auto stopped = std::async(std::launch::async, [&] { return server.stop(5s); });
  const Reply reply = running.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Connection"), "close");
  EXPECT_TRUE(idle.ended());
  running.half_close();
  EXPECT_LT(stopped.get(), 2s);
  EXPECT_FALSE(Client(server.port()).connected());
}

TEST(Server, DrainCutsWhatDoesNotEnd) {
  TestServer server(echo);
  Client running(server.port());
  running.send("GET /forever HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.server().stats().open_connections == 1; }));
  EXPECT_LT(server.stop(100ms), 1s);
  EXPECT_TRUE(running.ended());
}

TEST(Server, MetricsCountByClass) {
  TestServer server(echo);
  Client client(server.port());
  EXPECT_EQ(client.get("/a").status, 200);
  EXPECT_EQ(client.get("/throw").status, 500);
  ASSERT_TRUE(server.eventually(
      [] { return metrics().text().find("dashboard_http_requests_total{status=\"5xx\"}") != std::string::npos; }));
  const std::string all = metrics().text();
  EXPECT_NE(all.find("dashboard_http_request_seconds_bucket"), std::string::npos);
  EXPECT_NE(all.find("dashboard_http_connections "), std::string::npos);
  EXPECT_NE(all.find("dashboard_http_websockets "), std::string::npos);
}

}  // namespace
}  // namespace ccd::http
