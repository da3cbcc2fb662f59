// The formats byte for byte, the reader's choice of a tail, and the two tables of the tap.
#include <gtest/gtest.h>
#include <csignal>
#include <filesystem>
#include <limits>

#include "base/encoding.hpp"
#include "recording/format.hpp"
#include "recording/marks.hpp"
#include "recording/pane_tap/input_state.hpp"
#include "recording/pane_tap/mark_file.hpp"
#include "recording/tail_start.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using tap::InputState;
using tap::MarkFile;
using test::client_id;
using test::SessionFolder;

// The tap works in the session's folder; so do its parts here.
class InFolder {
 public:
  explicit InFolder(const std::string& path) : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(path);
  }
  InFolder(const InFolder&) = delete;
  InFolder& operator=(const InFolder&) = delete;
  ~InFolder() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_;
};

TEST(Format, SegmentNames) {
  EXPECT_STREQ(segment_name(0).data(), "0000000000000000.seg");
  EXPECT_STREQ(segment_name(0x1'0000'0abc).data(), "0000000100000abc.seg");
  for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{77}, std::numeric_limits<std::uint64_t>::max()})
    EXPECT_EQ(parse_segment_name(segment_name(start).data()), start);
  for (const char* bad : {"", "0.seg", "000000000000000A.seg", "000000000000000g.seg", "0000000000000000.seg2",
                          "0000000000000000.tmp", "00000000000000000.seg"})
    EXPECT_FALSE(parse_segment_name(bad)) << bad;
}

TEST(Format, MarkRecordBytes) {
  const Mark mark{.offset = 0x0102, .wall_micros = -2, .kind = MarkKind::gap, .detail = 3, .value = 0xFF};
  const MarkRecord record = encode_mark(mark);
  EXPECT_EQ(hex_encode(record),
            "0201000000000000"
            "feffffffffffffff"
            "0200"
            "0300"
            "00000000"
            "ff00000000000000");
  EXPECT_EQ(decode_mark(record), mark);
  EXPECT_FALSE(decode_mark(MarkRecord{}));
}

TEST(Format, FrameBytes) {
  EXPECT_EQ(hex_encode(frame_header(FrameType::ack, 24)), "1900000003");
  constexpr std::size_t kWhole = 7;
  const std::string bytes("\x03\x00\x00\x00\x06xynext", kWhole + 4);
  for (std::size_t n = 0; n < kWhole; ++n)
    EXPECT_EQ(parse_frame(as_bytes(bytes).first(n)).status, FrameStatus::incomplete) << n;
  const FrameParse whole = parse_frame(as_bytes(bytes));
  ASSERT_EQ(whole.status, FrameStatus::complete);
  EXPECT_EQ(whole.frame.type, FrameType::last);
  EXPECT_EQ(as_text(whole.frame.payload), "xy");
  EXPECT_EQ(whole.consumed, kWhole);
}

TEST(Format, FrameLengthsOutOfBoundsAreBroken) {
  const auto status = [](std::uint32_t length) {
    std::array<std::byte, 5> header{};
    put_u32(header.data(), length);
    return parse_frame(header).status;
  };
  EXPECT_EQ(status(0), FrameStatus::broken);
  EXPECT_EQ(status(kMaxFrameBytes - 4), FrameStatus::incomplete);
  EXPECT_EQ(status(kMaxFrameBytes - 3), FrameStatus::broken);
  EXPECT_EQ(status(std::numeric_limits<std::uint32_t>::max()), FrameStatus::broken);
}

std::size_t tail_start(std::string_view text, std::size_t from) { return find_tail_start(as_bytes(text), from); }

TEST(TailStart, AfterTheFirstNewlineFromThere) {
  EXPECT_EQ(tail_start("one\ntwo\nthree", 0), 4U);
  EXPECT_EQ(tail_start("one\ntwo\nthree", 4), 4U);
  EXPECT_EQ(tail_start("one\ntwo\nthree", 5), 8U);
}

TEST(TailStart, NotInsideAString) {
  // A newline inside an OSC or DCS string is no line's end.
  EXPECT_EQ(tail_start("\x1b]0;a\nb\x07"
                       "c\nd",
                       2),
            10U);
  EXPECT_EQ(tail_start("\x1bPq\n\n\x1b\\c\nd", 1), 9U);
}

TEST(TailStart, WithoutNewlineOutsideOfSequencesAndCharacters) {
  EXPECT_EQ(tail_start("ab\x1b[31mcd", 3), 7U);
  EXPECT_EQ(tail_start("ab\x1b(Bcd", 4), 5U);
  EXPECT_EQ(tail_start("a\xe2\x82\xac"
                       "b",
                       2),
            4U);
  EXPECT_EQ(tail_start("a\xe2\x82\xac"
                       "b",
                       3),
            4U);
  EXPECT_EQ(tail_start("\x82\xac"
                       "b",
                       0),
            2U);
  EXPECT_EQ(tail_start("ab\x1b[", 3), 4U);
  EXPECT_EQ(tail_start("", 0), 0U);
}

