// SHA-256, plain and keyed, over OpenSSL. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ccd::notify {

inline constexpr std::size_t kDigestBytes = 32;

// 32 bytes each, not as text.
std::string sha256(std::string_view text);
std::string hmac_sha256(std::string_view key, std::string_view text);

std::string base64_encode(std::string_view bytes);  // RFC 4648 section 4, padded

}  // namespace ccd::notify
