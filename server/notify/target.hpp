// Where the dashboard may send on its own account. A subscription's or webhook's address comes from a login, and the dashboard stands in a
// network that logins do not: so by default only https to public addresses, checked where the socket is opened. Pure.
#pragma once

#include <sys/socket.h>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccd::notify {

inline constexpr std::size_t kMaxUrl = 2048;  // the longest endpoints of push services have some 500 bytes

// What may be reached. Never, whatever it says: link-local addresses (169.254.169.254 hands out a cloud machine's keys), multicast,
// broadcast, and the unspecified address.
struct Reach {
  enum class Addresses { public_only, private_too };
  enum class PlainHttp { never, to_loopback, always };
  Addresses addresses = Addresses::public_only;
  PlainHttp plain_http = PlainHttp::never;
};

struct Target {
  std::string url{};     // as it is sent to
  std::string origin{};  // "https://push.example.net", with the port where it is not the scheme's
  std::string host{};    // for people and logs: the rest of a push endpoint is a secret
  bool secure = true;
};

// `invalid` with what would be right: another scheme, a user or password in it, no host, too long, a host that says by itself that it is
// out of reach (an address, localhost).
Result<Target> parse_target(std::string_view url, const Reach& reach);

enum class AddressClass { publicly, privately, loopback, never };
AddressClass class_of(const sockaddr& address);
// Of "127.0.0.1" or "::1"; AddressClass::never for what is no address.
AddressClass class_of(const std::string& address);
bool may_connect(AddressClass address, bool secure, const Reach& reach);

}  // namespace ccd::notify
