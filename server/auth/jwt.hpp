// Access tokens: JWTs under HS256 and nothing else. See docs/decisions/0006-logins-and-tokens.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccd::auth {

inline constexpr std::size_t kMaxTokenBytes = 4096;  // ours have about 420; a header line holds 16 KiB
inline constexpr std::size_t kMinKeyBytes = 32;      // RFC 7518 3.2: at least the hash's length
inline constexpr std::string_view kTokenIssuer = "claude-code-dashboard";
inline constexpr std::string_view kTokenAudience = "api";
// Our own clock may be set back a little between signing and checking.
inline constexpr std::int64_t kNotBeforeLeewaySeconds = 5;

// Every one is required, no other is accepted. Times in seconds since the Unix epoch.
struct Claims {
  std::string sub;   // user id
  std::string sid;   // login session id
  std::string role;  // informational: the role that counts is the live login session's
  std::string jti;
  std::int64_t iat = 0;
  std::int64_t nbf = 0;
  std::int64_t exp = 0;  // valid before this second
  std::string iss{kTokenIssuer};
  std::string aud{kTokenAudience};
};

struct Expected {
  std::string_view issuer = kTokenIssuer;
  std::string_view audience = kTokenAudience;
};

// The token in compact serialization, its header exactly {"alg":"HS256","typ":"at+jwt"}. `key`: kMinKeyBytes or more.
std::string sign(const Claims& claims, std::string_view key);

// The claims of a token that sign() made with this key and that is valid at `now_seconds`. A header that differs in a byte
// is refused. Every failure is ErrorKind::unauthorized; its message (for the log) says which check failed, never the token.
Result<Claims> verify(std::string_view token, std::string_view key, std::int64_t now_seconds,
                      const Expected& expected = {});

// One JWS in compact serialization whose signature is right.
struct Jws {
  std::string header;   // JSON
  std::string payload;  // any bytes
};

// The signature check that verify() stands on, for any header that names HS256 and asks for nothing else (RFC 7515 5.2, RFC
// 8725): strict base64url, a flat header object without duplicate names, alg exactly "HS256"; crit, b64, zip, jwk, jku, x5u,
// x5c refused. The key never comes from the token.
Result<Jws> verify_jws(std::string_view token, std::string_view key);

// HMAC-SHA256 (32 bytes); also what refresh tokens are made with.
std::string hmac_sha256(std::string_view key, std::string_view message);
// SHA-256 (32 bytes): how tokens are kept.
std::string sha256(std::string_view message);

}  // namespace ccd::auth
