// The server over real sockets: statuses, headers, keep-alive, proxies, files, logs.
#include "http/server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
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

TEST(Server, TheLocalDoorTellsThatItIsOneAndReplacesWhatWasThere) {
  const TemporaryFolder folder;
  const std::string path = folder.path("door.sock");
  TestServer former([](std::shared_ptr<Request>) -> Task<Response> { co_return text(200, "former"); });
  ASSERT_TRUE(former.on_loop([&] { return former.server().listen_local(path); }));
  TestServer server([](std::shared_ptr<Request> request) -> Task<Response> {
    co_return text(200, (request->door == Door::local ? "local " : "port ") + request->remote_ip +
                            (request->loopback_peer ? " loopback" : ""));
  });
  ASSERT_TRUE(server.on_loop([&] { return server.server().listen_local(path); }));
  former.stop(2s);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  Client local(path);
  ASSERT_TRUE(local.connected());
  // Any Host: no browser comes this way.
  local.send("GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n");
  EXPECT_EQ(local.reply().body, "local 127.0.0.1 loopback");
  Client port(server.port());
  EXPECT_EQ(port.get("/").body, "port 127.0.0.1 loopback");
  const auto too_long =
      server.on_loop([&] { return server.server().listen_local(folder.path(std::string(kMaxLocalPath, 'x'))); });
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().field, "path");
}

TEST(Server, AHandlerIsToldWhenItsClientGoes) {
  std::atomic<int> gone{0};
  std::atomic<int> waiting{0};
  TestServer server([&](std::shared_ptr<Request> request) -> Task<Response> {
    ++waiting;
    co_await request->gone();
    ++gone;
    co_return empty(204);
  });
  {
    Client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(server.eventually([&] { return waiting == 1; }));
    EXPECT_EQ(gone, 0);
  }
  EXPECT_TRUE(server.eventually([&] { return gone == 1; }));
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
  struct stat status{};
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
