#include "tmux/runner.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/metrics.hpp"
#include "tmux/environment.hpp"

namespace ccd::tmux {
namespace {

// 16 MiB: 10,000 panes of 1.6 KB.
constexpr std::size_t kMaxOutput = 16 * 1024 * 1024;
// A server reads its configuration before it answers.
constexpr std::chrono::milliseconds kStartLimit{5000};
// A busy server takes 128 waiting connections in much less.
constexpr std::chrono::milliseconds kFullQueuePause{20};

// A message of tmux's protocol of which the server reads only that its version is none: it answers with its own and hangs up, before it has made
// anything of the client. That is how tmux tells a client of another version apart (peer_check_version), from 1.9 to 3.6.
struct Greeting {
  std::uint32_t type = 0;  // no message's number
  std::uint16_t length = sizeof(Greeting);
  std::uint16_t flags = 0;
  std::uint32_t version = 0;
  std::uint32_t pid = 0;
};
static_assert(sizeof(Greeting) == 16);

struct Meaning {
  std::string_view text;
  ErrorKind kind;
};
// tmux has no error numbers; these are the beginnings of what 3.3a to 3.5 say.
constexpr std::array kMeanings{
    Meaning{"no server running", ErrorKind::unavailable}, Meaning{"server exited", ErrorKind::unavailable},
    Meaning{"lost server", ErrorKind::unavailable},       Meaning{"can't find session", ErrorKind::not_found},
    Meaning{"can't find window", ErrorKind::not_found},   Meaning{"can't find pane", ErrorKind::not_found},
    Meaning{"no current target", ErrorKind::not_found},   Meaning{"no sessions", ErrorKind::not_found},
    Meaning{"duplicate session", ErrorKind::conflict},    Meaning{"target pane has exited", ErrorKind::conflict},
};

}  // namespace

Error error_from_tmux(std::string_view message) {
  constexpr std::size_t kKept = 256;
  while (message.ends_with('\n')) message.remove_suffix(1);
  ErrorKind kind = ErrorKind::internal;
  for (const Meaning& meaning : kMeanings)
    if (message.starts_with(meaning.text)) kind = meaning.kind;
  if (message.starts_with("error connecting") && message.ends_with("(No such file or directory)"))
    kind = ErrorKind::unavailable;
  if (message.empty()) message = "no reason given";
  return Error{.kind = kind, .message = "tmux: " + std::string(message.substr(0, kKept))};
}

Runner::Runner(Options options)
    : options_(std::move(options)),
      environment_(session_environment(own_environment(), options_.pass_environment, options_.tmpdir)),
      command_seconds_(metrics().histogram("tmux_command_seconds",
                                           "Time that tmux takes for a command list, with its client",
                                           {0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1, 3})) {}

ProcessSpec Runner::client(std::vector<std::string> arguments) const {
  ProcessSpec spec;
  // -u: answers in UTF-8 whatever the locale is; without it every other character becomes '_'.
  spec.argv = {options_.program, "-N", "-u", "-L", options_.socket_name};
  for (std::string& argument : arguments) spec.argv.push_back(std::move(argument));
  spec.environment = environment_;
  spec.working_directory = "/";
  spec.time_limit = kCommandLimit;
  spec.output_limit = kMaxOutput;
  return spec;
}

// tmux takes /tmp when the folder is not there: a server that nobody finds again, or somebody else's.
Result<> Runner::check_folder() const {
  struct stat status{};
  if (options_.tmpdir.empty()) return {};
  if (::stat(options_.tmpdir.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  return fail(ErrorKind::unavailable, "TMUX_TMPDIR must be an existing folder: " + options_.tmpdir);
}

Task<Result<std::string>> Runner::run(std::string line) const {
  CO_TRY(check_folder());
  ProcessSpec spec = client({"source-file", "-"});
  spec.input = std::move(line);
  spec.input += '\n';
  const auto began = std::chrono::steady_clock::now();
  auto done = co_await run_process(std::move(spec));
  command_seconds_.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  if (!done) {
    // No tmux program says nothing about whether a server runs.
    if (done.error().kind == ErrorKind::not_found) done.error().kind = ErrorKind::internal;
    co_return tl::unexpected(std::move(done).error());
  }
  if (done->exit_code != 0) co_return tl::unexpected(error_from_tmux(done->err.empty() ? done->out : done->err));
  co_return std::move(done->out);
}

Task<Result<>> Runner::start_server() const {
  CO_TRY(check_folder());
  const std::string config = options_.config_file.empty() ? "/dev/null" : options_.config_file;
  if (::access(config.c_str(), R_OK) != 0) co_return fail_errno("read tmux's configuration " + config);
  ProcessSpec spec;
  // exit-empty is asked for here too: with it on, a server without sessions ends at once, whatever the configuration says.
  spec.argv = {options_.program, "-u",           "-L", options_.socket_name, "-f",
               config,           "start-server", ";",  "set-option",         "-s",
               "exit-empty",     "off"};
  spec.environment = environment_;
  spec.working_directory = "/";
  spec.time_limit = kStartLimit;
  const auto done = co_await run_process(std::move(spec));
  if (!done) co_return tl::unexpected(Error(done.error()).in("start a tmux server"));
  if (done->exit_code != 0) co_return tl::unexpected(error_from_tmux(done->err).in("start a tmux server"));
  co_return Result<>{};
}

std::string Runner::socket_path() const {
  return (options_.tmpdir.empty() ? std::string("/tmp") : options_.tmpdir) + "/tmux-" + std::to_string(::getuid()) +
         '/' + options_.socket_name;
}

Result<UniqueFd> Runner::connect() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket_path();
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorKind::too_large, "the path of tmux's socket is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  // Not blocking: a stopped server's queue of connections can be full, and then it is there.
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT)
      return fail(ErrorKind::unavailable, "no tmux server listens on " + path);
    if (errno == EAGAIN) return fail(ErrorKind::timeout, "the tmux server accepts no connection");
    return fail_errno("connect to " + path);
  }
  return fd;
}

