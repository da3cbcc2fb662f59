// Fuzzes recording/format: frames, marks and segment names are read within their bytes and written back as they were.
//
// Input: a stream of frames; its beginning also as a mark and as a name.
#include "recording/format.hpp"

#include <string>
#include <vector>

#include "support.hpp"

namespace ccd::recording {
namespace {

using Bytes = std::span<const std::byte>;

struct Read {
  std::vector<std::pair<FrameType, std::vector<std::byte>>> frames;
  FrameStatus end = FrameStatus::incomplete;
  std::size_t used = 0;
  bool operator==(const Read&) const = default;
};

// As a connection reads: with `next_piece` bytes more each time that a frame is not whole.
template <class NextPiece>
Read read_stream(Bytes stream, NextPiece next_piece) {
  Read read;
  std::size_t arrived = 0;
  for (;;) {
    const Bytes buffer = stream.subspan(read.used, arrived - read.used);
    const FrameParse parse = parse_frame(buffer);
    CHECK(parse.consumed <= buffer.size() && (parse.consumed > 0) == (parse.status == FrameStatus::complete));
    read.end = parse.status;
    if (parse.status == FrameStatus::broken) return read;
    if (parse.status == FrameStatus::incomplete) {
      // Bounded: what a peer can make the reader keep.
      CHECK(buffer.size() < kMaxFrameBytes);
      if (arrived == stream.size()) return read;
      arrived += next_piece(stream.size() - arrived);
      continue;
    }
    const Bytes payload = parse.frame.payload;
    CHECK(parse.consumed <= kMaxFrameBytes && payload.size() == parse.consumed - kFrameHeaderBytes);
    CHECK(payload.data() == buffer.data() + kFrameHeaderBytes);
    const FrameHeader header = frame_header(parse.frame.type, payload.size());
    CHECK(std::equal(header.begin(), header.end(), buffer.begin()));
    read.frames.emplace_back(parse.frame.type, std::vector(payload.begin(), payload.end()));
    read.used += parse.consumed;
  }
}

void check_mark(Bytes stream) {
  MarkRecord record{};
  std::copy_n(stream.begin(), std::min(stream.size(), record.size()), record.begin());
  const auto mark = decode_mark(record);
  CHECK(mark.has_value() == (record[16] != std::byte{0} || record[17] != std::byte{0}));
  if (!mark) return;
  MarkRecord again = encode_mark(*mark);
  CHECK(decode_mark(again) == mark);
  std::copy_n(record.begin() + 20, 4, again.begin() + 20);  // reserved: not read, written as zero
  CHECK(again == record);
}

void check_name(std::string_view text, std::uint64_t start) {
  const SegmentName name = segment_name(start);
  CHECK(name.back() == '\0' && parse_segment_name(name.data()) == start);
  CHECK(!parse_segment_name(std::string_view(name.data(), name.size())));
  if (const auto value = parse_segment_name(text)) CHECK(text == segment_name(*value).data());
}

void check_numbers(std::uint64_t value) {
  std::array<std::byte, 8> at{};
  put_u64(at.data(), value);
  CHECK(get_u64(at.data()) == value);
  CHECK(get_u32(at.data()) == static_cast<std::uint32_t>(value) &&
        get_u16(at.data()) == static_cast<std::uint16_t>(value));
}

}  // namespace
}  // namespace ccd::recording

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::recording;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  const Bytes stream(reinterpret_cast<const std::byte*>(data), size);
  const Read whole = read_stream(stream, [](std::size_t left) { return left; });
  ccd::fuzz::Pieces pieces(text);
  CHECK(read_stream(stream, [&](std::size_t left) { return pieces.next(left); }) == whole);
  check_mark(stream);
  const std::uint64_t number = size >= 8 ? get_u64(stream.data()) : size;
  check_name(text.substr(0, text.find('\n')), number);
  check_numbers(number);
  return 0;
}
