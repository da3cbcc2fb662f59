// Errors, encodings, log lines, clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"

namespace ccd {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail_field("n", "must be even");
  return n / 2;
}
Result<int> quarter(int n) { return half(TRY(half(n))); }

TEST(Error, TryPassesValueAndError) {
  EXPECT_EQ(quarter(8).value(), 2);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().field, "n");
}

Result<> even(int n) {
  if (n % 2 != 0) return fail_field("n", "must be even");
  return {};
}
Result<int> half_of_even(int n) {
  TRY(even(n));
  return n / 2;
}

TEST(Error, TryPassesErrorOfVoid) {
  EXPECT_EQ(half_of_even(4).value(), 2);
  EXPECT_FALSE(half_of_even(3));
}

TEST(Error, ErrnoBecomesKindAndMessage) {
  const Error e = fail_errno("open x", ENOENT).value();
  EXPECT_EQ(e.kind, ErrorKind::not_found);
  EXPECT_EQ(e.message, "open x: No such file or directory");
  EXPECT_EQ(Error(e).in("start").message, "start: open x: No such file or directory");
}

TEST(Encoding, Base64UrlRoundTripAndStrictness) {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    const std::string coded = base64url_encode(as_bytes(text));
    const auto back = base64url_decode(coded);
    ASSERT_TRUE(back);
    EXPECT_EQ(as_text(*back), text);
  }
  EXPECT_EQ(base64url_encode(as_bytes("\xfb\xff")), "-_8");
  for (const char* bad : {"A", "AB=", "A B", "A+", "-_9", "Zh"}) EXPECT_FALSE(base64url_decode(bad)) << bad;
}

TEST(Encoding, PrintableHidesNothing) {
  EXPECT_EQ(printable("a\nb\x1b[2J\x7f"), "a\\nb\\x1b[2J\\x7f");
  EXPECT_EQ(printable("caf\xc3\xa9 \xff \xc2\x9b \xe2\x80\xae"), "caf\xc3\xa9 \\xff \\u{9b} \\u{202e}");
  EXPECT_EQ(printable("C:\\x"), "C:\\\\x");
}

TEST(Encoding, Utf8) {
  EXPECT_TRUE(valid_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"})
    EXPECT_FALSE(valid_utf8(bad));
}

TEST(Encoding, Hex) {
  EXPECT_EQ(hex_encode(as_bytes("\x01\xab")), "01ab");
  EXPECT_EQ(as_text(*hex_decode("01AB")), "\x01\xab");
  EXPECT_FALSE(hex_decode("0"));
  EXPECT_FALSE(hex_decode("0g"));
}

TEST(Log, TextLineIsOneLineWithTheLevelWord) {
  const std::string line = log_line(LogFormat::text, 1'764'000'000'123'456, LogLevel::error, "http", "bad\nrequest",
                                    {{"path", "/x y\"\x1b"}, {"n", 3}, {"ok", false}});
  EXPECT_EQ(line, R"(2025-11-24T16:00:00.123456Z ERROR http: bad\nrequest path="/x y\"\x1b" n=3 ok=false)");
}

TEST(Log, JsonLineEscapes) {
  const std::string line = log_line(LogFormat::json, 0, LogLevel::warn, "x", "a\"b", {{"k", "\r\n"}});
  EXPECT_EQ(line, R"({"time":"1970-01-01T00:00:00.000000Z","level":"WARN","room":"x","message":"a\"b","k":"\\r\\n"})");
}

TEST(Clock, Iso) {
  EXPECT_EQ(iso_seconds(1'734'258'600'000'000), "2024-12-15T10:30:00Z");
  EXPECT_EQ(iso_micros(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(Random, TokensDiffer) {
  SystemRandom random;
  EXPECT_EQ(random.token(32).size(), 43U);
  EXPECT_NE(random.token(32), random.token(32));
}

TEST(Metrics, SameNameSameCounter) {
  const double before = metrics().counter("base_test_total", "test").Value();
  metrics().counter("base_test_total", "test").Increment();
  metrics().counter("base_test_total", "test").Increment();
  const auto now = "dashboard_base_test_total " + std::to_string(static_cast<int>(before) + 2);
  EXPECT_THAT(metrics().text(), testing::HasSubstr(now));
}

}  // namespace
}  // namespace ccd
