// Where the dashboard may send: the table of addresses, what an address says by itself, and the client that keeps to it.
#include <gtest/gtest.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include "notify/http_client.hpp"
#include "storage/testing.hpp"

namespace ccd::notify {
namespace {

using namespace std::chrono_literals;
using Class = AddressClass;
constexpr Reach kPublic{};
constexpr Reach kPushTests{.addresses = Reach::Addresses::private_too, .plain_http = Reach::PlainHttp::to_loopback};
constexpr Reach kPrivate{.addresses = Reach::Addresses::private_too, .plain_http = Reach::PlainHttp::always};

TEST(Target, EveryAddressHasItsClass) {
  struct Row {
    const char* address;
    Class is;
  };
  const Row rows[] = {
      {"8.8.8.8", Class::publicly},
      {"1.1.1.1", Class::publicly},
      {"9.255.255.255", Class::publicly},
      {"11.0.0.0", Class::publicly},
      {"100.63.255.255", Class::publicly},
      {"100.128.0.0", Class::publicly},
      {"172.15.255.255", Class::publicly},
      {"172.32.0.0", Class::publicly},
      {"192.167.255.255", Class::publicly},
      {"192.169.0.0", Class::publicly},
      {"198.17.255.255", Class::publicly},
      {"198.20.0.0", Class::publicly},
      {"223.255.255.255", Class::publicly},
      {"169.253.255.255", Class::publicly},
      {"169.255.0.0", Class::publicly},
      {"10.0.0.0", Class::privately},
      {"10.255.255.255", Class::privately},
      {"100.64.0.0", Class::privately},
      {"100.127.255.255", Class::privately},
      {"172.16.0.0", Class::privately},
      {"172.31.255.255", Class::privately},
      {"192.168.0.0", Class::privately},
      {"192.168.255.255", Class::privately},
      {"192.0.0.1", Class::privately},
      {"192.0.2.1", Class::privately},
      {"198.18.0.1", Class::privately},
      {"198.19.255.255", Class::privately},
      {"198.51.100.1", Class::privately},
      {"203.0.113.1", Class::privately},
      {"192.88.99.1", Class::privately},
      {"127.0.0.1", Class::loopback},
      {"127.255.255.255", Class::loopback},
      {"0.0.0.0", Class::never},
      {"0.1.2.3", Class::never},
      {"169.254.169.254", Class::never},
      {"169.254.0.1", Class::never},
      {"224.0.0.1", Class::never},
      {"239.255.255.255", Class::never},
      {"240.0.0.1", Class::never},
      {"255.255.255.255", Class::never},
      {"2606:4700:4700::1111", Class::publicly},
      {"2a00:1450:4001:830::200e", Class::publicly},
      {"2001:4860:4860::8888", Class::publicly},
      {"::1", Class::loopback},
      {"::", Class::never},
      {"::2", Class::never},
      {"fe80::1", Class::never},
      {"febf::1", Class::never},
      {"fec0::1", Class::never},
      {"ff02::1", Class::never},
      {"100::1", Class::never},
      {"4000::1", Class::never},
      {"5f00::1", Class::never},
      {"fc00::1", Class::privately},
      {"fd00:ec2::254", Class::privately},
      {"fdff::1", Class::privately},
      {"2001::1", Class::privately},
      {"2001:20::1", Class::privately},
      {"2001:1ff::1", Class::privately},
      {"2001:200::1", Class::publicly},
      {"2001:db8::1", Class::privately},
      {"3fff::1", Class::privately},
      {"3fff:fff::1", Class::privately},
      {"::ffff:127.0.0.1", Class::loopback},
      {"::ffff:10.1.2.3", Class::privately},
      {"::ffff:169.254.169.254", Class::never},
      {"::ffff:8.8.8.8", Class::publicly},
      {"64:ff9b::7f00:1", Class::loopback},
      {"64:ff9b::a9fe:a9fe", Class::never},
      {"64:ff9b::808:808", Class::publicly},
      {"64:ff9b:1::808:808", Class::never},
      {"2002:7f00:1::", Class::loopback},
      {"2002:a00:1::", Class::privately},
      {"2002:808:808::", Class::publicly},
      {"::127.0.0.1", Class::never},
      {"", Class::never},
      {"localhost", Class::never},
      {"1.2.3", Class::never},
      {"0x7f.1", Class::never},
      {"[::1]", Class::never},
  };
  for (const Row& row : rows) EXPECT_EQ(class_of(std::string(row.address)), row.is) << row.address;
}

TEST(Target, WhatMayBeConnectedTo) {
  for (const Reach& reach : {kPublic, kPushTests, kPrivate}) {
    EXPECT_TRUE(may_connect(Class::publicly, true, reach));
    EXPECT_FALSE(may_connect(Class::never, true, reach));
  }
  EXPECT_FALSE(may_connect(Class::publicly, false, kPublic));
  EXPECT_FALSE(may_connect(Class::privately, true, kPublic));
  EXPECT_FALSE(may_connect(Class::loopback, true, kPublic));
  EXPECT_TRUE(may_connect(Class::loopback, false, kPushTests));
  EXPECT_FALSE(may_connect(Class::privately, false, kPushTests));
  EXPECT_FALSE(may_connect(Class::publicly, false, kPushTests));
  EXPECT_TRUE(may_connect(Class::privately, false, kPrivate));
}

TEST(Target, AddressesThatAreRefusedByThemselves) {
  for (const char* url : {"",
                          "push.example.net",
                          "//push.example.net/x",
                          "http://push.example.net/x",
                          "ftp://push.example.net/",
                          "file:///etc/passwd",
                          "gopher://push.example.net/",
                          "javascript:alert(1)",
                          "https://",
                          "https://user@push.example.net/",
                          "https://user:pw@push.example.net/",
                          "https://127.0.0.1/x",
                          "https://127.1/x",
                          "https://0x7f000001/x",
                          "https://2130706433/x",
                          "https://017700000001/x",
                          "https://[::1]/x",
                          "https://[::ffff:7f00:1]/x",
                          "https://[fe80::1]/x",
                          "https://[fd00::1]/",
                          "https://10.0.0.1/x",
                          "https://192.168.1.1/",
                          "https://169.254.169.254/",
                          "https://0.0.0.0/",
                          "https://[::]/",
                          "https://localhost/x",
                          "https://LOCALHOST/x",
                          "https://localhost./x",
                          "https://a.localhost/x",
                          "https://push.example.net/a b",
                          "https://push.example.net/\r\nX: y",
                          "https://push.example.net/\x7f",
                          "https://p\xc3\xbcsh.example.net/",
                          "https://push.example.net:99999/",
                          "https://push.example.net:0x50/"}) {
    const auto parsed = parse_target(url, kPublic);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid) << url;
  }
  EXPECT_FALSE(parse_target("https://push.example.net/" + std::string(kMaxUrl, 'x'), kPublic));
  EXPECT_FALSE(parse_target("http://169.254.169.254/latest/meta-data", kPrivate));
  EXPECT_FALSE(parse_target("http://10.0.0.1/", kPushTests));
}

TEST(Target, PartsOfGoodAddresses) {
  const auto target = parse_target("https://Push.Example.net/send/abc?x=1#frag", kPublic);
  ASSERT_TRUE(target);
  EXPECT_TRUE(target->url.ends_with("/send/abc?x=1")) << target->url;
  EXPECT_TRUE(target->secure);
  EXPECT_EQ(parse_target("https://push.example.net/x", kPublic)->origin, "https://push.example.net");
  EXPECT_EQ(parse_target("https://push.example.net:443/x", kPublic)->origin, "https://push.example.net");
  EXPECT_EQ(parse_target("https://push.example.net:8443/x", kPublic)->origin, "https://push.example.net:8443");
  EXPECT_EQ(parse_target("http://127.0.0.1:9/x", kPushTests)->origin, "http://127.0.0.1:9");
  EXPECT_EQ(parse_target("http://[::1]:9/x", kPushTests)->origin, "http://[::1]:9");
  EXPECT_TRUE(parse_target("http://192.168.1.4/hook", kPrivate));
  EXPECT_TRUE(parse_target("https://localhost:8443/hook", kPrivate));
}

// --- the client, against a server of this process

using Tcp = asio::ip::tcp;

class Client : public testing::Test {
 protected:
  Client() : acceptor_(loop_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)), group_(loop_.get_executor()) {}
  ~Client() override {
    // On the loop: from outside of it a task could end between its cancellation's order and its arrival.
    asio::post(loop_, [this] { group_.cancel(); });
    loop_.restart();
    loop_.poll();
  }

