// The one-time code that makes the first account: on the console and in a file that only the owner reads.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/random.hpp"

namespace ccd::auth {

class SetupCode {
 public:
  // Writes data_dir/setup-code with mode 0600, in the place of an older one.
  static Result<SetupCode> make(std::filesystem::path data_dir, Random* random);

  // "k3vq-...": 100 random bits, in characters that are not taken for each other.
  [[nodiscard]] const std::string& text() const { return code_; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  // Capitals, spaces and dashes do not matter. Constant time. The kSetupTries-th wrong one makes a new code.
  Result<bool> matches(std::string_view typed);
  // Removes the file. Best effort: the code is void anyway once there is a user.
  void remove() const;

 private:
  SetupCode(std::filesystem::path file, Random* random) : file_(std::move(file)), random_(random) {}
  Result<> renew();

  std::filesystem::path file_;
  Random* random_;
  std::string code_;
  int wrong_ = 0;
};

// Removes a setup code's file that an earlier run left.
void remove_setup_code(const std::filesystem::path& data_dir);

}  // namespace ccd::auth
