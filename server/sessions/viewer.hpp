// How a session reaches those who watch it, and what they may do. The api room's terminal socket implements Viewer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "recording/format.hpp"
#include "sessions/mirror.hpp"

namespace ccd::sessions {

// Somebody who has a terminal open.
struct Person {
  std::string name;
  bool typing = false;  // keys came from them within the last moment
  bool holds = false;   // the pane has the size of one of their pages
  int viewers = 0;      // on so many pages
  bool operator==(const Person&) const = default;
};

// Called on the loop. An implementation must not destroy its Attachment inside a call.
class Viewer {
 public:
  virtual ~Viewer() = default;
  // The next bytes of the log. False when the viewer's queue is full: nothing was taken, Attachment::resume() goes on. Many viewers
  // are given the same string.
  virtual bool data(std::uint64_t offset, std::shared_ptr<const std::string> bytes) = 0;
  // The screen has to be built anew as it was at `offset`; data goes on from there. False as above.
  virtual bool snapshot(std::uint64_t offset, const Mirror::Snapshot& snapshot) = 0;
  // Every input up to this number has reached the pane.
  virtual void input_taken(std::uint64_t number) = 0;
  // Something broke on the way to the pane: send every unacknowledged input again, in order. Nothing is doubled by it.
  virtual void input_reset() = 0;
  // Inputs of this client cannot be accepted any more (its numbers are not known here): a new client id is needed.
  virtual void input_refused(std::string_view why) = 0;
  // From the next data on the pane has this size.
  virtual void size(int cols, int rows, bool yours) = 0;
  virtual void people(const std::vector<Person>& people) = 0;
};

struct AttachRequest {
  std::string name;  // of the person
  recording::ClientId client{};
  int cols = 0;  // of the viewer's window; 0: it has none, and the pane never takes its size
  int rows = 0;
  std::optional<std::uint64_t> from{};  // an offset to continue from; none: the screen as it is
};

// Bytes that may be on the way to one viewer, sent but not yet shown: enough for 100 ms at 5 MB/s, little enough that a viewer
// who stalls is found out within half a megabyte.
inline constexpr std::uint64_t kViewerCredit = 512 * 1024;
// What is on the way to a viewer who shows it late: a screen. Less would starve a slow line.
inline constexpr std::uint64_t kSmallestCredit = 16 * 1024;
// What a viewer starts with, before it is known how fast it is.
inline constexpr std::uint64_t kFirstCredit = 64 * 1024;

class LiveSession;

// One viewer's place in one session; destroying it leaves. Lives on the loop.
class Attachment {
 public:
  Attachment(std::weak_ptr<LiveSession> session, Viewer* viewer, AttachRequest request);
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
  // A snapshot with so many lines of scrollback.
  void scrollback(std::uint64_t lines);
  // The viewer can take data again.
  void resume();

  [[nodiscard]] std::uint64_t offset() const { return sent_; }
  [[nodiscard]] bool has_window() const { return request_.cols > 0 && request_.rows > 0; }

 private:
  friend class LiveSession;
  using Time = std::chrono::steady_clock::time_point;

  // Learns from an acknowledgement how much may be on the way to this viewer.
  void adapt_credit(Time now);
  void note_sent(Time now);

  std::weak_ptr<LiveSession> session_;
  Viewer* viewer_;
  AttachRequest request_;
  std::uint64_t sent_ = 0;   // next offset to send
  std::uint64_t acked_ = 0;  // everything below was shown
  std::uint64_t credit_ = kFirstCredit;
  // One measurement at a time: when what ends at probe_ was sent.
  std::uint64_t probe_ = 0;
  Time probe_sent_{};
  bool probing_ = false;
  std::chrono::steady_clock::duration fastest_ = std::chrono::steady_clock::duration::max();  // of all acknowledgements

  bool snapshot_due_ = false;
  bool snapshot_shown_ = true;         // false: one is on the way
  std::uint64_t snapshot_offset_ = 0;  // of the last one sent
  Time snapshot_at_{};
  std::optional<std::uint64_t> lines_;  // of scrollback, asked for with the next one
  bool reset_due_ = false;              // an input_reset is on its way
  Time typed_at_{};
};

}  // namespace ccd::sessions
