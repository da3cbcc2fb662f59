// Table-driven CRC-64, eight bytes at a time: a keyframe of 2 MB takes about a millisecond.
#include "recording/checksum.hpp"

#include <array>

namespace ccd::recording {
namespace {

constexpr std::uint64_t kPolynomial = 0xC96C5795D7870F42;  // ECMA-182, reflected
constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

// Table k gives what a byte does to the checksum when k further bytes follow it.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ kPolynomial : value >> 1;
    tables[0][byte] = value;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t shorter = tables[slice - 1][byte];
      tables[slice][byte] = shorter >> 8 ^ tables[0][shorter & 0xFF];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

}  // namespace

std::uint64_t crc64(std::span<const std::byte> bytes, std::uint64_t before) {
  std::uint64_t crc = ~before;
  while (bytes.size() >= kSlices) {
    for (std::size_t i = 0; i < kSlices; ++i) crc ^= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) next ^= kTables[kSlices - 1 - i][crc >> (8 * i) & 0xFF];
    crc = next;
    bytes = bytes.subspan(kSlices);
  }
  for (const std::byte byte : bytes) crc = crc >> 8 ^ kTables[0][(crc ^ std::to_integer<std::uint64_t>(byte)) & 0xFF];
  return ~crc;
}

}  // namespace ccd::recording
