// The parts that the recording tests and benchmarks share; see test_support.hpp.
#include "recording/test_support.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/encoding.hpp"
#include "recording/log_reader.hpp"
#include "recording/marks.hpp"
#include "recording/session_folder.hpp"

extern char** environ;

namespace ccd::recording::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// The child gets `fd` as its descriptors 0 and 1, and `err` as 2.
pid_t spawn(const std::vector<std::string>& argv, int fd, int err, char** environment) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fd, 0);
  posix_spawn_file_actions_adddup2(&actions, fd, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  pid_t pid = -1;
  if (::posix_spawnp(&pid, argv[0].c_str(), &actions, nullptr, pointers(argv).data(), environment) != 0) pid = -1;
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

int millis_left(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::max<long long>(left, 0));
}

bool wait_for(int fd, short events, Clock::time_point end) {
  pollfd poll{.fd = fd, .events = events, .revents = 0};
  return ::poll(&poll, 1, millis_left(end)) > 0;
}

// Of the system call that the stopped child is about to make.
bool may_change_files(pid_t child) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
    return false;
  switch (info.entry.nr) {
    case SYS_openat: return (info.entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_ftruncate:
#ifdef SYS_mkdir  // newer machines have only the calls that take a folder
    case SYS_mkdir:
    case SYS_unlink:
    case SYS_rename:
#endif
    case SYS_mkdirat:
    case SYS_unlinkat:
    case SYS_renameat: return true;
    default: return false;
  }
}

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (!holds()) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

SessionFolder::SessionFolder() {
  std::string pattern = fs::temp_directory_path() / "recording-XXXXXX";
  root_ = ::mkdtemp(pattern.data());
  path_ = root_ + "/session";
  if (!create_session_folder(path_)) std::abort();
}

SessionFolder::~SessionFolder() {
  // A tap whose pane has just ended still writes; it would bring back what is deleted.
  wait_until([&] { return !tap_running(path_).value_or(false); });
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string SessionFolder::log() const {
  auto reader = LogReader::open(path_);
  if (!reader) return "cannot open: " + reader.error().message;
  const LogExtent extent = reader->extent().value_or(LogExtent{});
  std::string out(extent.end - extent.first, '\0');
  const auto got = reader->read(extent.first, std::as_writable_bytes(std::span(out)));
  if (!got) return "cannot read: " + got.error().message;
  out.resize(*got);
  return out;
}

std::uint64_t SessionFolder::log_end() const {
  auto reader = LogReader::open(path_);
  return reader ? reader->extent().value_or(LogExtent{}).end : 0;
}

std::vector<Mark> SessionFolder::marks() const { return read_marks(path_, 0).value_or(std::vector<Mark>{}); }

std::vector<Mark> SessionFolder::marks(MarkKind kind) const {
  std::vector<Mark> all = marks();
  std::erase_if(all, [&](const Mark& m) { return m.kind != kind; });
  return all;
}

std::vector<std::uint64_t> SessionFolder::segments() const {
  std::vector<std::uint64_t> starts;
  for (const auto& entry : fs::directory_iterator(path_ + "/log"))
    if (const auto start = parse_segment_name(entry.path().filename().string())) starts.push_back(*start);
  std::sort(starts.begin(), starts.end());
  return starts;
}

void SessionFolder::write_segment(std::uint64_t start, std::string_view bytes) const {
  std::ofstream(path_ + "/log/" + segment_name(start).data(), std::ios::app | std::ios::binary) << bytes;
}

void SessionFolder::write_mark(const Mark& mark) const {
  std::ofstream(path_ + "/marks", std::ios::app | std::ios::binary) << text_of(encode_mark(mark));
}

std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string pane_tap_path() {
  const char* const given = std::getenv("PANE_TAP");
  return given != nullptr ? given : PANE_TAP_BUILT;
}

std::string pattern(std::size_t size, std::uint64_t seed) {
  std::string out;
  out.reserve(size + 32);
  for (std::uint64_t i = 0; out.size() < size; ++i) out += std::to_string(seed) + ":" + std::to_string(i * 7919) + "\n";
  out.resize(size);
  return out;
}

ExitedProcess run(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  std::array<int, 2> err{};
  if (::pipe2(err.data(), O_CLOEXEC) != 0) return {};
  UniqueFd read_end(err[0]);
  UniqueFd write_end(err[1]);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::vector<char*> env = pointers(environment);
  const pid_t pid = spawn(argv, null.get(), write_end.get(), environment.empty() ? environ : env.data());
  write_end.reset();
  if (pid < 0) return {};
  ExitedProcess result;
  // A daemon that the command started may hold the pipe open: the command's own end is what counts.
  int status = 0;
  if (!wait_until([&] { return ::waitpid(pid, &status, WNOHANG) == pid; })) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(read_end.get(), buffer.data(), buffer.size())) > 0;)
    result.err.append(buffer.data(), static_cast<std::size_t>(n));
  result.code = exit_code_of(status);
  return result;
}

