#include "audit/hmac.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <array>
#include <cstdlib>

#include "base/encoding.hpp"
#include "base/log.hpp"

namespace ccd::audit {

namespace {

EVP_MAC_CTX* of(void* context) { return static_cast<EVP_MAC_CTX*>(context); }

// A server that cannot keep its audit trail must not go on.
void require(bool works) {
  if (works) return;
  log_error("audit", "OpenSSL gives no HMAC-SHA256");
  std::abort();
}

std::array<unsigned char, 8> big_endian(std::uint64_t value) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(value >> (56 - 8 * i));
  return bytes;
}

}  // namespace

void Hmac::Free::operator()(void* context) const { EVP_MAC_CTX_free(of(context)); }

Hmac::Hmac(const Key& key) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  require(mac != nullptr);
  keyed_.reset(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac);
  require(keyed_ != nullptr);
  char digest[] = "SHA256";
  const OSSL_PARAM settings[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
  require(EVP_MAC_init(of(keyed_.get()), reinterpret_cast<const unsigned char*>(key.data()), key.size(), settings) ==
          1);
}

Hmac::Hmac(Hmac&&) noexcept = default;
Hmac::~Hmac() = default;

Hmac::Message::Message(const Hmac& hmac, std::string_view domain) : context_(EVP_MAC_CTX_dup(of(hmac.keyed_.get()))) {
  require(context_ != nullptr);
  add(domain);
}

Hmac::Message::~Message() { EVP_MAC_CTX_free(of(context_)); }

Hmac::Message& Hmac::Message::add(std::string_view text) {
  const auto length = big_endian(text.size());
  require(EVP_MAC_update(of(context_), length.data(), length.size()) == 1);
  require(EVP_MAC_update(of(context_), reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
  return *this;
}

Hmac::Message& Hmac::Message::add(std::int64_t number) {
  const auto bytes = big_endian(static_cast<std::uint64_t>(number));
  return add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string Hmac::Message::hex() {
  std::array<std::byte, 32> digest{};
  std::size_t size = 0;
  require(EVP_MAC_final(of(context_), reinterpret_cast<unsigned char*>(digest.data()), &size, digest.size()) == 1 &&
          size == digest.size());
  return hex_encode(digest);
}

}  // namespace ccd::audit
