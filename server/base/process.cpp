#include "base/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <csignal>

extern char** environ;

namespace ccd {
namespace {

using asio::posix::stream_descriptor;
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// The two posix_spawn objects, freed at the end of the scope.
struct SpawnSetup {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

constexpr int kFirstUnwantedFd = 3;

Result<ChildProcess> start(const ProcessSpec& spec, int in, int out, int err) {
  if (spec.argv.empty()) return fail(ErrorKind::internal, "a process needs an argv");
  SpawnSetup setup;
  posix_spawn_file_actions_adddup2(&setup.actions, in, 0);
  posix_spawn_file_actions_adddup2(&setup.actions, out, 1);
  posix_spawn_file_actions_adddup2(&setup.actions, err, 2);
  posix_spawn_file_actions_addclosefrom_np(&setup.actions, kFirstUnwantedFd);
  if (!spec.working_directory.empty())
    posix_spawn_file_actions_addchdir_np(&setup.actions, spec.working_directory.c_str());
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&setup.attributes, &all);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setflags(&setup.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

  const std::vector<char*> argv = pointers(spec.argv);
  std::vector<char*> env;
  if (spec.environment) env = pointers(*spec.environment);
  ChildProcess child;
  const int code = ::posix_spawnp(&child.pid, argv[0], &setup.actions, &setup.attributes, argv.data(),
                                  spec.environment ? env.data() : environ);
  if (code != 0) return fail_errno("start " + spec.argv[0], code);
  child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) {
    const int saved = errno;
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    return fail_errno("pidfd_open", saved);
  }
  return child;
}

constexpr std::size_t kReadChunk = 64 * 1024;

// Collects until end of file. False when the limit was passed.
Task<bool> collect(stream_descriptor* from, std::string* into, std::size_t limit, const OutputSeen* seen) {
  std::vector<char> chunk(kReadChunk);
  for (;;) {
    const auto [ec, n] = co_await from->async_read_some(asio::buffer(chunk), kQuiet);
    if (ec) co_return true;
    if (into->size() + n > limit) co_return false;
    into->append(chunk.data(), n);
    if (seen != nullptr && *seen) (*seen)({chunk.data(), n});
  }
}

Task<void> feed(stream_descriptor* to, const std::string* input) {
  if (!input->empty()) co_await asio::async_write(*to, asio::buffer(*input), kQuiet);
  boost::system::error_code ignored;
  to->close(ignored);
}

void kill_and_reap(const ChildProcess& child) {
  ::kill(child.pid, SIGKILL);
  ::waitpid(child.pid, nullptr, 0);
}

}  // namespace

int reap_process(const ChildProcess& child) {
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<ChildProcess> start_process(const ProcessSpec& spec) {
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  ChildProcess child = TRY(start(spec, in.read.get(), out.write.get(), STDERR_FILENO));
  child.input = std::move(in.write);
  child.output = std::move(out.read);
  return child;
}

Task<Result<ProcessOutput>> run_process(ProcessSpec spec) {
  using namespace asio::experimental::awaitable_operators;
  Pipe in = CO_TRY(make_pipe());
  Pipe out = CO_TRY(make_pipe());
  Pipe err = CO_TRY(make_pipe());
  ChildProcess child = CO_TRY(start(spec, in.read.get(), out.write.get(), err.write.get()));
  in.read.reset();
  out.write.reset();
  err.write.reset();

  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  stream_descriptor to_child(executor, in.write.release());
  stream_descriptor from_out(executor, out.read.release());
  stream_descriptor from_err(executor, err.read.release());
  stream_descriptor ended(executor, child.pidfd.release());
  asio::steady_timer deadline(executor, spec.time_limit);

  ProcessOutput result;
  bool in_limit_out = true;
  bool in_limit_err = true;
  auto streams = [&]() -> Task<void> { co_await feed(&to_child, &spec.input); };
  auto read_out = [&]() -> Task<void> {
    in_limit_out = co_await collect(&from_out, &result.out, spec.output_limit, &spec.on_output);
    if (!in_limit_out) ::kill(child.pid, SIGKILL);
  };
  auto read_err = [&]() -> Task<void> {
    in_limit_err = co_await collect(&from_err, &result.err, spec.output_limit, nullptr);
    if (!in_limit_err) ::kill(child.pid, SIGKILL);
  };
  auto wait_end = [&]() -> Task<void> { co_await ended.async_wait(stream_descriptor::wait_read, asio::use_awaitable); };
  auto everything = [&]() -> Task<void> { co_await (streams() && read_out() && read_err() && wait_end()); };
  auto time_out = [&]() -> Task<void> { co_await deadline.async_wait(asio::use_awaitable); };

  std::size_t first = 0;
  try {
    const auto which = co_await (everything() || time_out());
    first = which.index();
  } catch (...) {
    kill_and_reap(child);
    throw;
  }
  if (first == 1) {
    kill_and_reap(child);
    co_return fail(ErrorKind::timeout,
                   spec.argv[0] + ": no end within " + std::to_string(spec.time_limit.count()) + " ms");
  }
  result.exit_code = reap_process(child);
  if (!in_limit_out || !in_limit_err)
    co_return fail(ErrorKind::too_large,
                   spec.argv[0] + ": more than " + std::to_string(spec.output_limit) + " bytes of output");
  co_return result;
}

}  // namespace ccd
