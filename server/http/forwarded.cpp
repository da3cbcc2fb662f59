#include "http/forwarded.hpp"

#include <algorithm>
#include <charconv>

namespace ccd::http {

namespace ip = boost::asio::ip;

namespace {
constexpr unsigned kMappedBits = 96;  // the length of ::ffff:0:0/96, under which IPv4 lives

ip::address_v6::bytes_type as_v6_bytes(const ip::address& address) {
  if (address.is_v6()) return address.to_v6().to_bytes();
  return ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes();
}

std::optional<ip::address> parse_address(std::string_view text) {
  boost::system::error_code ec;
  const ip::address address = ip::make_address(std::string(text), ec);
  // A scope ("fe80::1%eth0") names an interface of the sender, which means nothing here.
  if (ec || text.find('%') != std::string_view::npos) return std::nullopt;
  return unmapped(address);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}
}  // namespace

ip::address unmapped(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

Result<TrustedProxies> TrustedProxies::parse(std::string_view list) {
  TrustedProxies out;
  while (!list.empty()) {
    const std::string_view entry = list.substr(0, list.find_first_of(", \t"));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    if (entry.empty()) continue;
    const auto wrong = [entry] {
      return fail(ErrorKind::invalid,
                  std::string(entry) + " is neither an address nor a network: want 10.0.0.1, 10.0.0.0/8 or fd00::/8");
    };
    const std::size_t slash = std::min(entry.find('/'), entry.size());
    const auto address = parse_address(entry.substr(0, slash));
    if (!address) return wrong();
    const unsigned most = address->is_v4() ? 32 : 128;
    unsigned bits = most;
    if (slash < entry.size()) {
      const std::string_view digits = entry.substr(slash + 1);
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
      if (ec != std::errc() || end != digits.data() + digits.size() || bits > most) return wrong();
    }
    out.networks_.push_back({as_v6_bytes(*address), address->is_v4() ? bits + kMappedBits : bits});
  }
  return out;
}

bool TrustedProxies::contains(const ip::address& address) const {
  const auto bytes = as_v6_bytes(address);
  const auto inside = [&](const Network& network) {
    for (unsigned i = 0; i < bytes.size(); ++i) {
      const unsigned left = network.bits > i * 8 ? network.bits - i * 8 : 0;
      if (left == 0) return true;
      const unsigned mask = left >= 8 ? 0xFFU : (0xFF00U >> left) & 0xFFU;
      if ((bytes[i] & mask) != (network.prefix[i] & mask)) return false;
    }
    return true;
  };
  return std::any_of(networks_.begin(), networks_.end(), inside);
}

std::optional<ip::address> parse_hop(std::string_view hop) {
  hop = trimmed(hop);
  if (hop.starts_with('[')) {
    const std::size_t end = hop.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view after = hop.substr(end + 1);
    if (!after.empty() && after.front() != ':') return std::nullopt;
    return parse_address(hop.substr(1, end - 1));
  }
  if (std::count(hop.begin(), hop.end(), ':') == 1) hop = hop.substr(0, hop.find(':'));
  return parse_address(hop);
}

ip::address client_address(const ip::address& peer, std::string_view forwarded_for, const TrustedProxies& trusted) {
  ip::address current = unmapped(peer);
  std::string_view rest = forwarded_for;
  while (!rest.empty() && trusted.contains(current)) {
    const std::size_t comma = rest.rfind(',');
    const std::string_view last = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
    const auto hop = parse_hop(last);
    if (!hop) break;
    current = *hop;
  }
  return current;
}

std::string source_key(const ip::address& address) {
  const ip::address plain = unmapped(address);
  const auto bytes = as_v6_bytes(plain);
  static constexpr std::size_t kHomeNetworkBytes = 8;  // a /64: what one IPv6 customer has at least
  return std::string(bytes.begin(), plain.is_v6() ? bytes.begin() + kHomeNetworkBytes : bytes.end());
}

}  // namespace ccd::http
