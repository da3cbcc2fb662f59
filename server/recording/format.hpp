// The on-disk and socket formats that pane-tap and the dashboard share (docs/storage.md). Standard library only:
// pane-tap links it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>

namespace ccd::recording {

// Names inside a session's folder.
inline constexpr char kLogFolder[] = "log";
inline constexpr char kMarksFile[] = "marks";
inline constexpr char kMarksNewFile[] = "marks.new";  // a rewrite of `marks` before its rename
inline constexpr char kInputStateFile[] = "input.state";
inline constexpr char kTapSocket[] = "tap.sock";
inline constexpr char kTapLock[] = "tap.lock";
inline constexpr char kKeyframesFolder[] = "keyframes";

// "<start offset, 16 lower-case hex digits>.seg" with its final zero.
using SegmentName = std::array<char, 21>;
SegmentName segment_name(std::uint64_t start);
// nullopt for every name that segment_name() does not make.
std::optional<std::uint64_t> parse_segment_name(std::string_view name);

// Little-endian integers at `at`; the caller has checked that they fit.
void put_u16(std::byte* at, std::uint16_t value);
void put_u32(std::byte* at, std::uint32_t value);
void put_u64(std::byte* at, std::uint64_t value);
std::uint16_t get_u16(const std::byte* at);
std::uint32_t get_u32(const std::byte* at);
std::uint64_t get_u64(const std::byte* at);

// --- marks: what happened at an offset of the log

enum class MarkKind : std::uint16_t {
  time = 1,         // the byte at `offset` came at `wall_micros`
  gap = 2,          // `value` bytes (or kUnknownCount) are missing just before `offset`; detail: GapReason
  tap_started = 3,  // value: its process id
  preload = 4,      // the `value` bytes from `offset` on were captured from tmux: they rebuild the screen
  tap_ended = 5,    // detail: EndReason
  input_uncertain =
      6,       // batch number `value` of one client may have reached the pane without being stored (docs/storage.md)
  resize = 7,  // value: columns << 32 | rows, which the pane has from `offset` on
};
enum class GapReason : std::uint16_t {
  disk = 1,           // the disk did not take them
  hold_full = 2,      // they did not fit in the buffer that waits for the preload
  tap_restarted = 3,  // nobody was there to read them
};
enum class EndReason : std::uint16_t { pane_closed = 1, signal = 2 };

inline constexpr std::uint64_t kUnknownCount = ~std::uint64_t{0};

struct Mark {
  std::uint64_t offset = 0;      // of the log; marks are in rising order of it
  std::int64_t wall_micros = 0;  // since the Unix epoch
  MarkKind kind = MarkKind::time;
  std::uint16_t detail = 0;
  std::uint64_t value = 0;
  bool operator==(const Mark&) const = default;
};
inline constexpr std::size_t kMarkBytes = 32;
using MarkRecord = std::array<std::byte, kMarkBytes>;
MarkRecord encode_mark(const Mark& mark);
// Size of a pane in characters, as the value of a resize mark.
struct PaneSize {
  std::uint16_t cols = 0;
  std::uint16_t rows = 0;
  bool operator==(const PaneSize&) const = default;
};
constexpr std::uint64_t size_value(PaneSize size) { return std::uint64_t{size.cols} << 32 | size.rows; }
constexpr PaneSize size_of_value(std::uint64_t value) {
  return {.cols = static_cast<std::uint16_t>(value >> 32), .rows = static_cast<std::uint16_t>(value)};
}

// nullopt for a record that no tap writes (kind 0, as in blocks that a power cut left empty). Unknown kinds are
// returned.
std::optional<Mark> decode_mark(std::span<const std::byte, kMarkBytes> record);

// --- frames of tap.sock: u32 length of what follows, u8 type, payload

using ClientId = std::array<std::byte, 16>;

enum class FrameType : std::uint8_t {
  hello = 1,    // both ways, first: u32 version, u32 process id; from the tap also u8 1 when it waits for a preload
  input = 2,    // to the tap: client, u64 number, bytes
  ack = 3,      // to the dashboard: client, u64 highest number taken
  nak = 4,      // to the dashboard: client, u64 highest number taken, u8 NakReason
  preload = 5,  // to the tap: u8 PreloadPart, bytes
  last = 6,     // to the tap: client; answered with ack
  preload_result = 7,  // to the dashboard: u8 PreloadStatus, u64 offset of the preload in the log (0 when not taken)
  // Since version 2:
  resize = 8,         // to the tap: u16 columns, u16 rows; each is answered
  resize_result = 9,  // to the dashboard: u8 ResizeStatus
  watch_live = 10,    // to the tap: u8: 1 to be sent live frames, 0 not any more
  live = 11,          // to the dashboard: u8 LiveFate, u64 offset, u64 lost, bytes: output that is not in the log
  // Since version 3:
  watch_output = 12,  // to the tap: u8: 1 to be told of all that the record gets, 0 not any more
  output = 13,  // to the dashboard: u64 offset, bytes: the log has them there, and no mark came since the frame before
  grown = 14,   // to the dashboard: the record has got something that no output frame tells
};
enum class NakReason : std::uint8_t {
  gap = 1,             // the number is more than one above the highest taken
  unknown_client = 2,  // not in the table, and the number is not 1
  table_full = 3,      // no slot is free and none has been idle for a day
  busy = 4,            // the pane takes no input any more
};
enum class PreloadPart : std::uint8_t { more = 0, last = 1 };
enum class PreloadStatus : std::uint8_t {
  taken = 1,
  too_late = 2,   // the tap does not wait for one (any more)
  too_large = 3,  // over kMaxPreloadBytes
};
enum class ResizeStatus : std::uint8_t {
  marked = 1,
  later = 2,  // in its place, once the tap does not hold output back any more or the disk takes bytes again
};
enum class LiveFate : std::uint8_t {
  lost = 0,    // the log will never have them: behind `offset` and `lost` bytes that are lost as well
  coming = 1,  // the disk is slow: the log will have them at `offset`, unless a gap mark below it says otherwise
};

inline constexpr std::uint32_t kTapVersion = 3;
// A larger paste is sent as several batches.
inline constexpr std::size_t kMaxInputBytes = std::size_t{64} * 1024;
// A full-colour capture with all of tmux's default history is about 2 MB.
inline constexpr std::size_t kMaxPreloadBytes = std::size_t{16} * 1024 * 1024;
inline constexpr std::size_t kFrameHeaderBytes = 5;  // u32 length and u8 type
inline constexpr std::size_t kClientIdBytes = std::tuple_size_v<ClientId>;
inline constexpr std::size_t kInputHeaderBytes = kClientIdBytes + 8;
inline constexpr std::size_t kLiveHeaderBytes = 17;
inline constexpr std::size_t kOutputHeaderBytes = 8;
inline constexpr std::size_t kMaxFrameBytes = kFrameHeaderBytes + kInputHeaderBytes + kMaxInputBytes;

struct Frame {
  FrameType type{};                      // any value: unknown types are skipped
  std::span<const std::byte> payload{};  // points into the buffer that was given
};
enum class FrameStatus { complete, incomplete, broken };
struct FrameParse {
  FrameStatus status = FrameStatus::incomplete;
  Frame frame{};
  std::size_t consumed = 0;  // bytes of the buffer that the frame took
};
// The first frame in `buffer`. `broken`: a length of 0 or over kMaxFrameBytes; the connection cannot go on.
FrameParse parse_frame(std::span<const std::byte> buffer);

using FrameHeader = std::array<std::byte, kFrameHeaderBytes>;
FrameHeader frame_header(FrameType type, std::size_t payload_bytes);

}  // namespace ccd::recording
