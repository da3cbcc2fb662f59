// Who sends a push (VAPID, RFC 8292): the dashboard's own key, and the token that it signs for each push service.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "notify/p256.hpp"

namespace ccd::notify {

// A token may be good for a day at most (RFC 8292 2); half of it leaves room for clocks that differ.
inline constexpr std::chrono::hours kVapidLifetime{12};

class Vapid {
 public:
  // `contact`: "mailto:" or "https:" address for the push service's operator; may be empty.
  Vapid(P256Key key, std::string contact) : key_(std::move(key)), contact_(std::move(contact)) {}

  // The key at `path`, PEM, or a new one there (mode 0600, never over an existing file, durable on return). A file that is not ours, that
  // others can read, or that holds no key is refused with what would be right: subscriptions are bound to the key, so none is replaced.
  static Result<P256Key> load_or_create_key(const std::string& path, Random& random);

  // The public key as a page gives it to its browser: base64url of 65 bytes.
  [[nodiscard]] std::string public_key() const;
  // The header Authorization for a service at this origin ("https://push.example.net").
  [[nodiscard]] Result<std::string> authorization(std::string_view origin, WallMicros now) const;

 private:
  P256Key key_;
  std::string contact_;
};

// The signed token alone; `expires` in seconds since the epoch.
Result<std::string> vapid_token(const P256Key& key, std::string_view audience, std::int64_t expires,
                                std::string_view contact);

}  // namespace ccd::notify
