// The watch against a real tmux: what people and programs do is told, also without any session, after a crash, and when nobody looked.
#include <algorithm>
#include <csignal>
#include <cstdio>

#include "tmux/runner.hpp"
#include "tmux/testing.hpp"

namespace ccd::tmux {
namespace {

using testing::TmuxTest;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class Watch : public TmuxTest {
 protected:
  void watch() {
    tmux_.on_event([this](const Event& event) { events_.push_back(event); });
    tasks_.spawn("watch", tmux_.run_events());
  }

  // Waits for an event of that kind that came after the last one found, and takes it.
  std::optional<Event> next(EventKind kind, std::chrono::milliseconds limit = 20s) {
    std::optional<Event> found;
    run_until(
        [&] {
          const auto it = std::ranges::find(events_, kind, &Event::kind);
          if (it == events_.end()) return false;
          found = *it;
          events_.erase(events_.begin(), it + 1);
          return true;
        },
        limit);
    return found;
  }

  // Nothing more is on its way: the watch has looked and been quiet.
  void settle() {
    auto quiet = Clock::now();
    std::size_t seen = events_.size();
    run_until([&] {
      if (events_.size() != seen) quiet = Clock::now();
      seen = events_.size();
      return Clock::now() - quiet > 150ms;
    });
    events_.clear();
  }

  std::vector<Event> events_;
};

TEST_F(Watch, TellsWhenAServerComesUpHoweverItIsStarted) {
  watch();
  EXPECT_FALSE(next(EventKind::server_up, 100ms));
  const auto server = run(tmux_.ensure_server());
  ASSERT_TRUE(server);
  const auto up = next(EventKind::server_up);
  ASSERT_TRUE(up);
  EXPECT_EQ(up->server, *server);
  hand({"kill-server"});
  const auto gone = next(EventKind::server_gone);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->server, *server);
  hand({"new-session", "-d", "-s", "byhand", "--", "sleep", "100"});
  EXPECT_TRUE(next(EventKind::server_up));
  EXPECT_TRUE(next(EventKind::sessions_changed));
}

TEST_F(Watch, TellsOfHandMadeSessionsWithAndWithoutOthers) {
  ASSERT_TRUE(run(tmux_.ensure_server()));
  watch();
  ASSERT_TRUE(next(EventKind::server_up));
  settle();
  for (const char* name : {"first", "second"}) {
    hand({"new-session", "-d", "-s", name, "--", "sleep", "100"});
    EXPECT_TRUE(next(EventKind::sessions_changed)) << name;
    settle();
  }
  hand({"rename-session", "-t", "=first", "renamed"});
  const auto renamed = next(EventKind::renamed);
  ASSERT_TRUE(renamed);
  EXPECT_EQ(renamed->name, "renamed");
  hand({"split-window", "-d", "-t", "=second:", "--", "sleep", "100"});
  EXPECT_TRUE(next(EventKind::sessions_changed));
  hand({"kill-pane", "-t", "=second:.1"});
  EXPECT_TRUE(next(EventKind::sessions_changed));
  hand({"new-window", "-d", "-t", "=second:", "--", "sleep", "100"});
  EXPECT_TRUE(next(EventKind::sessions_changed));
  settle();
  for (const char* name : {"second", "renamed"}) {
    hand({"kill-session", "-t", std::string("=") + name});
    const auto closed = next(EventKind::session_closed);
    ASSERT_TRUE(closed) << name;
    EXPECT_EQ(closed->name, name);
    settle();
  }
}

TEST_F(Watch, TellsTheEndOfAProgramAndItsStatus) {
  ASSERT_TRUE(run(tmux_.ensure_server()));
  watch();
  ASSERT_TRUE(next(EventKind::server_up));
  for (int i = 0; i < 20; ++i) {
    NewSession session = cat("s" + std::to_string(i));
    session.argv = {"sh", "-c", "read x; exit " + std::to_string(i)};
    session.pipe_command = "sleep 0.01; echo; exec cat > /dev/null";
    const auto pane = run(tmux_.create(session));
    ASSERT_TRUE(pane);
    const auto died = next(EventKind::pane_died);
    ASSERT_TRUE(died) << i;
    EXPECT_EQ(died->pane_id, pane->pane_id);
    EXPECT_EQ(died->exit_status, i);
    ASSERT_TRUE(run(tmux_.reap(pane->pane_id)));
    EXPECT_TRUE(next(EventKind::session_closed));
  }
}

TEST_F(Watch, TellsTheEndOfAProgramThatSomebodyStartedAgain) {
  ASSERT_TRUE(run(tmux_.ensure_server()));
  watch();
  const auto pane = run(tmux_.create(cat("again")));
  ASSERT_TRUE(pane);
  settle();
  hand({"respawn-pane", "-k", "-t", pane->pane_id, "--", "sh", "-c", "read x; exit 9"});
  settle();
  hand({"send-keys", "-t", pane->pane_id, "Enter"});
  const auto died = next(EventKind::pane_died);
  ASSERT_TRUE(died);
  EXPECT_EQ(died->exit_status, 9);
}

TEST_F(Watch, TellsWhatEndedWhileNobodyLooked) {
  ASSERT_TRUE(run(tmux_.ensure_server()));
  NewSession session = cat("early");
  session.argv = {"sh", "-c", "exit 42"};
  const auto pane = run(tmux_.create(session));
  ASSERT_TRUE(pane);
  watch();
  const auto died = next(EventKind::pane_died);
  ASSERT_TRUE(died);
  EXPECT_EQ(died->exit_status, 42);
}

TEST_F(Watch, TellsAServersDeathWithinTwoSeconds) {
  watch();
  std::chrono::nanoseconds worst{0};
  for (int i = 0; i < 20; ++i) {
    SCOPED_TRACE(i);
    const auto server = run(tmux_.ensure_server());
    ASSERT_TRUE(server) << server.error().message;
    // With a session in every other round; killed at once, or when all is quiet.
    if (i % 2 == 0) {
      ASSERT_TRUE(run(tmux_.create(cat("a"))));
    }
    ASSERT_TRUE(next(EventKind::server_up));
    if (i % 4 < 2) settle();
    const auto began = Clock::now();
    ASSERT_EQ(::kill(server->pid, SIGKILL), 0);
    const auto gone = next(EventKind::server_gone);
    worst = std::max<std::chrono::nanoseconds>(worst, Clock::now() - began);
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->server, *server);
    EXPECT_TRUE(std::ranges::none_of(events_, [](const Event& e) { return e.kind == EventKind::session_closed; }))
        << "a lost server's sessions are lost, not closed";
    events_.clear();
  }
  EXPECT_LE(worst, 2s);
  RecordProperty("worst_ms", static_cast<int>(worst / 1ms));
}

