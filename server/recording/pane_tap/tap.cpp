// One poll loop over the pane, the input socket and the stop signals.
#include "recording/pane_tap/tap.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "recording/pane_tap/system.hpp"

namespace ccd::recording::tap {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} * 1024;
// Then the input has a turn: Ctrl-C must get through a flood.
constexpr int kReadsPerTurn = 16;
constexpr int kForever = -1;
// A flood comes in pieces of up to 4,095 bytes, what a terminal gives tmux at once. After one that large the pane is
// left alone for a moment, so that several are read at once: each wake-up costs tmux more than the copy. At tmux's full
// speed 30 KB come meanwhile, a fraction of what the socket holds; input is served at once even then.
constexpr std::size_t kFloodBytes = 2048;
constexpr int kRestMillis = 1;
// After input the program's echo comes within some 100 us. To sleep and be woken costs up to 25 us of that (a virtual
// machine leaves its halt), so the tap looks for it this long, giving way to every other program between two looks.
constexpr std::int64_t kAwakeMicros = 300;

bool stop_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace

Tap::Tap(const Options& options)
    : log_({.segment_bytes = options.segment_bytes, .keep_bytes = options.keep_bytes}),
      output_(&log_, options.hold_millis == 0 ? 0 : steady_millis() + options.hold_millis),
      pane_(STDOUT_FILENO),
      server_(&state_, &pane_, &output_),
      size_(options.size) {}

int Tap::open() {
  if (!stop_blocking(STDIN_FILENO) || !stop_blocking(STDOUT_FILENO)) {
    complain_errno("standard input and output must be open", errno);
    return EBADF;
  }
  if (const int error = state_.open(); error != 0) {
    complain_errno("cannot map input.state", error);
    return error;
  }
  if (const int error = log_.open(); error != 0) {
    complain_errno("cannot open the log", error);
    return error;
  }
  while (const InputState::Slot* slot = state_.next_uncertain())
    log_.mark(MarkKind::input_uncertain, 0, slot->part_number);
  if (size_ != PaneSize{}) log_.resize(size_);
  if (const int error = server_.open(); error != 0) {
    complain_errno("cannot listen on tap.sock", error);
    return error;
  }
  return 0;
}

void Tap::run(int stop_signals) {
  enum { kStop, kFromPane, kToPane, kServer };
  std::array<pollfd, kServer + InputServer::kPolls> polls{};
  const auto server_polls = std::span(polls).subspan<kServer, InputServer::kPolls>();
  EndReason reason = EndReason::signal;
  Pane pane = Pane::quiet;
  while (polls[kStop].revents == 0) {
    polls[kStop] = {.fd = stop_signals, .events = POLLIN, .revents = 0};
    const bool rest = pane == Pane::flooding;
    polls[kFromPane] = {.fd = rest ? -1 : STDIN_FILENO, .events = POLLIN, .revents = 0};
    polls[kToPane] = {.fd = pane_.busy() ? pane_.fd() : -1, .events = POLLOUT, .revents = 0};
    server_.prepare(server_polls);
    pane = Pane::quiet;
    if (wait(polls, rest ? kRestMillis : wait_millis()) < 0) continue;
    if (polls[kFromPane].revents != 0) {
      awake_until_ = 0;
      pane = drain();
    }
    if (pane == Pane::closed) {
      reason = EndReason::pane_closed;
      break;
    }
    if (polls[kToPane].revents != 0) server_.pane_writable();
    if (server_.handle(server_polls) == InputServer::Handled::input) awake_until_ = steady_micros() + kAwakeMicros;
    on_time();
  }
  output_.stop_holding();
  log_.retry();
  log_.mark(MarkKind::tap_ended, static_cast<std::uint16_t>(reason), 0);
  server_.close();
}

// poll(), awake while an echo is expected.
int Tap::wait(std::span<pollfd> polls, int millis) {
  while (awake_until_ != 0) {
    const int ready = ::poll(polls.data(), polls.size(), 0);
    if (ready != 0) return ready;
    if (steady_micros() >= awake_until_) awake_until_ = 0;
    else ::sched_yield();
  }
  return ::poll(polls.data(), polls.size(), millis);
}

Tap::Pane Tap::drain() {
  static std::array<std::byte, kReadBytes> buffer;  // only the pages that output reaches cost memory
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Pane::quiet;
    if (n <= 0) return Pane::closed;
    const auto size = static_cast<std::size_t>(n);
    write(std::span(buffer).first(size));
    if (size < buffer.size()) return size >= kFloodBytes ? Pane::flooding : Pane::quiet;  // it is empty now
  }
  return Pane::quiet;  // there is more: no rest
}

// What the log does not take is shown to who watches, and then gone.
void Tap::write(std::span<const std::byte> bytes) {
  const std::span<const std::byte> gone = bytes.subspan(output_.write(bytes));
  if (!gone.empty() && !output_.holding()) server_.send_live(log_.end(), log_.lost_now() - gone.size(), gone);
}

int Tap::wait_millis() const {
  std::int64_t retry = log_.blocked() ? LogWriter::kRetryMillis : std::numeric_limits<int>::max();
  if (server_.accept_paused()) retry = std::min(retry, InputServer::kAcceptPauseMillis);
  const std::int64_t hold =
      output_.holding() ? output_.hold_until() - steady_millis() : std::numeric_limits<int>::max();
  const std::int64_t wait = std::max<std::int64_t>(std::min(retry, hold), 0);
  return wait == std::numeric_limits<int>::max() ? kForever : static_cast<int>(wait);
}

void Tap::on_time() {
  if (output_.holding() && steady_millis() >= output_.hold_until()) output_.stop_holding();
  log_.retry();
}

}  // namespace ccd::recording::tap
