// Frames, JSON in and out, errors to statuses. Whole requests are tested against the running server in tests/integration.
#include <gtest/gtest.h>

#include "api/errors.hpp"
#include "api/frames.hpp"
#include "api/notify_feed.hpp"
#include "api/recent_reads.hpp"
#include "api/wire.hpp"
#include "base/encoding.hpp"

namespace ccd::api {
namespace {

TEST(NotifyFeed, NothingOfARequestIsLeftOut) {
  struct Row {
    const char* input;
    const char* text;
  };
  for (const Row& row :
       {Row{R"({"command":"rm -rf build","description":"Lists files"})", "rm -rf build"},
        Row{R"({"description":"x","command":"sleep 1","run_in_background":true,"timeout":5})",
            "sleep 1\nrun_in_background: true\ntimeout: 5"},
        Row{R"({"content":"a\nb","file_path":"/p/a.txt"})", "/p/a.txt\ncontent: a\nb"},
        Row{R"({"file_path":"/p/a","old_string":"1","new_string":"2"})", "/p/a\nold_string: 1\nnew_string: 2"},
        Row{R"({"who":{"a":[1]}})", R"(who: {"a":[1]})"}, Row{"{}", ""}, Row{"[1]", "Tool [1]"}, Row{"{", "Tool {"}})
    EXPECT_EQ(request_text("Tool", row.input), row.text) << row.input;
}

agents::AttentionItem asked(const std::string& input) {
  return {.id = "0123456789abcdef0123",
          .session = "s",
          .session_name = "api",
          .kind = agents::AttentionKind::permission,
          .tool = "Bash",
          .summary = "cut",
          .input = std::make_shared<const std::string>(input),
          .input_bytes = input.size(),
          .answerable = agents::Answerable::page};
}

TEST(NotifyFeed, TheDigestIsOfThisRequest) {
  const notify::Event event = notify_event(asked(R"({"command":"make"})"));
  EXPECT_EQ(event.text, "make");
  EXPECT_TRUE(event.whole);
  EXPECT_TRUE(event.answerable);
  EXPECT_NE(event.digest, notify_event(asked(R"({"command":"make "})")).digest);
  agents::AttentionItem other = asked(R"({"command":"make"})");
  other.tool = "Write";
  EXPECT_NE(event.digest, notify_event(other).digest);
  other = asked(R"({"command":"make"})");
  other.answerable = agents::Answerable::terminal;
  EXPECT_EQ(event.digest, notify_event(other).digest) << "where it can be answered is not what is asked";
  EXPECT_FALSE(notify_event(other).answerable);
}

TEST(NotifyFeed, WhatIsNotKnownWasNotShown) {
  agents::AttentionItem item = asked("{}");
  item.input = nullptr;
  EXPECT_EQ(notify_event(item).text, "cut");
  EXPECT_FALSE(notify_event(item).whole);
  item.kind = agents::AttentionKind::question;
  item.questions = {{.text = "Which?", .options = {{"A", "first"}, {"B", ""}}}};
  EXPECT_EQ(notify_event(item).text, "Which?\n- A\n- B");
  EXPECT_FALSE(notify_event(item).answerable);
}

TEST(RecentReads, OneRowForEachReaderAndWindow) {
  ManualClock clock(1);
  RecentReads reads(&clock);
  const Reading reading{.who = "ann", .ip = "10.0.0.1", .session = "s"};
  EXPECT_TRUE(reads.begins(reading));
  EXPECT_FALSE(reads.begins(reading));
  for (const Reading& other : {Reading{.who = "bob", .ip = "10.0.0.1", .session = "s"},
                               Reading{.who = "ann", .ip = "10.0.0.2", .session = "s"},
                               Reading{.who = "ann", .ip = "10.0.0.1", .session = "t"},
                               Reading{.who = "ann", .ip = "10.0.0.1", .session = "s", .agent = "a1"},
                               Reading{.who = "ann", .ip = "10.0.0.1", .session = "s", .terminal = true},
                               Reading{.who = "ann", .ip = "10.0.0.1", .session = "s", .denied = true}})
    EXPECT_TRUE(reads.begins(other));
  clock.advance(kReadWindow - std::chrono::seconds(1));
  EXPECT_FALSE(reads.begins(reading));
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(reads.begins(reading)) << "who reads on leaves another";
  EXPECT_FALSE(reads.begins(reading));
  reads.forget(reading);
  EXPECT_TRUE(reads.begins(reading)) << "its row could not be written";
}

TEST(RecentReads, ManyReadersTakeNoMoreThanTheirRoom) {
  ManualClock clock(1);
  RecentReads reads(&clock);
  const auto number = [](std::size_t i) { return Reading{.who = std::to_string(i), .ip = "", .session = "s"}; };
  for (std::size_t i = 0; i < kMaxRecentReads + 10; ++i) {
    EXPECT_TRUE(reads.begins(number(i)));
    clock.advance(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(reads.size(), kMaxRecentReads);
  EXPECT_FALSE(reads.begins(number(kMaxRecentReads + 9))) << "the newest is known";
  EXPECT_TRUE(reads.begins(number(0))) << "the oldest was forgotten, and leaves another row";
}

TEST(Frames, HeaderIsLittleEndian) {
  EXPECT_EQ(hex_encode(as_bytes(frame_header(FrameType::data, 0x01020304, 0x1122334455667788))),
            "01040302018877665544332211");
  EXPECT_EQ(hex_encode(as_bytes(echo_header(1, 2, 0x0102))), "060100000002000000000000000201000000000000");
}

TEST(Frames, ClientFramesRoundTrip) {
  const std::string bytes = frame_header(FrameType::input, 7, 42) + "ls\n";
  const auto frame = parse_client_frame(bytes);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->channel, 7U);
  EXPECT_EQ(frame->number, 42U);
  EXPECT_EQ(as_text(frame->payload), "ls\n");
}

TEST(Frames, WhatAPageDoesNotSendIsRefused) {
  EXPECT_FALSE(parse_client_frame(""));
  EXPECT_FALSE(parse_client_frame(frame_header(FrameType::input, 1, 1).substr(0, 12)));
  for (const FrameType type : {FrameType::data, FrameType::snapshot, FrameType::ack_input})
    EXPECT_FALSE(parse_client_frame(frame_header(type, 1, 1)));
  EXPECT_FALSE(parse_client_frame(std::string(13, '\xff')));
}

TEST(Errors, StatusCodeAndField) {
  const http::Response r =
      error_response(Error{.kind = ErrorKind::invalid, .message = "bad \"x\"", .sys = 0, .field = "name"}, "r1");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.text_body(), R"({"error":{"code":"invalid","message":"bad \"x\"","field":"name"}})");
}

