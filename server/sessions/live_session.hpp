// One session while the dashboard runs: its record, the screen that follows it, its input link, the viewers, and whose size the pane has.
//
// Lives on the loop; owned by the Hub (shared_ptr, so that attachments can outlast it safely).
// Output: advance() reads the record once, gives each piece to the viewers who are up to date and to the mirror. Who is behind reads the
// record for himself, and who is too far behind gets a snapshot of the mirror: nobody waits for anybody.
// Size policy: the pane has the size of the viewer whose turn it is. The turn goes to the first viewer, to who presses "fit", and
// to who types when the one before has not typed for kTurnHeld. When the holder leaves, it goes to who typed last.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/echo_wait.hpp"
#include "base/task.hpp"
#include "recording/log_reader.hpp"
#include "recording/log_watcher.hpp"
#include "recording/tap_link.hpp"
#include "sessions/mirror.hpp"
#include "sessions/session.hpp"
#include "sessions/title_scan.hpp"
#include "sessions/viewer.hpp"

namespace ccd::sessions {

// What a live session asks of its hub.
struct LiveSessionHost {
  std::function<void(const std::string& session_id)> link_down;  // the tap does not answer: find out why, connect again
  std::function<void(const std::string& session_id, int cols, int rows)> resize;  // give the pane this size
  std::function<void(const std::string& session_id, int cols, int rows)>
      mark_size;  // somebody else has given it this size
  std::function<void(std::string name, Task<void> task)> spawn;
};

struct LiveSessionParts {  // all outlive the session
  asio::any_io_executor executor;
  asio::thread_pool* pool;
  recording::LogWatcher* watcher;
  const Clock* clock;
  std::uint64_t record_bytes;  // what a tap keeps at least
};

class LiveSession : public std::enable_shared_from_this<LiveSession> {
 public:
  LiveSession(Session session, std::string folder, LiveSessionParts parts, LiveSessionHost host);
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

  // Looks whether output came since the last look, so that `last_output_at` is true to the second, and keeps the screen of a session
  // that nobody watches from falling far behind.
  void note_output();
  // The title that its program has set since the last look, from the screen where it is computed, else from the new bytes of the record.
  // None: it set none.
  [[nodiscard]] std::optional<std::string> new_title();

  // The screen, brought up to date; loads it when it is cold.
  Task<Result<Mirror*>> mirror();
  // The same at once, without waiting: nullptr while it is being loaded.
  Mirror* mirror_now();
  // Only looks: nullptr when it is cold.
  [[nodiscard]] const Mirror* hot_mirror() const { return mirror_.hot() ? &mirror_ : nullptr; }
  // Reads what the record has got. Call it when it has grown in a way that its watch does not tell.
  void advance();
  // Gives the screen's memory back when nobody has looked at it for a while, and writes keyframes; called every second.
  void tidy();
  // The model was wrong: everybody gets what tmux says instead.
  void repair(std::string_view escape_sequences);

  // The pane's first process, in tmux's pid namespace; 0: not known.
  [[nodiscard]] pid_t pane_pid() const { return pane_pid_; }
  void set_pane_pid(pid_t pid) { pane_pid_ = pid; }
  // Whether the program in the foreground may be another one than at the last look; then this counts as one. `settled`: so long after the
  // output that no other look is needed for it.
  bool foreground_due(WallMicros output, bool settled);
  // Whether tmux was asked for it since somebody typed or the title changed; then this counts as asking.
  bool foreground_asked_for(std::string_view title);

  // tmux says that the pane has this size.
  void note_pane_size(int cols, int rows);
  // Marks in the record that the pane has this size from here on. False: this tap keeps no sizes; call set_size() once tmux has done it.
  Task<bool> mark_resize(int cols, int rows);
  // The pane has this size now, and the record does not say so.
  void set_size(int cols, int rows);

 private:
  friend class Attachment;
  void add(Attachment* viewer);
  void remove(Attachment* viewer);
  void set_watching();
  void watch_log(bool on);
  [[nodiscard]] bool watching() const { return told_ || watch_ != nullptr; }
  Task<void> load();

  // live_output.cpp
  void on_bytes(std::uint64_t offset, std::span<const std::byte> bytes);
  void on_resize(std::uint64_t offset, int cols, int rows);
  void on_live(const recording::LiveBytes& live);
  void on_coming(std::uint64_t offset, std::span<const std::byte> bytes);
  void on_output(std::uint64_t offset, std::span<const std::byte> bytes);
  void take_told(std::span<const std::byte> bytes);
  void count_output(std::size_t bytes);
  void pump(Attachment* viewer);
  void pump_all();
  bool send_data(Attachment* viewer, std::uint64_t offset, std::shared_ptr<const std::string> bytes);
  void send_snapshot(Attachment* viewer);
  void snapshots_for_all();
  void look_again(std::chrono::steady_clock::duration after);
  [[nodiscard]] std::uint64_t keyframe_every() const;
  void await_echo();
  void stay_awake();

  void ask_resend(Attachment* viewer);
  void take_turn(Attachment* viewer);
  void apply_turn_size();
  void tell_size();
  void typed(Attachment* viewer);
  void tell_people(std::chrono::steady_clock::duration after);
  void tell_people_now();
  Result<> input(Attachment* viewer, std::uint64_t number, std::span<const std::byte> bytes);
  recording::TapLink::Events tap_events();

  using Time = std::chrono::steady_clock::time_point;

  Session session_;
  std::string folder_;
  LiveSessionParts parts_;
  LiveSessionHost host_;
  std::unique_ptr<recording::LogReader> reader_;         // for who is behind
  std::unique_ptr<recording::LogWatcher::Watch> watch_;  // while the tap does not tell
  bool told_ = false;                                    // the tap tells what the record gets
  std::shared_ptr<recording::TapLink> tap_;              // shared with who waits for an answer of it
  std::vector<Attachment*> viewers_;
  Attachment* turn_ = nullptr;
  Time turn_typed_{};
  std::vector<Person> people_;  // as told last
  asio::steady_timer people_timer_;
  bool people_due_ = false;
  std::uint64_t seen_end_ = 0;
  pid_t pane_pid_ = 0;
  std::optional<WallMicros> foreground_known_at_;                          // time of the last output then
  std::optional<std::pair<std::uint64_t, std::string>> foreground_asked_;  // inputs and title then
  std::uint64_t inputs_ = 0;
  TitleScan titles_;
  std::optional<std::uint64_t> scanned_;  // where titles_ has read up to
  std::string screen_title_;              // as the screen had it at the last look
  Time resized_{};                        // what tmux told just before is not true any more

  Mirror mirror_;
  bool loading_ = false;
  Notifier loaded_;
  Time used_{};            // when somebody last needed the screen
  std::uint64_t cut_ = 0;  // as Mirror::cut(), or later: sizes that the record does not have
  std::uint64_t live_lost_ =
      0;  // of the bytes behind mirror_.offset() that the record will never have: taken from the tap
  bool flooding_ = false;
  Time window_start_{};  // of counting output
  std::size_t window_bytes_ = 0;
  asio::steady_timer again_;
  bool again_set_ = false;
  EchoWait echo_;
  bool awake_ = false;  // for an echo: stay_awake() is posted
  std::vector<std::byte> chunk_;
};

}  // namespace ccd::sessions
