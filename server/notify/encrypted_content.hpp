// The content coding aes128gcm (RFC 8188): a salt, a key's id, and records sealed one by one. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccd::notify {

inline constexpr std::size_t kSaltBytes = 16;
inline constexpr std::size_t kSealOverhead = 17;  // of a record: the delimiter and the tag

// `bytes` of HKDF-SHA256 (RFC 5869).
Result<std::vector<std::byte>> hkdf(std::span<const std::byte> secret, std::span<const std::byte> salt,
                                    std::string_view info, std::size_t bytes);

struct Record {
  std::string_view text;
  std::size_t padding = 0;  // zeros behind it
};

// The whole body: header and records. Each record but the last must fill `record_size` exactly, with its padding and overhead, and the
// last may not be over it; `invalid` else. `salt` is never used twice with one secret.
Result<std::string> seal_content(std::span<const std::byte> secret, std::span<const std::byte> salt,
                                 std::string_view key_id, std::uint32_t record_size, std::span<const Record> records);

}  // namespace ccd::notify
