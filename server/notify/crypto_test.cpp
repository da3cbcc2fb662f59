// The push messages' cryptography against the vectors of RFC 8188, RFC 8291 and RFC 8292, and the key's file.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "notify/encrypted_content.hpp"
#include "notify/push_encryption.hpp"
#include "notify/vapid.hpp"

namespace ccd::notify {
namespace {

std::vector<std::byte> bytes(std::string_view base64url) {
  const auto decoded = base64url_decode(base64url);
  EXPECT_TRUE(decoded) << base64url;
  return decoded.value_or(std::vector<std::byte>());
}
std::string text(std::span<const std::byte> of) { return base64url_encode(of); }
std::string text(const std::string& of) { return base64url_encode(as_bytes(of)); }

// A key of the RFCs, which give the private number: PKCS #8 around it.
P256Key key_of(std::string_view private_number) {
  std::vector<std::byte> der = *hex_decode("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420");
  for (const std::byte b : bytes(private_number)) der.push_back(b);
  std::array<unsigned char, 256> base64{};
  const int size =
      EVP_EncodeBlock(base64.data(), reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  const std::string pem = "-----BEGIN PRIVATE KEY-----\n" +
                          std::string(reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(size)) +
                          "\n-----END PRIVATE KEY-----\n";
  auto key = P256Key::from_pem(pem);
  EXPECT_TRUE(key) << (key ? "" : key.error().message);
  return std::move(*key);
}

// --- RFC 8188

TEST(Rfc8188, Section31OneRecord) {
  const std::array records{Record{.text = "I am the walrus"}};
  const auto sealed = seal_content(bytes("yqdlZ-tYemfogSmv7Ws5PQ"), bytes("I1BsxtFttlv3u_Oo94xnmw"), "", 4096, records);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(text(*sealed), "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg");
}

TEST(Rfc8188, Section32TwoRecordsWithPadding) {
  const std::array records{Record{.text = "I am th", .padding = 1}, Record{.text = "e walrus"}};
  const auto sealed = seal_content(bytes("BO3ZVPxUlnLORbVGMpbT1Q"), bytes("uNCkWiNYzKTnBN9ji3-qWA"), "a1", 25, records);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(text(*sealed),
            "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA");
}

TEST(Rfc8188, RecordsMustFillTheirSize) {
  const auto secret = bytes("BO3ZVPxUlnLORbVGMpbT1Q");
  const auto salt = bytes("uNCkWiNYzKTnBN9ji3-qWA");
  const std::array short_first{Record{.text = "I am t"}, Record{.text = "he walrus"}};
  EXPECT_FALSE(seal_content(secret, salt, "a1", 25, short_first));
  const std::array long_last{Record{.text = "I am the walrus"}};
  EXPECT_FALSE(seal_content(secret, salt, "a1", 25, long_last));
  EXPECT_FALSE(seal_content(secret, salt, "a1", 17, long_last));
  EXPECT_FALSE(seal_content(secret, salt, std::string(256, 'k'), 4096, long_last));
  EXPECT_FALSE(seal_content(secret, std::span(salt).first(15), "a1", 4096, long_last));
}

// --- RFC 8291

constexpr std::string_view kText = "When I grow up, I want to be a watermelon";
constexpr std::string_view kSenderPrivate = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
constexpr std::string_view kSenderPublic =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
constexpr std::string_view kReceiverPrivate = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
constexpr std::string_view kReceiverPublic =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
constexpr std::string_view kAuth = "BTBZMqHH6r4Tts7J_aSIgg";
constexpr std::string_view kSalt = "DGv6ra1nlYgDCS1FRnbzlw";

TEST(Rfc8291, AppendixAIntermediateValues) {
  const P256Key sender = key_of(kSenderPrivate);
  const P256Key receiver = key_of(kReceiverPrivate);
  EXPECT_EQ(text(sender.public_point()), kSenderPublic);
  EXPECT_EQ(text(receiver.public_point()), kReceiverPublic);
  const auto agreed = sender.agree(receiver.public_point());
  ASSERT_TRUE(agreed);
  EXPECT_EQ(text(*agreed), "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
  EXPECT_EQ(*receiver.agree(sender.public_point()), *agreed);

  std::string info("WebPush: info");
  info += '\0';
  info += as_text(receiver.public_point());
  info += as_text(sender.public_point());
  EXPECT_EQ(text(info),
            "V2ViUHVzaDogaW5mbwAEJXGyvs3942BVGq8e0PTNNmwRzr5VX4m8t7GGpTM5FzFo7OLr4BhZe9MEebhuPI-"
            "OztV3ylkYfpJGmQ22ggCLDgT-M_SrDepxkU21WCP3"
            "O1SUj0EwbZIHMtu5pZpTKGSCIA5Zent7wmC6HCJ5mFgJkuk5cwAvMBKiiujwa7t45ewP");
  const auto secret = hkdf(*agreed, bytes(kAuth), info, 32);
  ASSERT_TRUE(secret);
  EXPECT_EQ(text(*secret), "S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg");
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(text(*hkdf(*secret, bytes(kSalt), "Content-Encoding: aes128gcm\0"sv, 16)), "oIhVW04MRdy2XN9CiKLxTg");
  EXPECT_EQ(text(*hkdf(*secret, bytes(kSalt), "Content-Encoding: nonce\0"sv, 12)), "4h_95klXJ5E_qnoN");
}

TEST(Rfc8291, Section5Message) {
  const auto body =
      encrypt_push({.key = bytes(kReceiverPublic), .auth = bytes(kAuth)}, key_of(kSenderPrivate), bytes(kSalt), kText);
  ASSERT_TRUE(body);
  EXPECT_EQ(text(*body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_"
            "c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6"
            "cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN");
}

TEST(PushEncryption, RefusesWhatIsNoSubscription) {
  const P256Key sender = key_of(kSenderPrivate);
  const auto salt = bytes(kSalt);
  auto off_curve = bytes(kReceiverPublic);
  off_curve.back() ^= std::byte{1};
  std::vector<std::byte> compressed(off_curve.begin(), off_curve.begin() + 33);
  compressed.front() = std::byte{2};
  std::vector<std::byte> infinity(65);
  for (const auto& key :
       {std::vector<std::byte>(), off_curve, compressed, infinity, std::vector<std::byte>(64, std::byte{4})}) {
    EXPECT_FALSE(valid_point(key)) << text(key);
    const auto body = encrypt_push({.key = key, .auth = bytes(kAuth)}, sender, salt, kText);
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().kind, ErrorKind::invalid);
  }
  EXPECT_TRUE(valid_point(bytes(kReceiverPublic)));
  EXPECT_FALSE(encrypt_push({.key = bytes(kReceiverPublic), .auth = std::vector<std::byte>(15)}, sender, salt, kText));
}

TEST(PushEncryption, TheLimitIsWhatServicesTake) {
  const P256Key sender = key_of(kSenderPrivate);
  const Receiver receiver{.key = bytes(kReceiverPublic), .auth = bytes(kAuth)};
  const auto largest = encrypt_push(receiver, sender, bytes(kSalt), std::string(kMaxPushText, 'x'));
  ASSERT_TRUE(largest);
  EXPECT_EQ(largest->size(), 4096u);
  EXPECT_EQ(encrypt_push(receiver, sender, bytes(kSalt), std::string(kMaxPushText + 1, 'x')).error().kind,
            ErrorKind::too_large);
  for (const std::size_t size : {0u, 1u, 511u, 512u, 513u, 3583u, 3584u, 3585u, 3993u}) {
    const std::size_t padded = size + push_padding(size);
    EXPECT_TRUE(padded % kPushPadding == 0 || padded == kMaxPushText) << size;
    EXPECT_TRUE(encrypt_push(receiver, sender, bytes(kSalt), std::string(size, 'x'), push_padding(size))) << size;
  }
}

// --- RFC 8292

// Whether the token is signed by the key with this public point, by OpenSSL itself.
bool verified(const std::string& token, std::string_view public_key) {
  const auto dot = token.rfind('.');
  const auto signature = base64url_decode(std::string_view(token).substr(dot + 1));
  if (!signature || signature->size() != 64) return false;
  ECDSA_SIG* parts = ECDSA_SIG_new();
  const auto* raw = reinterpret_cast<const unsigned char*>(signature->data());
  ECDSA_SIG_set0(parts, BN_bin2bn(raw, 32, nullptr), BN_bin2bn(raw + 32, 32, nullptr));
  std::array<unsigned char, 80> der{};
  unsigned char* at = der.data();
  const int der_size = i2d_ECDSA_SIG(parts, &at);
  ECDSA_SIG_free(parts);
  auto point = bytes(public_key);
  char group[] = "P-256";
  OSSL_PARAM values[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX* made = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(made), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(made, &key, EVP_PKEY_PUBLIC_KEY, values), 1);
  EVP_PKEY_CTX_free(made);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EXPECT_EQ(EVP_DigestVerifyInit_ex(context, nullptr, "SHA256", nullptr, nullptr, key, nullptr), 1);
  const bool good = EVP_DigestVerify(context, der.data(), static_cast<std::size_t>(der_size),
                                     reinterpret_cast<const unsigned char*>(token.data()), dot) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return good;
}

TEST(Rfc8292, TheVerifierKnowsTheExampleOfSection24) {
  const std::string token =
      "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9."
      "eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0"
      "bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_"
      "HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
  constexpr std::string_view key =
      "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
  EXPECT_TRUE(verified(token, key));
  EXPECT_FALSE(verified(token, kSenderPublic));
  std::string changed = token;
  changed[60] = changed[60] == 'a' ? 'b' : 'a';
  EXPECT_FALSE(verified(changed, key));
  // The example's own first two parts, from our code: the same bytes.
  const auto ours =
      vapid_token(key_of(kSenderPrivate), "https://push.example.net", 1453523768, "mailto:push@example.com");
  ASSERT_TRUE(ours);
  EXPECT_EQ(ours->substr(0, ours->rfind('.')), token.substr(0, token.rfind('.')));
}

TEST(Rfc8292, TokensAreSignedByTheKeyThatTheHeaderNames) {
  auto key = P256Key::generate();
  ASSERT_TRUE(key);
  const Vapid vapid(std::move(*key), "https://agents.example.org");
  const WallMicros now = 1'795'000'000'000'000;
  // Many: r and s with leading zeros must keep their length.
  for (int i = 0; i < 600; ++i) {
    const auto header = vapid.authorization("https://push.example.net", now + i * 1'000'000LL);
    ASSERT_TRUE(header);
    ASSERT_TRUE(header->starts_with("vapid t="));
    const std::size_t comma = header->find(", k=");
    ASSERT_NE(comma, std::string::npos);
    const std::string token = header->substr(8, comma - 8);
    ASSERT_EQ(header->substr(comma + 4), vapid.public_key());
    ASSERT_TRUE(verified(token, vapid.public_key())) << token;
    if (i > 0) continue;
    const auto middle = token.substr(token.find('.') + 1);
    const auto claims = boost::json::parse(as_text(*base64url_decode(middle.substr(0, middle.find('.'))))).as_object();
    EXPECT_EQ(claims.at("aud").as_string(), "https://push.example.net");
    EXPECT_EQ(claims.at("exp").as_int64(), 1'795'000'000 + 12 * 3600);
    EXPECT_EQ(claims.at("sub").as_string(), "https://agents.example.org");
  }
}

// --- the key's file

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ccd-vapid-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/push.key";
  }
  ~KeyFile() override { std::filesystem::remove_all(folder_); }
  Result<P256Key> load() { return Vapid::load_or_create_key(path_, random_); }

  SystemRandom random_;
  std::string folder_;
  std::string path_;
};

TEST_F(KeyFile, IsMadeOnceAndKept) {
  const ::mode_t before = ::umask(0);
  const auto made = load();
  ::umask(before);
  ASSERT_TRUE(made) << made.error().message;
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto again = load();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->public_point(), made->public_point());
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 1u) << "no draft stays";
}

TEST_F(KeyFile, WhatIsWrongWithItIsSaid) {
  ASSERT_TRUE(load());
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  EXPECT_NE(load().error().message.find("chmod 600"), std::string::npos);
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  {
    std::ofstream(path_, std::ios::trunc) << "no key";
  }
  EXPECT_EQ(load().error().kind, ErrorKind::corrupt);
  // A key of another curve would sign with another algorithm than the header says.
  EVP_PKEY* other = EVP_EC_gen("P-384");
  BIO* bio = BIO_new(BIO_s_mem());
  ASSERT_EQ(PEM_write_bio_PrivateKey(bio, other, nullptr, nullptr, 0, nullptr, nullptr), 1);
  char* pem = nullptr;
  const long size = BIO_get_mem_data(bio, &pem);
  {
    std::ofstream(path_, std::ios::trunc).write(pem, size);
  }
  BIO_free(bio);
  EVP_PKEY_free(other);
  EXPECT_EQ(load().error().kind, ErrorKind::corrupt);
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("/etc/passwd", path_);
  EXPECT_EQ(load().error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace ccd::notify
