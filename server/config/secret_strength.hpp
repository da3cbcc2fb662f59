// Whether a configured secret can be guessed.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.hpp"

namespace ccd::config {

inline constexpr std::size_t kMinSecretChars = 32;
// A secret is read by a person's eyes at least once; a longer one is some other file.
inline constexpr std::size_t kMaxSecretChars = 4096;
// What must be left, by estimate, when words, sequences and repetitions are taken out.
inline constexpr double kMinSecretBits = 80.0;

// Accepts what a random generator gives (hex, base64, base64url, UUID-like, of 32 characters or more). Refuses
// (`invalid`) short and long ones, control characters, words, patterns, and every secret known from public lists
// (known_secrets.inc, compared by fingerprint, upper and lower case alike). The message says what is wrong and how to
// make a good one, never the secret.
Result<> judge_secret(std::string_view secret);

}  // namespace ccd::config
