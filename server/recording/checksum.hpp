// CRC-64 (XZ's polynomial): tells a file that a power cut or a disk has damaged. No protection against people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ccd::recording {

// The checksum of `bytes`, or of what `before` is the checksum of with `bytes` behind it.
std::uint64_t crc64(std::span<const std::byte> bytes, std::uint64_t before = 0);

}  // namespace ccd::recording
