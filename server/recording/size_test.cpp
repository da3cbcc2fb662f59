// The pane's size in the record: what a real pane-tap marks, and where.
#include <gtest/gtest.h>
#include <array>
#include <string>
#include <vector>

#include "recording/record_feed.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;

std::string resize_payload(PaneSize size) {
  std::array<std::byte, 4> payload{};
  put_u16(&payload[0], size.cols);
  put_u16(&payload[2], size.rows);
  return text_of(payload);
}

ResizeStatus resize(RawClient& client, PaneSize size) {
  EXPECT_TRUE(client.send_frame(FrameType::resize, resize_payload(size)));
  const auto answer = client.receive();
  if (!answer || answer->type != FrameType::resize_result || answer->payload.size() != 1) return ResizeStatus{};
  return static_cast<ResizeStatus>(answer->payload[0]);
}

// "80x24@0 100x30@6"
std::string sizes(const SessionFolder& folder) {
  std::string out;
  for (const Mark& mark : folder.marks(MarkKind::resize)) {
    const PaneSize size = size_of_value(mark.value);
    out += std::to_string(size.cols) + "x" + std::to_string(size.rows) + "@" + std::to_string(mark.offset) + " ";
  }
  return out;
}

TEST(PaneSizeInTheRecord, FirstAndLaterSizesAtTheirOffsets) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--cols", "80", "--rows", "24"});
  ASSERT_TRUE(tap.wait_ready());
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  std::string expected = "80x24@0 ";
  std::uint64_t offset = 0;
  for (std::uint16_t cols = 100; cols < 120; ++cols) {
    const std::string text = pattern(cols * 50U, cols);
    ASSERT_TRUE(tap.print(text));
    offset += text.size();
    ASSERT_TRUE(wait_until([&] { return folder.log_end() == offset; }));
    ASSERT_EQ(resize(client, {.cols = cols, .rows = 30}), ResizeStatus::marked);
    expected += std::to_string(cols) + "x30@" + std::to_string(offset) + " ";
  }
  EXPECT_EQ(sizes(folder), expected);
  tap.kill_now();
  TapProcess next(folder.path(), {"--cols", "90", "--rows", "20"});
  ASSERT_TRUE(next.wait_ready());
  EXPECT_EQ(sizes(folder), expected + "90x20@" + std::to_string(offset) + " ");
}

TEST(PaneSizeInTheRecord, UnknownAtTheStartIsNotMarked) {
  const SessionFolder folder;
  const TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  EXPECT_EQ(sizes(folder), "");
}

TEST(PaneSizeInTheRecord, TooShortAFrameClosesTheConnection) {
  const SessionFolder folder;
  const TapProcess tap(folder.path());
  ASSERT_TRUE(tap.wait_ready());
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  ASSERT_TRUE(client.send_frame(FrameType::resize, "abc"));
  EXPECT_FALSE(client.receive());
}

// The preload was captured at the size before, and what came after the change is drawn for the new one.
TEST(PaneSizeInTheRecord, DuringAHoldItComesBetweenWhatWasHeld) {
  const SessionFolder folder;
  TapProcess tap(folder.path(), {"--hold-ms", "60000", "--cols", "80", "--rows", "24"});
  ASSERT_TRUE(tap.wait_ready());
  RawClient client(folder.path());
  ASSERT_TRUE(client.hello());
  ASSERT_TRUE(tap.print("held before "));
  // Its turn at the socket comes after it has read what the pane printed before.
  ASSERT_EQ(resize(client, {.cols = 70, .rows = 20}), ResizeStatus::later);
  ASSERT_EQ(resize(client, {.cols = 100, .rows = 30}), ResizeStatus::later);
  ASSERT_TRUE(tap.print("held after "));
  ASSERT_TRUE(client.send_frame(FrameType::last, text_of(client_id(1))));
  ASSERT_TRUE(client.receive());
  ASSERT_TRUE(client.send_frame(FrameType::preload, "\1SCREEN "));
  ASSERT_TRUE(client.receive());
  EXPECT_EQ(folder.log(), "SCREEN held before held after ");
  EXPECT_EQ(sizes(folder), "80x24@0 100x30@19 ");
  ASSERT_EQ(resize(client, {.cols = 60, .rows = 10}), ResizeStatus::marked);
  EXPECT_EQ(sizes(folder), "80x24@0 100x30@19 60x10@30 ");
}

// The whole way: a flood, sizes in the middle of it, killed taps and rotation; the feed gives each size once and no byte
// twice.
TEST(PaneSizeInTheRecord, FeedFollowsAFloodWithSizesAndRestarts) {
  const SessionFolder folder;
  std::string printed;
  std::string fed;
  std::vector<std::uint16_t> wanted;
  std::vector<std::uint16_t> got;
  RecordFeed feed = RecordFeed::open(folder.path(), 0).value();
  std::vector<std::byte> buffer(10'000);
  const auto drain = [&] {
    for (;;) {
      const FeedItem item = feed.next(buffer).value();
      if (item.kind == FeedItem::Kind::end) return;
      if (item.kind == FeedItem::Kind::bytes) fed += text_of(item.bytes);
      if (item.kind == FeedItem::Kind::resize) got.push_back(item.size.cols);
    }
  };
  for (std::uint16_t round = 0; round < 5; ++round) {
    TapProcess tap(folder.path(), {"--segment-bytes", "65536"});
    ASSERT_TRUE(tap.wait_ready());
    RawClient client(folder.path());
    ASSERT_TRUE(client.hello());
    for (std::uint16_t i = 1; i <= 10; ++i) {
      const std::string text = pattern(50'000, round * 10U + i);
      ASSERT_TRUE(tap.print(text));
      printed += text;
      const auto cols = static_cast<std::uint16_t>(round * 10 + i);
      ASSERT_EQ(resize(client, {.cols = cols, .rows = 24}), ResizeStatus::marked);
      wanted.push_back(cols);
      drain();
    }
    ASSERT_TRUE(wait_until([&] { return folder.log_end() == printed.size(); }));
  }
  drain();
  EXPECT_TRUE(fed == printed);
  EXPECT_EQ(got, wanted);
}

}  // namespace
}  // namespace ccd::recording
