// Prints how many opens a second are possible: plain open() by path, openat2 alone, and all that open_confined does.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "files/open.hpp"

namespace {

using namespace ccd;
using namespace ccd::files;

constexpr int kRounds = 300'000;

template <class Open>
void measure(std::string_view name, Open open) {
  for (int i = 0; i < kRounds / 10; ++i) open();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) open();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{:<52} {:>9.0f}/s  {:>6.2f} us\n", name, kRounds / took.count(), took.count() / kRounds * 1e6);
}

void require(bool right) {
  if (!right) std::abort();
}

void status_of(int fd) {
  struct stat status{};
  require(fd >= 0 && ::fstat(fd, &status) == 0);
}

}  // namespace

int main() {
  std::string top = "/tmp/open-bench-XXXXXX";
  require(::mkdtemp(top.data()) != nullptr);
  std::filesystem::create_directories(top + "/a/b");
  std::ofstream(top + "/a/b/file") << "content";
  const auto file = top + "/a/b/file";
  const UniqueFd folder(::open(top.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto path = Roots::open({top}).value().locate(file).value();
  const auto walked = Roots::open({top}, Resolver::walk).value().locate(file).value();
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

  measure("open + fstat + close", [&] { status_of(UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC)).get()); });
  measure("openat2(BENEATH) + fstat + close", [&] {
    status_of(UniqueFd(static_cast<int>(::syscall(SYS_openat2, folder.get(), "a/b/file", &how, sizeof how))).get());
  });
  measure("open_confined, any (look only)", [&] { require(open_confined(path, Kind::any).has_value()); });
  measure("open_confined, file (look, then open)", [&] { require(open_confined(path, Kind::file).has_value()); });
  measure("open_confined, file, walk", [&] { require(open_confined(walked, Kind::file).has_value()); });
  std::filesystem::remove_all(top);
}
