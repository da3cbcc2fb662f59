// Feeds a file to the screen model again and again and prints what it cost: bench_model COLS ROWS SCROLLBACK REPEATS FILE.
#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "terminal/screen.hpp"
#include "terminal/snapshot.hpp"

namespace {

// What the reader of a session's log hands over at once.
constexpr std::size_t kPiece = 64U << 10U;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

rusage usage() {
  rusage now{};
  getrusage(RUSAGE_SELF, &now);
  return now;
}

// Resident memory in KiB, from the second field of statm, which counts pages.
long resident_kib() {
  std::ifstream statm("/proc/self/statm");
  long all = 0;
  long resident = 0;
  statm >> all >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ccd::terminal;
  if (argc != 6) {
    std::fprintf(stderr, "usage: bench_model COLS ROWS SCROLLBACK REPEATS FILE\n");
    return 2;
  }
  const Size size{std::atoi(argv[1]), std::atoi(argv[2])};
  Limits limits;
  limits.scrollback_lines = static_cast<std::size_t>(std::atol(argv[3]));
  const int repeats = std::atoi(argv[4]);
  const std::string text = read_file(argv[5]);

  const long rss_before = resident_kib();
  Screen screen(size, limits);
  const rusage before = usage();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < repeats; ++i)
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(std::min(kPiece, rest.size())))
      screen.feed(rest.substr(0, kPiece));
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const rusage after = usage();
  const long rss_after = resident_kib();

  const auto snapshot_start = std::chrono::steady_clock::now();
  const std::string snapshot = write_snapshot(screen);
  const std::chrono::duration<double> snapshot_wall = std::chrono::steady_clock::now() - snapshot_start;
  const auto keyframe_start = std::chrono::steady_clock::now();
  const std::string keyframe = write_snapshot(screen, {.scrollback_lines = kAllLines});
  const std::chrono::duration<double> keyframe_wall = std::chrono::steady_clock::now() - keyframe_start;
  std::printf(
      "{\"bytes\":%zu,\"wall\":%.6f,\"user\":%.6f,\"system\":%.6f,\"lines\":%llu,\"memory_bytes\":%zu,\"rss_growth_"
      "kib\":%ld,"
      "\"snapshot_bytes\":%zu,\"snapshot_us\":%.1f,\"keyframe_bytes\":%zu,\"keyframe_us\":%.1f}\n",
      text.size() * static_cast<std::size_t>(repeats), wall.count(), seconds(after.ru_utime) - seconds(before.ru_utime),
      seconds(after.ru_stime) - seconds(before.ru_stime),
      static_cast<unsigned long long>(screen.top_line() - screen.first_line()), screen.memory_bytes(),
      rss_after - rss_before, snapshot.size(), snapshot_wall.count() * 1e6, keyframe.size(),
      keyframe_wall.count() * 1e6);
  return 0;
}
