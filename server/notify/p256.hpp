// Key pairs on the curve P-256: key agreement (ECDH) and signatures (ES256), over OpenSSL's EVP. No state, any thread.
#pragma once

#include <openssl/types.h>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccd::notify {

inline constexpr std::size_t kPointBytes = 65;  // uncompressed: 0x04, x, y
using Point = std::array<std::byte, kPointBytes>;

// True for an uncompressed point that lies on the curve.
bool valid_point(std::span<const std::byte> point);

class P256Key {
 public:
  static Result<P256Key> generate();
  // PKCS #8 as PEM; `corrupt` for anything but a private key on this curve.
  static Result<P256Key> from_pem(std::string_view pem);
  [[nodiscard]] Result<std::string> to_pem() const;

  [[nodiscard]] const Point& public_point() const { return public_point_; }
  // The 32 bytes that both sides come to; `invalid` when the peer's point is not on the curve.
  [[nodiscard]] Result<std::vector<std::byte>> agree(std::span<const std::byte> peer_point) const;
  // r and s, 32 bytes each, as JWS wants them (RFC 7518 3.4).
  [[nodiscard]] Result<std::array<std::byte, 64>> sign(std::string_view text) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const;
  };
  using Handle = std::unique_ptr<EVP_PKEY, Free>;
  static Result<P256Key> make(Handle handle);
  P256Key(Handle handle, const Point& point) : handle_(std::move(handle)), public_point_(point) {}

  Handle handle_;
  Point public_point_;
};

}  // namespace ccd::notify
