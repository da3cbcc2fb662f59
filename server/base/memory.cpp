#include "base/memory.hpp"

#include <malloc.h>
#include <unistd.h>
#include <fstream>

namespace ccd {

namespace {

// Private pages that are in memory now.
std::size_t resident() {
  std::size_t all = 0;
  std::size_t pages = 0;
  std::size_t shared = 0;
  if (!(std::ifstream("/proc/self/statm") >> all >> pages >> shared) || shared > pages) return 0;
  return (pages - shared) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::size_t SpareMemory::now() {
  const std::size_t held = resident();
  const struct mallinfo2 heap = ::mallinfo2();
  const std::size_t used = heap.uordblks + heap.hblkhd;
  return held > used ? held - used : 0;
}

bool SpareMemory::give_back() {
  if (now() < left_ + kWorthwhile) return false;
  ::malloc_trim(0);
  left_ = now();
  return true;
}

Task<void> give_back_memory(asio::thread_pool* pool) {
  SpareMemory spare;
  for (;;) {
    co_await sleep_for(kGiveBackEvery);
    auto look = [&spare] { spare.give_back(); };
    co_await run_on(*pool, std::move(look));
  }
}

}  // namespace ccd
