// What the recording tests share: a session's folder, a real pane-tap whose tmux is the test, and a plain client of its
// socket.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "recording/format.hpp"

namespace ccd::recording::test {

inline constexpr auto kDeadline = std::chrono::seconds(20);

// Checks the condition every millisecond until it holds; false when the deadline passes first.
bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds limit = kDeadline);

// A session's folder in a temporary one, both gone at the end.
class SessionFolder {
 public:
  SessionFolder();
  SessionFolder(const SessionFolder&) = delete;
  SessionFolder& operator=(const SessionFolder&) = delete;
  ~SessionFolder();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& root() const { return root_; }

  // The whole log, through LogReader.
  [[nodiscard]] std::string log() const;
  [[nodiscard]] std::uint64_t log_end() const;
  [[nodiscard]] std::vector<Mark> marks() const;
  [[nodiscard]] std::vector<Mark> marks(MarkKind kind) const;
  [[nodiscard]] std::vector<std::uint64_t> segments() const;
  void write_segment(std::uint64_t start, std::string_view bytes) const;
  void write_mark(const Mark& mark) const;  // at the end of the file

 private:
  std::string root_;
  std::string path_;
};

std::string file_bytes(const std::string& path);
std::string pane_tap_path();
// `size` bytes that differ from place to place and from seed to seed.
std::string pattern(std::size_t size, std::uint64_t seed);

struct ExitedProcess {
  int code = -1;  // 128 + signal
  std::string err;
};
// Runs to the end with nothing on standard input.
ExitedProcess run(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});

// A running pane-tap on one end of a socket pair, as tmux starts it; the test holds the pane's end.
class TapProcess {
 public:
  explicit TapProcess(const std::string& folder, std::vector<std::string> options = {});
  TapProcess(const TapProcess&) = delete;
  TapProcess& operator=(const TapProcess&) = delete;
  ~TapProcess();

  bool wait_ready() const;  // it listens
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int fd() const { return pane_.get(); }
  // The pane prints: true when the tap took all within the deadline.
  bool print(std::string_view bytes);
  // Up to `most` bytes that the tap wrote to the pane; waits up to `limit` for the first.
  std::string typed(std::size_t most, std::chrono::milliseconds limit = kDeadline);
  std::string typed_exactly(std::size_t size);
  std::string typed_until_end();  // after kill_now()
  void end_pane() { pane_.reset(); }
  void signal(int number) const;
  void kill_now();  // SIGKILL, and waits for the end
  // Waits for the end; nullopt after the deadline.
  std::optional<int> exit_code();

 private:
  std::string folder_;
  UniqueFd pane_;
  UniqueFd pidfd_;
  pid_t pid_ = -1;
};

// Frames by hand, blocking with a deadline.
class RawClient {
 public:
  explicit RawClient(const std::string& folder);
  [[nodiscard]] bool connected() const { return static_cast<bool>(fd_); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  bool send_bytes(std::string_view bytes);
  bool send_frame(FrameType type, std::string_view payload);
  bool hello();  // sends ours, reads the tap's
  bool input(const ClientId& client, std::uint64_t number, std::string_view bytes);

  struct Received {
    FrameType type;
    std::string payload;
    [[nodiscard]] std::uint64_t highest() const;  // of ACK and NAK
    [[nodiscard]] NakReason reason() const;
  };
  // nullopt: closed or nothing within the limit.
  std::optional<Received> receive(std::chrono::milliseconds limit = kDeadline);
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  std::string in_;
};

enum class Killed { yes, ended_before, not_permitted };
// Runs `work` in a child process that is killed just before its n-th system call that may change a file, from 0 on. With
// every n it has been killed in every state that a kill can leave on disk.
Killed run_killed(std::size_t n, const std::function<void()>& work);

ClientId client_id(std::uint64_t seed);
std::string input_payload(const ClientId& client, std::uint64_t number, std::string_view bytes);
std::string text_of(std::span<const std::byte> bytes);

}  // namespace ccd::recording::test
