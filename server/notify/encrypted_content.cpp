#include "notify/encrypted_content.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <array>
#include <memory>

#include "base/encoding.hpp"

namespace ccd::notify {

namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr char kMoreFollow = 1;  // delimiters between a record's text and its padding
constexpr char kLast = 2;

struct FreeKdf {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string big_endian(std::uint32_t value) {
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU);
  return out;
}

// The nonce of record `number`: it is exclusive-ored with the last bytes (RFC 8188 2.3).
std::vector<std::byte> nonce_of(std::vector<std::byte> base, std::uint64_t number) {
  for (std::size_t i = 0; i < sizeof(number); ++i)
    base[kNonceBytes - 1 - i] ^= static_cast<std::byte>((number >> (8 * i)) & 0xFFU);
  return base;
}

Result<std::string> seal(const std::vector<std::byte>& key, const std::vector<std::byte>& nonce,
                         std::string_view text) {
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context(EVP_CIPHER_CTX_new());
  std::string out(text.size() + kTagBytes, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  int written = 0;
  int rest = 0;
  if (!context || EVP_EncryptInit_ex2(context.get(), EVP_aes_128_gcm(), raw(key), raw(nonce), nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), bytes, &written, raw(text), static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), bytes + written, &rest) != 1 ||
      static_cast<std::size_t>(written + rest) != text.size() ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, bytes + text.size()) != 1)
    return fail(ErrorKind::internal, "OpenSSL cannot encrypt with AES-128-GCM");
  return out;
}

}  // namespace

Result<std::vector<std::byte>> hkdf(std::span<const std::byte> secret, std::span<const std::byte> salt,
                                    std::string_view info, std::size_t bytes) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(kdf ? EVP_KDF_CTX_new(kdf) : nullptr);
  EVP_KDF_free(kdf);
  char digest[] = "SHA256";
  const auto octets = [](const char* name, const void* data, std::size_t size) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<void*>(data), size);
  };
  const OSSL_PARAM values[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               octets(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
                               octets(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
                               octets(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
  std::vector<std::byte> out(bytes);
  if (!context || EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(), values) != 1)
    return fail(ErrorKind::internal, "OpenSSL cannot derive a key with HKDF");
  return out;
}

Result<std::string> seal_content(std::span<const std::byte> secret, std::span<const std::byte> salt,
                                 std::string_view key_id, std::uint32_t record_size, std::span<const Record> records) {
  if (salt.size() != kSaltBytes || key_id.size() > 255 || record_size <= kSealOverhead || records.empty())
    return fail(ErrorKind::invalid,
                "a sealed content has a salt of 16 bytes, a short key id and records over 17 bytes");
  using std::string_view_literals::operator""sv;
  const auto key = TRY(hkdf(secret, salt, "Content-Encoding: aes128gcm\0"sv, kKeyBytes));
  const auto nonce = TRY(hkdf(secret, salt, "Content-Encoding: nonce\0"sv, kNonceBytes));
  std::string out(as_text(salt));
  out += big_endian(record_size);
  out += static_cast<char>(key_id.size());
  out += key_id;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool last = i + 1 == records.size();
    std::string text(records[i].text);
    text += last ? kLast : kMoreFollow;
    text.append(records[i].padding, '\0');
    const std::size_t sealed = text.size() + kTagBytes;
    if (last ? sealed > record_size : sealed != record_size)
      return fail(ErrorKind::invalid, "a record does not fit its size");
    out += TRY(seal(key, nonce_of(nonce, i), text));
  }
  return out;
}

}  // namespace ccd::notify