  // Answers every request with these bytes.
  Task<void> serve(std::string answer) {
    for (;;) {
      Tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
      ++connections_;
      asio::streambuf buffer;
      co_await asio::async_read_until(socket, buffer, "\r\n\r\n", asio::use_awaitable);
      request_ = std::string(asio::buffers_begin(buffer.data()), asio::buffers_end(buffer.data()));
      if (answer.empty()) co_await sleep_for(1h);
      boost::system::error_code ignored;
      co_await asio::async_write(socket, asio::buffer(answer), asio::redirect_error(asio::use_awaitable, ignored));
    }
  }
  Result<HttpAnswer> post(const std::string& answer, const Reach& reach = kPushTests,
                          const std::string& host = "127.0.0.1") {
    group_.spawn("serve", serve(answer));
    Target target{.url = "http://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/hook",
                  .host = host,
                  .secure = false};
    return run(client_.post({.target = target, .reach = reach, .headers = {"X-Test: yes"}, .body = "hello"}));
  }
  Result<HttpAnswer> run(Task<Result<HttpAnswer>> task) {
    std::optional<Result<HttpAnswer>> out;
    asio::co_spawn(loop_, std::move(task), [&](std::exception_ptr, Result<HttpAnswer> result) {
      out.emplace(std::move(result));
      loop_.stop();
    });
    loop_.restart();
    loop_.run();
    return std::move(*out);
  }

