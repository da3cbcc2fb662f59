// Password rules, argon2id, and the bound on hashing at once.
#include "auth/password.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <ctime>
#include <functional>

#include "auth/principal.hpp"

namespace ccd::auth {
namespace {

constexpr HashCost kCheap{.memory_kib = 64, .passes = 1};

TEST(Password, RulesRefuse) {
  for (const char* bad : {"",
                          "short",
                          "elevenchars",
                          "aaaaaaaaaaaaaaaa",
                          "abababababab",
                          "abcabcabcabc",
                          "123456789012",
                          "098765432109",
                          "abcdefghijklmnop",
                          "1234123412341234",
                          "Password1234",
                          "P@ssw0rd1234!",
                          "passwordpassword",
                          "password2026!!!!",
                          "qwertyuiop123",
                          "Administrator1",
                          "letmein1234567",
                          "changeme!!!!!!",
                          "ClaudeCode2026",
                          "dashboard12345",
                          "correcthorsebatterystaple",
                          "correct horse battery staple",
                          "Owner.Name",
                          "owner.name1234",
                          "OWNER.NAMEowner.name",
                          "\xff\xfe not text at all"})
    EXPECT_FALSE(check_password(bad, "owner.name")) << bad;
  EXPECT_FALSE(check_password(std::string("valid words\0here", 16), "ann"));
  EXPECT_FALSE(check_password(std::string(257, 'x') + "abcdefg123", "ann"));
  EXPECT_EQ(check_password("short", "ann").error().field, "password");
}

TEST(Password, RulesAccept) {
  for (const char* good : {"twelve bytes", "maple-orbit-37", "xkcd 936 is old", "password of the lighthouse",
                           "Gr\xc3\xbc\xc3\x9f"
                           "e aus Bremen",
                           "owner.name has a garden", "8c1f0e7ab2d94c66", "qwerty is a layout"})
    EXPECT_TRUE(check_password(good, "owner.name")) << good;
  std::string longest;
  while (longest.size() < kMaxPasswordBytes) longest += "the quick brown fox ";
  EXPECT_TRUE(check_password(longest.substr(0, kMaxPasswordBytes), "ann"));
}

TEST(Password, HashRoundTrip) {
  SystemRandom random;
  const std::string phc = hash_password("maple-orbit-37", random, kCheap).value();
  EXPECT_TRUE(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << phc;
  EXPECT_TRUE(verify_password(phc, "maple-orbit-37").value());
  EXPECT_FALSE(verify_password(phc, "maple-orbit-38").value());
  EXPECT_FALSE(verify_password(phc, "").value());
  EXPECT_NE(phc, hash_password("maple-orbit-37", random, kCheap).value());
}

TEST(Password, DefaultCostIsTheOnePromised) {
  SystemRandom random;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(hash_password("maple-orbit-37", random)->starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - before;
  std::cout << "argon2id 64 MiB, t=3, p=1: " << took.count() << " ms\n";
}

TEST(Password, StoredHashOutOfBoundsIsCorrupt) {
  SystemRandom random;
  const std::string phc = hash_password("maple-orbit-37", random, kCheap).value();
  const std::string tail = phc.substr(phc.find(",p=1$"));
  const std::vector<std::string> rows{"",
                                      "maple-orbit-37",
                                      "$2b$12$abc",
                                      "$argon2i$v=19$m=64,t=1" + tail,
                                      "$argon2id$v=16$m=64,t=1" + tail,
                                      "$argon2id$v=19$m=4194304,t=1" + tail,
                                      "$argon2id$v=19$m=64,t=100000" + tail,
                                      "$argon2id$v=19$m=64,t=1,p=64$c2FsdHNhbHQ$aGFzaA",
                                      phc.substr(0, phc.size() / 2),
                                      phc + std::string(500, 'A')};
  for (const std::string& bad : rows) {
    const auto verdict = verify_password(bad, "maple-orbit-37");
    ASSERT_FALSE(verdict) << bad;
    EXPECT_EQ(verdict.error().kind, ErrorKind::corrupt);
  }
}

class HasherTest : public testing::Test {
 protected:
  template <class T>
  void start(Task<T> task, std::function<void(T)> done) {
    asio::co_spawn(loop_, std::move(task), [done = std::move(done)](std::exception_ptr failure, T value) {
      ASSERT_FALSE(failure);
      done(std::move(value));
    });
  }
  asio::io_context loop_;
  asio::thread_pool pool_{4};  // more threads than may hash at once
  SystemRandom random_;
};

TEST_F(HasherTest, QueueIsBoundedAndInOrder) {
  asio::thread_pool one{1};  // so that the order of ending is the order of starting
  PasswordHasher hasher(loop_.get_executor(), &one, &random_, {.memory_kib = 1024, .passes = 1});
  std::vector<int> finished;
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    auto done = [&, i](Result<std::string> hash) {
      if (hash) finished.push_back(i);
      else if (hash.error().kind == ErrorKind::too_many && hash.error().retry_seconds > 0) ++refused;
    };
    start<Result<std::string>>(hasher.hash("maple-orbit-37"), done);
  }
  loop_.run();
  EXPECT_EQ(finished.size(), kMaxHashesAtOnce + kMaxHashesWaiting);
  EXPECT_EQ(refused, 40 - static_cast<int>(finished.size()));
  EXPECT_TRUE(std::is_sorted(finished.begin(), finished.end()));
}

TEST_F(HasherTest, UnknownUserCostsTheSame) {
  PasswordHasher hasher(loop_.get_executor(), &pool_, &random_);
  const std::string phc = hash_password("maple-orbit-37", random_).value();
  // The processor's time, which other programs on this machine do not change much.
  const auto cpu_ms = [] {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
  };
  const auto fastest = [&](const std::string& stored, bool expect) {
    double best = 1e9;
    for (int i = 0; i < 3; ++i) {
      const double before = cpu_ms();
      auto done = [&](Result<bool> right) { EXPECT_EQ(right.value(), expect); };
      start<Result<bool>>(hasher.verify(stored, expect ? "maple-orbit-37" : "another password"), done);
      loop_.restart();
      loop_.run();
      best = std::min(best, cpu_ms() - before);
    }
    return best;
  };
  const double right = fastest(phc, true);
  const double wrong = fastest(phc, false);
  const double nobody = fastest("", false);
  std::cout << "verify: right " << right << " ms, wrong " << wrong << " ms, no such user " << nobody << " ms\n";
  EXPECT_GT(nobody, 0.5 * wrong);
  EXPECT_LT(nobody, 2 * wrong);
}

TEST_F(HasherTest, CancelledCallerFreesItsPlace) {
  PasswordHasher hasher(loop_.get_executor(), &pool_, &random_, {.memory_kib = 8192, .passes = 2});
  asio::cancellation_signal stop;
  int ended = 0;
  const auto count = [&](std::exception_ptr, Result<std::string>) { ++ended; };
  for (int i = 0; i < 4; ++i) asio::co_spawn(loop_, hasher.hash("maple-orbit-37"), count);
  asio::co_spawn(loop_, hasher.hash("maple-orbit-37"), asio::bind_cancellation_slot(stop.slot(), count));
  asio::co_spawn(loop_, hasher.hash("maple-orbit-37"), count);
  asio::post(loop_, [&] { stop.emit(asio::cancellation_type::terminal); });
  loop_.run();
  EXPECT_EQ(ended, 6);
}

}  // namespace
}  // namespace ccd::auth
