// Fuzzes api/frames: what a page sends is read within its bytes, and a frame that was written is read as it was.
//
// Input: one binary message of the terminal socket.
#include "api/frames.hpp"

#include <string>

#include "base/encoding.hpp"
#include "support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::api;
  const std::string_view message = ccd::fuzz::as_text(data, size);
  const auto frame = parse_client_frame(message);
  const bool ours = size >= kFrameHeaderBytes && (data[0] == 3 || data[0] == 4);
  CHECK(frame.has_value() == ours);
  if (frame) {
    CHECK(frame->payload.size() == size - kFrameHeaderBytes);
    const std::string again =
        frame_header(frame->type, frame->channel, frame->number) + std::string(ccd::as_text(frame->payload));
    CHECK(again == message);
  }
  // As a payload, whatever it is.
  const std::string written = frame_header(FrameType::input, 0xFEDCBA98, 0x0123456789ABCDEF) + std::string(message);
  const auto read = parse_client_frame(written);
  CHECK(read && read->type == FrameType::input && read->channel == 0xFEDCBA98 && read->number == 0x0123456789ABCDEF);
  CHECK(ccd::as_text(read->payload) == message);
  CHECK(!parse_client_frame(frame_header(FrameType::data, 1, 2)) &&
        !parse_client_frame(frame_header(FrameType::ack_input, 1, 2)));
  return 0;
}
