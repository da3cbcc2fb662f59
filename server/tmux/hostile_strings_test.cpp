// Strings that try to be commands: every field of every command takes them as data or refuses them, and tmux does nothing else.
#include <gtest/gtest.h>
#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/src.hpp>
#include <cstdlib>
#include <fstream>

#include "base/encoding.hpp"
#include "tmux/command.hpp"
#include "tmux/testing.hpp"

namespace ccd::tmux {
namespace {

using testing::TmuxTest;

std::filesystem::path data_folder() {
  if (const char* given = std::getenv("TEST_DATA"); given != nullptr && *given != '\0') return given;
  return std::filesystem::path(__FILE__).parent_path() / "../../../shared/data";
}

std::vector<std::string> naughty_strings() {
  std::ifstream file(data_folder() / "naughty-strings.json", std::ios::binary);
  if (!file) return {};
  std::stringstream text;
  text << file.rdbuf();
  std::vector<std::string> strings;
  const boost::json::value list = boost::json::parse(text.str());
  for (const auto& value : list.as_array()) strings.emplace_back(value.as_string());
  return strings;
}

// What each layer between here and the pane could take for its own: tmux's parser, its formats, strftime, the shell, options.
std::vector<std::string> injections(const std::string& canary) {
  const std::string touch = "touch " + canary;
  std::vector<std::string> strings{";",
                                   "a;",
                                   "a\\;",
                                   "\\;",
                                   "\\",
                                   "a\\",
                                   "#",
                                   "##",
                                   "###",
                                   "#{",
                                   "#{pid}",
                                   "##{pid}",
                                   "#[bold]",
                                   "##[x",
                                   "a#[b#{pid}]",
                                   "#,#}",
                                   "%",
                                   "%%",
                                   "%Y",
                                   "%if 1",
                                   "$HOME",
                                   "${HOME}",
                                   "~",
                                   "~root",
                                   "-",
                                   "--",
                                   "-d",
                                   "-t",
                                   "--help",
                                   "'",
                                   "\"",
                                   "'\"'",
                                   "{",
                                   "}",
                                   "{ kill-server }",
                                   "=",
                                   "=a",
                                   "A=b",
                                   ":",
                                   "a:b.c",
                                   "$1",
                                   "@1",
                                   "%1",
                                   "!",
                                   "!!",
                                   "*",
                                   "?",
                                   "[a]",
                                   "|",
                                   "&",
                                   "&&",
                                   "<",
                                   ">",
                                   "`",
                                   "#S",
                                   "#H",
                                   "#(",
                                   "#()",
                                   "\\073",
                                   "\\n",
                                   "\\u0041",
                                   " ",
                                   "  a  ",
                                   "\xff\xfe",
                                   "\xc3",
                                   "é",
                                   "日本",
                                   "\xc2\x85",
                                   "\xe2\x80\xa8",
                                   "#(" + touch + ")",
                                   "##(" + touch + ")",
                                   "#{l:#(" + touch + ")}",
                                   "#{E:#(" + touch + ")}",
                                   "#[x]#(" + touch + ")",
                                   "; run-shell '" + touch + "'",
                                   "a ; run-shell '" + touch + "' ;",
                                   ";run-shell \"" + touch + "\";",
                                   "\" ; run-shell '" + touch + "' ; \"",
                                   "' ; run-shell '" + touch + "' ; '",
                                   "\nrun-shell '" + touch + "'\n",
                                   "\r\nrun-shell '" + touch + "'\r\n",
                                   "$(" + touch + ")",
                                   "`" + touch + "`",
                                   "'; " + touch + "; '",
                                   "\"; " + touch + "; \"",
                                   "| " + touch,
                                   "& " + touch,
                                   "\n" + touch + "\n",
                                   "%output %0 x",
                                   "%end 1 1 1",
                                   "\x1f"
                                   "1",
                                   "if-shell true 'run-shell \"" + touch + "\"'"};
  for (int c = 1; c < 0x20; ++c)
    strings.push_back("a" + std::string(1, static_cast<char>(c)) + "run-shell '" + touch + "'");
  strings.emplace_back("a\x7f b");
  strings.push_back(std::string(5000, '#') + "(" + touch + ")");
  return strings;
}

class HostileStrings : public TmuxTest {
 protected:
  void SetUp() override {
    strings_ = naughty_strings();
    if (strings_.empty()) GTEST_SKIP() << "skipped: no data";
    ASSERT_EQ(strings_.size(), 515U);
    for (std::string& s : injections(path("canary"))) strings_.push_back(std::move(s));
    ASSERT_TRUE(run(tmux_.ensure_server()));
    ASSERT_TRUE(run(tmux_.create(cat("keeper"))));
    before_ = everything();
  }

