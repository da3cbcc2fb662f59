// The dashboard's connection to one session's pane-tap: input with numbers, acknowledgements, the preload of an adopted
// pane.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "recording/format.hpp"

namespace ccd::recording {

// Frames waiting for a tap that does not read because its pane takes no input: four full batches.
inline constexpr std::size_t kTapQueueBytes = 4 * kMaxFrameBytes;

struct TapHello {
  std::uint32_t version = 0;
  pid_t pid = 0;
  bool holding = false;  // it waits for a preload
  // Since version 2. An older tap skips what it does not know: its record has no sizes, and a full disk stops viewing.
  [[nodiscard]] bool marks_resizes() const { return version >= 2; }
  [[nodiscard]] bool sends_live() const { return version >= 2; }
  // Since version 3. The log of an older tap has to be watched (LogWatcher).
  [[nodiscard]] bool tells_output() const { return version >= 3; }
};

enum class ResizeMarked {
  yes,
  later,  // the tap still holds output back or its disk is full: as soon as that is over, in the right place
  never,  // the tap is of version 1
};

// What the pane printed while the log could not take it (docs/storage.md, LIVE).
struct LiveBytes {
  std::uint64_t offset = 0;  // of the log: what comes before these bytes is all of the log up to here,
  std::uint64_t lost = 0;    // and then this many bytes that the log will never have
  std::span<const std::byte> bytes{};
};

class TapLink {
  struct State;

 public:
  // Called on the executor, never from inside a call of TapLink. They may destroy the TapLink.
  struct Events {
    // Every number up to `highest` is in the pane's input.
    std::function<void(const ClientId&, std::uint64_t highest)> on_ack;
    std::function<void(const ClientId&, std::uint64_t highest, NakReason)> on_nak;
    // Once per connection that was up, unless close() or the destructor ended it. Nothing reconnects by itself.
    std::function<void(Error)> on_down;
    // The answer to preload(). Optional.
    std::function<void(PreloadStatus, std::uint64_t offset)> on_preload{};
    // Output that is not in the log, while the disk fails. Some may be missing when this side reads too slowly: then
    // `lost` has jumped. Optional; without it the tap sends none.
    std::function<void(const LiveBytes&)> on_live{};
    // Output that the log will have at `offset`, while the disk is slow: to be taken as if it had been read there, and
    // then left out of what is read (RecordFeed::skip). The first may begin before what the log has already; one that
    // begins behind what was taken shows that some were missed: leave it. A gap mark below what was taken says that the
    // disk refused it after all. Optional; only with on_live.
    std::function<void(std::uint64_t offset, std::span<const std::byte> bytes)> on_coming{};
    // After watch_output(true): the log has these bytes at `offset`, and nothing else came between them and what was told
    // before. They may be known already, from reading after on_grown.
    std::function<void(std::uint64_t offset, std::span<const std::byte> bytes)> on_output{};
    // The record has got something that on_output does not tell: read it to its end.
    std::function<void()> on_grown{};
  };

  TapLink(asio::any_io_executor executor, std::string session_dir, Events events);
  TapLink(const TapLink&) = delete;
  TapLink& operator=(const TapLink&) = delete;
  ~TapLink();

  // Connects and exchanges HELLO. not_found or unavailable: no tap listens there; timeout: it does not answer;
  // forbidden: it is another user's; conflict: it is up already. The TapLink must outlive the returned task.
  Task<Result<>> connect();
  [[nodiscard]] bool up() const;
  // What the tap said of itself at the last connect().
  [[nodiscard]] TapHello tap() const;

  // At most kMaxInputBytes per call (too_large). Sent at once when the socket takes it, else queued up to
  // kTapQueueBytes; `unavailable` when that is full or the link is down: nothing of it was sent, keep it and send it
  // again after on_ack or connect(). The same number must always come with the same bytes. Numbers of a client start at
  // 1 and rise by 1.
  Result<> send(const ClientId& client, std::uint64_t number, std::span<const std::byte> bytes);
  // Asks for the client's highest number taken (0: none); on_ack answers.
  Result<> ask_last(const ClientId& client);
  // Whether the tap tells of all that the record gets, by on_output and on_grown; from a new connection on it does not.
  // On: on_grown comes at once. Does nothing while the link is down or with a tap that cannot.
  void watch_output(bool on);
  // The captured screen, written to the log before all output that the tap holds back. Kept in memory until it is sent,
  // beyond kTapQueueBytes; too_large over kMaxPreloadBytes.
  Result<> preload(std::span<const std::byte> bytes);
  // Marks in the record that the pane has this size from here on: everything that the tap reads after this call was
  // answered comes behind the mark. Call it before tmux changes the size, so that what the program draws for the new
  // size is behind the mark. unavailable: the link is or goes down; nobody knows whether it is marked. The TapLink must
  // outlive the returned task.
  Task<Result<ResizeMarked>> resize(std::uint16_t cols, std::uint16_t rows);
  void close();

 private:
  std::shared_ptr<State> state_;
};

}  // namespace ccd::recording