TEST_F(Watch, ASecondServerInTheFirstOnesPlaceIsAnotherServer) {
  watch();
  const auto first = run(tmux_.ensure_server());
  ASSERT_TRUE(first && run(tmux_.create(cat("a"))));
  settle();
  // Killed and replaced before the loop runs again.
  ::kill(first->pid, SIGKILL);
  while (by_hand({"-N", "list-sessions"}).exit_code == 0) {
  }
  hand({"new-session", "-d", "-s", "b", "--", "sleep", "100"});
  const auto gone = next(EventKind::server_gone);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->server, *first);
  const auto up = next(EventKind::server_up);
  ASSERT_TRUE(up);
  EXPECT_NE(up->server, *first);
  EXPECT_TRUE(next(EventKind::sessions_changed));
}

TEST_F(Watch, AStoppedServerIsNotGone) {
  ASSERT_TRUE(run(tmux_.ensure_server()) && run(tmux_.create(cat("a"))));
  watch();
  ASSERT_TRUE(next(EventKind::sessions_changed));
  settle();
  const auto server = run(tmux_.server());
  ASSERT_TRUE(server);
  ::kill(server->pid, SIGSTOP);
  EXPECT_FALSE(next(EventKind::server_gone, 500ms));
  ::kill(server->pid, SIGCONT);
  hand({"new-session", "-d", "-s", "after", "--", "sleep", "100"});
  EXPECT_TRUE(next(EventKind::sessions_changed));
  EXPECT_TRUE(std::ranges::none_of(events_, [](const Event& e) { return e.kind == EventKind::server_gone; }));
}

