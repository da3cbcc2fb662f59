// Targets, queries, cookies, hosts, forwarded addresses, response heads, access lines, routes.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "http/access_log.hpp"
#include "http/forwarded.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/response_head.hpp"
#include "http/router.hpp"
#include "http/url.hpp"

namespace ccd::http {
namespace {

TEST(Target, PathIsDecodedOnceAndStrictly) {
  EXPECT_EQ(parse_target("GET", "/a%20b/%2e%2e/c")->path, "/a b/../c");
  EXPECT_EQ(parse_target("GET", "/a%252e")->path, "/a%2e");
  EXPECT_EQ(parse_target("GET", "/a+b")->path, "/a+b");
  EXPECT_EQ(parse_target("GET", "//a/../b")->path, "//a/../b");
  EXPECT_EQ(parse_target("GET", "/%C3%A4?x=1")->path, "/ä");
  EXPECT_EQ(parse_target("OPTIONS", "*")->path, "*");
  for (const char* bad : {"/%",      "/%2",       "/%zz",        "/%2g",        "/%00",      "/%0a", "/%1f", "/%7f",
                          "a",       "",          "*",           "/a b",        "/\xC3\xA4", "/a#b", "/\"",  "/<x>",
                          "http://", "http:///x", "http://a b/", "http://u@h/", "ftp://h/",  "h:80", "/?a=%"})
    EXPECT_FALSE(parse_target("GET", bad)) << bad;
}

TEST(Target, AbsoluteFormGivesItsAuthority) {
  const auto target = parse_target("GET", "HTTP://LocalHost:3000/x?y=1");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->authority, "localhost:3000");
  EXPECT_EQ(target->origin_form, "/x?y=1");
  EXPECT_EQ(target->path, "/x");
  EXPECT_EQ(parse_target("GET", "http://h")->origin_form, "/");
  EXPECT_EQ(parse_target("GET", "http://h?q=1")->origin_form, "/?q=1");
}

TEST(Query, DecodesFormsAndRefusesDoubles) {
  const auto items = parse_query("a=1&b=x+y%2Bz&c&d=&&e=a=b");
  ASSERT_TRUE(items);
  Request request;
  request.query_items = *items;
  EXPECT_EQ(request.query("a"), "1");
  EXPECT_EQ(request.query("b"), "x y+z");
  EXPECT_EQ(request.query("c"), "");
  EXPECT_EQ(request.query("d"), "");
  EXPECT_EQ(request.query("e"), "a=b");
  EXPECT_FALSE(request.query("f"));
  const auto doubled = parse_query("path=/x&path=/y");
  ASSERT_FALSE(doubled);
  EXPECT_EQ(doubled.error().field, "path");
  EXPECT_FALSE(parse_query("p%61th=/x&path=/y"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxQueryItems; ++i) many += "k" + std::to_string(i) + "=&";
  EXPECT_FALSE(parse_query(many));
}

TEST(Host, OnlyNamesAddressesAndPorts) {
  for (const char* good : {"localhost", "localhost:3000", "127.0.0.1:80", "[::1]", "[::1]:3000", "a-b.example", "h:"})
    EXPECT_TRUE(valid_host(good)) << good;
  for (const char* bad : {"", ":80", "a b", "a/b", "a@b", "a:b", "a:1:2", "a:123456", "[::1", "[]", "[::1]x", "[g::]",
                          "a,b", "\xC3\xA4", "a\\b"})
    EXPECT_FALSE(valid_host(bad)) << bad;
}

TEST(Request, HeadersIgnoreCaseAndCookiesDoNot) {
  Request request;
  request.headers = {
      {"X-One", "1"}, {"x-one", "2"}, {"Cookie", "a=1; token=\"abc\"; atoken=x"}, {"cookie", "late=9;empty="}};
  EXPECT_EQ(request.header("X-ONE"), "1");
  EXPECT_EQ(request.header("x-two"), "");
  EXPECT_EQ(request.cookie("token"), "abc");
  EXPECT_EQ(request.cookie("atoken"), "x");
  EXPECT_EQ(request.cookie("late"), "9");
  EXPECT_EQ(request.cookie("empty"), "");
  EXPECT_EQ(request.cookie("Token"), "");
}

asio::ip::address ip(const char* text) { return asio::ip::make_address(text); }

TEST(Forwarded, WalksFromTheRightThroughTrustedProxiesOnly) {
  const auto trusted = TrustedProxies::parse("127.0.0.1, 10.0.0.0/8 ::1 fd00::/8");
  ASSERT_TRUE(trusted);
  struct Row {
    const char* peer;
    const char* header;
    const char* client;
  };
  for (const Row& row : std::vector<Row>{
           {"127.0.0.1", "203.0.113.9", "203.0.113.9"},
           {"127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"},
           {"127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"},
           {"127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.2.3,10.9.9.9", "203.0.113.9"},
           {"203.0.113.1", "1.1.1.1", "203.0.113.1"},
           {"127.0.0.1", "", "127.0.0.1"},
           {"127.0.0.1", "1.1.1.1, unknown", "127.0.0.1"},
           {"127.0.0.1", "1.1.1.1, , 10.0.0.1", "10.0.0.1"},
           {"127.0.0.1", "10.0.0.7", "10.0.0.7"},
           {"::1", "[2001:db8::5]:4711", "2001:db8::5"},
           {"::ffff:127.0.0.1", "203.0.113.9:1234", "203.0.113.9"},
           {"fd12::1", "2001:db8::5", "2001:db8::5"},
           {"11.0.0.1", "1.1.1.1", "11.0.0.1"},
       })
    EXPECT_EQ(client_address(ip(row.peer), row.header, *trusted).to_string(), row.client)
        << row.peer << " " << row.header;
  for (const char* bad :
       {"10.0.0.0/33", "x", "10.0.0.0/", "10.0.0.0/8x", "fe80::1%eth0", "::/129", "10.0.0.0/-1", "localhost"})
    EXPECT_FALSE(TrustedProxies::parse(bad)) << bad;
  EXPECT_TRUE(TrustedProxies::parse("0.0.0.0/0")->contains(ip("9.9.9.9")));
  EXPECT_FALSE(TrustedProxies::parse("0.0.0.0/0")->contains(ip("2001:db8::1")));
  EXPECT_FALSE(TrustedProxies().contains(ip("127.0.0.1")));
}

TEST(Forwarded, AnIPv6HomeIsOneSource) {
  EXPECT_EQ(source_key(ip("2001:db8:1:2::3")), source_key(ip("2001:db8:1:2:ffff::9")));
  EXPECT_NE(source_key(ip("2001:db8:1:2::3")), source_key(ip("2001:db8:1:3::3")));
  EXPECT_NE(source_key(ip("192.0.2.1")), source_key(ip("192.0.2.2")));
  EXPECT_EQ(source_key(ip("::ffff:192.0.2.1")), source_key(ip("192.0.2.1")));
}

TEST(ResponseHead, NothingOfAHandlerCanSplitIt) {
  const HeadContext context{.date = "now", .request_id = "r", .content_length = 2, .persistence = Persistence::keep};
  Response good = json(200, "{}");
  const auto head = response_head(good, context);
  ASSERT_TRUE(head);
  EXPECT_TRUE(
      head->starts_with("HTTP/1.1 200 OK\r\nDate: now\r\nX-Request-Id: r\r\nContent-Type: application/json\r\n"));
  EXPECT_TRUE(head->ends_with("\r\nContent-Length: 2\r\n\r\n"));
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"X-A", "b\r\nX-C: d"},
                                                                                    {"X-A", "b\n"},
                                                                                    {"X-A", std::string("b\0", 2)},
                                                                                    {"X A", "b"},
                                                                                    {"", "b"},
                                                                                    {"X-A:", "b"},
                                                                                    {"Content-Length", "9"},
                                                                                    {"transfer-encoding", "chunked"},
                                                                                    {"Connection", "x"},
                                                                                    {"X-A", "\x7f"}}) {
    Response bad = json(200, "{}");
    bad.headers.emplace_back(name, value);
    EXPECT_FALSE(response_head(bad, context)) << name << value;
  }
}

