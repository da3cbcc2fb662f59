// Messages that only one browser can read (RFC 8291): what is pushed passes through its vendor's service. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "notify/p256.hpp"

namespace ccd::notify {

inline constexpr std::size_t kAuthBytes = 16;
// What every push service takes (RFC 8030 7.2) less the header of 86 bytes and a record's overhead.
inline constexpr std::size_t kMaxPushText = 4096 - 86 - 17;
// Texts are padded to a multiple of this, so that their length says little of what is in them.
inline constexpr std::size_t kPushPadding = 512;

// Who a message is for, as the browser's subscription says it.
struct Receiver {
  std::vector<std::byte> key;   // a point of P-256, 65 bytes
  std::vector<std::byte> auth;  // 16 bytes
};

// The body of the request, coding aes128gcm. `sender` is made for this one message, `salt` has 16 random bytes. `too_large` over
// kMaxPushText, `invalid` when the receiver's values are not what they should be.
Result<std::string> encrypt_push(const Receiver& receiver, const P256Key& sender, std::span<const std::byte> salt,
                                 std::string_view text, std::size_t padding = 0);

// So much padding that the text fills a multiple of kPushPadding, as far as the limit goes.
std::size_t push_padding(std::size_t text_bytes);

}  // namespace ccd::notify
