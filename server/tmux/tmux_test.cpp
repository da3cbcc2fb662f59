// The lifecycle against a real tmux: servers, sessions, sizes, pipes, exit statuses, typing.
#include "tmux/tmux.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tmux/repair.hpp"
#include "tmux/runner.hpp"
#include "tmux/testing.hpp"

namespace ccd::tmux {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TmuxTest;
using namespace std::chrono_literals;

class TmuxServer : public TmuxTest {};
class TmuxSessions : public TmuxTest {
 protected:
  TmuxSessions() { EXPECT_TRUE(run(tmux_.ensure_server())); }
  // The one pane of the session, as listed.
  Pane pane(const std::string& session) {
    const auto panes = run(tmux_.panes());
    if (!panes) throw std::runtime_error(panes.error().message);
    const auto found = std::ranges::find(*panes, session, &Pane::session_name);
    if (found == panes->end()) throw std::runtime_error("no session " + session);
    return *found;
  }
};

TEST_F(TmuxServer, NoneIsUnavailableAtOnce) {
  const auto server = run(tmux_.server());
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().kind, ErrorKind::unavailable);
  const auto panes = run(tmux_.panes());
  ASSERT_FALSE(panes);
  EXPECT_EQ(panes.error().kind, ErrorKind::unavailable);
  const auto created = run(tmux_.create(cat("a")));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::unavailable) << created.error().message;
}

TEST_F(TmuxServer, IsStartedOnceAndIsNotOurChild) {
  const auto first = run(tmux_.ensure_server());
  ASSERT_TRUE(first) << first.error().message;
  const auto second = run(tmux_.ensure_server());
  ASSERT_TRUE(second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(run(tmux_.server()).value(), *first);
  EXPECT_NE(::getsid(first->pid), ::getsid(0));
  std::ifstream stat("/proc/" + std::to_string(first->pid) + "/stat");
  std::string word;
  for (int i = 0; i < 4; ++i) stat >> word;
  EXPECT_NE(word, std::to_string(::getpid())) << "the server's parent is this process";
  EXPECT_EQ(run(tmux_.panes()).value().size(), 0U);
}

TEST_F(TmuxServer, ReplacesAStaleSocket) {
  for (int i = 0; i < 5; ++i) {
    const auto server = run(tmux_.ensure_server());
    ASSERT_TRUE(server) << server.error().message;
    ASSERT_TRUE(std::filesystem::exists(path("tmux-" + std::to_string(::getuid()) + "/t")));
    ASSERT_EQ(::kill(server->pid, SIGKILL), 0);
    ASSERT_TRUE(run_until([&] {
      const auto gone = run(tmux_.server());
      return !gone && gone.error().kind == ErrorKind::unavailable;
    }));
  }
}

TEST_F(TmuxServer, AStoppedServerTimesOutAndIsNotReplaced) {
  const auto server = run(tmux_.ensure_server());
  ASSERT_TRUE(server);
  ::kill(server->pid, SIGSTOP);
  const auto began = std::chrono::steady_clock::now();
  const auto answer = run(tmux_.ensure_server());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2 * kCommandLimit) << "it asks once";
  ::kill(server->pid, SIGCONT);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
  EXPECT_EQ(run(tmux_.server()).value(), *server);
}

// By the processes of this one that have ended: their page faults are added to ours.
long faults_of_children() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  return used.ru_minflt + used.ru_majflt;
}

TEST_F(TmuxServer, AnswersWithoutAProcess) {
  const auto none = run(tmux_.answers());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::unavailable);
  const auto server = run(tmux_.ensure_server());
  ASSERT_TRUE(server);
  const long before = faults_of_children();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(run(tmux_.answers())) << i;
  EXPECT_EQ(faults_of_children(), before) << "no program was started";
  EXPECT_EQ(run(tmux_.server()).value(), *server) << "asking so often does it no harm";
  EXPECT_GT(faults_of_children(), before) << "and a program would have been seen";
}

TEST_F(TmuxServer, AStoppedServerDoesNotAnswer) {
  const auto server = run(tmux_.ensure_server());
  ASSERT_TRUE(server);
  ::kill(server->pid, SIGSTOP);
  const auto answer = run(tmux_.answers());
  ::kill(server->pid, SIGCONT);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
  EXPECT_TRUE(run(tmux_.answers()));
}

