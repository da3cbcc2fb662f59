// Fuzzes http/forwarded: nobody but a trusted proxy can speak for another address, and lists of proxies mean what they
// say.
//
// Input: the proxies, LF, the peer's address, LF, X-Forwarded-For.
#include "http/forwarded.hpp"

#include <optional>
#include <string>

#include "support.hpp"

namespace ccd::http {
namespace {

namespace ip = boost::asio::ip;

void check_walk(const ip::address& peer, std::string_view forwarded_for, const TrustedProxies& trusted) {
  const ip::address client = client_address(peer, forwarded_for, trusted);
  CHECK(client == unmapped(client));
  if (!trusted.contains(peer)) {
    CHECK(client == unmapped(peer));
    return;
  }
  if (client == unmapped(peer)) return;
  // It is one of the hops, and everyone behind it is trusted.
  bool found = false;
  while (!found && !forwarded_for.empty()) {
    const std::size_t comma = forwarded_for.rfind(',');
    const auto hop = parse_hop(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
    CHECK(hop);
    found = *hop == client;
    if (!found) CHECK(trusted.contains(*hop));
    forwarded_for = comma == std::string_view::npos ? std::string_view() : forwarded_for.substr(0, comma);
  }
  CHECK(found);
}

void check_proxies(std::string_view list, const ip::address& address) {
  CHECK(!TrustedProxies().contains(address));
  const std::string text = address.to_string();
  const unsigned most = address.is_v4() ? 32 : 128;
  const auto alone = TrustedProxies::parse(text);
  const auto exact = TrustedProxies::parse(text + '/' + std::to_string(most));
  CHECK(alone && alone->contains(address) && exact && exact->contains(address));
  CHECK(!TrustedProxies::parse(text + '/' + std::to_string(most + 1)));
  const auto network = TrustedProxies::parse(text + "/9");
  CHECK(network && network->contains(address));
  const auto given = TrustedProxies::parse(list);
  if (!given) CHECK(given.error().kind == ErrorKind::invalid);
  const auto more = TrustedProxies::parse(std::string(list) + ',' + text);
  CHECK(more.has_value() == given.has_value());
  if (more) CHECK(more->contains(address));
}

void check_address(const ip::address& address) {
  CHECK(unmapped(address) == unmapped(unmapped(address)));
  const std::string key = source_key(address);
  CHECK(key == source_key(unmapped(address)));
  const auto again = parse_hop(address.to_string());
  CHECK(again && *again == unmapped(address));
  const std::string with_port = address.is_v6() ? '[' + address.to_string() + "]:80" : address.to_string() + ":80";
  CHECK(parse_hop(with_port) == again);
}

}  // namespace
}  // namespace ccd::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::http;
  std::string_view text = ccd::fuzz::as_text(data, size);
  const std::string_view list = ccd::fuzz::take(text);
  const std::string_view peer_text = ccd::fuzz::take(text);
  const auto hop = parse_hop(text);
  if (hop) check_address(*hop);
  const auto peer = parse_hop(peer_text);
  if (!peer) return 0;
  check_address(*peer);
  check_proxies(list, *peer);
  if (const auto trusted = TrustedProxies::parse(list)) {
    check_walk(*peer, text, *trusted);
    check_walk(*peer, text, TrustedProxies());
  }
  return 0;
}
