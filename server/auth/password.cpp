#include "auth/password.hpp"

#include <argon2.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "base/encoding.hpp"

namespace ccd::auth {

namespace {

constexpr std::uint32_t kLanes =
    1;  // one core each: two hashes at once are the bound, and a machine of two cores is usual
constexpr std::size_t kSaltBytes = 16;  // RFC 9106 3.1
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kMaxPhcBytes = 200;
// What a stored hash may ask for: a changed database must not take all memory.
constexpr std::uint32_t kMaxMemoryKib = 256 * 1024;
constexpr std::uint32_t kMaxPasses = 10;
constexpr std::size_t kMinDistinctBytes = 5;

// Stems of the passwords that lists of leaked ones begin with, and of this product's own words. Digits and signs at the ends,
// capitals and the usual digits for letters do not make another password of them.
constexpr std::array<std::string_view, 44> kCommonStems{"password",
                                                        "passwort",
                                                        "passphrase",
                                                        "passw",
                                                        "letmein",
                                                        "welcome",
                                                        "welcometo",
                                                        "admin",
                                                        "administrator",
                                                        "root",
                                                        "rootroot",
                                                        "superuser",
                                                        "user",
                                                        "guest",
                                                        "default",
                                                        "changeme",
                                                        "changemenow",
                                                        "changethis",
                                                        "secret",
                                                        "topsecret",
                                                        "supersecret",
                                                        "mysecret",
                                                        "iloveyou",
                                                        "ilovemyself",
                                                        "qwerty",
                                                        "qwertyuiop",
                                                        "qwertyqwerty",
                                                        "qwertyuiopasdfghjkl",
                                                        "asdfghjkl",
                                                        "zxcvbnm",
                                                        "monkey",
                                                        "dragon",
                                                        "football",
                                                        "baseball",
                                                        "princess",
                                                        "sunshine",
                                                        "trustnoone",
                                                        "dashboard",
                                                        "claude",
                                                        "claudecode",
                                                        "claudedashboard",
                                                        "claudecodedashboard",
                                                        "anthropic",
                                                        "correcthorsebatterystaple"};

std::string fold(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Lower case, letters in the place of the digits and signs that stand for them, anything else than letters taken out.
std::string stem(std::string_view password) {
  static constexpr std::string_view kSigns = "0134578@$!+";
  static constexpr std::string_view kLetters = "oieastbasit";
  std::string text = fold(password);
  // What follows or precedes the word is decoration, and "1234" is not "iea".
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  while (!text.empty() && !letter(text.back())) text.pop_back();
  std::string out;
  for (const char c : text) {
    const auto sign = kSigns.find(c);
    if (letter(c)) out += c;
    else if (!out.empty() && sign != kSigns.npos) out += kLetters[sign];
  }
  return out;
}

// "abcabcabc", "aaaaaaaa".
bool repeats_a_short_unit(std::string_view text) {
  constexpr std::size_t kLongestUnit = 4;
  for (std::size_t unit = 1; unit <= kLongestUnit && unit * 2 <= text.size(); ++unit)
    if (text.substr(unit) == text.substr(0, text.size() - unit)) return true;
  return false;
}

// "123456789012", "abcdefghijkl", "987654321098": each byte follows the one before it, but for a fold from 9 to 0.
bool is_a_run(std::string_view text) {
  const auto follows = [](char a, char b) { return b == a + 1 || (a == '9' && b == '0'); };
  std::size_t up = 0;
  std::size_t down = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    up += follows(text[i - 1], text[i]) ? 1 : 0;
    down += follows(text[i], text[i - 1]) ? 1 : 0;
  }
  return std::max(up, down) + 1 >= text.size();
}

bool is_the_name(std::string_view password, std::string_view name) {
  const std::string text = fold(password);
  const std::string unit = fold(name);
  if (unit.empty()) return false;
  std::string_view rest = text;
  while (rest.starts_with(unit)) rest.remove_prefix(unit.size());
  // Alone, repeated, or with only digits and signs behind it.
  return rest.size() < text.size() &&
         std::none_of(rest.begin(), rest.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

bool is_common(std::string_view password) {
  std::array<bool, 256> seen{};
  for (const char c : password) seen[static_cast<unsigned char>(c)] = true;
  if (static_cast<std::size_t>(std::count(seen.begin(), seen.end(), true)) < kMinDistinctBytes) return true;
  const std::string text = fold(password);
  if (repeats_a_short_unit(text) || is_a_run(text)) return true;
  const std::string word = stem(password);
  const std::string_view half = std::string_view(word).substr(0, word.size() / 2);
  const bool twice = word.size() % 2 == 0 && word.ends_with(half);
  return std::find(kCommonStems.begin(), kCommonStems.end(), twice ? half : word) != kCommonStems.end();
}

// A number of the PHC string's parameter part, which must be canonical.
std::optional<std::uint32_t> take_number(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  std::uint32_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool within_bounds(std::string_view phc) {
  constexpr std::string_view kPrefix = "$argon2id$v=19$";
  if (phc.size() > kMaxPhcBytes || !phc.starts_with(kPrefix)) return false;
  phc.remove_prefix(kPrefix.size());
  const auto memory = take_number(phc, "m=");
  const auto passes = memory ? take_number(phc, ",t=") : std::nullopt;
  const auto lanes = passes ? take_number(phc, ",p=") : std::nullopt;
  return lanes && *memory <= kMaxMemoryKib && *passes <= kMaxPasses && *lanes == kLanes && phc.starts_with('$');
}

}  // namespace

Result<> check_password(std::string_view password, std::string_view user_name) {
  if (password.size() < kMinPasswordBytes)
    return fail_field("password", "password is too short: use at least 12 characters");
  if (password.size() > kMaxPasswordBytes) return fail_field("password", "password is too long: use at most 256 bytes");
  if (!valid_utf8(password) || password.find('\0') != password.npos)
    return fail_field("password", "password has bytes that are not text");
  if (is_the_name(password, user_name)) return fail_field("password", "password is the user's name: use another");
  if (is_common(password)) return fail_field("password", "password is among the first that are guessed: use another");
  return {};
}

namespace {

using Salt = std::array<std::byte, kSaltBytes>;

Salt make_salt(Random& random) {
  Salt salt{};
  random.fill(salt);
  return salt;
}

Result<std::string> hash_with(std::string_view password, const Salt& salt, HashCost cost) {
  std::array<char, kMaxPhcBytes> phc{};
  const int rc = argon2id_hash_encoded(cost.passes, cost.memory_kib, kLanes, password.data(), password.size(),
                                       salt.data(), salt.size(), kHashBytes, phc.data(), phc.size());
  if (rc == ARGON2_MEMORY_ALLOCATION_ERROR) return fail(ErrorKind::unavailable, "hash password: out of memory");
  if (rc != ARGON2_OK) return fail(ErrorKind::internal, std::string("hash password: ") + argon2_error_message(rc));
  return std::string(phc.data());
}

}  // namespace

Result<std::string> hash_password(std::string_view password, Random& random, HashCost cost) {
  return hash_with(password, make_salt(random), cost);
}

Result<bool> verify_password(std::string_view phc, std::string_view password) {
  if (!within_bounds(phc))
    return fail(ErrorKind::corrupt, "check password: the stored hash is not argon2id within its bounds");
  const int rc = argon2id_verify(std::string(phc).c_str(), password.data(), password.size());
  if (rc == ARGON2_OK) return true;
  if (rc == ARGON2_VERIFY_MISMATCH) return false;
  if (rc == ARGON2_MEMORY_ALLOCATION_ERROR) return fail(ErrorKind::unavailable, "check password: out of memory");
  return fail(ErrorKind::corrupt, std::string("check password: ") + argon2_error_message(rc));
}

// A place in the queue that becomes one of the running; leaves wherever it is when destroyed, so that a cancelled caller
// blocks nobody.
class PasswordHasher::Place {
 public:
  explicit Place(PasswordHasher* hasher) : hasher_(hasher), ticket_(hasher->next_ticket_++) {
    hasher_->waiting_.push_back(ticket_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (running_) --hasher_->running_;
    else std::erase(hasher_->waiting_, ticket_);
    hasher_->freed_.notify();
  }
  [[nodiscard]] bool ready() const {
    return hasher_->running_ < kMaxHashesAtOnce && hasher_->waiting_.front() == ticket_;
  }
  void run() {
    hasher_->waiting_.pop_front();
    ++hasher_->running_;
    running_ = true;
    hasher_->freed_.notify();  // the next one may have a place as well
  }

 private:
  PasswordHasher* hasher_;
  std::uint64_t ticket_;
  bool running_ = false;
};

PasswordHasher::PasswordHasher(asio::any_io_executor loop, asio::thread_pool* pool, Random* random, HashCost cost)
    : pool_(pool), random_(random), cost_(cost), freed_(std::move(loop)) {
  // Hex digits are base64 as well; the last A keeps the unused bits zero. 18 bytes of salt, 32 of hash.
  dummy_ = "$argon2id$v=19$m=" + std::to_string(cost.memory_kib) + ",t=" + std::to_string(cost.passes) + ",p=1$" +
           random->hex(12) + "$" + random->hex(21) + "A";
}

bool PasswordHasher::full() const { return waiting_.size() >= kMaxHashesWaiting; }

namespace {
tl::unexpected<Error> busy() {
  constexpr int kSoon = 2;  // seconds: the whole queue is done by then
  return tl::unexpected(
      Error{.kind = ErrorKind::too_many, .message = "too many logins at once", .retry_seconds = kSoon});
}
}  // namespace

Task<Result<std::string>> PasswordHasher::hash(std::string password) {
  if (full()) co_return busy();
  Place place(this);
  while (!place.ready()) co_await freed_.wait();
  place.run();
  auto work = [password = std::move(password), salt = make_salt(*random_), cost = cost_] {
    return hash_with(password, salt, cost);
  };
  co_return co_await run_on(*pool_, std::move(work));
}

Task<Result<bool>> PasswordHasher::verify(std::string phc, std::string password) {
  if (full()) co_return busy();
  Place place(this);
  while (!place.ready()) co_await freed_.wait();
  place.run();
  const bool possible = !phc.empty() && password.size() <= kMaxPasswordBytes;
  if (!possible) phc = dummy_;
  if (password.size() > kMaxPasswordBytes) password.resize(kMaxPasswordBytes);
  auto work = [phc = std::move(phc), password = std::move(password)] { return verify_password(phc, password); };
  auto right = co_await run_on(*pool_, std::move(work));
  if (right && !possible) co_return false;
  co_return right;
}

}  // namespace ccd::auth
