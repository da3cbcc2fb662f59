#include "notify/p256.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <algorithm>
#include <utility>

#include "base/encoding.hpp"

namespace ccd::notify {

namespace {

template <auto free_it>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    free_it(object);
  }
};
template <class T, auto free_it>
using Owned = std::unique_ptr<T, Freed<free_it>>;
using Context = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using PublicKey = Owned<EVP_PKEY, EVP_PKEY_free>;

constexpr std::size_t kHalf = 32;  // of a signature, and of a shared secret

tl::unexpected<Error> broken(std::string_view step) {
  return fail(ErrorKind::internal, "OpenSSL cannot " + std::string(step));
}

const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }
unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

PublicKey read_point(std::span<const std::byte> point) {
  if (point.size() != kPointBytes || point.front() != std::byte{4}) return nullptr;
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  char group[] = "P-256";
  std::array<std::byte, kPointBytes> copy{};
  std::copy(point.begin(), point.end(), copy.begin());
  OSSL_PARAM values[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy.data(), copy.size()),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, values) != 1) return nullptr;
  PublicKey out(key);
  const Context check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(out) : nullptr;
}

}  // namespace

bool valid_point(std::span<const std::byte> point) { return read_point(point) != nullptr; }

void P256Key::Free::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

Result<P256Key> P256Key::make(Handle handle) {
  std::array<char, 32> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_utf8_string_param(handle.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) !=
          1 ||
      std::string_view(group.data(), size) != "prime256v1")
    return fail(ErrorKind::corrupt, "the key is not on the curve P-256");
  if (EVP_PKEY_set_utf8_string_param(handle.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1)
    return broken("set a point's format");
  Point point{};
  if (EVP_PKEY_get_octet_string_param(handle.get(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, raw(point.data()), point.size(),
                                      &size) != 1 ||
      size != point.size())
    return broken("give a key's public point");
  return P256Key(std::move(handle), point);
}

Result<P256Key> P256Key::generate() {
  Handle handle(EVP_EC_gen("P-256"));
  if (!handle) return broken("make a key");
  return make(std::move(handle));
}

Result<P256Key> P256Key::from_pem(std::string_view pem) {
  const Owned<BIO, BIO_free_all> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return broken("read from memory");
  // Never asks for a passphrase on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  Handle handle(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!handle || EVP_PKEY_is_a(handle.get(), "EC") != 1)
    return fail(ErrorKind::corrupt, "not a private key on the curve P-256");
  return make(std::move(handle));
}

Result<std::string> P256Key::to_pem() const {
  const Owned<BIO, BIO_free_all> bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), handle_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return broken("write a key");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<std::vector<std::byte>> P256Key::agree(std::span<const std::byte> peer_point) const {
  const PublicKey peer = read_point(peer_point);
  if (!peer) return fail(ErrorKind::invalid, "the other side's key is not a point of the curve P-256");
  const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, handle_.get(), nullptr));
  std::vector<std::byte> secret(kHalf);
  std::size_t size = secret.size();
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), raw(secret.data()), &size) != 1 || size != secret.size())
    return broken("agree on a secret");
  return secret;
}

Result<std::array<std::byte, 64>> P256Key::sign(std::string_view text) const {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  std::array<unsigned char, 80> der{};  // two integers of 33 bytes at most, and their tags
  std::size_t size = der.size();
  if (!context ||
      EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, handle_.get(), nullptr) != 1 ||
      EVP_DigestSign(context.get(), der.data(), &size, raw(as_bytes(text).data()), text.size()) != 1)
    return broken("sign");
  const unsigned char* at = der.data();
  const Owned<ECDSA_SIG, ECDSA_SIG_free> parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  std::array<std::byte, 2 * kHalf> out{};
  if (!parts || BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), raw(out.data()), kHalf) != static_cast<int>(kHalf) ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), raw(out.data() + kHalf), kHalf) != static_cast<int>(kHalf))
    return broken("write a signature");
  return out;
}

}  // namespace ccd::notify