TEST_F(TmuxServer, RefusesAFolderThatIsNotThere) {
  Options wrong = options();
  wrong.tmpdir = path("missing");
  Tmux tmux(wrong, loop_.get_executor());
  const auto server = run(tmux.ensure_server());
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("TMUX_TMPDIR"));
  EXPECT_EQ(run(tmux.panes()).error().kind, ErrorKind::unavailable);
  wrong = options();
  wrong.config_file = path("missing.conf");
  Tmux without(wrong, loop_.get_executor());
  EXPECT_EQ(run(without.ensure_server()).error().kind, ErrorKind::not_found);
}

TEST_F(TmuxServer, IsWaitedForWhereItIsAnotherServices) {
  Options waits = options();
  waits.start = ServerStart::never;
  Tmux tmux(waits, loop_.get_executor());
  const auto none = run(tmux.ensure_server());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(none.error().message, HasSubstr("TMUX_START=never"));
  EXPECT_EQ(run(tmux_.server()).error().kind, ErrorKind::unavailable) << "none was started";
  const auto server = run(tmux_.ensure_server());
  ASSERT_TRUE(server);
  EXPECT_EQ(run(tmux.ensure_server()).value(), *server);
}

TEST_F(TmuxServer, TheConfigurationIsTakenWhole) {
  ASSERT_TRUE(run(tmux_.ensure_server()));
  const ProcessOutput parsed = by_hand({"source-file", "-n", options().config_file});
  EXPECT_EQ(parsed.exit_code, 0) << parsed.err;
  EXPECT_EQ(hand({"show-options", "-s", "-v", "exit-empty"}), "off\n");
  EXPECT_EQ(hand({"show-options", "-s", "-v", "set-clipboard"}), "off\n");
  EXPECT_EQ(hand({"show-options", "-s", "-v", "message-limit"}), "0\n");
  EXPECT_EQ(hand({"show-options", "-s", "-v", "escape-time"}), "0\n");
  EXPECT_EQ(hand({"show-options", "-g", "-v", "status"}), "off\n");
  EXPECT_EQ(hand({"show-options", "-g", "-v", "history-limit"}), std::to_string(kRepairHistory) + "\n");
  EXPECT_EQ(hand({"show-options", "-gw", "-v", "allow-passthrough"}), "off\n");
  EXPECT_EQ(hand({"show-options", "-gw", "-v", "window-size"}), "latest\n");
  EXPECT_EQ(hand({"show-options", "-gw", "-v", "remain-on-exit"}), "off\n");
  // A client that attaches is shown the errors of the configuration; a control client gets them as a line.
  hand({"new-session", "-d", "--", "sleep", "100"});
  EXPECT_THAT(hand({"-C", "attach-session"}), Not(HasSubstr("%config-error")));
  // A session after all of that: some combinations of options end the server there.
  EXPECT_TRUE(run(tmux_.create(cat("after"))));
}

TEST_F(TmuxServer, SecretsOfTheDashboardDoNotReachAPane) {
  ::setenv("JWT_SECRET", "canary-secret", 1);
  ::setenv("DATABASE_PATH", "canary-path", 1);
  ::setenv("ANTHROPIC_TEST_VALUE", "goes-through", 1);
  const mode_t own = ::umask(027);
  Tmux tmux(options(), loop_.get_executor());
  const auto server = run(tmux.ensure_server());
  ::umask(own);
  ASSERT_TRUE(server);
  NewSession session = cat("env");
  session.argv = {"sh", "-c",
                  "env > '" + path("env.part") + "'; umask >> '" + path("env.part") + "'; mv '" + path("env.part") +
                      "' '" + path("env") + "'; cat"};
  session.environment = {{"TOKEN", "of this session\n;$x"}};
  ASSERT_TRUE(run(tmux.create(session)));
  hand({"new-session", "-d", "-s", "hand", "--", "sh", "-c",
        "env > '" + path("env2.part") + "'; mv '" + path("env2.part") + "' '" + path("env2") + "'; cat"});
  ASSERT_TRUE(run_until([&] { return std::filesystem::exists(path("env")) && std::filesystem::exists(path("env2")); }));
  for (const std::string& text :
       {read(path("env")), read(path("env2")), read("/proc/" + std::to_string(server->pid) + "/environ")}) {
    EXPECT_THAT(text, Not(HasSubstr("canary")));
    EXPECT_THAT(text, HasSubstr("ANTHROPIC_TEST_VALUE=goes-through"));
  }
  EXPECT_THAT(read(path("env")), HasSubstr("TOKEN=of this session\n;$x\n"));
  EXPECT_THAT(read(path("env")), HasSubstr("TERM=tmux-256color\n"));
  EXPECT_THAT(read(path("env")), HasSubstr("\n0027\n"));
  EXPECT_THAT(read(path("env2")), Not(HasSubstr("TOKEN")));
  // Nor does tmux remember the command that carried it.
  EXPECT_THAT(hand({"-C", "new-session", "-s", "m", ";", "show-messages"}), Not(HasSubstr("of this session")));
  ::unsetenv("JWT_SECRET");
  ::unsetenv("DATABASE_PATH");
  ::unsetenv("ANTHROPIC_TEST_VALUE");
}