TEST_F(Watch, SurvivesTheLossOfItsClients) {
  ASSERT_TRUE(run(tmux_.ensure_server()) && run(tmux_.create(cat("a"))));
  watch();
  ASSERT_TRUE(next(EventKind::sessions_changed));
  settle();
  // The children of this process are the watch's clients: all are killed, again and again.
  for (int i = 0; i < 5; ++i) {
    std::string pids = program({"ps", "-o", "pid=", "--ppid", std::to_string(::getpid())}).out;
    while (pids.find_first_of("0123456789") != std::string::npos) {
      ::kill(std::stoi(pids), SIGKILL);
      pids.erase(0, pids.find('\n') + 1);
    }
    hand({"new-session", "-d", "-s", "c" + std::to_string(i), "--", "sleep", "100"});
    EXPECT_TRUE(next(EventKind::sessions_changed));
  }
  EXPECT_TRUE(std::ranges::none_of(events_, [](const Event& e) { return e.kind == EventKind::server_gone; }));
}

TEST_F(Watch, IsNoTerminalAndChangesNoSize) {
  ASSERT_TRUE(run(tmux_.ensure_server()));
  watch();
  NewSession session = cat("a");
  session.cols = 131;
  session.rows = 41;
  ASSERT_TRUE(run(tmux_.create(session)));
  ASSERT_TRUE(next(EventKind::sessions_changed));
  EXPECT_EQ(hand({"list-clients"}), "") << "no attached client of ours, and so none in control mode";
  const auto panes = run(tmux_.panes());
  ASSERT_TRUE(panes);
  EXPECT_EQ((*panes)[0].attached_clients, 0);
  EXPECT_EQ((*panes)[0].cols, 131);
  EXPECT_EQ((*panes)[0].rows, 41);
  ASSERT_TRUE(run(tmux_.resize((*panes)[0].window_id, 90, 33)));
  EXPECT_EQ(run(tmux_.panes()).value()[0].cols, 90);
}

TEST_F(Watch, TellsWhatPeopleMoveResizeAndPipe) {
  ASSERT_TRUE(run(tmux_.ensure_server()) && run(tmux_.create(cat("a"))) && run(tmux_.create(cat("b"))));
  watch();
  ASSERT_TRUE(next(EventKind::sessions_changed));
  settle();
  hand({"swap-pane", "-d", "-s", "=a:", "-t", "=b:"});
  EXPECT_TRUE(next(EventKind::sessions_changed)) << "swapped";
  settle();
  hand({"resize-window", "-t", "=a:", "-x", "91", "-y", "31"});
  const auto resized = next(EventKind::resized);
  ASSERT_TRUE(resized);
  EXPECT_EQ(std::pair(resized->cols, resized->rows), std::pair(91, 31));
  settle();
  hand({"pipe-pane", "-t", "=a:", "sleep 1000"});
  EXPECT_TRUE(next(EventKind::sessions_changed)) << "a pipe";
  settle();
  hand({"join-pane", "-d", "-s", "=a:", "-t", "=b:"});
  EXPECT_TRUE(next(EventKind::sessions_changed)) << "joined";
}

TEST_F(Watch, SeesByTheServersChildrenWhatNoHookTells) {
  ASSERT_TRUE(run(tmux_.ensure_server()) && run(tmux_.create(cat("a"))));
  watch();
  ASSERT_TRUE(next(EventKind::sessions_changed));
  settle();
  // Setting a hook without an index clears the whole list.
  for (const char* hook : {"session-created", "window-linked", "window-layout-changed"})
    hand({"set-hook", "-gu", hook});
  hand({"new-session", "-d", "-s", "unseen", "--", "sleep", "100"});
  EXPECT_TRUE(next(EventKind::sessions_changed));
}

TEST_F(Watch, KeepsPeoplesOwnHooks) {
  ASSERT_TRUE(run(tmux_.ensure_server()));
  hand({"set-hook", "-g", "session-created", "set-option -g @theirs ran"});
  watch();
  ASSERT_TRUE(next(EventKind::server_up));
  settle();
  hand({"new-session", "-d", "--", "sleep", "100"});
  EXPECT_TRUE(next(EventKind::sessions_changed));
  EXPECT_EQ(hand({"show-options", "-g", "-v", "@theirs"}), "ran\n");
}

}  // namespace
}  // namespace ccd::tmux
