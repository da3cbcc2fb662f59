// The table of input numbers in a mapped file, changed by ordered single stores.
#include "recording/pane_tap/input_state.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace ccd::recording::tap {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is mapped as it is");
constexpr std::uint64_t kMagic = 0x3174'7570'6e69'6363;  // "ccinput1"
constexpr mode_t kOwnerOnly = 0600;
// A client that was silent for a day has nothing left to send again.
constexpr std::int64_t kIdleMicros = std::int64_t{24} * 3600 * 1'000'000;

// One store, in program order with all others: a kill happens between two of them. Only the compiler could reorder
// them; what a processor has retired is in memory for whoever maps the file next.
template <class Word>
void store(Word& word, Word value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref<Word>(word).store(value, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

struct InputState::Table {
  std::uint64_t magic;
  std::array<std::uint64_t, 7> reserved;
  std::array<Slot, kClientSlots> slots;
};

namespace {

// What the handler of a bus error works on: one table in a process. Set before the handler.
void* failing_table = nullptr;
std::atomic<bool> disk_failed{false};

// In place of the mapped file, with its content. Safe in a signal handler. The old pages are readable: only stores need
// the disk.
bool move_to_memory(void* table) {
  static std::array<std::byte, sizeof(std::uint64_t) * 8 + sizeof(InputState::Slot) * kClientSlots> copy;
  std::memcpy(copy.data(), table, copy.size());
  void* const memory =
      ::mmap(table, copy.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (memory == MAP_FAILED) return false;
  std::memcpy(table, copy.data(), copy.size());
  return true;
}

}  // namespace

InputState::~InputState() {
  if (table_ == nullptr) return;
  ::signal(SIGBUS, SIG_DFL);
  ::munmap(table_, sizeof(Table));
}

int InputState::open() {
  static_assert(sizeof(Slot) == 48 && sizeof(Table) == 64 + 48 * kClientSlots);
  file_.reset(::open(kInputStateFile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  struct stat status{};
  if (!file_ || ::fstat(file_.get(), &status) != 0) return errno;
  const bool whole = status.st_size == static_cast<off_t>(sizeof(Table));
  if (!whole && ::ftruncate(file_.get(), 0) != 0) return errno;
  // All blocks now: a store into a hole of a full disk would be a SIGBUS later.
  if (const int error = ::posix_fallocate(file_.get(), 0, sizeof(Table)); error != 0) return error;
  void* const mapped = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (mapped == MAP_FAILED) return errno;
  table_ = static_cast<Table*>(mapped);
  if (table_->magic != kMagic) {
    std::memset(static_cast<void*>(table_), 0, sizeof(Table));
    store(table_->magic, kMagic);
  }
  failing_table = mapped;
  disk_failed = false;
  struct sigaction action{};
  action.sa_handler = &InputState::on_bus_error;
  ::sigaction(SIGBUS, &action, nullptr);
  return 0;
}

// A store for which the disk has failed. It is made again when this returns, in memory.
void InputState::on_bus_error(int number) {
  const bool again = disk_failed.exchange(true);
  if (again || !move_to_memory(failing_table)) ::signal(number, SIG_DFL);
}

void InputState::set_aside() {
  if (!aside_ && !disk_failed) aside_ = move_to_memory(table_);
}

void InputState::put_back() {
  if (!aside_) return;
  aside_ = false;
  void* const mapped = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (mapped == MAP_FAILED) {
    disk_failed = true;
    return;
  }
  failing_table = mapped;
  auto* const stored = static_cast<Table*>(mapped);
  for (std::size_t i = 0; i < kClientSlots; ++i) {
    const Slot& from = table_->slots[i];
    Slot& to = stored->slots[i];
    if (std::memcmp(&from, &to, sizeof(Slot)) == 0) continue;
    if (from.client != to.client) {
      store(to.used_micros, std::int64_t{0});
      to.client = from.client;
      store(to.highest, std::uint64_t{0});
    }
    // `highest` first: what the file says of an older batch's parts means nothing from then on.
    store(to.highest, from.highest);
    store(to.part, from.part);
    store(to.part_number, from.part_number);
    store(to.used_micros, from.used_micros);
  }
  // The same pages at the address that everybody knows; the other mapping was only for these stores.
  void* const moved =
      ::mremap(mapped, sizeof(Table), sizeof(Table), MREMAP_MAYMOVE | MREMAP_FIXED, static_cast<void*>(table_));
  if (moved == MAP_FAILED) disk_failed = true;
  failing_table = table_;
}

InputState::Slot* InputState::next_uncertain() {
  for (Slot& slot : table_->slots) {
    if (slot.used_micros == 0 || (slot.part & kInWrite) == 0) continue;
    const bool open_batch = slot.part_number == slot.highest + 1;
    store(slot.part, slot.part & ~kInWrite);
    if (open_batch) return &slot;
  }
  return nullptr;
}

InputState::Slot* InputState::find(const ClientId& client) const {
  for (Slot& slot : table_->slots)
    if (slot.used_micros != 0 && slot.client == client) return &slot;
  return nullptr;
}

std::uint64_t InputState::highest(const ClientId& client) const {
  const Slot* const slot = find(client);
  return slot == nullptr ? 0 : slot->highest;
}

InputState::Slot* InputState::claim(const ClientId& client, std::int64_t now_micros) {
  const auto oldest = std::min_element(table_->slots.begin(), table_->slots.end(),
                                       [](const Slot& a, const Slot& b) { return a.used_micros < b.used_micros; });
  Slot& slot = *oldest;
  if (slot.used_micros != 0 && now_micros - slot.used_micros <= kIdleMicros) return nullptr;
  store(slot.used_micros, std::int64_t{0});
  slot.client = client;
  store(slot.highest, std::uint64_t{0});
  store(slot.part_number, std::uint64_t{0});
  store(slot.part, std::uint64_t{0});
  store(slot.used_micros, std::max(now_micros, std::int64_t{1}));
  return &slot;
}

InputState::Decision InputState::decide(const ClientId& client, std::uint64_t number, std::int64_t now_micros) {
  Slot* slot = find(client);
  if (slot != nullptr && number <= slot->highest) return {.verdict = Verdict::repeat, .highest = slot->highest};
  if (slot != nullptr && number != slot->highest + 1)
    return {.verdict = Verdict::refuse, .reason = NakReason::gap, .highest = slot->highest};
  if (slot == nullptr && number != 1) return {.verdict = Verdict::refuse, .reason = NakReason::unknown_client};
  if (slot == nullptr) slot = claim(client, now_micros);
  if (slot == nullptr) return {.verdict = Verdict::refuse, .reason = NakReason::table_full};

  if (slot->part_number != number) {
    // `part` first: while part_number is of an older batch it says nothing.
    store(slot->part, std::uint64_t{0});
    store(slot->part_number, number);
  }
  return {.verdict = Verdict::take,
          .highest = slot->highest,
          .slot = slot,
          .skip = static_cast<std::size_t>(slot->part & ~kInWrite)};
}

void InputState::begin_write(Slot& slot) { store(slot.part, slot.part | kInWrite); }

void InputState::end_write(Slot& slot, std::size_t written) { store(slot.part, (slot.part & ~kInWrite) + written); }

void InputState::complete(Slot& slot, std::int64_t now_micros) {
  store(slot.highest, slot.part_number);
  store(slot.used_micros, std::max(now_micros, std::int64_t{1}));
}

}  // namespace ccd::recording::tap