  void TearDown() override {
    if (!strings_.empty()) {
      EXPECT_EQ(everything(), before_) << "tmux has done something that nobody asked for";
      EXPECT_FALSE(std::filesystem::exists(path("canary"))) << "a string was run";
    }
    TmuxTest::TearDown();
  }

  // All that a command could have changed in the server, and the programs that it runs.
  std::string everything() {
    std::string all;
    for (const std::vector<std::string>& question : std::vector<std::vector<std::string>>{
             {"list-sessions", "-F", "#{session_id} #{session_name} #{session_windows}"},
             {"list-panes", "-a", "-F", "#{pane_id} #{pane_pid}"},
             {"show-options", "-s"},
             {"show-options", "-g"},
             {"show-options", "-gw"},
             {"show-hooks", "-g"},
             {"show-hooks", "-gw"},
             {"show-environment", "-g"},
             {"list-keys"},
             {"list-buffers"},
             {"list-clients"}})
      all += question[0] + ":\n" + hand(question);
    const std::string server = hand({"display-message", "-p", "#{pid}"});
    // Only programs that run: what tmux has not reaped yet is over.
    const std::string children =
        program({"ps", "-o", "stat=,args=", "--ppid", server.substr(0, server.size() - 1)}).out;
    std::istringstream lines(children);
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with('Z')) all += line + "\n";
    return all;
  }

  void end_all_but_keeper() {
    hand({"kill-session", "-a", "-t", "=keeper"});
    // A pipe's program ends a moment after its pane.
    ASSERT_TRUE(run_until([&] { return everything() == before_; }));
  }

