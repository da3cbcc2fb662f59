// Passwords: argon2id hashes, the rules for a new password, and the bound on hashing at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/task.hpp"

namespace ccd::auth {

inline constexpr std::size_t kMinPasswordBytes = 12;
inline constexpr std::size_t kMaxPasswordBytes = 256;  // longer adds no strength, only work
inline constexpr std::size_t kMaxHashesAtOnce = 2;     // 128 MiB at the default cost
inline constexpr std::size_t kMaxHashesWaiting = 16;   // about 1.5 s of work; then ErrorKind::too_many

// What one hash costs. The default follows RFC 9106's second choice (64 MiB, 3 passes), in one lane.
struct HashCost {
  std::uint32_t memory_kib = 64 * 1024;
  std::uint32_t passes = 3;
};

// ErrorKind::invalid with field "password" when it is too short, too long, not UTF-8, contains NUL, is the user's name (alone
// or repeated) or one of the passwords that guessing tries first.
Result<> check_password(std::string_view password, std::string_view user_name);

// A PHC string, "$argon2id$v=19$m=65536,t=3,p=1$salt$hash". Blocks for the whole hash (docs/decisions/0006 has the time).
Result<std::string> hash_password(std::string_view password, Random& random, HashCost cost = {});

// Blocks as above. False for a wrong password; ErrorKind::corrupt when `phc` is not an argon2id PHC string within our bounds.
Result<bool> verify_password(std::string_view phc, std::string_view password);

// Hashing off the loop, kMaxHashesAtOnce at once, in the order of asking. Lives on the loop; outlives its callers.
class PasswordHasher {
 public:
  PasswordHasher(asio::any_io_executor loop, asio::thread_pool* pool, Random* random, HashCost cost = {});

  Task<Result<std::string>> hash(std::string password);
  // An empty `phc` (no such user) costs the same time and is false. A password over kMaxPasswordBytes is false as well.
  Task<Result<bool>> verify(std::string phc, std::string password);

 private:
  class Place;
  [[nodiscard]] bool full() const;

  asio::thread_pool* pool_;
  Random* random_;
  HashCost cost_;
  std::string dummy_;  // the hash of a password nobody has
  Notifier freed_;
  std::size_t running_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::deque<std::uint64_t> waiting_;  // tickets, oldest first
};

}  // namespace ccd::auth
