#include "auth/setup_code.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <array>
#include <cstddef>
#include <system_error>

#include "auth/auth.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"

namespace ccd::auth {

namespace {

constexpr std::string_view kFileName = "setup-code";
constexpr std::size_t kCharacters = 20;  // 5 bits each
constexpr std::size_t kGroup = 5;
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // without i, l, o, u

std::string make_code(Random& random) {
  std::array<std::byte, kCharacters> bytes{};
  random.fill(bytes);
  std::string code;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0 && i % kGroup == 0) code += '-';
    code += kAlphabet[std::to_integer<std::size_t>(bytes[i]) % kAlphabet.size()];  // 256 is a multiple of 32
  }
  return code;
}

std::string normal(std::string_view typed) {
  std::string out;
  constexpr std::size_t kMostTyped = 64;
  for (const char c : typed.substr(0, kMostTyped)) {
    if (c == '-' || c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

Result<> write_private(const std::filesystem::path& file, std::string_view text) {
  // A new file under another name, then the name: nobody ever sees half a code, and no link or mode of an old file counts.
  std::string temporary = file.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!fd) return fail_errno("make " + temporary);
  const auto written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size()) || ::rename(temporary.c_str(), file.c_str()) != 0) {
    auto error = fail_errno("write " + file.string());
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

}  // namespace

Result<SetupCode> SetupCode::make(std::filesystem::path data_dir, Random* random) {
  SetupCode code(data_dir / kFileName, random);
  TRY(code.renew());
  return code;
}

Result<> SetupCode::renew() {
  code_ = make_code(*random_);
  wrong_ = 0;
  return write_private(file_, code_ + "\n");
}

Result<bool> SetupCode::matches(std::string_view typed) {
  if (equal_constant_time(normal(typed), normal(code_))) return true;
  if (++wrong_ >= kSetupTries) {
    TRY(renew());
    log_warn("auth", "too many wrong setup codes: there is a new one", {{"file", file_.string()}});
  }
  return false;
}

void SetupCode::remove() const {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

void remove_setup_code(const std::filesystem::path& data_dir) {
  std::error_code ignored;
  std::filesystem::remove(data_dir / kFileName, ignored);
}

}  // namespace ccd::auth
