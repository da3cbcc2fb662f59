// Who asks, from where, and what they may do: the words the other files of this room share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccd::auth {

// Rising: each may do what the ones before it may.
enum class Role { viewer, member, admin };

std::string_view to_string(Role role);
std::optional<Role> role_from(std::string_view text);
inline bool at_least(Role has, Role needed) { return has >= needed; }

// A logged-in user in one login session. Only Service makes one; holding it is the proof that the check was made.
struct Principal {
  std::string user_id;
  std::string user_name;
  std::string session_id;  // the login session (not a terminal session)
  Role role = Role::viewer;
};

// How a request reached this process.
enum class Via {
  direct,     // the peer itself, without a Forwarded or X-Forwarded-* header
  forwarded,  // such a header was there, whether or not the peer is a trusted proxy
};

// Whether a login makes its client a known device of the account. A program keeps no device cookie: its logins must not push the
// owner's browsers out of the list.
enum class Remember { device, nothing };

// Where a request comes from.
struct Source {
  std::string ip;             // the client's address: the peer, or what a trusted proxy says of it
  std::string user_agent;     // shown in the list of logins; cut to 256 bytes when stored
  std::string device_cookie;  // the value of the device cookie, or empty
  Via via = Via::direct;
  Remember remember = Remember::device;
};

// 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104.
bool is_loopback(std::string_view ip);

// What throttling counts as one source: an IPv4 address, the /64 of an IPv6 address (an IPv4-mapped one is IPv4), or "?" for
// a text that is neither.
std::string source_network(std::string_view ip);

// [A-Za-z0-9._-]{1,64}. Two names that differ in case only are one name.
bool valid_user_name(std::string_view name);

}  // namespace ccd::auth