  std::vector<std::string> strings_;
  std::string before_;
};

TEST_F(HostileStrings, AsNamesAreTakenExactlyOrRefused) {
  const auto other = run(tmux_.create(cat("other")));
  ASSERT_TRUE(other);
  int taken = 0;
  for (const std::string& s : strings_) {
    NewSession session = cat("x");
    session.name = s;
    session.dashboard_id = "id";
    const auto renamed = run(tmux_.rename(other->session_id, s));
    if (!valid_name(s)) {
      EXPECT_EQ(renamed.error().kind, ErrorKind::invalid) << printable(s);
      EXPECT_EQ(run(tmux_.create(session)).error().field, "name") << printable(s);
      session.name = "x";
      session.dashboard_id = s;
      EXPECT_EQ(run(tmux_.create(session)).error().field, "dashboard_id") << printable(s);
      continue;
    }
    ++taken;
    EXPECT_TRUE(renamed) << printable(s);
    EXPECT_EQ(hand({"display-message", "-p", "-t", other->pane_id, "#{session_name}"}), s + "\n");
  }
  EXPECT_GT(taken, 20);
  end_all_but_keeper();
}

TEST_F(HostileStrings, AsIdsAreRefused) {
  for (const std::string& s : strings_) {
    if (valid_id(s, '$') || valid_id(s, '@') || valid_id(s, '%')) continue;
    EXPECT_EQ(run(tmux_.end(s)).error().kind, ErrorKind::invalid);
    EXPECT_EQ(run(tmux_.resize(s, 80, 24)).error().kind, ErrorKind::invalid);
    EXPECT_EQ(run(tmux_.capture_text(s, Escapes::strip)).error().kind, ErrorKind::invalid);
    EXPECT_EQ(run(tmux_.pipe(s, "exec true", CaptureFirst::no)).error().kind, ErrorKind::invalid);
    EXPECT_EQ(run(tmux_.send_bytes(s, "x", "m")).error().kind, ErrorKind::invalid);
    EXPECT_EQ(run(tmux_.input_marker(s)).error().kind, ErrorKind::invalid);
  }
}

TEST_F(HostileStrings, AsArgumentsAndValuesArriveByteForByte) {
  constexpr std::size_t kGroup = 40;
  for (std::size_t at = 0; at < strings_.size(); at += kGroup) {
    const std::vector<std::string> group(
        strings_.begin() + static_cast<std::ptrdiff_t>(at),
        strings_.begin() + static_cast<std::ptrdiff_t>(std::min(at + kGroup, strings_.size())));
    const std::string name = "g" + std::to_string(at);
    const std::string script =
        "out=$1; shift; for s do printf '%s\\0' \"$s\"; done > \"$out.part\"; mv \"$out.part\" \"$out\"; exec cat";
    NewSession session = cat(name);
    session.argv = {"sh", "-c", script, "sh", path(name)};
    session.argv.insert(session.argv.end(), group.begin(), group.end());
    for (std::size_t i = 0; i < group.size(); ++i) session.environment.emplace_back("V" + std::to_string(i), group[i]);
    const auto pane = run(tmux_.create(session));
    ASSERT_TRUE(pane) << pane.error().message;
    std::string expected;
    for (const std::string& s : group) expected += s + '\0';
    ASSERT_TRUE(run_until([&] { return std::filesystem::exists(path(name)); }));
    EXPECT_EQ(read(path(name)), expected);
    // Empty for the moment in which the shell becomes cat.
    std::string environment;
    ASSERT_TRUE(run_until([&] {
      environment = std::string("\0", 1) + read("/proc/" + std::to_string(pane->pid) + "/environ");
      return environment.size() > 1;
    }));
    for (std::size_t i = 0; i < group.size(); ++i)
      EXPECT_NE(
          environment.find(std::string("\0", 1) + "V" + std::to_string(i) + "=" + group[i] + std::string("\0", 1)),
          std::string::npos)
          << printable(group[i]);
  }
  end_all_but_keeper();
}

TEST_F(HostileStrings, AsPipeArgumentsArriveByteForByte) {
  const auto pane = run(tmux_.create(cat("piped")));
  ASSERT_TRUE(pane);
  const std::string script =
      "out=$1; shift; for s do printf '%s\\0' \"$s\"; done > \"$out.part\"; mv \"$out.part\" \"$out\"";
  std::size_t next = 0;
  while (next < strings_.size()) {
    const std::string name = "p" + std::to_string(next);
    std::vector<std::string> argv{"sh", "-c", script, "sh", path(name)};
    std::string expected;
    // As many as a pipe's command has room for; the longest alone, which is refused.
    while (next < strings_.size()) {
      argv.push_back(strings_[next]);
      if (argv.size() > 6 && pipe_command_line(argv).size() > kMaxPipeCommand) {
        argv.pop_back();
        break;
      }
      expected += strings_[next++] + '\0';
    }
    const auto opened = run(tmux_.pipe(pane->pane_id, pipe_command_line(argv), CaptureFirst::no));
    if (pipe_command_line(argv).size() > kMaxPipeCommand) {
      EXPECT_EQ(opened.error().kind, ErrorKind::too_large);
      continue;
    }
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_TRUE(run_until([&] { return std::filesystem::exists(path(name)); }));
    EXPECT_EQ(read(path(name)), expected);
  }
  end_all_but_keeper();
}

TEST_F(HostileStrings, AsFoldersAreTheFolderItself) {
  std::vector<std::pair<pid_t, std::filesystem::path>> folders;
  for (const std::string& s : strings_) {
    if (s.empty() || s == "." || s == ".." || s.size() > 255 || s.find('/') != std::string::npos) continue;
    const std::filesystem::path folder = dir() / "folders" / s;
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    ASSERT_FALSE(failed) << printable(s);
    NewSession session = cat("f" + std::to_string(folders.size()));
    session.folder = folder.string();
    const auto pane = run(tmux_.create(session));
    ASSERT_TRUE(pane) << printable(s) << ": " << pane.error().message;
    folders.emplace_back(pane->pid, folder);
    std::string shown = folder.string();
    for (char& c : shown)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    EXPECT_EQ(pane->start_path, shown);
  }
  EXPECT_GT(folders.size(), 300U);
  for (const auto& [pid, folder] : folders) {
    const std::filesystem::path link = "/proc/" + std::to_string(pid) + "/cwd";
    std::error_code ignored;
    EXPECT_TRUE(run_until([&] { return std::filesystem::read_symlink(link, ignored) == folder; }))
        << printable(folder.string());
  }
  for (const std::string relative : {"", "relative", "#{pid}", "~"}) {
    NewSession session = cat("relative");
    session.folder = relative;
    EXPECT_EQ(run(tmux_.create(session)).error().field, "folder");
  }
  end_all_but_keeper();
}

TEST_F(HostileStrings, AsTitlesAreListedWithoutControlBytes) {
  const std::string fifo = path("titles");
  ASSERT_EQ(program({"mkfifo", fifo}).exit_code, 0);
  NewSession session = cat("titled");
  session.argv = {"sh", "-c", "exec cat < '" + fifo + "'"};
  ASSERT_TRUE(run(tmux_.create(session)));
  std::ofstream out(fifo, std::ios::binary);
  const auto title = [&] {
    const auto panes = run(tmux_.panes());
    EXPECT_TRUE(panes) << panes.error().message;
    return panes ? panes->back().title : std::string();
  };
  for (std::size_t i = 0; i < strings_.size(); ++i) {
    out << "\x1b]2;" << strings_[i] << "\x1b\\" << std::flush;
    if (i % 16 != 0) continue;
    for (const char c : title()) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  out << "\x1b\\\x18\x1b]2;the last: #{pid} #(id) é\x1b\\" << std::flush;
  EXPECT_TRUE(run_until([&] { return title() == "the last: #{pid} #(id) é"; }));
  out.close();
  end_all_but_keeper();
}

TEST_F(HostileStrings, AsTypedBytesAndMarkers) {
  NewSession session = cat("typed");
  session.argv = {"sh", "-c", "stty raw -echo; touch '" + path("ready") + "'; exec cat > '" + path("got") + "'"};
  const auto pane = run(tmux_.create(session));
  ASSERT_TRUE(pane);
  ASSERT_TRUE(run_until([&] { return std::filesystem::exists(path("ready")); }));
  std::string all;
  for (const std::string& s : strings_) {
    all += s;
    if (!valid_marker(s)) {
      EXPECT_EQ(run(tmux_.send_bytes(pane->pane_id, "x", s)).error().field, "marker");
    }
  }
  ASSERT_TRUE(run(tmux_.send_bytes(pane->pane_id, all, "all:1")));
  EXPECT_TRUE(run_until([&] { return read(path("got")).size() >= all.size(); }));
  EXPECT_EQ(read(path("got")), all);
  end_all_but_keeper();
}

TEST_F(HostileStrings, ANulIsRefusedEverywhere) {
  const std::string nul("a\0b", 3);
  NewSession session = cat("nul");
  session.argv.push_back(nul);
  EXPECT_EQ(run(tmux_.create(session)).error().field, "argv");
  session = cat("nul");
  session.environment = {{"A", nul}};
  EXPECT_EQ(run(tmux_.create(session)).error().field, "environment");
  session.environment = {{nul, "a"}};
  EXPECT_EQ(run(tmux_.create(session)).error().field, "environment");
  session = cat("nul");
  session.folder += nul;
  EXPECT_EQ(run(tmux_.create(session)).error().field, "folder");
  session = cat("nul");
  session.pipe_command = nul;
  EXPECT_EQ(run(tmux_.create(session)).error().field, "pipe_command");
  EXPECT_EQ(run(tmux_.pipe("%0", nul, CaptureFirst::no)).error().field, "command");
}

}  // namespace
}  // namespace ccd::tmux