Killed run_killed(std::size_t n, const std::function<void()>& work) {
  constexpr int kNotPermitted = 77;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kNotPermitted);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSTOPPED(status))
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, static_cast<long>(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
  for (std::size_t changes = 0; changes <= n && WIFSTOPPED(status);) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
    if (WIFSTOPPED(status) && may_change_files(child)) ++changes;
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status) == kNotPermitted ? Killed::not_permitted : Killed::ended_before;
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return Killed::yes;
}

TapProcess::TapProcess(const std::string& folder, std::vector<std::string> options) : folder_(folder) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return;
  pane_.reset(pair[0]);
  const UniqueFd taps(pair[1]);
  std::vector<std::string> argv{pane_tap_path(), folder};
  argv.insert(argv.end(), options.begin(), options.end());
  pid_ = spawn(argv, taps.get(), STDERR_FILENO, environ);
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

TapProcess::~TapProcess() { kill_now(); }

bool TapProcess::wait_ready() const {
  // Its own start mark: a socket that a killed tap left does not count.
  return wait_until([&] {
    const auto started = read_marks(folder_, 0).value_or(std::vector<Mark>{});
    const bool mine = std::any_of(started.begin(), started.end(), [&](const Mark& m) {
      return m.kind == MarkKind::tap_started && m.value == static_cast<std::uint64_t>(pid_);
    });
    return mine && RawClient(folder_).connected();
  });
}

bool TapProcess::print(std::string_view bytes) {
  const auto end = Clock::now() + kDeadline;
  while (!bytes.empty()) {
    const ssize_t n = ::send(pane_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    else if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    else if (!wait_for(pane_.get(), POLLOUT, end)) return false;
  }
  return true;
}

std::string TapProcess::typed(std::size_t most, std::chrono::milliseconds limit) {
  std::string out(most, '\0');
  ssize_t n = -1;
  if (wait_for(pane_.get(), POLLIN, Clock::now() + limit)) n = ::recv(pane_.get(), out.data(), most, MSG_DONTWAIT);
  out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

std::string TapProcess::typed_exactly(std::size_t size) {
  std::string out;
  while (out.size() < size) {
    const std::string more = typed(size - out.size());
    if (more.empty()) break;
    out += more;
  }
  return out;
}

std::string TapProcess::typed_until_end() {
  std::string out;
  for (std::string more = typed(65536); !more.empty(); more = typed(65536)) out += more;
  return out;
}

void TapProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void TapProcess::kill_now() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::optional<int> TapProcess::exit_code() {
  if (pid_ <= 0 || !wait_for(pidfd_.get(), POLLIN, Clock::now() + kDeadline)) return std::nullopt;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return exit_code_of(status);
}

RawClient::RawClient(const std::string& folder) {
  const UniqueFd dir(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(dir.get()) + "/tap.sock";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) fd_ = std::move(fd);
}

bool RawClient::send_bytes(std::string_view bytes) {
  const auto end = Clock::now() + kDeadline;
  while (fd_ && !bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    else if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    else if (!wait_for(fd_.get(), POLLOUT, end)) return false;
  }
  return bytes.empty();
}

bool RawClient::send_frame(FrameType type, std::string_view payload) {
  const FrameHeader header = frame_header(type, payload.size());
  return send_bytes(text_of(header) + std::string(payload));
}

bool RawClient::hello() {
  std::array<std::byte, 8> mine{};
  put_u32(&mine[0], kTapVersion);
  if (!send_frame(FrameType::hello, text_of(mine))) return false;
  const auto theirs = receive();
  return theirs && theirs->type == FrameType::hello;
}

bool RawClient::input(const ClientId& client, std::uint64_t number, std::string_view bytes) {
  return send_frame(FrameType::input, input_payload(client, number, bytes));
}

std::optional<RawClient::Received> RawClient::receive(std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  for (;;) {
    const FrameParse parse = parse_frame(as_bytes(in_));
    if (parse.status == FrameStatus::complete) {
      Received got{.type = parse.frame.type, .payload = text_of(parse.frame.payload)};
      in_.erase(0, parse.consumed);
      return got;
    }
    std::array<char, 65536> buffer{};
    if (!fd_ || !wait_for(fd_.get(), POLLIN, end)) return std::nullopt;
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0) return std::nullopt;
    in_.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

std::uint64_t RawClient::Received::highest() const {
  return payload.size() < 24 ? kUnknownCount : get_u64(&as_bytes(payload)[16]);
}

NakReason RawClient::Received::reason() const {
  return payload.size() < 25 ? NakReason{} : static_cast<NakReason>(payload[24]);
}

ClientId client_id(std::uint64_t seed) {
  ClientId id{};
  put_u64(&id[0], seed);
  put_u64(&id[8], ~seed);
  return id;
}

std::string input_payload(const ClientId& client, std::uint64_t number, std::string_view bytes) {
  std::array<std::byte, 8> field{};
  put_u64(field.data(), number);
  return text_of(client) + text_of(field) + std::string(bytes);
}

std::string text_of(std::span<const std::byte> bytes) { return std::string(as_text(bytes)); }

}  // namespace ccd::recording::test