  asio::io_context loop_;
  Tcp::acceptor acceptor_;
  TaskGroup group_;
  std::string request_;
  int connections_ = 0;
  HttpClient client_{loop_.get_executor(), {}};
};

TEST_F(Client, SendsAndReads) {
  const auto answer = post("HTTP/1.1 429 Slow\r\nRetry-After: 17\r\nContent-Length: 4\r\n\r\nbusy");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->body, "busy");
  EXPECT_EQ(answer->retry_after, 17s);
  EXPECT_NE(request_.find("POST /hook HTTP/1.1\r\n"), std::string::npos) << request_;
  EXPECT_NE(request_.find("X-Test: yes\r\n"), std::string::npos);
  EXPECT_NE(request_.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(request_.find("Expect:"), std::string::npos);
}

TEST_F(Client, APrivateAddressIsRefusedWhereTheSocketIsOpened) {
  // As a name that resolves to it would be: nothing was refused before.
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto answer =
        post("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {.plain_http = Reach::PlainHttp::always}, host);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::forbidden) << answer.error().message;
  }
  EXPECT_EQ(connections_, 0);
}

TEST_F(Client, ARedirectIsAnAnswer) {
  const auto answer = post("HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(connections_, 1);
}

TEST_F(Client, ALongAnswerIsCut) {
  const auto answer = post("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + std::string(1'000'000, 'x'));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body.size(), kMaxKeptAnswer);
}

TEST_F(Client, EndlessHeadersAreAnError) {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 2000; ++i) many += "X-" + std::to_string(i) + ": " + std::string(100, 'y') + "\r\n";
  EXPECT_FALSE(post(many + "\r\n"));
}

TEST_F(Client, NoProxyIsTakenFromTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  const auto answer = post("HTTP/1.1 204 No Content\r\n\r\n");
  ::unsetenv("http_proxy");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 204);
}

TEST_F(Client, StopEndsWhatRuns) {
  const auto began = std::chrono::steady_clock::now();
  auto stop_later = [](HttpClient* client) -> Task<void> {
    co_await sleep_for(100ms);
    client->stop();
  };
  group_.spawn("stop", stop_later(&client_));
  const auto answer = post("");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(Client, NobodyThere) {
  Target target{.url = "http://127.0.0.1:1/", .host = "127.0.0.1", .secure = false};
  const auto answer = run(client_.post({.target = target, .reach = kPushTests}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace ccd::notify
