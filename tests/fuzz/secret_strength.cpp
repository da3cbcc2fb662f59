// Fuzzes config/secret_strength: what passes is long, various and not known, and no message repeats the secret.
#include "config/secret_strength.hpp"

#include <array>
#include <cmath>
#include <string>

#include "support.hpp"

namespace {

// Shannon's estimate over the whole text. Taking characters out of a text never raises it, so it bounds what the judge
// counts.
double bits_in(std::string_view text) {
  std::array<double, 256> counts{};
  for (const char c : text) counts[static_cast<unsigned char>(c)] += 1;
  double bits = 0;
  for (const double count : counts)
    if (count > 0) bits -= count * std::log2(count / static_cast<double>(text.size()));
  return bits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::config;
  const std::string_view secret = ccd::fuzz::as_text(data, size);
  // In no message of its own, so where it is found the secret has been repeated.
  constexpr std::string_view kPart = "~~7d0f~~";
  const auto with_part = judge_secret(std::string(kPart) + std::string(secret));
  if (!with_part) CHECK(with_part.error().message.find(kPart) == std::string::npos);
  const auto verdict = judge_secret(secret);
  if (!verdict) {
    CHECK(verdict.error().kind == ccd::ErrorKind::invalid && !verdict.error().message.empty());
    return 0;
  }
  constexpr double kRounding = 1e-6;
  CHECK(size >= kMinSecretChars && size <= kMaxSecretChars);
  for (const char c : secret) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  CHECK(secret.front() != ' ' && secret.back() != ' ');
  CHECK(bits_in(secret) >= kMinSecretBits - kRounding);
  // What makes a good secret a placeholder makes it one in any place.
  const std::string half(secret.substr(0, size / 2));
  CHECK(!judge_secret("ChangeMe" + std::string(secret)));
  CHECK(!judge_secret(half + "PASSWORD" + std::string(secret.substr(size / 2))));
  CHECK(!judge_secret(std::string(secret) + '\n'));
  CHECK(!judge_secret(' ' + std::string(secret)));
  return 0;
}