TEST(Errors, InternalsStayInside) {
  const http::Response r = error_response(Error{.kind = ErrorKind::io, .message = "open /secret/path: EIO"}, "r2");
  EXPECT_EQ(r.status, 500);
  EXPECT_EQ(r.text_body().find("secret"), std::string_view::npos);
}

TEST(Body, NamesTheFieldThatIsWrong) {
  const auto body = Body::parse_text(R"({"name":5,"list":["a",1],"n":7,"ok":true})");
  ASSERT_TRUE(body);
  EXPECT_EQ(body->text("name", 10).error().field, "name");
  EXPECT_EQ(body->text("missing", 10).error().field, "missing");
  EXPECT_EQ(body->texts_or_none("list", 5, 5).error().field, "list");
  EXPECT_EQ(body->integer_or("n", 0, 0, 5).error().field, "n");
  EXPECT_EQ(*body->integer_or("n", 0, 0, 10), 7);
  EXPECT_TRUE(*body->flag_or("ok", false));
}

TEST(Body, OnlyAnObjectAndNotTooDeep) {
  EXPECT_FALSE(Body::parse_text("[]"));
  EXPECT_FALSE(Body::parse_text("{"));
  EXPECT_FALSE(Body::parse_text(std::string(40, '[') + std::string(40, ']')));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += R"({"a":)";
  EXPECT_FALSE(Body::parse_text(deep + "1" + std::string(40, '}')));
  EXPECT_TRUE(Body::parse_text(""));
}

TEST(Body, OtherContentTypesAreRefused) {
  http::Request request;
  request.body = "{}";
  request.headers = {{"Content-Type", "text/plain"}};
  EXPECT_FALSE(Body::parse(request));
  request.headers = {{"content-type", "application/json; charset=utf-8"}};
  EXPECT_TRUE(Body::parse(request));
}

TEST(Wire, BrokenTextBecomesReplacementCharacters) {
  EXPECT_EQ(json_text("a\xff"
                      "b\xc3\xa9"),
            "a\xef\xbf\xbd"
            "b\xc3\xa9");
  EXPECT_EQ(json_text("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace ccd::api
