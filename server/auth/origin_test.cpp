// Origin and Host against everything that is almost ours, and the matrix of who may do what from where.
#include "auth/origin.hpp"

#include <gtest/gtest.h>

namespace ccd::auth {
namespace {

OriginPolicy policy() {
  return OriginPolicy::make({"https://agents.example.org", "https://dash.example.org:8443", "http://10.0.0.7:3000",
                             "https://[2001:db8::7]"},
                            3000, "127.0.0.1")
      .value();
}

const std::vector<std::string> kOurs{
    "http://localhost:3000",         "http://127.0.0.1:3000", "http://[::1]:3000",    "https://agents.example.org",
    "https://dash.example.org:8443", "http://10.0.0.7:3000",  "https://[2001:db8::7]"};

// Spellings that are not the origin itself, made from each of ours.
std::vector<std::string> almost(const std::string& origin) {
  const std::size_t at = origin.find("://") + 3;
  const std::string scheme = origin.substr(0, at);
  const std::string host = origin.substr(at);
  std::string capital = origin;
  for (char& c : capital) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  const std::string other = scheme == "http://" ? "https://" : "http://";
  return {origin + "/",
          origin + "/x",
          origin + "?",
          origin + "#",
          origin + ".",
          origin + " ",
          " " + origin,
          origin + "\t",
          origin + ",",
          origin + ";",
          origin + "0",
          origin + ".evil.example",
          origin + "@evil.example",
          origin + "%00",
          origin + std::string(1, '\0'),
          origin + " " + origin,
          origin + ", " + origin,
          origin + ", https://evil.example",
          scheme + "evil." + host,
          scheme + "evil-" + host,
          scheme + "user@" + host,
          scheme + "user:pass@" + host,
          scheme + "@" + host,
          scheme + "/" + host,
          scheme,
          other + host,
          "ws://" + host,
          "wss://" + host,
          "file://" + host,
          "chrome-extension://" + host,
          "//" + host,
          host,
          "\"" + origin + "\"",
          capital == origin ? "HTTP://" + host : capital,
          origin.substr(0, origin.size() - 1)};
}

TEST(Origin, OursAreAllowed) {
  const OriginPolicy p = policy();
  EXPECT_EQ(p.origins().size(), kOurs.size());
  for (const std::string& origin : kOurs) {
    EXPECT_TRUE(p.origin_allowed(origin)) << origin;
    EXPECT_TRUE(p.host_allowed(origin.substr(origin.find("://") + 3))) << origin;
  }
}

TEST(Origin, AlmostOursAreRefused) {
  const OriginPolicy p = policy();
  int rows = 0;
  for (const std::string& origin : kOurs) {
    for (const std::string& other : almost(origin)) {
      EXPECT_FALSE(p.origin_allowed(other)) << other;
      ++rows;
    }
  }
  for (const char* foreign : {"",
                              "null",
                              "NULL",
                              "*",
                              "undefined",
                              "http://",
                              "https://",
                              "http://evil.example",
                              "https://evil.example",
                              "http://localhost",
                              "http://localhost:80",
                              "http://localhost:3001",
                              "http://localhost:03000",
                              "http://localhost:3000:3000",
                              "http://localhost.:3000",
                              "http://LOCALHOST:3000",
                              "http://Localhost:3000",
                              "http://localhost.evil.example:3000",
                              "http://localhost:3000.evil.example",
                              "http://evil.example:3000",
                              "http://127.0.0.1",
                              "http://127.0.0.2:3000",
                              "http://127.1:3000",
                              "http://127.0.1:3000",
                              "http://0127.0.0.1:3000",
                              "http://0x7f.0.0.1:3000",
                              "http://0x7f000001:3000",
                              "http://2130706433:3000",
                              "http://127.0.0.1.:3000",
                              "http://127.0.0.1.nip.io:3000",
                              "http://0.0.0.0:3000",
                              "http://0:3000",
                              "http://[::]:3000",
                              "http://[0:0:0:0:0:0:0:1]:3000",
                              "http://[::0001]:3000",
                              "http://[::1%25lo]:3000",
                              "http://[::1%lo]:3000",
                              "http://[::ffff:127.0.0.1]:3000",
                              "http://[::ffff:7f00:1]:3000",
                              "http://::1:3000",
                              "http://[::1]",
                              "http://[::1]:3001",
                              "http://[::1]3000",
                              "http://[::2]:3000",
                              "https://[2001:DB8::7]",
                              "https://[2001:db8:0::7]",
                              "https://[2001:db8::7]:443",
                              "https://2001:db8::7",
                              "https://agents.example.org:443",
                              "https://agents.example.org:8443",
                              "https://AGENTS.example.org",
                              "https://agents.example.org.",
                              "https://agents.example.com",
                              "https://agents.example.or",
                              "https://agents.example.orgg",
                              "https://example.org",
                              "https://xagents.example.org",
                              "https://x.agents.example.org",
                              "https://agents-example.org",
                              "https://agents_example.org",
                              "https://agents.example.org\\@evil.example",
                              "https://dash.example.org",
                              "https://dash.example.org:8444",
                              "https://dash.example.org:84430",
                              "https://dash.example.org:",
                              "https://dash.example.org:8443:",
                              "https://\xd0\xb0gents.example.org",
                              "https://xn--gents-6cd.example.org",
                              "data:text/html,x",
                              "blob:http://localhost:3000/x",
                              "javascript:1",
                              "about:blank",
                              "file://",
                              "http:/localhost:3000",
                              "http:localhost:3000",
                              "htt://localhost:3000",
                              "http://local%68ost:3000",
                              "http://localhost:3000\r\nX: y"}) {
    EXPECT_FALSE(p.origin_allowed(foreign)) << foreign;
    ++rows;
  }
  std::cout << "origin rows: " << rows << " refused\n";
  EXPECT_GE(rows, 300);
}

TEST(Origin, HostsOfRebindingAreRefused) {
  const OriginPolicy p = policy();
  for (const char* host : {"",
                           "*",
                           "evil.example",
                           "evil.example:3000",
                           "localhost",
                           "localhost:80",
                           "localhost:3001",
                           "localhost:3000 ",
                           " localhost:3000",
                           "localhost:3000.evil.example",
                           "localhost.evil.example:3000",
                           "localhost.:3000",
                           "localhost:03000",
                           "localhost:+3000",
                           "localhost:3000:3000",
                           "localhost:3000,evil.example",
                           "user@localhost:3000",
                           "http://localhost:3000",
                           "127.0.0.1",
                           "127.1:3000",
                           "127.0.0.2:3000",
                           "0x7f000001:3000",
                           "0.0.0.0:3000",
                           "::1:3000",
                           "[::1]",
                           "[::1]:3001",
                           "[0:0:0:0:0:0:0:1]:3000",
                           "[::ffff:127.0.0.1]:3000",
                           "127.0.0.1.nip.io:3000",
                           "agents.example.org:443",
                           "agents.example.org:3000",
                           "agents.example.org.",
                           "xagents.example.org",
                           "agents.example.org/",
                           "dash.example.org",
                           "dash.example.org:443",
                           "10.0.0.7",
                           "10.0.0.70:3000",
                           "localhost:3000\t",
                           "localhost\t:3000",
                           "null"})
    EXPECT_FALSE(p.host_allowed(host)) << host;
  EXPECT_FALSE(p.host_allowed(std::string(100'000, 'a')));
  EXPECT_FALSE(p.host_allowed(std::string("localhost:3000\0", 15)));
  // A host name has no case; programs send what people type.
  EXPECT_TRUE(p.host_allowed("LocalHost:3000"));
  EXPECT_TRUE(p.host_allowed("AGENTS.example.org"));
}

TEST(Origin, BindHostAndPort) {
  const auto lan = OriginPolicy::make({}, 80, "192.168.1.5").value();
  EXPECT_TRUE(lan.origin_allowed("http://192.168.1.5"));
  EXPECT_TRUE(lan.origin_allowed("http://localhost"));
  EXPECT_FALSE(lan.origin_allowed("http://localhost:80"));
  EXPECT_TRUE(lan.host_allowed("192.168.1.5"));
  const auto six = OriginPolicy::make({}, 3000, "2001:db8::5").value();
  EXPECT_TRUE(six.origin_allowed("http://[2001:db8::5]:3000"));
  for (const char* any : {"0.0.0.0", "::"})
    EXPECT_EQ(OriginPolicy::make({}, 3000, any).value().origins().size(), 3U) << any;
}

TEST(Origin, BadConfigurationIsRefusedWithItsFault) {
  struct Row {
    const char* origin;
    const char* says;
  };
  for (const Row& row : {Row{"*", "wildcards"},
                         Row{"https://*.example.org", "wildcards"},
                         Row{"", "begin with"},
                         Row{"example.org", "begin with"},
                         Row{"HTTPS://example.org", "begin with"},
                         Row{"ws://example.org", "begin with"},
                         Row{"null", "begin with"},
                         Row{"https://example.org/", "no slash"},
                         Row{"https://example.org/path", "no slash"},
                         Row{"https://example.org?x", "no slash"},
                         Row{"https://u@example.org", "user name"},
                         Row{"https://example.org:443", "own port"},
                         Row{"http://example.org:80", "own port"},
                         Row{"https://example.org:", "port"},
                         Row{"https://example.org:0", "port"},
                         Row{"https://example.org:00443", "port"},
                         Row{"https://example.org:65536", "port"},
                         Row{"https://example.org:8x", "port"},
                         Row{"https://example.org:-1", "port"},
                         Row{"https://", "host"},
                         Row{"https://.", "host"},
                         Row{"https://Example.org", "host"},
                         Row{"https://example.org.", "host"},
                         Row{"https://exa mple.org", "host"},
                         Row{"https://example..org", "host"},
                         Row{"https://127.1", "host"},
                         Row{"https://0x7f.1", "host"},
                         Row{"https://2130706433", "host"},
                         Row{"https://256.1.1.1", "host"},
                         Row{"https://[::1", "host"},
                         Row{"https://[0:0:0:0:0:0:0:1]", "host"},
                         Row{"https://[::ffff:1.2.3.4]", "host"},
                         Row{"https://b\xc3\xbc"
                             "cher.example",
                             "host"}}) {
    const auto made = OriginPolicy::make({"https://good.example", row.origin}, 3000, "127.0.0.1");
    ASSERT_FALSE(made) << row.origin;
    EXPECT_EQ(made.error().field, "PUBLIC_ORIGINS");
    EXPECT_NE(made.error().message.find(row.says), std::string::npos) << row.origin << ": " << made.error().message;
  }
}

TEST(Origin, RequestMatrix) {
  const OriginPolicy p = policy();
  struct OriginCase {
    const char* what;
    std::vector<std::string_view> values;
  };
  const OriginCase kMissing{"missing", {}};
  const std::vector<OriginCase> origins{kMissing,
                                        {"ours", {"http://localhost:3000"}},
                                        {"foreign", {"https://evil.example"}},
                                        {"null", {"null"}},
                                        {"empty", {""}},
                                        {"twice", {"http://localhost:3000", "http://localhost:3000"}},
                                        {"mixed", {"http://localhost:3000", "https://evil.example"}}};
  const std::vector<std::vector<std::string_view>> sites{
      {},       {"same-origin"}, {"same-site"}, {"cross-site"},
      {"none"}, {"SAME-ORIGIN"}, {""},          {"same-origin", "same-origin"}};
  int rows = 0;
  int allowed = 0;
  for (const auto what : {RequestClass::read, RequestClass::mutation, RequestClass::websocket}) {
    for (const auto credential : {Credential::none, Credential::cookie, Credential::bearer}) {
      for (const OriginCase& origin : origins) {
        for (const auto& site : sites) {
          const bool known = origin.what == std::string_view("ours");
          const bool missing = origin.values.empty();
          const bool needed =
              what == RequestClass::websocket || (what == RequestClass::mutation && credential == Credential::cookie);
          bool expect = known || (missing && !needed);
          if (site.size() > 1) expect = false;
          if (site.size() == 1) {
            if (what != RequestClass::read && site[0] != "same-origin") expect = false;
            if (what == RequestClass::read && credential == Credential::cookie && site[0] != "same-origin" &&
                site[0] != "none")
              expect = false;
          }
          const auto verdict = p.check_request({what, credential, origin.values, site});
          EXPECT_EQ(verdict.has_value(), expect) << static_cast<int>(what) << static_cast<int>(credential) << ' '
                                                 << origin.what << ' ' << (site.empty() ? "-" : site[0]);
          EXPECT_TRUE(verdict || verdict.error().kind == ErrorKind::forbidden);
          ++rows;
          allowed += verdict ? 1 : 0;
        }
      }
    }
  }
  std::cout << "request matrix: " << rows << " rows, " << allowed << " allowed\n";
  EXPECT_GE(rows, 200);
}

TEST(Origin, MethodsThatMutate) {
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) EXPECT_EQ(request_class(method), RequestClass::read);
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "get", "TRACE", "CONNECT", "", "GETX"})
    EXPECT_EQ(request_class(method), RequestClass::mutation) << method;
}

}  // namespace
}  // namespace ccd::auth
