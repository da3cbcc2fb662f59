// tap.sock: takes input and preloads from the dashboard, in the frames of docs/storage.md.
//
// One batch of input is on its way to the pane at a time. While the pane does not take it no connection is read, so
// senders wait in their own sockets; output goes on meanwhile, it does not pass here.
#pragma once

#include <poll.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/unique_fd.hpp"
#include "recording/format.hpp"
#include "recording/pane_tap/input_state.hpp"
#include "recording/pane_tap/output_path.hpp"
#include "recording/pane_tap/pane_input.hpp"

namespace ccd::recording::tap {

// An old and a new dashboard during an upgrade, and a few programs that stopped without closing.
inline constexpr std::size_t kMaxConnections = 8;

// So far the record has come: its bytes, and the marks that readers must see in their place.
struct RecordPlace {
  std::uint64_t end = 0;
  std::uint64_t notes = 0;
  bool operator==(const RecordPlace&) const = default;
};

class InputServer {
 public:
  // All three outlive the server.
  InputServer(InputState* state, PaneInput* pane, OutputPath* output);
  InputServer(const InputServer&) = delete;
  InputServer& operator=(const InputServer&) = delete;

  // Binds tap.sock in the working directory, in place of one that a killed tap left. The caller holds the lock. errno
  // or 0.
  int open();
  void close();

  static constexpr std::size_t kPolls = 1 + kMaxConnections;
  void prepare(std::span<pollfd, kPolls> polls);
  // `input`: at least one batch has been given to the pane, so its echo may come soon.
  enum class Handled { other, input };
  Handled handle(std::span<const pollfd, kPolls> polls);
  // Connections wait because the machine has no descriptor for them: prepare() must be called again within
  // kAcceptPauseMillis.
  [[nodiscard]] bool accept_paused() const { return accept_again_ != 0; }
  static constexpr std::int64_t kAcceptPauseMillis = 100;
  // The pane's descriptor is writable and pane->busy().
  void pane_writable();
  // Output that is not in the log, to everybody who wants it. Who reads too slowly misses some.
  void show_lost(std::uint64_t offset, std::uint64_t lost, std::span<const std::byte> bytes);
  void show_coming(std::uint64_t offset, std::span<const std::byte> bytes);
  // What the record has got, to everybody who watches it: with its bytes when they are few and nothing lies between them and what was told
  // before, else by tell().
  void show_output(RecordPlace before, std::span<const std::byte> bytes);
  // Everybody who was not told of all that is before `now` will look for himself.
  void tell(RecordPlace now);
  // Sends the acknowledgements that wait for the echo of what they acknowledge.
  void flush_held();

 private:
  // Acknowledgements that a sender does not read; then it is not read any more either.
  static constexpr std::size_t kReplyBytes = 4096;
  static constexpr std::size_t kMaxReplyBytes = kFrameHeaderBytes + kClientIdBytes + 8 + 1;
  static constexpr std::size_t kLiveBytes = 3072;  // in one frame, which must fit beside an answer
  static_assert(kFrameHeaderBytes + kLiveHeaderBytes + kLiveBytes + kMaxReplyBytes <= kReplyBytes);

  // Apart from the rest, so that a place that is not used costs no memory page.
  struct Buffers {
    std::array<std::byte, kMaxFrameBytes> in;
    std::array<std::byte, kReplyBytes> out;
  };
  struct Connection {
    UniqueFd fd;
    std::uint64_t serial = 0;  // tells a reused place from the connection that was there before
    bool greeted = false;
    bool wants_live = false;
    bool wants_output = false;
    bool held = false;  // what `buffers->out` has may wait for an echo
    std::size_t in_size = 0;
    std::size_t out_size = 0;
    RecordPlace told;
    Buffers* buffers = nullptr;
  };
  struct Origin {  // of the batch that waits for the pane
    std::size_t place = 0;
    std::uint64_t serial = 0;
    ClientId client{};
    std::uint64_t number = 0;
  };
  enum class Outcome { go_on, hang_up };
  struct LivePlace {
    LiveFate fate;
    std::uint64_t offset;
    std::uint64_t lost;
  };

  void accept_all();
  void read_from(Connection& connection);
  void process(Connection& connection);
  Outcome on_frame(Connection& connection, const Frame& frame);
  Outcome on_input(Connection& connection, std::span<const std::byte> payload);
  Outcome on_preload(Connection& connection, std::span<const std::byte> payload);
  Outcome on_resize(Connection& connection, std::span<const std::byte> payload);
  void on_watch_output(Connection& connection, bool on);
  void show(LivePlace place, std::span<const std::byte> bytes);
  void report(PaneInput::Progress progress, const Origin& origin);
  void ack(Connection& connection, const ClientId& client, std::uint64_t highest);
  void nak(Connection& connection, const ClientId& client, std::uint64_t highest, NakReason reason);
  void reply(Connection& connection, FrameType type, std::span<const std::byte> payload);
  void flush(Connection& connection);
  [[nodiscard]] bool readable(const Connection& connection) const;
  [[nodiscard]] static bool blocked(const Connection& connection) {
    return connection.out_size > 0 && !connection.held;
  }

  InputState* state_;
  PaneInput* pane_;
  OutputPath* output_;
  UniqueFd listener_;
  std::int64_t accept_again_ = 0;  // steady milliseconds; 0: now
  std::uint64_t serials_ = 0;
  Handled handled_ = Handled::other;  // by the handle() that runs
  Origin waiting_;
  std::array<Connection, kMaxConnections> connections_;
  std::array<Buffers, kMaxConnections> buffers_;
};

}  // namespace ccd::recording::tap
