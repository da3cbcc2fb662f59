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

#include "base/steady.hpp"
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
constexpr int kEchoMillis = static_cast<int>(EchoWait::kAsleepMicros / 1000);

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
  // Without the thread a slow disk stops viewing, and nothing else changes.
  static_cast<void>(standby_.start([](void* tap) { static_cast<Tap*>(tap)->serve(); }, this));
  Turn last = Turn::go_on;
  while ((last = turn(stop_signals)) == Turn::go_on) on_time();
  output_.stop_holding();
  log_.retry();
  const EndReason reason = last == Turn::pane_closed ? EndReason::pane_closed : EndReason::signal;
  log_.mark(MarkKind::tap_ended, static_cast<std::uint16_t>(reason), 0);
  tell();
  server_.close();
}

// One round of the loop, by the thread that has it, until `stop` is readable.
Tap::Turn Tap::turn(int stop) {
  enum { kStop, kFromPane, kToPane, kServer };
  std::array<pollfd, kServer + InputServer::kPolls> polls{};
  const auto server_polls = std::span(polls).subspan<kServer, InputServer::kPolls>();
  polls[kStop] = {.fd = stop, .events = POLLIN, .revents = 0};
  const bool rest = pane_state_ == Pane::flooding;
  polls[kFromPane] = {.fd = rest ? -1 : STDIN_FILENO, .events = POLLIN, .revents = 0};
  polls[kToPane] = {.fd = pane_.busy() ? pane_.fd() : -1, .events = POLLOUT, .revents = 0};
  server_.prepare(server_polls);
  pane_state_ = Pane::quiet;
  if (wait(polls, rest ? kRestMillis : wait_millis()) < 0) return Turn::go_on;
  served_ = false;
  if (polls[kFromPane].revents != 0) {
    echo_.came(steady_micros());
    pane_state_ = drain();
  }
  if (pane_state_ == Pane::closed) return Turn::pane_closed;
  // Else what poll() saw is from before the other thread's turns.
  if (!served_) {
    if (polls[kToPane].revents != 0) server_.pane_writable();
    if (server_.handle(server_polls) == InputServer::Handled::input) echo_.begin(steady_micros());
  }
  tell();
  if (!echo_.waiting()) server_.flush_held();
  return !served_ && polls[kStop].revents != 0 ? Turn::stopped : Turn::go_on;
}

// By the standby's thread: everything goes on but the log, which the main thread still has.
void Tap::serve() {
  output_.begin_late();
  state_.set_aside();
  if (pending_.certain) server_.show_coming(pending_.offset, pending_.unseen);
  Turn last = Turn::go_on;
  while (last == Turn::go_on) last = turn(standby_.back_fd());
  if (last == Turn::pane_closed) {
    // The main thread sees it again and ends the tap.
    pollfd back{.fd = standby_.back_fd(), .events = POLLIN, .revents = 0};
    while (::poll(&back, 1, kForever) < 0) {
    }
  }
  pane_state_ = Pane::quiet;
  output_.end_late();
}

int Tap::wait(std::span<pollfd> polls, int millis) {
  if (echo_.waiting()) return wait_for_echo(polls);
  return ::poll(polls.data(), polls.size(), millis);
}

int Tap::wait_for_echo(std::span<pollfd> polls) {
  while (steady_micros() < echo_.until()) {
    const int ready = ::poll(polls.data(), polls.size(), echo_.awake() ? 0 : kEchoMillis);
    if (ready != 0) return ready;
    if (!echo_.awake()) break;
    ::sched_yield();
  }
  echo_.give_up();
  return 0;  // and turn() sends what has waited for it
}

Tap::Pane Tap::drain() {
  // Only the pages that output reaches cost memory. The main thread's is in use while the standby drains.
  static std::array<std::array<std::byte, kReadBytes>, 2> buffers;
  std::array<std::byte, kReadBytes>& buffer = buffers[output_.late_now() ? 1 : 0];
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
  if (output_.late_now()) return write_late(bytes);
  if (output_.holding()) {
    output_.write(bytes);
    return;
  }
  pending_ = {.offset = log_.end(), .size = bytes.size(), .unseen = bytes, .certain = !log_.blocked()};
  standby_.offer();
  // From here to the taking back only the log is this thread's.
  const std::span<const std::byte> gone = bytes.subspan(log_.append(bytes));
  if (standby_.take_back() == Standby::Meanwhile::served) return catch_up();
  if (gone.empty()) return server_.show_output({.end = pending_.offset, .notes = log_.notes()}, bytes);
  tell();  // of all before what is missing
  server_.show_lost(log_.end(), log_.lost_now() - gone.size(), gone);
}

// The log is another thread's while the standby has the loop.
void Tap::tell() {
  if (!output_.late_now()) server_.tell(place());
}

void Tap::write_late(std::span<const std::byte> bytes) {
  const std::uint64_t offset = pending_.offset + pending_.size + output_.late().held();
  const std::uint64_t dropped = output_.late().dropped();
  const std::size_t kept = output_.write(bytes);
  if (!pending_.certain) return;
  server_.show_coming(offset, bytes.first(kept));
  server_.show_lost(offset + kept, dropped, bytes.subspan(kept));
}

// Gives the log what came meanwhile, which may make it wait again.
void Tap::catch_up() {
  served_ = true;
  while (!output_.late().empty()) {
    LateOutput& late = output_.take_late();
    pending_ = {.offset = log_.end(), .size = late.held(), .certain = !log_.blocked()};
    standby_.offer();
    late.move_to(log_, GapReason::disk);
    static_cast<void>(standby_.take_back());
  }
  state_.put_back();
}

int Tap::wait_millis() const {
  const bool blocked = !output_.late_now() && log_.blocked();
  std::int64_t retry = blocked ? LogWriter::kRetryMillis : std::numeric_limits<int>::max();
  if (server_.accept_paused()) retry = std::min(retry, InputServer::kAcceptPauseMillis);
  const std::int64_t hold =
      output_.holding() ? output_.hold_until() - steady_millis() : std::numeric_limits<int>::max();
  const std::int64_t wait = std::max<std::int64_t>(std::min(retry, hold), 0);
  return wait == std::numeric_limits<int>::max() ? kForever : static_cast<int>(wait);
}

void Tap::on_time() {
  if (output_.holding() && steady_millis() >= output_.hold_until()) output_.stop_holding();
  if (!log_.blocked()) return;
  pending_ = {.offset = log_.end()};
  standby_.offer();
  log_.retry();
  if (standby_.take_back() == Standby::Meanwhile::served) catch_up();
  tell();
}

}  // namespace ccd::recording::tap