TEST(MarkFile, CutRecordIsDroppedAtOpen) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  MarkFile first;
  ASSERT_TRUE(first.append({.offset = 1, .kind = MarkKind::time}, 0));
  std::filesystem::resize_file(kMarksFile, kMarkBytes + 7);
  MarkFile second;
  second.open();
  ASSERT_TRUE(second.append({.offset = 2, .kind = MarkKind::time}, 0));
  ASSERT_EQ(folder.marks().size(), 2U);
  EXPECT_EQ(folder.marks()[1].offset, 2U);
}

TEST(MarkFile, BoundThinsTimesAndKeepsGaps) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  constexpr std::uint64_t kMax = 100 * kMarkBytes;
  constexpr std::uint64_t kFirst = 500;  // retention is there
  MarkFile marks(kMax);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    ASSERT_TRUE(
        marks.append({.offset = i, .kind = i % 400 == 399 ? MarkKind::gap : MarkKind::time, .value = i}, kFirst));
    ASSERT_LE(std::filesystem::file_size(kMarksFile), kMax + kMarkBytes);
  }
  const std::vector<Mark> all = folder.marks();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const Mark& a, const Mark& b) { return a.offset < b.offset; }));
  EXPECT_GE(all.front().offset, kFirst);
  EXPECT_EQ(all.back().offset, 1999U);
  EXPECT_EQ(folder.marks(MarkKind::gap).size(), 4U);  // 799, 1199, 1599, 1999
}

// A reader must know the pane's size at the first mark that is left.
TEST(MarkFile, BoundKeepsTheSizeThatHoldsAtTheFirstOffset) {
  for (const MarkKind filler : {MarkKind::time, MarkKind::gap}) {
    const SessionFolder folder;
    const InFolder in(folder.path());
    constexpr std::uint64_t kMax = 100 * kMarkBytes;
    MarkFile marks(kMax);
    for (const std::uint64_t cols : {80, 90})
      ASSERT_TRUE(marks.append({.offset = cols, .kind = MarkKind::resize, .value = cols << 32 | 24}, 0));
    for (std::uint64_t i = 200; i < 3000; ++i) {
      const std::uint64_t first = i < 1000 ? 0 : 500;  // retention comes late
      ASSERT_TRUE(marks.append({.offset = i, .kind = filler}, first));
      ASSERT_EQ(size_at(folder.path(), i).value(), (PaneSize{.cols = 90, .rows = 24})) << i;
    }
    EXPECT_LE(std::filesystem::file_size(kMarksFile), kMax + kMarkBytes);
    EXPECT_EQ(folder.marks(MarkKind::resize).size(), 1U);
    EXPECT_EQ(folder.marks()[0].kind, MarkKind::resize);
  }
}

TEST(MarkFile, BoundHoldsForGapsAlone) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  constexpr std::uint64_t kMax = 100 * kMarkBytes;
  MarkFile marks(kMax);
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_TRUE(marks.append({.offset = i, .kind = MarkKind::gap}, 0));
  EXPECT_LE(std::filesystem::file_size(kMarksFile), kMax + kMarkBytes);
  EXPECT_EQ(folder.marks().back().offset, 999U);
}

TEST(Marks, ReadFromAnOffset) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  EXPECT_TRUE(folder.marks().empty());
  MarkFile marks;
  for (const std::uint64_t offset : {0, 10, 10, 20, 30}) ASSERT_TRUE(marks.append({.offset = offset}, 0));
  EXPECT_EQ(read_marks(folder.path(), 0)->size(), 5U);
  EXPECT_EQ(read_marks(folder.path(), 10)->size(), 4U);
  EXPECT_EQ(read_marks(folder.path(), 11)->size(), 2U);
  EXPECT_EQ(read_marks(folder.path(), 31)->size(), 0U);
}

constexpr std::int64_t kNow = 1'700'000'000'000'000;
constexpr std::int64_t kDay = std::int64_t{24} * 3600 * 1'000'000;

void take(InputState& state, const ClientId& client, std::uint64_t number, std::int64_t now) {
  const auto decision = state.decide(client, number, now);
  ASSERT_EQ(decision.verdict, InputState::Verdict::take);
  InputState::begin_write(*decision.slot);
  InputState::end_write(*decision.slot, 1);
  InputState::complete(*decision.slot, now);
}

TEST(InputState, NumbersOfAClient) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  InputState state;
  ASSERT_EQ(state.open(), 0);
  EXPECT_EQ(state.decide(client_id(1), 2, kNow).reason, NakReason::unknown_client);
  EXPECT_EQ(state.decide(client_id(1), 0, kNow).reason, NakReason::unknown_client);
  take(state, client_id(1), 1, kNow);
  take(state, client_id(1), 2, kNow);
  EXPECT_EQ(state.decide(client_id(1), 2, kNow).verdict, InputState::Verdict::repeat);
  EXPECT_EQ(state.decide(client_id(1), 1, kNow).highest, 2U);
  EXPECT_EQ(state.decide(client_id(1), 4, kNow).reason, NakReason::gap);
  EXPECT_EQ(state.highest(client_id(1)), 2U);
  EXPECT_EQ(state.highest(client_id(2)), 0U);

  InputState again;  // another process would see the same
  ASSERT_EQ(again.open(), 0);
  EXPECT_EQ(again.highest(client_id(1)), 2U);
}

