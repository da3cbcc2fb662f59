#include "auth/principal.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace ccd::auth {

namespace {

struct Address {
  bool v4 = false;
  std::array<std::uint8_t, 16> bytes{};  // the first four for IPv4
};

std::optional<Address> parse_address(std::string_view text) {
  constexpr std::size_t kLongest = 45;  // INET6_ADDRSTRLEN without its NUL
  if (text.size() > kLongest) return std::nullopt;
  const std::string z(text);
  Address address;
  if (inet_pton(AF_INET, z.c_str(), address.bytes.data()) == 1) {
    address.v4 = true;
    return address;
  }
  if (inet_pton(AF_INET6, z.c_str(), address.bytes.data()) != 1) return std::nullopt;
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) {
    std::memmove(address.bytes.data(), address.bytes.data() + kMapped.size(), 4);
    address.v4 = true;
  }
  return address;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::viewer: return "viewer";
    case Role::member: return "member";
    case Role::admin: return "admin";
  }
  return "viewer";
}

std::optional<Role> role_from(std::string_view text) {
  for (const Role role : {Role::viewer, Role::member, Role::admin})
    if (text == to_string(role)) return role;
  return std::nullopt;
}

bool is_loopback(std::string_view ip) {
  const auto address = parse_address(ip);
  if (!address) return false;
  if (address->v4) return address->bytes[0] == 127;
  static constexpr std::array<std::uint8_t, 16> kOne{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address->bytes == kOne;
}

std::string source_network(std::string_view ip) {
  auto address = parse_address(ip);
  if (!address) return "?";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->v4) {
    inet_ntop(AF_INET, address->bytes.data(), text.data(), text.size());
    return text.data();
  }
  std::fill(address->bytes.begin() + 8, address->bytes.end(), std::uint8_t{0});
  inet_ntop(AF_INET6, address->bytes.data(), text.data(), text.size());
  return std::string(text.data()) + "/64";
}

bool valid_user_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kLongest && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace ccd::auth
