// Known path traversal strings against a real tree: none may open anything that is not beneath the root.
#include <fmt/format.h>
#include <chrono>
#include <cstdio>
#include <set>

#include "files/open.hpp"
#include "files/projects.hpp"
#include "files/test_tree.hpp"

namespace ccd::files {
namespace {

std::filesystem::path test_data() {
  if (const char* named = std::getenv("TEST_DATA"); named != nullptr && *named != '\0') return named;
  const char* source = std::getenv("DASHBOARD_SOURCE");
  return std::filesystem::path(source != nullptr && *source != '\0' ? source : ".") / "../shared/data";
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As lenient as decoders come: what is no escape stays as it is.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += '%';
    for (const int shift : {4, 0}) out += "0123456789ABCDEF"[(static_cast<unsigned char>(c) >> shift) & 15];
  }
  return out;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

std::string first_bytes(int fd) {
  char bytes[6] = {};
  const auto n = ::pread(fd, bytes, sizeof bytes, 0);
  return {bytes, n > 0 ? static_cast<std::size_t>(n) : 0};
}

// The line as it arrives raw; when it was encoded once, or twice, and is decoded once; and when it was an escape
// already.
std::set<std::string> arrivals(const std::string& line) {
  const auto named = replaced(line, "{FILE}", "etc/passwd");
  return {named, percent_decoded(percent_encoded(named)), percent_decoded(percent_encoded(percent_encoded(named))),
          percent_decoded(named), percent_decoded(percent_decoded(named))};
}

struct Counts {
  long attempts = 0, refused_by_name = 0, refused_by_open = 0, opened_inside = 0, leaks = 0, naive_leaks = 0;
};

class Attack {
 public:
  Attack(const TestTree& tree, Resolver resolver) : tree_(tree), roots_(tree.roots(resolver)) {}

  void attempt(const std::string& path) {
    ++counts.attempts;
    const auto located = roots_.locate(path);
    if (!located) {
      ++counts.refused_by_name;
      return;
    }
    auto opened = open_confined(*located, Kind::file);
    if (!opened) opened = open_confined(*located, Kind::any);
    if (!opened) {
      ++counts.refused_by_open;
      return;
    }
    const auto real = real_path_of(opened->fd.get());
    const bool beneath = real && (*real + "/").starts_with(tree_.root().string() + "/");
    if (beneath && first_bytes(opened->fd.get()) != kCanary) {
      ++counts.opened_inside;
    } else {
      ++counts.leaks;
      ADD_FAILURE() << "leak: " << ::testing::PrintToString(path);
    }
  }

  // The same string as a careless server takes it: proof that the list can reach the canary.
  void attempt_naively(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (fd && first_bytes(fd.get()) == kCanary) ++counts.naive_leaks;
  }

  Counts counts;

 private:
  const TestTree& tree_;
  Roots roots_;
};

// Canaries where "../" chains end, and namesakes inside, so that harmless strings do open something.
void fill(const TestTree& tree) {
  for (const char* name : {"etc/passwd", "etc/shadow", "etc/issue", "boot.ini", "windows/win.ini"}) {
    for (const auto& above : {tree.top(), tree.top() / "srv"}) TestTree::write(above / name, kCanary);
    tree.file(name);
  }
}

void print(std::string_view name, const Counts& c) {
  fmt::print("  {}: {} attempts, {} leaks; {} refused by name, {} by open, {} opened inside\n", name, c.attempts,
             c.leaks, c.refused_by_name, c.refused_by_open, c.opened_inside);
}

TEST(Traversal, NoStringOfTheListLeavesTheRoot) {
  const auto list = test_data() / "path-traversal.txt";
  if (!std::filesystem::exists(list)) GTEST_SKIP() << "skipped: no data";
  const TestTree tree;
  fill(tree);
  const auto root = tree.root().string();
  Attack openat2(tree, Resolver::best);
  Attack walk(tree, Resolver::walk);
  long lines = 0;
  const auto start = std::chrono::steady_clock::now();
  std::ifstream input(list, std::ios::binary);
  for (std::string line; std::getline(input, line); ++lines) {
    for (const auto& text : arrivals(line)) {
      for (const auto& path : {text, root + "/" + text, root + text}) {
        openat2.attempt(path);
        walk.attempt(path);
        openat2.attempt_naively(path);
      }
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("path-traversal: {} lines in {:.1f} s; a naive open reads the canary {} times\n", lines, took.count(),
             openat2.counts.naive_leaks);
  print("openat2", openat2.counts);
  print("walk", walk.counts);
  EXPECT_GT(lines, 20'000);
  EXPECT_GT(openat2.counts.naive_leaks, 100);
  for (const auto& counts : {openat2.counts, walk.counts}) {
    EXPECT_EQ(counts.leaks, 0);
    EXPECT_GT(counts.opened_inside, 0);
    EXPECT_GT(counts.refused_by_open, 0);
  }
}

}  // namespace
}  // namespace ccd::files
