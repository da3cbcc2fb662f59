#include "api/frames.hpp"

#include "base/encoding.hpp"

namespace ccd::api {

namespace {
template <class Int>
Int little_endian(std::string_view bytes) {
  Int value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = static_cast<Int>(value << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}

template <class Int>
void append(std::string& out, Int value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}
}  // namespace

std::optional<Frame> parse_client_frame(std::string_view message) {
  if (message.size() < kFrameHeaderBytes) return std::nullopt;
  const auto type = static_cast<FrameType>(message[0]);
  if (type != FrameType::input && type != FrameType::ack_output) return std::nullopt;
  return Frame{.type = type,
               .channel = little_endian<std::uint32_t>(message.substr(1, 4)),
               .number = little_endian<std::uint64_t>(message.substr(5, 8)),
               .payload = as_bytes(message.substr(kFrameHeaderBytes))};
}

std::string frame_header(FrameType type, std::uint32_t channel, std::uint64_t number) {
  std::string out;
  out.reserve(kFrameHeaderBytes);
  append(out, static_cast<std::uint8_t>(type));
  append(out, channel);
  append(out, number);
  return out;
}

std::string echo_header(std::uint32_t channel, std::uint64_t offset, std::uint64_t input_taken) {
  std::string out = frame_header(FrameType::echo, channel, offset);
  append(out, input_taken);
  return out;
}

}  // namespace ccd::api
