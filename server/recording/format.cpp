// The byte layouts of docs/storage.md, one function each way.
#include "recording/format.hpp"

#include <algorithm>

namespace ccd::recording {
namespace {

constexpr std::size_t kHexDigits = 16;
constexpr std::string_view kSegmentSuffix = ".seg";
static_assert(std::tuple_size_v<SegmentName> == kHexDigits + kSegmentSuffix.size() + 1);

template <class Unsigned>
void put(std::byte* at, Unsigned value) {
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) at[i] = static_cast<std::byte>((value >> (8 * i)) & 0xFF);
}

template <class Unsigned>
Unsigned get(const std::byte* at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) value |= std::to_integer<std::uint64_t>(at[i]) << (8 * i);
  return static_cast<Unsigned>(value);
}

}  // namespace

SegmentName segment_name(std::uint64_t start) {
  SegmentName name{};
  for (std::size_t i = 0; i < kHexDigits; ++i) name[i] = "0123456789abcdef"[(start >> (4 * (kHexDigits - 1 - i))) & 15];
  std::copy(kSegmentSuffix.begin(), kSegmentSuffix.end(), name.begin() + kHexDigits);
  return name;
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != kHexDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : name.substr(0, kHexDigits)) {
    if (c >= '0' && c <= '9') value = value << 4 | static_cast<std::uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f') value = value << 4 | static_cast<std::uint64_t>(c - 'a' + 10);
    else return std::nullopt;
  }
  return value;
}

void put_u16(std::byte* at, std::uint16_t value) { put(at, value); }
void put_u32(std::byte* at, std::uint32_t value) { put(at, value); }
void put_u64(std::byte* at, std::uint64_t value) { put(at, value); }
std::uint16_t get_u16(const std::byte* at) { return get<std::uint16_t>(at); }
std::uint32_t get_u32(const std::byte* at) { return get<std::uint32_t>(at); }
std::uint64_t get_u64(const std::byte* at) { return get<std::uint64_t>(at); }

MarkRecord encode_mark(const Mark& mark) {
  MarkRecord record{};
  put_u64(&record[0], mark.offset);
  put_u64(&record[8], static_cast<std::uint64_t>(mark.wall_micros));
  put_u16(&record[16], static_cast<std::uint16_t>(mark.kind));
  put_u16(&record[18], mark.detail);
  put_u64(&record[24], mark.value);
  return record;
}

std::optional<Mark> decode_mark(std::span<const std::byte, kMarkBytes> record) {
  const std::uint16_t kind = get_u16(&record[16]);
  if (kind == 0) return std::nullopt;
  return Mark{.offset = get_u64(&record[0]),
              .wall_micros = static_cast<std::int64_t>(get_u64(&record[8])),
              .kind = static_cast<MarkKind>(kind),
              .detail = get_u16(&record[18]),
              .value = get_u64(&record[24])};
}

FrameParse parse_frame(std::span<const std::byte> buffer) {
  if (buffer.size() < kFrameHeaderBytes) return {};
  const std::size_t length = get_u32(buffer.data());
  constexpr std::size_t kLengthBytes = 4;
  if (length == 0 || length > kMaxFrameBytes - kLengthBytes) return {.status = FrameStatus::broken};
  if (buffer.size() - kLengthBytes < length) return {};
  return {
      .status = FrameStatus::complete,
      .frame = {.type = static_cast<FrameType>(buffer[4]), .payload = buffer.subspan(kFrameHeaderBytes, length - 1)},
      .consumed = kLengthBytes + length};
}

FrameHeader frame_header(FrameType type, std::size_t payload_bytes) {
  FrameHeader header{};
  put_u32(header.data(), static_cast<std::uint32_t>(payload_bytes + 1));
  header[4] = static_cast<std::byte>(type);
  return header;
}

}  // namespace ccd::recording
