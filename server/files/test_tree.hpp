// A folder of one test with a root, a canary beside the root, and what is needed to fill them.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "files/roots.hpp"

namespace ccd::files {

inline constexpr std::string_view kCanary = "CANARY";
inline constexpr std::string_view kInside = "inside";

class TestTree {
 public:
  TestTree() {
    std::string name = (std::filesystem::temp_directory_path() / "files-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    top_ = std::filesystem::canonical(name);
    std::filesystem::create_directories(root());
    write(top_ / "canary/file", kCanary);
  }
  ~TestTree() { std::filesystem::remove_all(top_); }
  TestTree(const TestTree&) = delete;
  TestTree& operator=(const TestTree&) = delete;

  [[nodiscard]] const std::filesystem::path& top() const { return top_; }
  [[nodiscard]] std::filesystem::path root() const { return top_ / "srv/app"; }
  [[nodiscard]] std::string in(std::string_view relative) const { return (root() / relative).string(); }

  static void write(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  void file(std::string_view relative, std::string_view content = kInside) const { write(root() / relative, content); }
  void folder(std::string_view relative) const { std::filesystem::create_directories(root() / relative); }
  void link(const std::filesystem::path& to, std::string_view relative) const {
    std::filesystem::create_directories((root() / relative).parent_path());
    std::filesystem::create_symlink(to, root() / relative);
  }
  [[nodiscard]] Roots roots(Resolver resolver = Resolver::best) const {
    return Roots::open({root().string()}, resolver).value();
  }

 private:
  std::filesystem::path top_;
};

}  // namespace ccd::files
