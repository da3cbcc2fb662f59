// pane-tap: the program that tmux starts for a pane (pipe-pane -IO). It writes the pane's output to the session's log
// and gives the pane the input of the dashboard, and lives as long as the pane, not as long as the dashboard. Its
// formats: docs/storage.md.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "recording/pane_tap/options.hpp"
#include "recording/pane_tap/system.hpp"
#include "recording/pane_tap/tap.hpp"

namespace ccd::recording::tap {
namespace {

// sysexits.h
constexpr int kExitUsage = 64;
constexpr int kExitFolder = 73;
constexpr int kExitLocked = 75;

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthers = 077;
// A tap whose pipe was just replaced still writes what it has; longer means that it is alive.
constexpr std::int64_t kLockWaitMillis = 2000;
constexpr long kLockPauseNanos = 5'000'000;

// A descriptor that becomes readable when the tap shall end: unlike a handler it cannot be missed under a flood.
UniqueFd set_signals() {
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  for (const int ignored : {SIGPIPE, SIGHUP, SIGXFSZ}) ::sigaction(ignored, &ignore, nullptr);
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  return UniqueFd(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool enter_folder(const char* folder) {
  struct stat status{};
  if (::chdir(folder) != 0 || ::stat(".", &status) != 0) {
    complain_errno(folder, errno);
    return false;
  }
  if (status.st_uid == ::geteuid() && (status.st_mode & kOthers) == 0) return true;
  ::dprintf(STDERR_FILENO, "pane-tap: %s must belong to this user with mode 0700\n", folder);
  return false;
}

// The lock is held until the process ends, however it ends. The file holds the process id, for people and for the
// message.
int take_lock(UniqueFd& lock) {
  lock.reset(::open(kTapLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (!lock) {
    complain_errno("cannot open tap.lock", errno);
    return kExitFolder;
  }
  const std::int64_t deadline = steady_millis() + kLockWaitMillis;
  std::array<char, 24> text{};
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (steady_millis() >= deadline) {
      if (::pread(lock.get(), text.data(), text.size() - 1, 0) < 0) text[0] = '\0';
      ::dprintf(STDERR_FILENO, "pane-tap: another tap writes to this folder: process %s\n", text.data());
      return kExitLocked;
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = kLockPauseNanos};
    ::nanosleep(&pause, nullptr);
  }
  char* const end = std::to_chars(text.data(), text.data() + text.size(), ::getpid()).ptr;
  const auto length = static_cast<std::size_t>(end - text.data());
  // Only for people: a full disk does not matter here.
  if (::ftruncate(lock.get(), 0) == 0)
    static_cast<void>(write_some(lock.get(), std::as_bytes(std::span(text.data(), length))));
  return 0;
}

int run(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options) return kExitUsage;
  const UniqueFd stop_signals = set_signals();
  ::umask(kOthers);
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (!enter_folder(options->folder)) return kExitFolder;
  UniqueFd lock;
  if (const int code = take_lock(lock); code != 0) return code;
  static Tap tap(*options);  // its buffers are large and mostly never touched
  if (tap.open() != 0) return kExitFolder;
  tap.run(stop_signals.get());
  ::_exit(0);  // at once: the standby's thread may still look at what a destructor would take away
}

}  // namespace
}  // namespace ccd::recording::tap

int main(int argc, char** argv) { return ccd::recording::tap::run(argc, argv); }