Result<pid_t> Runner::probe() const {
  const UniqueFd fd = TRY(connect());
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_errno("look at tmux's socket");
  if (peer.uid != ::geteuid())
    return fail(ErrorKind::forbidden, "the tmux socket belongs to another user: " + socket_path());
  return peer.pid;
}

Task<Result<>> Runner::answers() const {
  using asio::experimental::awaitable_operators::operator||;
  const auto deadline = std::chrono::steady_clock::now() + kCommandLimit;
  auto connected = connect();
  while (!connected && connected.error().kind == ErrorKind::timeout && std::chrono::steady_clock::now() < deadline) {
    co_await sleep_for(kFullQueuePause);
    connected = connect();
  }
  if (!connected) co_return tl::unexpected(connected.error());
  UniqueFd fd = std::move(*connected);
  const Greeting greeting{.pid = static_cast<std::uint32_t>(::getpid())};
  // A server that is gone meanwhile shows at the read.
  (void)::send(fd.get(), &greeting, sizeof greeting, MSG_NOSIGNAL);
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor socket(executor, fd.release());
  asio::steady_timer limit(executor, deadline);
  auto answered = socket.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  auto late = limit.async_wait(asio::use_awaitable);
  const auto first = co_await (std::move(answered) || std::move(late));
  if (first.index() == 1) co_return fail(ErrorKind::timeout, "the tmux server does not answer");
  std::array<char, sizeof greeting> answer{};
  if (::recv(socket.native_handle(), answer.data(), answer.size(), 0) > 0) co_return Result<>{};
  // It hung up: on this connection, or on everybody.
  const auto still = probe();
  if (!still) co_return tl::unexpected(still.error());
  co_return Result<>{};
}

}  // namespace ccd::tmux
