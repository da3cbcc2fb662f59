// The request parser on hostile bytes, in one piece and byte by byte.
#include "http/parser.hpp"

#include <gtest/gtest.h>
#include <cstdint>
#include <string>
#include <vector>

#include "http/smuggling_rows.hpp"

namespace ccd::http {
namespace {
constexpr std::size_t kMaxBody = 1024 * 1024;

struct Outcome {
  std::vector<std::string> seen;
  int refusal = 0;
  bool operator==(const Outcome&) const = default;
};

// Reads the stream as a connection does, `step` bytes at a time.
Outcome read_all(std::string_view stream, std::size_t step) {
  Outcome out;
  std::string buffer;
  RequestParser parser(kMaxBody);
  for (;;) {
    const auto result = parser.feed(buffer);
    if (!result) {
      out.refusal = result.error().status;
      EXPECT_FALSE(result.error().message.empty());
      EXPECT_LT(out.refusal, 500);
      return out;
    }
    EXPECT_LE(result->used, buffer.size());
    buffer.erase(0, result->used);
    if (result->progress == RequestParser::Progress::complete) {
      const Request& request = *parser.request();
      out.seen.push_back(request.method + " " + request.path + " " + request.body);
      if (!parser.head().keep_alive) return out;
      parser = RequestParser(kMaxBody);
    } else if (result->progress == RequestParser::Progress::need_more) {
      if (stream.empty()) return out;
      buffer += stream.substr(0, step);
      stream.remove_prefix(std::min(step, stream.size()));
    }
  }
}

TEST(RequestParser, SmugglingTableIsReadAsWritten) {
  std::size_t rows = 0;
  for (const Row& row : smuggling_rows()) {
    ++rows;
    const Outcome whole = read_all(row.bytes, row.bytes.size());
    EXPECT_EQ(whole.seen, row.seen) << row.name;
    EXPECT_EQ(whole.refusal, row.refusal) << row.name;
    // However the bytes are cut, the same: a reader that depends on packet borders can be steered by them.
    EXPECT_EQ(read_all(row.bytes, row.bytes.size() < 4096 ? 1 : 64), whole) << row.name << ", in small pieces";
    EXPECT_EQ(read_all(row.bytes, 7), whole) << row.name << ", in sevens";
  }
  EXPECT_GE(rows, 60U);
}

TEST(RequestParser, EveryControlByteInAHeaderIsRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string raw =
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nX: a") + static_cast<char>(byte) + "b\r\n\r\n";
    const Outcome outcome = read_all(raw, raw.size());
    const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7F;
    EXPECT_EQ(outcome.refusal, control ? 400 : 0) << byte;
  }
}

TEST(RequestParser, RandomBytesEndInARefusalOrARequest) {
  std::uint64_t state = 88172645463325252ULL;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  const auto rows = smuggling_rows();
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = rows[next() % rows.size()].bytes;
    if (bytes.size() > 2000) continue;
    for (std::uint64_t change = next() % 4; change > 0; --change) {
      const std::size_t at = next() % bytes.size();
      if (next() % 2 == 0) bytes[at] = static_cast<char>(next());
      else bytes.erase(at, next() % 5);
      if (bytes.empty()) bytes = "x";
    }
    const Outcome whole = read_all(bytes, bytes.size());
    EXPECT_EQ(read_all(bytes, 1 + next() % 9), whole) << bytes;
  }
}

TEST(RequestParser, HeadTellsWhatTheConnectionNeeds) {
  RequestParser parser(kMaxBody);
  const std::string raw =
      "POST /x?a=1 HTTP/1.1\r\nhOST: LocalHost:3000\r\nExpect: 100-Continue\r\nConnection: Upgrade, foo\r\nUpgrade: "
      "WebSocket\r\n"
      "Content-Length: 2\r\n\r\n";
  EXPECT_FALSE(parser.started());
  const auto step = parser.feed(raw);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->progress, RequestParser::Progress::head);
  EXPECT_EQ(step->used, raw.size());
  EXPECT_TRUE(parser.started());
  EXPECT_TRUE(parser.head().expects_continue);
  EXPECT_TRUE(parser.head().has_body);
  EXPECT_TRUE(parser.head().keep_alive);
  EXPECT_TRUE(parser.head().upgrade);
  EXPECT_EQ(parser.request()->host, "localhost:3000");
  EXPECT_EQ(parser.request()->target, "/x?a=1");
  EXPECT_EQ(parser.request()->query("a"), "1");
  EXPECT_EQ(parser.request()->headers.size(), 5U);
}

}  // namespace
}  // namespace ccd::http