TEST_F(TmuxSessions, CreateTellsThePane) {
  NewSession session = cat("one");
  session.cols = 132;
  session.rows = 43;
  session.pipe_command = pipe_command_line({"sh", "-c", "exec cat > \"$1\"", "sh", path("out")});
  const auto pane = run(tmux_.create(session));
  ASSERT_TRUE(pane) << pane.error().message;
  EXPECT_EQ(pane->session_name, "one");
  EXPECT_EQ(pane->cols, 132);
  EXPECT_EQ(pane->rows, 43);
  EXPECT_EQ(pane->dashboard_id, "id-one");
  EXPECT_TRUE(pane->piped);
  EXPECT_FALSE(pane->dead);
  EXPECT_EQ(pane->start_path, dir().string());
  EXPECT_EQ(pane->attached_clients, 0);
  EXPECT_GT(pane->created, WallMicros{1'600'000'000} * 1'000'000);
  Pane listed = this->pane("one");
  EXPECT_EQ(listed.pane_id, pane->pane_id);
  EXPECT_EQ(listed.pid, pane->pid);
  ASSERT_TRUE(run_until([&] { return this->pane("one").command == "cat"; }));
  EXPECT_EQ(this->pane("one").path, dir().string());
}

TEST_F(TmuxSessions, ThePipeGetsTheFirstByte) {
  for (int i = 0; i < 10; ++i) {
    const std::string name = "first" + std::to_string(i);
    NewSession session = cat(name);
    session.argv = {"sh", "-c", "printf FIRST; exec cat"};
    session.pipe_command = pipe_command_line({"sh", "-c", "exec cat > \"$1\"", "sh", path(name)});
    ASSERT_TRUE(run(tmux_.create(session)));
    ASSERT_TRUE(run_until([&] { return read(path(name)).size() >= 5; }));
    EXPECT_EQ(read(path(name)), "FIRST");
  }
}

TEST_F(TmuxSessions, ThePipeWritesToThePane) {
  NewSession session = cat("in");
  session.argv = {"sh", "-c", "read line; echo \"$line\" > '" + path("got") + "'; cat"};
  session.pipe_command = "echo typed by the pipe; exec cat > /dev/null";
  ASSERT_TRUE(run(tmux_.create(session)));
  EXPECT_TRUE(wait_for_text(path("got"), "typed by the pipe\n"));
}

TEST_F(TmuxSessions, ATakenNameIsAConflictAndNothingElseRuns) {
  ASSERT_TRUE(run(tmux_.create(cat("twin"))));
  NewSession second = cat("twin");
  second.dashboard_id = "second";
  second.pipe_command = "touch '" + path("canary") + "'";
  second.argv = {"touch", path("canary2")};
  const auto created = run(tmux_.create(second));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::conflict) << created.error().message;
  EXPECT_EQ(pane("twin").dashboard_id, "id-twin");
  EXPECT_FALSE(pane("twin").piped);
  const auto other = run(tmux_.create(cat("other")));
  ASSERT_TRUE(other);
  EXPECT_EQ(run(tmux_.rename(other->session_id, "twin")).error().kind, ErrorKind::conflict);
  EXPECT_EQ(run(tmux_.panes()).value().size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(path("canary")) || std::filesystem::exists(path("canary2")));
}

TEST_F(TmuxSessions, OneArgumentIsAProgramNotAShellLine) {
  NewSession session = cat("single");
  session.argv = {"touch " + path("canary")};
  const auto created = run(tmux_.create(session));
  ASSERT_TRUE(created);
  ASSERT_TRUE(run_until([&] { return pane("single").dead; }));
  EXPECT_EQ(pane("single").exit_status, 127);
  EXPECT_FALSE(std::filesystem::exists(path("canary")));
  EXPECT_EQ(run(tmux_.create([&] {
              auto s = cat("eq");
              s.argv = {"A=b"};
              return s;
            }()))
                .error()
                .field,
            "argv");
}

TEST_F(TmuxSessions, RenameAndEndByIdOnly) {
  const auto one = run(tmux_.create(cat("one")));
  const auto two = run(tmux_.create(cat("two")));
  ASSERT_TRUE(one && two);
  ASSERT_TRUE(run(tmux_.rename(one->session_id, "uno")));
  EXPECT_EQ(pane("uno").pane_id, one->pane_id);
  ASSERT_TRUE(run(tmux_.end(one->session_id)));
  EXPECT_EQ(run(tmux_.end(one->session_id)).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run(tmux_.rename(one->session_id, "x")).error().kind, ErrorKind::not_found);
  ASSERT_EQ(run(tmux_.panes()).value().size(), 1U);
  EXPECT_EQ(run(tmux_.end("two")).error().kind, ErrorKind::invalid);
  EXPECT_EQ(run(tmux_.end("$1;kill-server")).error().kind, ErrorKind::invalid);
  ASSERT_TRUE(run(tmux_.end(two->session_id)));
  EXPECT_EQ(run(tmux_.panes()).value().size(), 0U);
  EXPECT_TRUE(run(tmux_.server())) << "the server stays without sessions";
}

TEST_F(TmuxSessions, ResizeChangesTheWindow) {
  const auto one = run(tmux_.create(cat("one")));
  ASSERT_TRUE(one);
  ASSERT_TRUE(run(tmux_.resize(one->window_id, 100, 30)));
  EXPECT_EQ(pane("one").cols, 100);
  EXPECT_EQ(pane("one").rows, 30);
  EXPECT_EQ(run(tmux_.resize(one->window_id, 0, 30)).error().field, "cols");
  EXPECT_EQ(run(tmux_.resize(one->window_id, 80, 1001)).error().field, "rows");
  EXPECT_EQ(run(tmux_.resize("@99", 80, 24)).error().kind, ErrorKind::not_found);
  // And another session can be made after it: with window-size manual for all, the server would end here.
  EXPECT_TRUE(run(tmux_.create(cat("two"))));
}

TEST_F(TmuxSessions, ExitStatusIsKnownHoweverTheProgramEnds) {
  struct Case {
    std::string name;
    std::string script;
    int status;
  };
  std::vector<Case> cases{
      {"ok", "exit 0", 0}, {"seven", "exit 7", 7}, {"killed", "kill -9 $$", 137}, {"term", "kill -TERM $$", 143}};
  // The gap in which tmux misses the end of a program is a matter of microseconds: often enough to be hit.
  for (int i = 0; i < 20; ++i) cases.push_back({"many" + std::to_string(i), "exit " + std::to_string(i), i});
  for (const Case& c : cases) {
    NewSession session = cat(c.name);
    session.argv = {"sh", "-c", "echo last words; " + c.script};
    session.pipe_command = pipe_command_line({"sh", "-c", "exec cat > \"$1\"", "sh", path(c.name)});
    ASSERT_TRUE(run(tmux_.create(session)));
    ASSERT_TRUE(run_until([&] { return pane(c.name).dead; })) << c.name;
    const Pane dead = pane(c.name);
    EXPECT_EQ(dead.exit_status, c.status) << c.name;
    EXPECT_TRUE(dead.piped) << "the pipe stays until the pane is reaped";
    EXPECT_EQ(run(tmux_.capture_text(dead.pane_id, Escapes::strip)).value().substr(0, 11), "last words\n");
    ASSERT_TRUE(run(tmux_.reap(dead.pane_id)));
    EXPECT_EQ(run(tmux_.reap(dead.pane_id)).error().kind, ErrorKind::not_found);
    // All that the program said is in the pipe; who reads it may be slower than this test.
    EXPECT_TRUE(run_until([&] { return read(path(c.name)) == "last words\r\n"; }))
        << c.name << ": " << read(path(c.name));
  }
  EXPECT_EQ(run(tmux_.panes()).value().size(), 0U);
}

TEST_F(TmuxSessions, ReapRefusesALivingProgram) {
  const auto one = run(tmux_.create(cat("one")));
  ASSERT_TRUE(one);
  EXPECT_EQ(run(tmux_.reap(one->pane_id)).error().kind, ErrorKind::conflict);
  EXPECT_FALSE(pane("one").dead);
}

TEST_F(TmuxSessions, HandMadeSessionsAreListedWhateverTheyAreCalled) {
  const std::string folder = path("new\nline \x1f\ttab 'q\" é#{pid}");
  std::filesystem::create_directory(folder);
  hand({"new-session", "-d", "-s", "with space and é \"q\" 'x' \t\n\x1f tab", "-x", "90", "-y", "20", "--", "sleep",
        "100"});
  // The folder by the client's own working directory: as argument it would be expanded.
  const std::string script =
      "cd \"$1\" && exec tmux -L t new-session -d -s odd -- sh -c 'printf \"\\033]2;title \\303\\251 \\001 "
      "x\\033\\\\\"; exec cat'";
  ASSERT_EQ(program({"sh", "-c", script, "sh", folder}).exit_code, 0);
  hand({"split-window", "-d", "-t", "=odd:", "--", "sleep", "100"});
  ASSERT_TRUE(run_until([&] { return pane("odd").title == "title é  x" || pane("odd").title.starts_with("title"); }));
  const auto panes = run(tmux_.panes());
  ASSERT_TRUE(panes) << panes.error().message;
  ASSERT_EQ(panes->size(), 3U);
  EXPECT_THAT((*panes)[0].session_name, HasSubstr("with space and é"));
  EXPECT_EQ((*panes)[0].cols, 90);
  EXPECT_EQ((*panes)[1].start_path, path("new?line ??tab 'q\" é#{pid}"));
  EXPECT_EQ((*panes)[1].dashboard_id, "");
  EXPECT_EQ((*panes)[1].window_id, (*panes)[2].window_id);
  for (const Pane& pane : *panes)
    for (const std::string& text : {pane.session_name, pane.title, pane.command, pane.start_path, pane.path})
      EXPECT_TRUE(std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) << text;
}

TEST_F(TmuxSessions, AHandMadePaneIsNotKeptWhenItsProgramEnds) {
  ASSERT_TRUE(run(tmux_.create(cat("ours"))));
  hand({"split-window", "-d", "-t", "=ours:", "--", "true"});
  hand({"new-session", "-d", "-s", "hand", "--", "true"});
  EXPECT_TRUE(run_until([&] { return run(tmux_.panes()).value().size() == 1; }));
}

TEST_F(TmuxSessions, SendBytesTypesExactlyTheseBytesAndKeepsTheMarker) {
  NewSession session = cat("typed");
  session.argv = {"sh", "-c", "stty raw -echo; touch '" + path("ready") + "'; exec cat > '" + path("got") + "'"};
  const auto one = run(tmux_.create(session));
  ASSERT_TRUE(one);
  ASSERT_TRUE(run_until([&] { return std::filesystem::exists(path("ready")); }));
  EXPECT_EQ(run(tmux_.input_marker(one->pane_id)).value(), "");
  std::string bytes;
  for (int i = 0; i < 1024; ++i) bytes += static_cast<char>(i % 256);
  ASSERT_TRUE(run(tmux_.send_bytes(one->pane_id, bytes, "client:17")));
  ASSERT_TRUE(run_until([&] { return read(path("got")).size() >= bytes.size(); }));
  EXPECT_EQ(read(path("got")), bytes);
  EXPECT_EQ(run(tmux_.input_marker(one->pane_id)).value(), "client:17");
  // Also when a person reads back in copy mode.
  hand({"copy-mode", "-t", one->pane_id});
  EXPECT_TRUE(pane("typed").in_mode);
  ASSERT_TRUE(run(tmux_.send_bytes(one->pane_id, "q", "client:18")));
  EXPECT_TRUE(run_until([&] { return read(path("got")).size() == bytes.size() + 1; }));
  EXPECT_EQ(run(tmux_.send_bytes(one->pane_id, "x", "bad marker")).error().field, "marker");
  EXPECT_EQ(run(tmux_.send_bytes(one->pane_id, std::string(kMaxTyped + 1, 'x'), "m")).error().kind,
            ErrorKind::too_large);
  EXPECT_EQ(run(tmux_.send_bytes("%99", "x", "m")).error().kind, ErrorKind::not_found);
}

TEST_F(TmuxSessions, TypingAtAnEndedProgramIsAConflict) {
  NewSession session = cat("ended");
  session.argv = {"true", "x"};
  const auto one = run(tmux_.create(session));
  ASSERT_TRUE(one);
  ASSERT_TRUE(run_until([&] { return pane("ended").dead; }));
  EXPECT_EQ(run(tmux_.send_bytes(one->pane_id, "x", "m")).error().kind, ErrorKind::conflict);
  EXPECT_EQ(run(tmux_.pipe(one->pane_id, "exec cat", CaptureFirst::no)).error().kind, ErrorKind::conflict);
}

}  // namespace
}  // namespace ccd::tmux
