// Range, Content-Range, entity tags: tables after RFC 9110.
#include "files/ranges.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace ccd::files {
namespace {

std::string shown(const RangeRequest& request) {
  if (std::holds_alternative<WholeFile>(request)) return "whole";
  if (std::holds_alternative<NotSatisfiable>(request)) return "416";
  const auto& range = std::get<ByteRange>(request);
  return std::to_string(range.offset) + "+" + std::to_string(range.length);
}

struct RangeCase {
  std::string_view header;
  std::uint64_t size;
  std::string_view wanted;
};

TEST(Ranges, Table) {
  const std::vector<RangeCase> cases = {
      {"bytes=0-0", 10, "0+1"},
      {"bytes=0-9", 10, "0+10"},
      {"bytes=2-5", 10, "2+4"},
      {"bytes=9-", 10, "9+1"},
      {"bytes=0-", 10, "0+10"},
      {"bytes=5-100", 10, "5+5"},
      {"bytes=-3", 10, "7+3"},
      {"bytes=-100", 10, "0+10"},
      {"BYTES=1-2", 10, "1+2"},
      {" bytes = 1-2 ", 10, "1+2"},
      {"bytes=,, 1-2 ,", 10, "1+2"},
      {"bytes=007-008", 10, "7+2"},
      // behind the end
      {"bytes=10-", 10, "416"},
      {"bytes=10-20", 10, "416"},
      {"bytes=-0", 10, "416"},
      {"bytes=0-", 0, "416"},
      {"bytes=0-0", 0, "416"},
      {"bytes=-0", 0, "416"},
      // numbers that do not fit
      {"bytes=0-18446744073709551615", 10, "0+10"},
      {"bytes=0-99999999999999999999999", 10, "0+10"},
      {"bytes=-99999999999999999999999", 10, "0+10"},
      {"bytes=18446744073709551615-", 10, "416"},
      {"bytes=18446744073709551616-18446744073709551617", 10, "416"},
      {"bytes=18446744073709551614-", 18446744073709551615U, "18446744073709551614+1"},
      {"bytes=0-", 18446744073709551615U, "0+18446744073709551615"},
      // ignored
      {"", 10, "whole"},
      {"bytes", 10, "whole"},
      {"bytes=", 10, "whole"},
      {"bytes=,", 10, "whole"},
      {"bytes=-", 10, "whole"},
      {"bytes=5-2", 10, "whole"},
      {"bytes=99-98", 10, "whole"},
      {"bytes=a-b", 10, "whole"},
      {"bytes=1 -2", 10, "whole"},
      {"bytes=1- 2", 10, "whole"},
      {"bytes=+1-2", 10, "whole"},
      {"bytes=0x1-2", 10, "whole"},
      {"bytes=1-2-3", 10, "whole"},
      {"bytes=--1", 10, "whole"},
      {"bytes=1", 10, "whole"},
      {"bytes:1-2", 10, "whole"},
      {"items=1-2", 10, "whole"},
      {"bytesx=1-2", 10, "whole"},
      {"=1-2", 10, "whole"},
      {"bytes=-5", 0, "whole"},
      {"bytes=0-1,3-4", 10, "whole"},
      {"bytes=0-1, 99-", 10, "whole"},
      {std::string_view("bytes=0-\0", 9), 10, "whole"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(parse_range(c.header, c.size)), c.wanted) << c.header << " of " << c.size;
}

// Every header of up to six characters over the grammar's alphabet: the range lies within the file, always.
TEST(Ranges, NeverLeavesTheFile) {
  const std::string_view alphabet = "019-, ";
  std::string tail;
  long ranges = 0;
  const auto extend = [&](const auto& self) -> void {
    for (const std::uint64_t size : {0, 1, 10, 100}) {
      const auto request = parse_range("bytes=" + tail, size);
      if (const auto* range = std::get_if<ByteRange>(&request)) {
        ++ranges;
        ASSERT_GT(range->length, 0U) << tail;
        ASSERT_LT(range->offset, size) << tail;
        ASSERT_LE(range->length, size - range->offset) << tail;
      }
    }
    if (tail.size() == 5) return;
    for (const char c : alphabet) {
      tail += c;
      self(self);
      tail.pop_back();
    }
  };
  extend(extend);
  EXPECT_GT(ranges, 1000);
}

TEST(Ranges, ContentRange) {
  EXPECT_EQ(content_range({0, 1}, 1), "bytes 0-0/1");
  EXPECT_EQ(content_range({5, 10}, 100), "bytes 5-14/100");
  EXPECT_EQ(unsatisfied_range(47022), "bytes */47022");
}

// RFC 9110 section 8.8.3.2, the table of examples.
TEST(EntityTags, ExamplesOfTheStandard) {
  EXPECT_FALSE(strong_equal("W/\"1\"", "W/\"1\""));
  EXPECT_TRUE(weak_equal("W/\"1\"", "W/\"1\""));
  EXPECT_FALSE(strong_equal("W/\"1\"", "W/\"2\""));
  EXPECT_FALSE(weak_equal("W/\"1\"", "W/\"2\""));
  EXPECT_FALSE(strong_equal("W/\"1\"", "\"1\""));
  EXPECT_TRUE(weak_equal("W/\"1\"", "\"1\""));
  EXPECT_TRUE(strong_equal("\"1\"", "\"1\""));
  EXPECT_TRUE(weak_equal("\"1\"", "\"1\""));
}

TEST(EntityTags, MalformedEqualsNothing) {
  for (const char* tag : {"", "1", "\"", "\"1", "1\"", "w/\"1\"", "W/1", "\"1\"x", "\"a b\"", "\"1\" "}) {
    EXPECT_FALSE(weak_equal(tag, tag)) << tag;
    EXPECT_FALSE(strong_equal(tag, tag)) << tag;
  }
}

TEST(EntityTags, IfNoneMatch) {
  EXPECT_TRUE(none_match_hits("\"a\"", "\"a\""));
  EXPECT_TRUE(none_match_hits("W/\"a\"", "\"a\""));
  EXPECT_TRUE(none_match_hits("\"x\", W/\"a\" ,\"y\"", "W/\"a\""));
  EXPECT_TRUE(none_match_hits("\"x,y\", \"a\"", "\"a\""));
  EXPECT_TRUE(none_match_hits(" , \"a\",", "\"a\""));
  EXPECT_TRUE(none_match_hits(" * ", "\"a\""));
  EXPECT_FALSE(none_match_hits("", "\"a\""));
  EXPECT_FALSE(none_match_hits("\"b\"", "\"a\""));
  EXPECT_FALSE(none_match_hits("\"a\" \"b\"", "\"a\""));
  EXPECT_FALSE(none_match_hits("a", "\"a\""));
  EXPECT_FALSE(none_match_hits("\"a\", *", "\"a\""));
  EXPECT_FALSE(none_match_hits("\"a", "\"a\""));
}

TEST(EntityTags, IfRange) {
  EXPECT_TRUE(if_range_holds("", "\"a\""));
  EXPECT_TRUE(if_range_holds("\"a\"", "\"a\""));
  EXPECT_FALSE(if_range_holds("\"b\"", "\"a\""));
  EXPECT_FALSE(if_range_holds("W/\"a\"", "W/\"a\""));
  EXPECT_FALSE(if_range_holds("\"a\"", "W/\"a\""));
  EXPECT_FALSE(if_range_holds("Tue, 24 Nov 2026 10:00:00 GMT", "\"a\""));
}

}  // namespace
}  // namespace ccd::files
