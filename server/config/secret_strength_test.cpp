// Known, short and patterned secrets are refused; random ones never.
#include "config/secret_strength.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <zlib.h>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace ccd::config {
namespace {

constexpr int kRandomSecrets = 10'000;

std::optional<std::string> test_data(const std::string& name) {
  std::vector<std::filesystem::path> folders;
  if (const char* data = std::getenv("TEST_DATA"); data != nullptr && *data != '\0') folders.emplace_back(data);
  if (const char* source = std::getenv("DASHBOARD_SOURCE"); source != nullptr)
    folders.emplace_back(std::string(source) + "/../shared/data");
  folders.emplace_back("../shared/data");
  for (const auto& folder : folders) {
    if (std::filesystem::exists(folder / name)) return (folder / name).string();
  }
  return std::nullopt;
}

std::string gunzip(const std::string& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  std::array<char, 65536> block;
  for (int size = gzread(file, block.data(), block.size()); size > 0; size = gzread(file, block.data(), block.size())) {
    text.append(block.data(), static_cast<std::size_t>(size));
  }
  gzclose(file);
  return text;
}

std::string reason(std::string_view secret) {
  const auto judged = judge_secret(secret);
  return judged ? "accepted" : judged.error().message.substr(0, judged.error().message.find(';'));
}

TEST(SecretStrength, EveryKnownSecretIsRefused) {
  const auto path = test_data("jwt-secrets.txt.gz");
  if (!path) GTEST_SKIP() << "skipped: no data";
  const auto text = gunzip(*path);
  int lines = 0;
  std::map<std::string, int> reasons;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    EXPECT_NE(reason(line), "accepted") << "line " << lines << " as it stands, its CR included";
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++lines;
    const auto why = reason(line);
    ++reasons[why];
    EXPECT_NE(why, "accepted") << "line " << lines;
    if (line.size() >= 16) {  // a shorter one can be a word of the message
      EXPECT_EQ(judge_secret(line).error().message.find(line), std::string::npos)
          << "the message says the secret, line " << lines;
    }
  }
  EXPECT_EQ(lines, 103'979);
  for (const auto& [why, count] : reasons) std::cout << count << "  " << why << "\n";
}

TEST(SecretStrength, AKnownSecretInOtherLettersIsRefused) {
  EXPECT_EQ(reason("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"),
            reason("09D25E094FAA6CA2556C818166B7A9563B93F7099F6F0F4CAA6CF63B88E8D3E7"));
  EXPECT_NE(reason("09D25E094FAA6CA2556C818166B7A9563B93F7099F6F0F4CAA6CF63B88E8D3E7").find("public lists"),
            std::string::npos);
}

TEST(SecretStrength, PatternsAndPlaceholdersAreRefused) {
  for (const char* secret : {
           "",
           "short",
           "0123456789abcdef0123456789abcde",
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
           "abababababababababababababababababababab",
           "0123456789abcdef0123456789abcdef",
           "0123456789abcdefghijklmnopqrstuvwxyz",
           "zyxwvutsrqponmlkjihgfedcba9876543210",
           "qwertyuiopasdfghjklzxcvbnm1234567890",
           "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
           "changeme-changeme-changeme-changeme-1",
           "change-this-to-a-long-random-string-please",
           "your-secret-key-at-least-32-characters-long",
           "claude-ui-dev-secret-change-in-production",
           "jwt_secret_for_the_dashboard_goes_here_ok",
           "reallyreallyreallyreallyverysafe",
           "supersecretjwttokenforthisverylongapp",
           "secretsecretsecretsecretsecretsecret1",
           "thisisaverylongsecretstringfortestuser",
           "12345678901234567890123456789012",
           "x7!x7!x7!x7!x7!x7!x7!x7!x7!x7!x7!x7!",
           "k3yk3yk3yk3yk3yAk3yk3yk3yk3yk3yBk3yk3yC",
           "                                        ",
           " 3q2-7wAAbcTnXk0sPzVfYhJmLoQrUuEeGgIi9R4 ",
           "3q2-7wAAbcTnXk0sPzV\nfYhJmLoQrUuEeGgIi9R4",
       }) {
    EXPECT_NE(reason(secret), "accepted") << secret;
  }
  EXPECT_NE(reason(std::string(kMaxSecretChars + 1, 'x')), "accepted");
}

TEST(SecretStrength, TheMessageSaysWhatToDo) {
  for (const char* secret : {"hunter2", "changeme-changeme-changeme-changeme-1", "reallyreallyreallyreallyverysafe"}) {
    const auto judged = judge_secret(secret);
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().kind, ErrorKind::invalid);
    EXPECT_NE(judged.error().message.find("openssl rand -base64 48"), std::string::npos);
    EXPECT_EQ(judged.error().message.find(secret), std::string::npos);
  }
}

std::string base64(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  SystemRandom().fill(raw);
  std::string text(4 * ((bytes + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(raw.data()), static_cast<int>(bytes));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string uuid() {
  auto hex = SystemRandom().hex(16);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, "-");
  return hex;
}

TEST(SecretStrength, RandomSecretsAreAccepted) {
  SystemRandom random;
  std::map<std::string, int> refused;
  for (int i = 0; i < kRandomSecrets; ++i) {
    const std::pair<const char*, std::string> secrets[] = {
        {"base64url, 32 bytes", random.token(32)}, {"hex, 32 bytes", random.hex(32)}, {"base64, 32 bytes", base64(32)}};
    for (const auto& [kind, secret] : secrets) {
      if (!judge_secret(secret)) ++refused[kind];
    }
  }
  for (int i = 0; i < kRandomSecrets / 10; ++i) {
    const std::pair<const char*, std::string> secrets[] = {
        {"base64, 48 bytes", base64(48)}, {"hex, 16 bytes", random.hex(16)}, {"UUID", uuid()}};
    for (const auto& [kind, secret] : secrets) {
      if (!judge_secret(secret)) ++refused[kind];
    }
  }
  for (const auto& [kind, count] : refused) ADD_FAILURE() << kind << ": " << count << " refused";
}

}  // namespace
}  // namespace ccd::config
