#include "config/secret_strength.hpp"

#include <openssl/evp.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace ccd::config {

namespace {

constexpr std::uint64_t kKnownSecrets[] = {
#include "config/known_secrets.inc"
};

// Below this a repetition, a sequence or a word is chance.
constexpr std::size_t kMinRun = 4;
constexpr std::size_t kMinDistinct = 8;

// From placeholders and examples; each so long that a random secret does not have it (7 letters: under 1 in 10^9 each).
constexpr std::array kGiveaways = std::to_array<std::string_view>(
    {"changeme",    "change-me",     "change_me",    "changeit",     "change-it",    "changethis",   "change-this",
     "change_this", "password",      "passw0rd",     "passphrase",   "placeholder",  "default",      "example",
     "production",  "development",   "insecure",     "supersecret",  "super-secret", "super_secret", "topsecret",
     "top-secret",  "secretkey",     "secret-key",   "secret_key",   "your-secret",  "your_secret",  "yoursecret",
     "jwtsecret",   "jwt-secret",    "jwt_secret",   "mysecret",     "my-secret",    "my_secret",    "somesecret",
     "notsecret",   "not-a-secret",  "notasecret",   "letmein",      "dashboard",    "replaceme",    "replace-me",
     "replace_me",  "replacethis",   "replace this", "replace-this", "testing",      "my secret",    "256-bit",
     "512-bit",     "administrator", "secretsecret"});

// Words that add next to nothing to a secret; each counts as one character.
constexpr std::array kWords = std::to_array<std::string_view>(
    {"secret",    "token",   "test",       "pass",        "admin",     "user",    "login",    "auth",    "prod",
     "real",      "very",    "this",       "that",        "with",      "random",  "string",   "long",    "private",
     "public",    "server",  "claude",     "code",        "safe",      "secure",  "security", "strong",  "please",
     "change",    "your",    "sign",       "hello",       "world",     "demo",    "temp",     "fake",    "sample",
     "node",      "express", "react",      "django",      "flask",     "spring",  "laravel",  "bearer",  "session",
     "cookie",    "access",  "refresh",    "application", "service",   "super",   "master",   "root",    "key",
     "jwt",       "app",     "the",        "and",         "for",       "should",  "must",     "here",    "some",
     "from",      "have",    "characters", "least",       "something", "replace", "generate", "encode",  "bits",
     "json",      "web",     "api",        "hash",        "salt",      "encrypt", "decrypt",  "signing", "abc123",
     "welcome",   "monkey",  "dragon",     "love",        "mysql",     "mongo",   "redis",    "docker",  "local",
     "localhost", "company", "project",    "website"});

// Walks along a keyboard.
constexpr std::array kRows =
    std::to_array<std::string_view>({"qwertzuiop", "qwertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "1234567890",
                                     "!@#$%^&*()", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p"});

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::uint64_t fingerprint(std::string_view lower) {
  std::array<unsigned char, 32> digest{};
  std::size_t size = 0;
  EVP_Q_digest(nullptr, "SHA256", nullptr, lower.data(), lower.size(), digest.data(), &size);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
  return value;
}

bool is_known(std::string_view lower) {
  return std::binary_search(std::begin(kKnownSecrets), std::end(kKnownSecrets), fingerprint(lower));
}

bool has_giveaway(std::string_view lower) {
  return std::any_of(kGiveaways.begin(), kGiveaways.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string_view::npos; });
}

// The longest text at `at` that stands somewhere before it as well (overlapping counts: "aaaa" repeats "a").
std::size_t repeated_at(std::string_view text, std::size_t at) {
  std::size_t longest = 0;
  for (std::size_t from = 0; from < at; ++from) {
    std::size_t length = 0;
    while (at + length < text.size() && text[from + length] == text[at + length]) ++length;
    longest = std::max(longest, length);
  }
  return longest;
}

// "abcd", "4321": each character one more or one less than the one before.
std::size_t counted_at(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return 0;
  const int step = text[at + 1] - text[at];
  if (step != 1 && step != -1) return 0;
  std::size_t length = 2;
  while (at + length < text.size() && text[at + length] - text[at + length - 1] == step) ++length;
  return length;
}

// The rows, each also from right to left.
std::vector<std::string> both_ways() {
  std::vector<std::string> lines;
  for (const auto row : kRows) {
    lines.emplace_back(row);
    lines.emplace_back(row.rbegin(), row.rend());
  }
  return lines;
}

std::size_t keyboard_at(std::string_view text, std::size_t at) {
  static const auto lines = both_ways();
  std::size_t longest = 0;
  for (const std::string& line : lines) {
    const std::size_t from = line.find(text[at]);
    if (from == std::string::npos) continue;
    std::size_t length = 1;
    while (from + length < line.size() && at + length < text.size() && line[from + length] == text[at + length])
      ++length;
    longest = std::max(longest, length);
  }
  return longest;
}

std::size_t word_at(std::string_view text, std::size_t at) {
  std::size_t longest = 0;
  for (const auto word : kWords) {
    if (word.front() == text[at] && text.substr(at).starts_with(word)) longest = std::max(longest, word.size());
  }
  return longest;
}

// The secret without what can be foreseen: of each such run only the first character is left.
std::string unforeseen(std::string_view secret, std::string_view lower) {
  std::string rest;
  for (std::size_t at = 0; at < secret.size();) {
    rest += secret[at];
    const std::size_t run = std::max({repeated_at(lower, at), counted_at(lower, at), keyboard_at(lower, at)});
    const std::size_t word = word_at(lower, at);
    at += std::max(run >= kMinRun ? run : 1, std::max<std::size_t>(word, 1));
  }
  return rest;
}

// Shannon's estimate over the text's own characters.
double bits_in(std::string_view text) {
  std::array<double, 256> counts{};
  for (const char c : text) counts[static_cast<unsigned char>(c)] += 1;
  double bits = 0;
  const auto size = static_cast<double>(text.size());
  for (const double count : counts) {
    if (count > 0) bits -= count * std::log2(count / size);
  }
  return bits;
}

tl::unexpected<Error> weak(std::string why) {
  return fail(ErrorKind::invalid, std::move(why) + "; make a good one with: openssl rand -base64 48");
}

}  // namespace

Result<> judge_secret(std::string_view secret) {
  if (secret.empty()) return weak("is not set");
  if (secret.size() < kMinSecretChars) {
    return weak("is too short: " + std::to_string(kMinSecretChars) + " random characters are the least");
  }
  if (secret.size() > kMaxSecretChars) return weak("is longer than " + std::to_string(kMaxSecretChars) + " characters");
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(secret.begin(), secret.end(), control))
    return weak("has a control character (a line break or a tab, perhaps)");
  if (secret.front() == ' ' || secret.back() == ' ') return weak("has white space at its start or end");
  const std::string lower = lower_case(secret);
  if (is_known(lower)) return weak("is on public lists of secrets, which attackers try first");
  if (has_giveaway(lower)) return weak("has words of a placeholder in it");
  if (std::set<char>(secret.begin(), secret.end()).size() < kMinDistinct ||
      bits_in(unforeseen(secret, lower)) < kMinSecretBits) {
    return weak("can be guessed: it is made of words, sequences or repetitions");
  }
  return {};
}

}  // namespace ccd::config
