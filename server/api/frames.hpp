// The binary frames of the terminal socket (docs/protocol.md): little-endian `u8 type, u32 channel, u64 number, payload`. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ccd::api {

enum class FrameType : std::uint8_t {
  data = 1,        // to the page: number is the offset of the payload's first byte
  snapshot = 2,    // to the page: number is the offset that the data goes on from
  input = 3,       // to the server: number is the input's
  ack_output = 4,  // to the server: number is the offset below which everything is shown
  ack_input = 5,   // to the page: number is the highest input taken
  echo = 6,        // to the page: data, with the highest input taken (u64) before its bytes
};

inline constexpr std::size_t kFrameHeaderBytes = 13;
// One key press is some bytes, one paste is cut into these by the page.
inline constexpr std::size_t kMaxInputBytes = 16 * 1024;

struct Frame {
  FrameType type{};
  std::uint32_t channel = 0;
  std::uint64_t number = 0;
  std::span<const std::byte> payload{};  // points into what was parsed
};

// None: too short, or a type that a page does not send.
std::optional<Frame> parse_client_frame(std::string_view message);
std::string frame_header(FrameType type, std::uint32_t channel, std::uint64_t number);
// Of an echo, up to its bytes.
std::string echo_header(std::uint32_t channel, std::uint64_t offset, std::uint64_t input_taken);

}  // namespace ccd::api