TEST(ResponseHead, AHandlersOwnPolicyReplacesTheDefault) {
  Response response = json(200, "{}");
  response.set_header("content-security-policy", "sandbox");
  const std::string head = *response_head(response, {});
  EXPECT_NE(head.find("content-security-policy: sandbox\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Content-Security-Policy: default-src"), std::string::npos);
}

TEST(Response, ErrorsAreJsonWhateverTheMessage) {
  EXPECT_EQ(error_json(404, "not_found", "no \"x\"\n\\").text_body(),
            R"({"error":{"code":"not_found","message":"no \"x\"\u000a\\"}})");
}

TEST(HttpDate, IsTheFixedForm) { EXPECT_EQ(http_date(784111777'000'000), "Sun, 06 Nov 1994 08:49:37 GMT"); }

TEST(AccessLog, OneRequestIsOneLineWhateverItHolds) {
  AccessEntry entry{.at = 1'000'000,
                    .remote_ip = "127.0.0.1",
                    .principal = "",
                    .method = "GET",
                    .target = "/x",
                    .status = 200,
                    .bytes = 12,
                    .took = std::chrono::microseconds(840),
                    .id = "a-1"};
  EXPECT_EQ(access_line(entry), "1970-01-01T00:00:01.000000Z 127.0.0.1 - GET \"/x\" 200 12 0.8ms a-1\n");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string hostile = std::string("a\" 200 1\n") + static_cast<char>(byte) + " b";
    entry.target = entry.principal = entry.method = entry.remote_ip = entry.id = hostile;
    const std::string line = access_line(entry);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    EXPECT_EQ(std::count(line.begin(), line.end(), '"'), 2);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    EXPECT_EQ(std::count_if(line.begin(), line.end(), control), 1) << byte;
  }
}

