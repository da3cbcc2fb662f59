// How a session reaches those who watch it, and what they may do. The api room's terminal socket implements Viewer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "recording/format.hpp"

namespace ccd::sessions {

// Called on the loop. An implementation must not destroy its Attachment inside a call.
class Viewer {
 public:
  virtual ~Viewer() = default;
  // The next bytes of the log. False when the viewer's queue is full: nothing was taken, Attachment::resume() goes on.
  virtual bool data(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  // The screen has to be built anew: `escape_sequences` first, then the data from `offset` on. False as above.
  virtual bool snapshot(std::uint64_t offset, std::string_view escape_sequences) = 0;
  // Every input up to this number has reached the pane.
  virtual void input_taken(std::uint64_t number) = 0;
  // Something broke on the way to the pane: send every unacknowledged input again, in order. Nothing is doubled by it.
  virtual void input_reset() = 0;
  // Inputs of this client cannot be accepted any more (its numbers are not known here): a new client id is needed.
  virtual void input_refused(std::string_view why) = 0;
  virtual void size(int cols, int rows, bool yours) = 0;
};

struct AttachRequest {
  recording::ClientId client{};
  int cols = 0;
  int rows = 0;
  std::optional<std::uint64_t> from;  // an offset to continue from; none: the log's tail
};

class LiveSession;

// One viewer's place in one session; destroying it leaves. Lives on the loop.
class Attachment {
 public:
  Attachment(std::weak_ptr<LiveSession> session, Viewer* viewer, const AttachRequest& request);
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment();

  // Numbers rise by one for each client id. Acknowledged by Viewer::input_taken, in order. An input that could not be passed on
  // leads to Viewer::input_reset: the client keeps what is not acknowledged and sends it again.
  // Errors: forbidden when the session has no terminal or has ended.
  Result<> input(std::uint64_t number, std::span<const std::byte> bytes);
  // The viewer has shown everything below `offset`: returns credit.
  void ack_output(std::uint64_t offset);
  // The viewer's own window has this size now. The pane follows when it is this viewer's turn (see LiveSession).
  void resize(int cols, int rows);
  // Make the pane this viewer's size, whoever had the turn.
  void fit();
  // The viewer can take data again.
  void resume();

  [[nodiscard]] std::uint64_t offset() const { return sent_; }

 private:
  friend class LiveSession;
  std::weak_ptr<LiveSession> session_;
  Viewer* viewer_;
  recording::ClientId client_;
  int cols_;
  int rows_;
  std::uint64_t sent_ = 0;   // next offset to send
  std::uint64_t acked_ = 0;  // everything below was shown
  bool snapshot_due_ = false;
  bool reset_due_ = false;   // an input_reset is on its way
};

// Bytes that may be on the way to one viewer, sent but not yet shown: enough for 100 ms at 5 MB/s, little enough that a viewer
// who stalls is found out within half a megabyte.
inline constexpr std::uint64_t kViewerCredit = 512 * 1024;

}  // namespace ccd::sessions