TEST(InputState, FullTableEvictsOnlyWhoWasIdleForADay) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  InputState state;
  ASSERT_EQ(state.open(), 0);
  for (std::uint64_t i = 0; i < tap::kClientSlots; ++i)
    take(state, client_id(i), 1, kNow + static_cast<std::int64_t>(i));
  EXPECT_EQ(state.decide(client_id(9999), 1, kNow + kDay).reason, NakReason::table_full);
  take(state, client_id(0), 2, kNow + kDay);  // no longer the oldest
  take(state, client_id(9999), 1, kNow + kDay + 100);
  EXPECT_EQ(state.highest(client_id(0)), 2U);
  EXPECT_EQ(state.highest(client_id(1)), 0U);
  EXPECT_EQ(state.highest(client_id(2)), 1U);
}

TEST(InputState, PartOfABatchIsSkippedWhenItComesAgain) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  {
    InputState state;
    ASSERT_EQ(state.open(), 0);
    take(state, client_id(1), 1, kNow);
    const auto decision = state.decide(client_id(1), 2, kNow);
    InputState::begin_write(*decision.slot);
    InputState::end_write(*decision.slot, 5);
  }
  InputState certain;
  ASSERT_EQ(certain.open(), 0);
  EXPECT_EQ(certain.next_uncertain(), nullptr);
  const auto decision = certain.decide(client_id(1), 2, kNow);
  EXPECT_EQ(decision.skip, 5U);
  InputState::begin_write(*decision.slot);  // killed in the middle of this write

  InputState uncertain;
  ASSERT_EQ(uncertain.open(), 0);
  const InputState::Slot* slot = uncertain.next_uncertain();
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slot->part_number, 2U);
  EXPECT_EQ(uncertain.next_uncertain(), nullptr);
  EXPECT_EQ(uncertain.decide(client_id(1), 2, kNow).skip, 5U);
  take(uncertain, client_id(1), 2, kNow);
  EXPECT_EQ(uncertain.decide(client_id(1), 3, kNow).skip, 0U);
}

TEST(InputState, WhatIsTakenAsideIsInTheFileAfterwards) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  InputState state;
  ASSERT_EQ(state.open(), 0);
  const auto take = [&](std::uint64_t client, std::uint64_t number, std::size_t bytes) {
    const InputState::Decision decision = state.decide(client_id(client), number, 1);
    ASSERT_EQ(decision.verdict, InputState::Verdict::take);
    InputState::begin_write(*decision.slot);
    InputState::end_write(*decision.slot, bytes);
    if (bytes > 0) InputState::complete(*decision.slot, 1);
  };
  take(1, 1, 5);
  InputState::Slot* const open_batch = state.decide(client_id(2), 1, 1).slot;
  state.set_aside();
  const std::string before = test::file_bytes(kInputStateFile);
  take(1, 2, 5);
  take(3, 1, 7);
  // A pointer from before is as good as ever.
  InputState::begin_write(*open_batch);
  InputState::end_write(*open_batch, 9);
  EXPECT_EQ(test::file_bytes(kInputStateFile), before);
  EXPECT_EQ(state.decide(client_id(1), 2, 1).verdict, InputState::Verdict::repeat);
  state.put_back();
  take(1, 3, 5);
  InputState next;
  ASSERT_EQ(next.open(), 0);
  EXPECT_EQ(next.highest(client_id(1)), 3U);
  EXPECT_EQ(next.highest(client_id(3)), 1U);
  EXPECT_EQ(next.decide(client_id(2), 1, 1).skip, 9U);
  state.put_back();  // nothing was set aside
  EXPECT_EQ(state.highest(client_id(1)), 3U);
}

TEST(InputState, BusErrorOfAFailingDiskLeavesTheTableInMemory) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  InputState state;
  ASSERT_EQ(state.open(), 0);
  InputState::Slot* const slot = state.decide(client_id(1), 1, 1).slot;
  InputState::end_write(*slot, 5);
  const std::string before = test::file_bytes(kInputStateFile);
  ::raise(SIGBUS);
  InputState::complete(*slot, 1);
  EXPECT_EQ(state.highest(client_id(1)), 1U);
  state.set_aside();
  state.put_back();  // the disk is not asked again
  EXPECT_EQ(state.highest(client_id(1)), 1U);
  EXPECT_EQ(test::file_bytes(kInputStateFile), before);
}

TEST(InputState, AForeignFileIsMadeAnew) {
  const SessionFolder folder;
  const InFolder in(folder.path());
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{64 + 48 * tap::kClientSlots}}) {
    std::filesystem::remove(kInputStateFile);
    folder.write_segment(0, std::string(size, 'x'));
    std::filesystem::rename(std::string("log/") + segment_name(0).data(), kInputStateFile);
    InputState state;
    ASSERT_EQ(state.open(), 0) << size;
    EXPECT_EQ(state.highest(client_id(1)), 0U);
    take(state, client_id(1), 1, kNow);
  }
}

}  // namespace
}  // namespace ccd::recording
