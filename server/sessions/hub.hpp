// All sessions: made, adopted, found again, renamed, ended; and the door to watching them.
//
// Lives on the loop. Rows are never deleted because something is absent: a vanished tmux server makes its sessions `lost`.
// Every change of state is written together with its audit row, in one transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "audit/trail.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "files/projects.hpp"
#include "files/roots.hpp"
#include "recording/log_watcher.hpp"
#include "recording/session_folder.hpp"
#include "sessions/launcher.hpp"
#include "sessions/live_session.hpp"
#include "sessions/moment.hpp"
#include "sessions/session.hpp"
#include "sessions/viewer.hpp"
#include "storage/database.hpp"
#include "terminal/rows.hpp"
#include "terminal/screen.hpp"
#include "tmux/tmux.hpp"

namespace ccd::sessions {

// Who asks, for the audit row.
struct Actor {
  std::string name;  // user name, or "system"
  std::string ip;
};

struct CreateRequest {
  std::string name;
  std::string project;               // absolute path under a project root
  std::vector<std::string> command;  // empty: Options::default_command
  std::vector<std::pair<std::string, std::string>> environment;
  int cols = 0;  // 0: 120 x 36
  int rows = 0;
  Launch launch{};       // for commands that start Claude Code; `invalid` for others
  std::string prompt{};  // the agent's first, given as the client's last argument; not stored
  // Run in the transaction that stores the session; may be empty.
  std::function<Result<>(storage::Connection&, const std::string& id)> store{};
};

struct ResumeRequest {
  std::vector<std::string> command{};  // empty: as it was
  std::vector<std::pair<std::string, std::string>> environment{};
  Launch launch{};
  int cols = 0;  // 0: as it was
  int rows = 0;
};

// Lines of a session as they look, with their numbers (terminal::Screen::first_line()).
struct LinePage {
  std::uint64_t numbering = 0;
  std::uint64_t first_line = 0;  // kept
  std::uint64_t top_line = 0;    // the screen's first
  std::uint64_t end = 0;         // after the screen's last
  std::vector<terminal::LineRow> lines;
};

// A session's screen, or the rows of it that changed.
struct Thumb {
  terminal::Size size;
  terminal::Cursor cursor;
  bool all = false;
  std::vector<terminal::Row> rows;
};

// A session's screen as it stands at this moment, for who decides by it.
struct ScreenLook {
  std::vector<terminal::Row> rows;  // all of them, from top to bottom
  terminal::Modes modes;
};

// What somebody has seen of it.
struct ThumbPlace {
  std::uint64_t epoch = 0;
  std::uint64_t generation = 0;
  std::uint64_t offset = 0;
};

// How long a new tap waits for what is to stand before the pane's output, before it goes on without.
inline constexpr std::chrono::milliseconds kPreloadHold{2000};

class Hub {
 public:
  struct Options {
    std::string data_dir;  // absolute; only characters that tap_command() accepts
    std::string pane_tap;  // absolute paths of the two helper programs
    std::string pane_start;
    std::vector<std::string> default_command;  // {"claude"}
    std::uint64_t record_bytes_per_session = 0;
    std::uint64_t record_bytes_total = 0;  // of all sessions; 0: no bound
  };
  struct Parts {  // all outlive the hub
    storage::Database* database;
    const audit::Trail* trail;
    tmux::Tmux* tmux;
    const files::Roots* project_roots;
    const Clock* clock;
    Random* random;
    asio::thread_pool* pool;
  };

  Hub(asio::any_io_executor executor, Options options, Parts parts);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Who prepares Claude Code sessions; none: they are started as their command says. Outlives the hub.
  void set_launcher(Launcher* launcher) { launcher_ = launcher; }

  // Loads the rows and makes them agree with tmux. A tmux server that does not answer is not an error here.
  Task<Result<>> start();
  // Ends the hub's tasks. Agents go on.
  Task<void> stop();

  // Copies, oldest first, without the archived ones.
  [[nodiscard]] std::vector<Session> list();
  [[nodiscard]] std::optional<Session> find(const std::string& id);
  // As its program set it last, to the half second; empty for an unknown id.
  [[nodiscard]] std::string_view title(const std::string& id) const;
  // Titles and programs in the foreground as they are now, to a second. Asks tmux only for what neither a tap nor /proc tells.
  Task<void> refresh();

  Task<Result<Session>> create(CreateRequest request, Actor actor);
  // Starts a session that has ended or is lost again, in its folder and under its id: its record goes on where it ended. A name
  // that another session has taken meanwhile gets a number. conflict: it runs, or is just being started.
  Task<Result<Session>> resume(std::string id, ResumeRequest request, Actor actor);
  Task<Result<Session>> rename(std::string id, std::string name, Actor actor);
  // Ends the program (the whole tmux session). A session that has ended already is a conflict.
  Task<Result<>> end(std::string id, Actor actor);
  // Takes an ended session off the list; its record stays.
  Task<Result<Session>> archive(std::string id, Actor actor);

  // Where the programs of the running sessions are now: session's id and folder, as tmux tells it.
  Task<Result<std::vector<std::pair<std::string, std::string>>>> working_folders();
  // The first process of its pane, as tmux numbers it; 0: not known.
  [[nodiscard]] pid_t pane_process(const std::string& id);
  // It is just being made or started again.
  [[nodiscard]] bool starting(const std::string& id) const { return starting_.contains(id); }
  // A valid name like `wanted` that no running session has.
  [[nodiscard]] std::string free_name(std::string_view wanted) const;
  [[nodiscard]] const std::vector<std::string>& default_command() const { return options_.default_command; }
  [[nodiscard]] Kind kind_of_command(const std::vector<std::string>& command) const;