TEST(AccessLog, WhatASearchLooksForStaysOutOfIt) {
  const auto logged = [](std::string_view target) {
    AccessEntry entry{};
    entry.target = target;
    const std::string line = access_line(entry);
    const std::size_t begin = line.find('"') + 1;
    return line.substr(begin, line.find('"', begin) - begin);
  };
  EXPECT_EQ(logged("/search?q=hunter2"), "/search?q=*");
  EXPECT_EQ(logged("/search?q=hunter2&from=9&q=again&limit=1"), "/search?q=*&from=9&q=*&limit=1");
  EXPECT_EQ(logged("/search?from=9&q="), "/search?from=9&q=*");
  EXPECT_EQ(logged("/search?from=9&"), "/search?from=9&");
  EXPECT_EQ(logged("/q=1?faq=2&path=/srv/x"), "/q=1?faq=2&path=/srv/x");
}

TEST(Router, MatchesSegmentsAndTellsNotFoundFromNotAllowed) {
  Router router;
  router.add("GET", "/api/sessions", 1);
  router.add("POST", "/api/sessions", 2);
  router.add("GET", "/api/sessions/{id}", 3);
  router.add("DELETE", "/api/sessions/{id}", 4);
  router.add("GET", "/api/sessions/all", 5);
  router.add("GET", "/api/sessions/{id}/output/{part}", 6);
  router.add("GET", "/", 7);
  EXPECT_EQ(router.find("GET", "/api/sessions").route, 1U);
  EXPECT_EQ(router.find("HEAD", "/api/sessions").route, 1U);
  EXPECT_EQ(router.find("POST", "/api/sessions").route, 2U);
  EXPECT_EQ(router.find("GET", "/api/sessions/all").route, 5U);
  EXPECT_EQ(router.find("DELETE", "/api/sessions/all").route, 4U);
  EXPECT_EQ(router.find("GET", "/").route, 7U);
  const auto deep = router.find("GET", "/api/sessions/x y/output/9");
  EXPECT_EQ(deep.route, 6U);
  EXPECT_EQ(deep.params.at("id"), "x y");
  EXPECT_EQ(deep.params.at("part"), "9");
  const auto wrong_method = router.find("PUT", "/api/sessions/all");
  EXPECT_FALSE(wrong_method.route);
  EXPECT_EQ(wrong_method.allowed_methods, "DELETE, GET, HEAD");
  for (const char* path :
       {"/api", "/api/sessions/", "/api/sessions//output/1", "/api/sessions/a/b", "/API/sessions", "*", "", "//"}) {
    EXPECT_FALSE(router.find("GET", path).route) << path;
    EXPECT_EQ(router.find("GET", path).allowed_methods, "") << path;
  }
}

TEST(RouterDeathTest, TheSameRouteTwiceIsAMistakeOfTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Router router;
  router.add("GET", "/a/{x}", 1);
  EXPECT_DEATH(router.add("GET", "/a/{x}", 2), "twice");
  EXPECT_DEATH(router.add("GET", "a", 2), "begins with");
}

}  // namespace
}  // namespace ccd::http
