// The cookies in the four ways the dashboard is reached, and what a Cookie header may not do.
#include "auth/cookies.hpp"

#include <gtest/gtest.h>

namespace ccd::auth {
namespace {

struct Shape {
  const char* what;
  Arrival arrival;
  Deployment expect;
};

TEST(Cookies, DeploymentShapes) {
  for (const Shape& shape : {
           Shape{"the machine itself", {.host_header = "localhost:3000"}, Deployment::http_loopback},
           Shape{"by address", {.host_header = "127.0.0.1:3000"}, Deployment::http_loopback},
           Shape{"by IPv6 address", {.host_header = "[::1]:3000"}, Deployment::http_loopback},
           Shape{"another loopback port, a container's or an SSH tunnel's",
                 {.host_header = "LOCALHOST:8080"},
                 Deployment::http_loopback},
           Shape{"TLS at a trusted proxy",
                 {.trusted_proto = "https", .via = Via::forwarded, .host_header = "agents.example.org"},
                 Deployment::https},
           Shape{"plain HTTP at a trusted proxy",
                 {.trusted_proto = "http", .via = Via::forwarded, .host_header = "agents.example.org"},
                 Deployment::no_cookies},
           Shape{"a tunnel, or a proxy that is not trusted",
                 {.via = Via::forwarded, .host_header = "localhost:3000"},
                 Deployment::no_cookies},
           Shape{"plain HTTP over the network", {.host_header = "192.168.1.5:3000"}, Deployment::no_cookies},
           Shape{"a name that begins like ours", {.host_header = "localhost.evil.example"}, Deployment::no_cookies},
           Shape{"no host", {}, Deployment::no_cookies},
       })
    EXPECT_EQ(deployment(shape.arrival), shape.expect) << shape.what;
}

TEST(Cookies, TextOverHttps) {
  EXPECT_EQ(set_cookie(CookieKind::access, "a.b-c_d", 600, Deployment::https),
            "__Host-ccd_access=a.b-c_d; Path=/; Max-Age=600; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(clear_cookie(CookieKind::refresh, Deployment::https),
            "__Host-ccd_refresh=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure");
}

TEST(Cookies, TextOnLoopback) {
  EXPECT_EQ(set_cookie(CookieKind::device, "x", 60, Deployment::http_loopback),
            "ccd_device=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
}

TEST(Cookies, NoneWhereTheyCouldBeRead) {
  EXPECT_FALSE(set_cookie(CookieKind::access, "x", 60, Deployment::no_cookies));
  EXPECT_FALSE(clear_cookie(CookieKind::access, Deployment::no_cookies));
  EXPECT_EQ(cookie_name(CookieKind::access, Deployment::no_cookies), "");
  EXPECT_EQ(read_cookies({"ccd_access=x; __Host-ccd_access=y"}, Deployment::no_cookies)->access, "");
}

TEST(Cookies, ValueCannotAddAttributes) {
  for (const char* value : {"", "a;b", "a b", "a,b", "a\r\nSet-Cookie: x=y", "a\"b", "a=b", "caf\xc3\xa9"})
    EXPECT_FALSE(set_cookie(CookieKind::access, value, 60, Deployment::https)) << value;
}

TEST(Cookies, ReadsOursAmongOthers) {
  const auto cookies = read_cookies({"theme=dark; ccd_access=a.b.c;ccd_refresh=s.0.m; x; =y; a=b=c", "ccd_device=d"},
                                    Deployment::http_loopback);
  ASSERT_TRUE(cookies);
  EXPECT_EQ(cookies->access, "a.b.c");
  EXPECT_EQ(cookies->refresh, "s.0.m");
  EXPECT_EQ(cookies->device, "d");
}

TEST(Cookies, NamesOfTheOtherDeploymentAreNoLogin) {
  EXPECT_EQ(read_cookies({"ccd_access=x"}, Deployment::https)->access, "");
  EXPECT_EQ(read_cookies({"__Host-ccd_access=x"}, Deployment::http_loopback)->access, "");
  EXPECT_EQ(read_cookies({"CCD_ACCESS=x; ccd_access =y; xccd_access=z"}, Deployment::http_loopback)->access, "");
}

TEST(Cookies, RefusesTossedAndBrokenOnes) {
  for (const char* header :
       {"ccd_access=a; ccd_access=b", "ccd_access=a; ccd_access=a", "ccd_access=", "ccd_access", "ccd_access=\"a\"",
        "ccd_access=a b", "ccd_access=a\x01", "ccd_access=%41", "ccd_access= a", "ccd_access=a=b"})
    EXPECT_FALSE(read_cookies({header}, Deployment::http_loopback)) << header;
  EXPECT_FALSE(read_cookies({"ccd_access=a", "ccd_access=b"}, Deployment::http_loopback));
}

TEST(Cookies, Bounds) {
  const std::string wide = "x=" + std::string(kMaxCookieHeaderBytes, 'a');
  EXPECT_FALSE(read_cookies({wide}, Deployment::http_loopback));
  std::string many;
  for (std::size_t i = 0; i <= kMaxCookies; ++i) many += "a=b;";
  EXPECT_FALSE(read_cookies({many}, Deployment::http_loopback));
  const std::string most = many.substr(4);
  EXPECT_TRUE(read_cookies({most}, Deployment::http_loopback));
  const std::string longest = "ccd_access=" + std::string(4097, 'a');
  EXPECT_FALSE(read_cookies({longest}, Deployment::http_loopback));
}

}  // namespace
}  // namespace ccd::auth