  // The conversation that its Claude Code is in now, as its hooks tell. Stored behind the caller's back.
  void note_conversation(const std::string& id, std::string conversation);

  // not_found for an unknown id, or when nothing was recorded.
  Result<std::unique_ptr<Attachment>> attach(const std::string& id, Viewer* viewer, AttachRequest request);
  Result<recording::LogExtent> extent(const std::string& id);
  // Up to out.size() bytes of the record from `offset` on; 0 at the end.
  Result<std::size_t> read_log(const std::string& id, std::uint64_t offset, std::span<std::byte> out);
  // The screen as text, one line a row. Of a session that has ended, how it was then.
  Task<Result<std::string>> screen(std::string id);
  Task<Result<ScreenLook>> look(std::string id);
  // Lines by number, scrollback and screen alike; without `first` the last ones.
  Task<Result<LinePage>> lines(std::string id, std::optional<std::uint64_t> first, std::uint64_t count);
  // The screen as it was at a time: see moment_at(). too_many while two others are being worked out.
  Task<Result<Moment>> moment(std::string id, WallMicros at);
  // What has changed on a session's screen since `seen`, which is moved on; nullopt when nothing has, or it is not known yet.
  std::optional<Thumb> thumb(const std::string& id, ThumbPlace& seen);

  // Called on every change that a page shows, and with the id when a session leaves the list. Stays until the guard goes.
  struct Listener {
    std::function<void(const Session&)> changed;
    std::function<void(const std::string& id)> removed;
  };
  class Subscription {
   public:
    Subscription(Hub* hub, std::list<Listener>::iterator place) : hub_(hub), place_(place) {}
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { hub_->listeners_.erase(place_); }

   private:
    Hub* hub_;
    std::list<Listener>::iterator place_;
  };
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(Listener listener);

 private:
  using LivePtr = std::shared_ptr<LiveSession>;

  // hub.cpp: finding out what is there
  Task<void> reconcile_loop();
  Task<void> tick_loop();
  Task<Result<>> reconcile();
  Task<Result<>> reconcile_with(tmux::ServerId server, std::vector<tmux::Pane> panes,
                                std::set<std::string> settled_before);
  [[nodiscard]] std::set<std::string> settled() const;
  Task<Result<>> adopt(tmux::ServerId server, tmux::Pane pane);
  Task<Result<>> mark_all_lost(std::set<std::string> settled_before, std::optional<tmux::ServerId> except);
  Task<Result<>> finish(LivePtr live, Status status, std::optional<int> exit_status);
  void take_live_facts(LiveSession& live, const tmux::Pane& pane);
  bool note_foreground(LiveSession& live);
  [[nodiscard]] bool told_without_tmux() const;
  void note_size(const tmux::Event& event);
  void announce(const LivePtr& live);
  void want_reconcile();

  // hub_link.cpp: keeping each session's tap
  void want_link(const std::string& id);
  Task<void> link(std::string id);
  Task<Result<>> repair_pipe(LivePtr live);
  Task<Result<>> connect_new_tap(LivePtr live);
  void want_resize(const std::string& id, int cols, int rows);
  Task<void> resize_loop(std::string id);
  Task<void> mark_size(std::string id, int cols, int rows);

  // hub_screens.cpp: screens computed from the records
  Task<void> check_loop();
  Task<void> retention_loop();
  Task<void> check_screen(LivePtr live);
  LivePtr make_live(Session session);
  [[nodiscard]] std::string folder_of(const std::string& id) const;
  [[nodiscard]] recording::TapOptions tap_options() const;

  // hub_commands.cpp
  Task<Result<LaunchWords>> prepare(Session session, std::vector<std::pair<std::string, std::string>> environment,
                                    Launch launch);
  Task<void> store_conversation(std::string id);
  Result<> check(const CreateRequest& request) const;
  enum class Record { fresh, goes_on };
  Task<Result<>> start_pane(LivePtr live, CreateRequest request, files::ProjectFolder folder, Record record);

  // hub_resume.cpp
  Task<Result<>> resume_as(LivePtr live, std::string name, ResumeRequest request, Actor actor);
  Task<terminal::Size> last_size(LivePtr live);
  Task<Result<>> make_way(LivePtr live);
  Task<Result<>> start_again(LivePtr live, CreateRequest request, files::ProjectFolder folder);
  Task<std::string> new_page(LivePtr live);
  Task<Result<>> store(Session session, audit::Record record);
  [[nodiscard]] audit::Record record_of(const Actor& actor, std::string action, std::string target,
                                        std::string detail) const;
  Task<void> audit_failure(Actor actor, std::string action, std::string target, Error error);
  [[nodiscard]] std::string new_id();
  [[nodiscard]] LivePtr live(const std::string& id);

  asio::any_io_executor executor_;
  Options options_;
  Parts parts_;
  recording::LogWatcher watcher_;
  std::map<std::string, LivePtr> sessions_;  // by id
  std::map<std::string, Session> announced_;
  std::list<Listener> listeners_;
  Launcher* launcher_ = nullptr;
  std::set<std::string> starting_;        // being created: reconcile leaves them alone
  std::set<std::string> reserved_names_;  // of sessions that are being started again
  std::set<std::string> linking_;
  std::map<std::string, std::pair<int, int>> wanted_sizes_;
  std::set<std::string> resizing_;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>
      checked_;  // where a screen was last compared: epoch and offset
  std::optional<tmux::ServerId> server_;
  Notifier reconcile_wanted_;
  bool reconcile_due_ = false;
  std::chrono::steady_clock::time_point refreshed_{};
  std::chrono::steady_clock::time_point foreground_at_{};
  int moments_ = 0;  // being worked out
  TaskGroup tasks_;
};

}  // namespace ccd::sessions
