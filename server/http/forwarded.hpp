// Who the client really is: addresses, and proxies that may speak for others.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccd::http {

// A set of addresses and networks: "127.0.0.1, 10.0.0.0/8, ::1, fd00::/8".
class TrustedProxies {
 public:
  TrustedProxies() = default;  // nobody
  // Entries are separated by commas or blanks. `invalid` names the entry that is neither an address nor a network.
  static Result<TrustedProxies> parse(std::string_view list);
  [[nodiscard]] bool contains(const boost::asio::ip::address& address) const;

 private:
  struct Network {
    boost::asio::ip::address_v6::bytes_type prefix;  // IPv4 as ::ffff:a.b.c.d
    unsigned bits = 128;
  };
  std::vector<Network> networks_;
};

// The address in an X-Forwarded-For entry: "1.2.3.4", "1.2.3.4:5678", "::1", "[::1]:5678".
std::optional<boost::asio::ip::address> parse_hop(std::string_view hop);
// IPv4 that came in as ::ffff:a.b.c.d becomes IPv4 again.
boost::asio::ip::address unmapped(const boost::asio::ip::address& address);
// Walks X-Forwarded-For (all values joined by commas) from the right for as long as the hop before is trusted. A hop
// that is no address ends the walk: nothing beyond it can be believed.
boost::asio::ip::address client_address(const boost::asio::ip::address& peer, std::string_view forwarded_for,
                                        const TrustedProxies& trusted);
// What counts as one source for the connection limit: the IPv4 address, or the IPv6 /64.
std::string source_key(const boost::asio::ip::address& address);

}  // namespace ccd::http
