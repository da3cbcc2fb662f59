// The key file: made once, private, never replaced.
#include "audit/key.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>

#include "audit/hmac.hpp"
#include "base/encoding.hpp"
#include "storage/testing.hpp"

namespace ccd::audit {
namespace {

class KeyTest : public testing::Test {
 protected:
  Result<Key> load() { return load_or_create_key(path_, random_); }
  storage::TempFolder folder_{storage::TempFolder::On::memory};
  const std::string path_ = folder_ / "audit.key";
  SystemRandom random_;
};

TEST_F(KeyTest, IsMadeOnceAndComesBackTheSame) {
  const auto first = load();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_NE(*first, Key{});
  EXPECT_EQ(*load(), *first);
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1) << "no draft is left";
}

TEST_F(KeyTest, IsRefusedWhenOthersHaveAnyRight) {
  ASSERT_TRUE(load());
  for (const mode_t bits : {0640U, 0604U, 0620U, 0601U, 0644U}) {
    ASSERT_EQ(::chmod(path_.c_str(), bits), 0);
    const auto refused = load();
    ASSERT_FALSE(refused) << std::oct << bits;
    EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
    EXPECT_NE(refused.error().message.find("chmod 600 " + path_), std::string::npos);
  }
}

TEST_F(KeyTest, IsRefusedWhenItIsNotAKey) {
  for (const auto& text : {std::string(), std::string(31, 'x'), std::string(33, 'x')}) {
    std::ofstream(path_, std::ios::trunc) << text;
    ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
    EXPECT_FALSE(load()) << text.size();
    EXPECT_EQ(std::filesystem::file_size(path_), text.size()) << "never replaced";
  }
  std::filesystem::remove(path_);
  ASSERT_EQ(::symlink((folder_ / "elsewhere").c_str(), path_.c_str()), 0);
  EXPECT_FALSE(load()) << "a symbolic link";
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(load()) << "a FIFO, without waiting for its writer";
  EXPECT_FALSE(load_or_create_key(folder_ / "no/such/audit.key", random_));
}

TEST(Hmac, TheEncodingIsLengthPrefixed) {
  Key key{};
  const Hmac hmac(key);
  EXPECT_NE(Hmac::Message(hmac, "d").add("ab").add("c").hex(), Hmac::Message(hmac, "d").add("a").add("bc").hex());
  EXPECT_EQ(Hmac::Message(hmac, "d").add(std::int64_t{0x4142434445464748}).hex(),
            Hmac::Message(hmac, "d").add("ABCDEFGH").hex());
  EXPECT_EQ(Hmac::Message(hmac, "d").add("a").hex(), Hmac::Message(hmac, "d").add("a").hex());
  // printf '\0\0\0\0\0\0\0\001d' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00...00 (64 zeros)
  EXPECT_EQ(Hmac::Message(hmac, "d").hex(), "e3082dea7b703b9eafb908536aafc2a2328f12945abd178e31ecbb9d6d283b2c");
}

}  // namespace
}  // namespace ccd::audit
