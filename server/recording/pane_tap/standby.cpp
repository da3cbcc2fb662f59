// The hand-over between the tap's two threads.
#include "recording/pane_tap/standby.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <cerrno>
#include <climits>

namespace ccd::recording::tap {
namespace {

// A disk that takes longer than this to put bytes into the page cache is in trouble; a person sees twice as long.
constexpr long kPatienceNanos = 100'000'000;
// The loop needs a few hundred bytes, and PTHREAD_STACK_MIN is 16 KiB; only what is used costs memory.
constexpr std::size_t kStackBytes = std::size_t{64} * 1024;

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "the kernel waits on the bare word");

long futex(std::atomic<std::uint32_t>* word, int operation, std::uint32_t value) {
  return ::syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

}  // namespace

int Standby::start(Serve serve, void* context) {
  serve_ = serve;
  context_ = context;
  back_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  if (!back_ || !timer_) return errno;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t unused{};
  const int error = ::pthread_create(&unused, &attributes, &Standby::thread, this);
  ::pthread_attr_destroy(&attributes);
  if (error != 0) timer_.reset();
  return error;
}

void* Standby::thread(void* self) {
  static_cast<Standby*>(self)->run();
  return nullptr;
}

// The timer is set once for all offers until it fires, so an offer seldom costs a system call.
void Standby::offer() {
  if (!timer_) return;
  offers_.fetch_add(1);
  holder_.store(kOffered);
  if (!armed_.exchange(true)) arm();
}

Standby::Meanwhile Standby::take_back() {
  if (!timer_) return Meanwhile::nothing;
  std::uint32_t expected = kOffered;
  if (holder_.compare_exchange_strong(expected, kMain)) return Meanwhile::nothing;
  ::eventfd_write(back_.get(), 1);
  while (holder_.load() == kStandby) futex(&holder_, FUTEX_WAIT, kStandby);
  eventfd_t ignored = 0;
  ::eventfd_read(back_.get(), &ignored);
  return Meanwhile::served;
}

void Standby::arm() {
  const itimerspec once{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = kPatienceNanos}};
  ::timerfd_settime(timer_.get(), 0, &once, nullptr);
}

void Standby::run() {
  std::uint32_t seen = 0;  // the offer that was open when the timer fired before
  for (;;) {
    std::uint64_t fired = 0;
    if (::read(timer_.get(), &fired, sizeof fired) != static_cast<ssize_t>(sizeof fired)) continue;
    // First this, then the look: an offer that comes after the look sets the timer itself.
    armed_.store(false);
    if (holder_.load() != kOffered) continue;
    const std::uint32_t offer = offers_.load();
    std::uint32_t expected = kOffered;
    if (offer == seen && holder_.compare_exchange_strong(expected, kStandby)) {
      // Between the two looks the main thread may have closed that offer and opened another: then this one is new, and
      // taking it early does no harm.
      serve_(context_);
      holder_.store(kMain);
      futex(&holder_, FUTEX_WAKE, INT_MAX);
      continue;
    }
    seen = offer;
    if (!armed_.exchange(true)) arm();
  }
}

}  // namespace ccd::recording::tap
