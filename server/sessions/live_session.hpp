// One session while the dashboard runs: its log reader, its input link, the viewers, and whose size the pane has.
//
// Lives on the loop; owned by the Hub (shared_ptr, so that attachments can outlast it safely).
// Size policy: the pane has the size of the viewer whose turn it is. The turn goes to the first viewer, to who presses "fit", and
// to who types when the one before has not typed for kTurnHeld. When the holder leaves, it goes to who typed last.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/busy_poll.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "recording/log_reader.hpp"
#include "recording/log_watcher.hpp"
#include "recording/tap_link.hpp"
#include "sessions/session.hpp"
#include "sessions/viewer.hpp"

namespace ccd::sessions {

// What a live session asks of its hub.
struct LiveSessionHost {
  std::function<void(const std::string& session_id)> link_down;           // the tap does not answer: find out why, connect again
  std::function<void(const std::string& session_id, int cols, int rows)> resize;  // give the pane this size
};

class LiveSession : public std::enable_shared_from_this<LiveSession> {
 public:
  LiveSession(Session session, std::string folder, asio::any_io_executor executor, recording::LogWatcher* watcher,
              const Clock* clock, BusyPoll* busy_poll, LiveSessionHost host);
  LiveSession(const LiveSession&) = delete;
  LiveSession& operator=(const LiveSession&) = delete;

  [[nodiscard]] Session& session() { return session_; }
  [[nodiscard]] const Session& session() const { return session_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const std::vector<Attachment*>& viewers() const { return viewers_; }
  // Connected to the tap: input can flow.
  [[nodiscard]] bool linked() const;

  // Opens the record; without one (not_found) the session can be listed but not watched.
  Result<> open_log();
  [[nodiscard]] bool has_log() const { return reader_ != nullptr; }
  Result<recording::LogExtent> extent();
  Result<std::size_t> read_log(std::uint64_t offset, std::span<std::byte> out);
  Task<Result<>> connect_tap();
  Result<> preload(std::string_view escape_sequences);
  void drop_tap();

  // Looks whether output came since the last look, so that `last_output_at` is true to the second.
  void note_output();
  // The pane has this size now: tells every viewer.
  void set_size(int cols, int rows);

 private:
  friend class Attachment;
  void add(Attachment* viewer, const AttachRequest& request);
  void remove(Attachment* viewer);
  void pump(Attachment* viewer);
  void pump_all();
  void set_watching();
  void ask_resend(Attachment* viewer);
  void take_turn(Attachment* viewer);
  void apply_turn_size();
  void typed(Attachment* viewer);
  Result<> input(Attachment* viewer, std::uint64_t number, std::span<const std::byte> bytes);
  recording::TapLink::Events tap_events();

  Session session_;
  std::string folder_;
  asio::any_io_executor executor_;
  const Clock* clock_;
  BusyPoll* busy_poll_;
  LiveSessionHost host_;
  std::unique_ptr<recording::LogReader> reader_;
  std::unique_ptr<recording::LogWatcher::Watch> watch_;
  recording::LogWatcher* watcher_ = nullptr;
  std::unique_ptr<recording::TapLink> tap_;
  std::vector<Attachment*> viewers_;
  Attachment* turn_ = nullptr;
  std::chrono::steady_clock::time_point turn_typed_{};
  std::uint64_t seen_end_ = 0;
  std::vector<std::byte> chunk_;
};

}  // namespace ccd::sessions
