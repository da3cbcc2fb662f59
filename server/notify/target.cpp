#include "notify/target.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

#include "notify/curl_library.hpp"

namespace ccd::notify {

namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_library()->url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which, unsigned int flags = 0) {
  char* found = nullptr;
  if (curl_library()->url_get(url, which, &found, flags) != CURLUE_OK || found == nullptr) return {};
  std::string out(found);
  curl_library()->free(found);
  return out;
}

struct Block4 {
  std::uint32_t address;
  unsigned bits;
  AddressClass is;
};
constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24U | b << 16U | c << 8U | d; }
// IANA's special-purpose registry (RFC 6890 and its updates).
constexpr std::array kBlocks4 = {
    Block4{v4(0, 0, 0, 0), 8, AddressClass::never},          Block4{v4(10, 0, 0, 0), 8, AddressClass::privately},
    Block4{v4(100, 64, 0, 0), 10, AddressClass::privately},  Block4{v4(127, 0, 0, 0), 8, AddressClass::loopback},
    Block4{v4(169, 254, 0, 0), 16, AddressClass::never},     Block4{v4(172, 16, 0, 0), 12, AddressClass::privately},
    Block4{v4(192, 0, 0, 0), 24, AddressClass::privately},   Block4{v4(192, 0, 2, 0), 24, AddressClass::privately},
    Block4{v4(192, 88, 99, 0), 24, AddressClass::privately}, Block4{v4(192, 168, 0, 0), 16, AddressClass::privately},
    Block4{v4(198, 18, 0, 0), 15, AddressClass::privately},  Block4{v4(198, 51, 100, 0), 24, AddressClass::privately},
    Block4{v4(203, 0, 113, 0), 24, AddressClass::privately}, Block4{v4(224, 0, 0, 0), 3, AddressClass::never},
};

AddressClass class_of_v4(std::uint32_t address) {
  for (const Block4& block : kBlocks4) {
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - block.bits);
    if ((address & mask) == block.address) return block.is;
  }
  return AddressClass::publicly;
}

using Bytes6 = std::array<std::uint8_t, 16>;

bool starts(const Bytes6& address, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

std::uint32_t v4_inside(const Bytes6& address, std::size_t at) {
  return v4(address[at], address[at + 1], address[at + 2], address[at + 3]);
}

AddressClass class_of_v6(const Bytes6& address) {
  static constexpr Bytes6 kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (address == kLoopback) return AddressClass::loopback;
  // An IPv4 address in another coat: mapped, or behind a translator (NAT64's own prefix).
  if (starts(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF})) return class_of_v4(v4_inside(address, 12));
  if (starts(address, {0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0})) return class_of_v4(v4_inside(address, 12));
  if (starts(address, {0x20, 0x02})) return class_of_v4(v4_inside(address, 2));  // 6to4
  if ((address[0] & 0xFEU) == 0xFC) return AddressClass::privately;              // fc00::/7
  if ((address[0] & 0xE0U) != 0x20) return AddressClass::never;  // all but 2000::/3: link-local, multicast, unassigned
  if (starts(address, {0x20, 0x01}) && address[2] < 2)
    return AddressClass::privately;                                               // 2001::/23: Teredo, ORCHID, ...
  if (starts(address, {0x20, 0x01, 0x0D, 0xB8})) return AddressClass::privately;  // documentation
  if (starts(address, {0x3F, 0xFF}) && address[2] < 0x10) return AddressClass::privately;
  return AddressClass::publicly;
}

bool names_this_machine(std::string host) {
  std::ranges::transform(host, host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  while (host.ends_with('.')) host.pop_back();
  return host == "localhost" || host.ends_with(".localhost");
}

}  // namespace

AddressClass class_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    return class_of_v4(ntohl(in.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return AddressClass::never;
  sockaddr_in6 in{};
  std::memcpy(&in, &address, sizeof(in));
  Bytes6 bytes{};
  std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
  return class_of_v6(bytes);
}

AddressClass class_of(const std::string& address) {
  in_addr four{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) return class_of_v4(ntohl(four.s_addr));
  Bytes6 six{};
  if (::inet_pton(AF_INET6, address.c_str(), six.data()) == 1) return class_of_v6(six);
  return AddressClass::never;
}

bool may_connect(AddressClass address, bool secure, const Reach& reach) {
  if (address == AddressClass::never) return false;
  if (address != AddressClass::publicly && reach.addresses == Reach::Addresses::public_only) return false;
  if (secure || reach.plain_http == Reach::PlainHttp::always) return true;
  return reach.plain_http == Reach::PlainHttp::to_loopback && address == AddressClass::loopback;
}

Result<Target> parse_target(std::string_view url, const Reach& reach) {
  if (url.size() > kMaxUrl) return fail(ErrorKind::invalid, "an address has at most 2048 bytes");
  if (std::ranges::any_of(url, [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }))
    return fail(ErrorKind::invalid, "an address has no blanks and no characters outside of ASCII");
  const CurlLibrary* curl = curl_library();
  if (curl == nullptr) return fail(ErrorKind::unavailable, kNoCurl);
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl->url());
  if (!parsed || curl->url_set(parsed.get(), CURLUPART_URL, std::string(url).c_str(), CURLU_DISALLOW_USER) != CURLUE_OK)
    return fail(ErrorKind::invalid,
                "this is no address of the form https://host/path (without a user or password in it)");
  const std::string scheme = part(parsed.get(), CURLUPART_SCHEME);
  Target target;
  target.secure = scheme == "https";
  const bool plain_allowed = reach.plain_http != Reach::PlainHttp::never;
  if (!target.secure && (scheme != "http" || !plain_allowed))
    return fail(ErrorKind::invalid, plain_allowed ? "the address must begin with https:// or http://"
                                                  : "the address must begin with https://");
  curl->url_set(parsed.get(), CURLUPART_FRAGMENT, nullptr, 0);
  target.host = part(parsed.get(), CURLUPART_HOST);
  std::string bare = target.host;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  // A name is judged by what it resolves to, when it is connected to; these say it by themselves.
  in_addr four{};
  const bool literal = target.host.starts_with('[') || ::inet_pton(AF_INET, bare.c_str(), &four) == 1;
  const AddressClass what = literal                    ? class_of(bare)
                            : names_this_machine(bare) ? AddressClass::loopback
                                                       : AddressClass::publicly;
  if (!may_connect(what, target.secure || !literal, reach))
    return fail(ErrorKind::invalid, "the dashboard may not send to " + target.host +
                                        ": it is not a public address (see NOTIFY_PRIVATE_ADDRESSES)");
  target.url = part(parsed.get(), CURLUPART_URL);
  const std::string port = part(parsed.get(), CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  target.origin = scheme + "://" + target.host + (port.empty() ? "" : ":" + port);
  return target;
}

}  // namespace ccd::notify
