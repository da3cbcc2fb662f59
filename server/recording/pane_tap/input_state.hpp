// The mapped table of input numbers: which batches of which client the pane has, over any kill of the tap.
//
// A slot is changed by single stores of aligned 64-bit words in an order in which every prefix is a valid state, so a
// kill between any two of them leaves the truth. Stores reach the page cache, which outlives the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/unique_fd.hpp"
#include "recording/format.hpp"

namespace ccd::recording::tap {

// A browser tab is one client: 256 of them within a day is more than a person opens on one session.
inline constexpr std::size_t kClientSlots = 256;

class InputState {
 public:
  // As it lies in the file (docs/storage.md); little-endian machines only.
  struct Slot {
    ClientId client;
    std::uint64_t highest;      // number taken; 0: none yet
    std::int64_t used_micros;   // wall time of the last batch; 0: the slot is free
    std::uint64_t part_number;  // batch that `part` is about; it counts only when it is highest + 1
    std::uint64_t part;         // bytes of it that the pane has; kInWrite while a write of more is going on
  };
  static constexpr std::uint64_t kInWrite = std::uint64_t{1} << 63;

  enum class Verdict { take, repeat, refuse };
  struct Decision {
    Verdict verdict = Verdict::refuse;
    NakReason reason = NakReason::gap;  // when refused
    std::uint64_t highest = 0;
    Slot* slot = nullptr;  // when to take
    std::size_t skip = 0;  // bytes of the batch that the pane has already
  };

  InputState() = default;
  InputState(const InputState&) = delete;
  InputState& operator=(const InputState&) = delete;
  ~InputState();

  // The working directory is the session's folder. A file that is not a table of this version is made anew. errno or 0.
  // From then on a disk that fails under the mapped file (SIGBUS) sets the table aside instead of ending the process.
  int open();

  // While the disk makes stores wait: the table goes on in memory of this process alone, at the same address. What is
  // taken meanwhile is not repeated either, unless the tap is killed before put_back().
  void set_aside();
  // Stores in the file what has changed, in the order that a kill allows, and goes on there. A table that was set aside
  // because the disk failed stays where it is.
  void put_back();

  // Slots whose write was going on when the last tap was killed, one per call; nullptr when there are no more. Settles
  // the slot.
  Slot* next_uncertain();

  Decision decide(const ClientId& client, std::uint64_t number, std::int64_t now_micros);
  [[nodiscard]] std::uint64_t highest(const ClientId& client) const;

  // Around each write of a taken batch, then once when all of it is written.
  static void begin_write(Slot& slot);
  static void end_write(Slot& slot, std::size_t written);
  static void complete(Slot& slot, std::int64_t now_micros);

 private:
  struct Table;
  [[nodiscard]] Slot* find(const ClientId& client) const;
  Slot* claim(const ClientId& client, std::int64_t now_micros);
  static void on_bus_error(int number);

  UniqueFd file_;
  Table* table_ = nullptr;
  bool aside_ = false;
};

}  // namespace ccd::recording::tap
