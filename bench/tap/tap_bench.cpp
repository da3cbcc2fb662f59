// Measures pane-tap: bytes per second against cat, memory, wake-up latency of the log's reader, and its cost to a flood
// through tmux.
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "recording/log_reader.hpp"
#include "recording/log_watcher.hpp"
#include "recording/session_folder.hpp"
#include "recording/test_support.hpp"

extern char** environ;

namespace {

using namespace ccd;
using namespace ccd::recording;
using namespace ccd::recording::test;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 5;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}
double median(const std::vector<double>& values) { return quantile(values, 0.5); }

// --- pipe

constexpr std::size_t kPipeBytes = 1'000'000'000;
constexpr std::size_t kChunk = 16 * 1024;  // what tmux writes at once at most

void write_all(int fd, std::size_t bytes) {
  const std::string chunk = pattern(kChunk, 1);
  for (std::size_t sent = 0; sent < bytes;) {
    const ssize_t n = ::send(fd, chunk.data(), std::min(chunk.size(), bytes - sent), MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

double pipe_to_tap() {
  const SessionFolder folder;
  TapProcess tap(folder.path());
  tap.wait_ready();
  const auto start = Clock::now();
  write_all(tap.fd(), kPipeBytes);
  tap.end_pane();
  tap.exit_code();
  return seconds_since(start);
}

double pipe_to_cat() {
  const SessionFolder folder;
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return 0;
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), 0);
  const std::string file = folder.root() + "/out";
  posix_spawn_file_actions_addopen(&actions, 1, file.c_str(), O_WRONLY | O_CREAT, 0600);
  std::string name = "cat";
  std::array<char*, 2> argv{name.data(), nullptr};
  pid_t pid = -1;
  ::posix_spawnp(&pid, "cat", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  theirs.reset();
  const auto start = Clock::now();
  write_all(ours.get(), kPipeBytes);
  ours.reset();
  ::waitpid(pid, nullptr, 0);
  return seconds_since(start);
}

void bench_pipe() {
  std::vector<double> tap;
  std::vector<double> cat;
  for (int i = 0; i < kRounds; ++i) {
    tap.push_back(pipe_to_tap());
    cat.push_back(pipe_to_cat());
  }
  constexpr double kGigabytes = static_cast<double>(kPipeBytes) / 1e9;
  std::printf(R"({"bench":"pipe","tap_gb_per_s":%.2f,"cat_gb_per_s":%.2f,"time_ratio":%.2f,"rounds":%d})"
              "\n",
              kGigabytes / median(tap), kGigabytes / median(cat), median(tap) / median(cat), kRounds);
}

// --- memory

std::map<std::string, int> smaps_rollup(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::map<std::string, int> kib;
  std::string line;
  std::getline(in, line);
  for (std::string key; in >> key;) {
    in >> kib[key];
    std::getline(in, line);
  }
  return kib;
}

void bench_memory() {
  constexpr std::size_t kTaps = 20;
  std::vector<std::unique_ptr<SessionFolder>> folders;
  std::vector<std::unique_ptr<TapProcess>> taps;
  for (std::size_t i = 0; i < kTaps; ++i) {
    folders.push_back(std::make_unique<SessionFolder>());
    taps.push_back(std::make_unique<TapProcess>(folders.back()->path()));
    taps.back()->wait_ready();
    taps.back()->print("ready\n");
  }
  const auto report = [&](const char* when) {
    std::map<std::string, int> sum;
    for (const auto& tap : taps)
      for (const auto& [key, kib] : smaps_rollup(tap->pid())) sum[key] += kib;
    const auto each = [&](const char* key) { return sum[key] / static_cast<int>(kTaps); };
    std::printf(R"({"bench":"memory","when":"%s","anonymous_kib":%d,"pss_kib":%d,"rss_kib":%d,"taps":%zu})"
                "\n",
                when, each("Anonymous:"), each("Pss:"), each("Rss:"), kTaps);
  };
  report("quiet");
  for (std::size_t i = 0; i < kTaps; ++i) {
    taps[i]->print(pattern(20'000'000, i));
    wait_until([&] { return folders[i]->log_end() >= 20'000'000; });
  }
  report("after 20 MB");
}

// --- wake

// Times from just before `write` to the moment at which a reader on the loop has the byte.
std::vector<double> wake_times(const SessionFolder& folder, const std::function<void()>& write) {
  constexpr int kSamples = 5000;
  asio::io_context io;
  LogWatcher watcher(io.get_executor());
  LogReader reader = LogReader::open(folder.path()).value();
  std::uint64_t at = reader.extent()->end;
  std::vector<double> micros;
  Clock::time_point written;
  std::array<std::byte, 4096> buffer{};
  const auto watch = watcher.watch(folder.path(), [&] {
    const std::size_t n = reader.read(at, buffer).value_or(0);
    if (n == 0) return;
    at += n;
    micros.push_back(seconds_since(written) * 1e6);
  });
  for (std::size_t i = 0; i < kSamples; ++i) {
    // Far enough apart that both sides sleep, as between keystrokes.
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    written = Clock::now();
    write();
    while (micros.size() <= i) {
      io.restart();
      if (io.run_one_for(std::chrono::seconds(5)) == 0) return micros;
    }
  }
  return micros;
}

void print_wake(const char* path, const std::vector<double>& micros) {
  std::printf(R"({"bench":"wake","path":"%s","p50_us":%.1f,"p99_us":%.1f,"samples":%zu})"
              "\n",
              path, median(micros), quantile(micros, 0.99), micros.size());
}

void bench_wake() {
  const SessionFolder folder;
  folder.write_segment(0, "x");
  UniqueFd segment(::open((folder.path() + "/log/" + segment_name(0).data()).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  print_wake("write, inotify, pread", wake_times(folder, [&] {
               if (::write(segment.get(), "k", 1) != 1) std::abort();
             }));
  const SessionFolder tapped;
  TapProcess tap(tapped.path());
  tap.wait_ready();
  tap.print("x");
  wait_until([&] { return tapped.log_end() == 1; });
  print_wake("print, tap, log, inotify, pread", wake_times(tapped, [&] { tap.print("k"); }));
}

// --- flood

constexpr std::size_t kFloodBytes = 200'000'000;

enum class Pipe { none, cat, tap };

// Until tmux has taken all from the program, and with a pipe until all of it is in the file.
double flood(const std::string& text_file, Pipe pipe) {
  const SessionFolder folder;
  const std::string done = folder.root() + "/done";
  const std::string copy = folder.root() + "/copy";
  const std::vector<std::string> environment{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + folder.root(),
                                             "TERM=screen"};
  const std::string socket = folder.root() + "/tmux.sock";
  std::vector<std::string> argv{
      "tmux",        "-S", socket,    "-f",  "/dev/null",
      "new-session", "-d", "-x",      "120", "-y",
      "40",          "--", "/bin/sh", "-c",  "stty -opost; cat " + text_file + "; : > " + done + "; exec sleep 1000"};
  if (pipe == Pipe::tap) {
    const std::string tap = tap_command(pane_tap_path(), folder.path(), {}).value();
    argv.insert(argv.end(), {";", "pipe-pane", "-IO", tap});
  } else if (pipe == Pipe::cat) {
    argv.insert(argv.end(), {";", "pipe-pane", "-O", "exec cat > " + copy});
  }
  const auto complete = [&] {
    std::error_code ignored;
    if (!std::filesystem::exists(done)) return false;
    if (pipe == Pipe::tap) return folder.log_end() >= kFloodBytes;
    return pipe == Pipe::none || std::filesystem::file_size(copy, ignored) >= kFloodBytes;
  };
  const auto start = Clock::now();
  run(argv, environment);
  wait_until(complete, std::chrono::minutes(5));
  const double took = seconds_since(start);
  run({"tmux", "-S", socket, "kill-server"}, environment);
  return took;
}

void bench_flood() {
  const SessionFolder folder;
  const std::string text_file = folder.root() + "/text";
  std::string text;
  for (std::size_t i = 0; text.size() < kFloodBytes; ++i)
    text += "2026-01-01T00:00:00Z INFO request " + std::to_string(i) + " GET /api/sessions/" +
            std::to_string(i * 7919) + " 200\r\n";
  text.resize(kFloodBytes);
  std::ofstream(text_file, std::ios::binary) << text;
  std::vector<double> none;
  std::vector<double> cat;
  std::vector<double> tap;
  for (int i = 0; i < kRounds; ++i) {
    none.push_back(flood(text_file, Pipe::none));
    tap.push_back(flood(text_file, Pipe::tap));
    cat.push_back(flood(text_file, Pipe::cat));
  }
  std::printf(
      R"({"bench":"flood","nobody_s":%.2f,"tap_s":%.2f,"cat_s":%.2f,"tap_ratio":%.2f,"cat_ratio":%.2f,"rounds":%d})"
      "\n",
      median(none), median(tap), median(cat), median(tap) / median(none), median(cat) / median(none), kRounds);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::pair<std::string, void (*)()>> all{
      {"pipe", bench_pipe}, {"memory", bench_memory}, {"wake", bench_wake}, {"flood", bench_flood}};
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  for (const auto& [name, measure] : all)
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end()) measure();
  return 0;
}
