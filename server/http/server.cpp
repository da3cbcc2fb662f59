#include "http/server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <list>
#include <unordered_map>
#include <utility>

#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "http/connection.hpp"

namespace ccd::http {

using namespace std::chrono_literals;
using tcp = asio::ip::tcp;

namespace {
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
constexpr int kBacklog = 1024;    // connections that the kernel holds while the loop is busy
constexpr int kAcceptBatch = 64;  // accepted in one go, then the others have their turn
// Connections above max_connections less this answer only the health probes.
constexpr std::size_t kReserve = 16;
// Descriptors that the rest of the process needs: tmux, logs, database, inotify, files being sent.
constexpr std::size_t kOtherDescriptors = 256;
// Without descriptors, accept() would fail again at once: no spinning.
constexpr auto kNoDescriptorPause = 100ms;
// What cut connections need to notice.
constexpr auto kCutTime = 2s;

Result<asio::ip::address> parse_bind_address(const std::string& host) {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
  if (ec) return fail_field("host", host + " is not an address to listen on: want 127.0.0.1, 0.0.0.0, ::1 or ::");
  return address;
}

Result<> enable(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) return fail_errno("set a socket option");
  return {};
}

Result<UniqueFd> open_listener(const asio::ip::address& address, std::uint16_t port) {
  const std::string name =
      (address.is_v6() ? "[" + address.to_string() + "]" : address.to_string()) + ":" + std::to_string(port);
  const tcp::endpoint endpoint(address, port);
  UniqueFd fd(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("make a socket for " + name);
  TRY(enable(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1));
  TRY(enable(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1));  // what it accepts inherits this
  if (address.is_v6()) TRY(enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0));
  if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    const int sys = errno;
    if (sys == EADDRINUSE)
      return fail(ErrorKind::conflict, "port " + std::to_string(port) + " is already in use on " + address.to_string() +
                                           ": stop the program that has it, or set PORT to another one");
    if (sys == EACCES)
      return fail(ErrorKind::forbidden, "not allowed to listen on " + name + ": set PORT to 1024 or above");
    return fail_errno("listen on " + name, sys);
  }
  return fd;
}

// Under another name first: there is no moment without a socket at the path, and none in which it is open to others.
Result<UniqueFd> open_local_listener(const std::string& path) {
  if (path.empty() || path.size() > kMaxLocalPath)
    return fail_field("path", "a Unix socket's path has at most " + std::to_string(kMaxLocalPath) + " bytes");
  const std::string draft = path + ".new";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, draft.c_str(), draft.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("make a socket for " + path);
  ::unlink(draft.c_str());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind " + draft);
  if (::chmod(draft.c_str(), S_IRUSR | S_IWUSR) != 0) return fail_errno("protect " + draft);
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("listen on " + draft);
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail_errno("replace " + path);
  return fd;
}

bool same_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

std::size_t affordable_connections(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
  const std::size_t most = descriptors >= 2 * kOtherDescriptors ? descriptors - kOtherDescriptors : descriptors / 2;
  if (most < wanted)
    log_warn("http", "fewer connections than configured: raise the limit of open files (ulimit -n)",
             {{"connections", most}, {"configured", wanted}, {"open_files", descriptors}});
  return std::min(most, wanted);
}

UniqueFd spare_descriptor() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Best effort: the answer may be lost when the client has already sent more than its head.
void refuse_and_close(UniqueFd fd, const std::string& answer) {
  if (::send(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) ::shutdown(fd.get(), SHUT_WR);
}
}  // namespace

class Server::Impl {
 public:
  Impl(asio::any_io_executor executor, Options options, const Clock* clock, Handler handler)
      : executor_(executor),
        shared_(executor, std::move(options), clock, std::move(handler)),
        own_(executor),
        acceptor_(executor),
        local_acceptor_(executor),
        sweep_timer_(executor),
        stopped_(executor) {}

  Result<> listen() {
    const Options& options = shared_.options;
    if (!options.host_allowed)
      return fail_field("host_allowed", "must be set: it decides which Host values are answered");
    if (options.pool == nullptr) return fail_field("pool", "must be set: file bodies are read on it");
    const auto address = TRY(parse_bind_address(options.host));
    UniqueFd fd = TRY(open_listener(address, options.port));
    boost::system::error_code ec;
    acceptor_.assign(address.is_v6() ? tcp::v6() : tcp::v4(), fd.get(), ec);
    if (ec) return fail(ErrorKind::io, "watch the listening socket: " + ec.message());
    listening_fd_ = fd.release();  // the acceptor owns it now
    port_ = acceptor_.local_endpoint(ec).port();
    max_connections_ = affordable_connections(options.max_connections);
    reserve_ = std::min(kReserve, max_connections_ / 4);
    spare_ = spare_descriptor();
    shared_.access_log.open();
    return {};
  }

  Result<> listen_local(const std::string& path) {
    UniqueFd fd = TRY(open_local_listener(path));
    boost::system::error_code ec;
    local_acceptor_.assign(asio::local::stream_protocol(), fd.get(), ec);
    if (ec) return fail(ErrorKind::io, "watch the local socket: " + ec.message());
    local_fd_ = fd.release();  // the acceptor owns it now
    own_.spawn("http local door", local_loop());
    return {};
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  Task<void> run() {
    own_.spawn("http accept", accept_loop());
    own_.spawn("http limits", sweep_loop());
    own_.spawn("http access log", shared_.access_log.run());
    while (!finished_) co_await stopped_.wait();
  }

  Task<void> stop(std::chrono::milliseconds drain) {
    if (std::exchange(shared_.draining, true)) {
      while (!finished_) co_await stopped_.wait();
      co_return;
    }
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    local_acceptor_.close(ignored);
    for (Entry& entry : connections_) entry.connection.drain();
    const bool drained = co_await shared_.tasks.join(drain);
    if (!drained) {
      log_warn("http", "connections cut: they did not end in the drain's time", {{"connections", connections_.size()}});
      shared_.cutting = true;
      for (Entry& entry : connections_) entry.connection.cut();
      shared_.tasks.cancel();
      co_await shared_.tasks.join(kCutTime);
    }
    own_.cancel();
    co_await own_.join(kCutTime);
    shared_.access_log.flush_now();
    finished_ = true;
    stopped_.notify();
  }

  [[nodiscard]] ServerStats stats() const { return {connections_.size(), shared_.open_sockets}; }
  void reopen_access_log() { shared_.access_log.open(); }

 private:
  struct Entry {
    ClientConnection connection;
    std::string source;  // empty: not counted
  };
  using Place = std::list<Entry>::iterator;

  Task<void> accept_loop() {
    while (!shared_.draining) {
      const auto [ec] = co_await acceptor_.async_wait(tcp::acceptor::wait_read, kQuiet);
      if (ec) break;
      bool pause = false;
      for (int i = 0; i < kAcceptBatch && !pause; ++i) {
        const Accepted accepted = accept_one();
        if (accepted == Accepted::none) break;
        pause = accepted == Accepted::no_descriptor;
      }
      if (pause) co_await sleep_for(kNoDescriptorPause);
    }
  }

  Task<void> local_loop() {
    while (!shared_.draining) {
      const auto [ec] = co_await local_acceptor_.async_wait(asio::local::stream_protocol::acceptor::wait_read, kQuiet);
      if (ec) break;
      UniqueFd fd(::accept4(local_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) admit_local(std::move(fd));
      else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        co_await sleep_for(kNoDescriptorPause);
    }
  }

  // At most half of all connections: programs of this machine cannot take people's.
  void admit_local(UniqueFd fd) {
    if (!same_user(fd.get())) return;
    if (connections_.size() >= max_connections_ / 2) {
      shared_.metrics.refused_full->Increment();
      return refuse_and_close(std::move(fd), canned(503, "unavailable", "too many connections: try again later"));
    }
    boost::system::error_code ec;
    ClientConnection::Socket socket(executor_);
    socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), fd.get(), ec);
    if (ec) return;
    static_cast<void>(fd.release());  // the socket owns it now
    connections_.push_back({ClientConnection(&shared_, std::move(socket), asio::ip::address_v4::loopback(), Door::local,
                                             Admission::normal),
                            ""});
    shared_.metrics.connections->Increment();
    shared_.tasks.spawn("http connection", run_connection(std::prev(connections_.end())));
  }

  enum class Accepted { one, none, no_descriptor };

  Accepted accept_one() {
    sockaddr_storage raw{};
    socklen_t size = sizeof raw;
    UniqueFd fd(::accept4(listening_fd_, reinterpret_cast<sockaddr*>(&raw), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      admit(std::move(fd), raw);
      return Accepted::one;
    }
    switch (errno) {
      case EAGAIN: return Accepted::none;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: {
        // The client is told by a close rather than left waiting: the spare descriptor makes room for one accept.
        spare_.reset();
        UniqueFd(::accept4(listening_fd_, nullptr, nullptr, SOCK_CLOEXEC)).reset();
        spare_ = spare_descriptor();
        shared_.metrics.refused_no_descriptor->Increment();
        return Accepted::no_descriptor;
      }
      default: return Accepted::one;  // ECONNABORTED and the like: that client is gone, the next may not be
    }
  }

  void admit(UniqueFd fd, const sockaddr_storage& raw) {
    asio::ip::address peer;
    if (raw.ss_family == AF_INET6) {
      asio::ip::address_v6::bytes_type bytes{};
      const auto& in6 = reinterpret_cast<const sockaddr_in6&>(raw);
      std::copy(std::begin(in6.sin6_addr.s6_addr), std::end(in6.sin6_addr.s6_addr), bytes.begin());
      peer = unmapped(asio::ip::address_v6(bytes));
    } else {
      peer = asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in&>(raw).sin_addr.s_addr));
    }
    if (connections_.size() >= max_connections_) {
      shared_.metrics.refused_full->Increment();
      return refuse_and_close(std::move(fd), canned(503, "unavailable", "too many connections: try again later"));
    }
    std::string source;
    if (!peer.is_loopback() && !shared_.options.trusted_proxies.contains(peer)) {
      source = source_key(peer);
      if (const auto held = sources_.find(source);
          held != sources_.end() && held->second >= shared_.options.max_connections_per_source) {
        shared_.metrics.refused_per_source->Increment();
        return refuse_and_close(std::move(fd),
                                canned(429, "too_many", "too many connections from your address: close some"));
      }
    }
    const auto admission = connections_.size() >= max_connections_ - reserve_ ? Admission::reserve : Admission::normal;
    boost::system::error_code ec;
    tcp::socket socket(executor_);
    socket.assign(raw.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd.get(), ec);
    if (ec) return;
    static_cast<void>(fd.release());  // the socket owns it now
    if (!source.empty()) ++sources_[source];
    connections_.push_back(
        {ClientConnection(&shared_, std::move(socket), peer, Door::port, admission), std::move(source)});
    shared_.metrics.connections->Increment();
    shared_.tasks.spawn("http connection", run_connection(std::prev(connections_.end())));
  }

  std::string canned(int status, std::string_view code, std::string_view message) {
    const Response response = error_json(status, code, message);
    const HeadContext context{.date = shared_.date(),
                              .request_id = {},
                              .content_length = body_length(response.body),
                              .persistence = Persistence::close};
    return response_head(response, context).value_or("") + std::string(response.text_body());
  }

  Task<void> run_connection(Place place) {
    const Leaver leaver{this, place};
    co_await place->connection.serve();
  }

  // Takes the connection off the books however it ends.
  struct Leaver {
    Impl* server;
    Place place;
    ~Leaver() {
      server->shared_.metrics.connections->Decrement();
      if (const auto held = server->sources_.find(place->source); held != server->sources_.end() && --held->second == 0)
        server->sources_.erase(held);
      server->connections_.erase(place);
    }
  };

  Task<void> sweep_loop() {
    for (;;) {
      sweep_timer_.expires_after(shared_.options.sweep_interval);
      co_await sweep_timer_.async_wait(asio::use_awaitable);
      const auto now = shared_.clock->steady();
      for (Entry& entry : connections_) entry.connection.sweep(now);
    }
  }

  asio::any_io_executor executor_;
  Shared shared_;
  TaskGroup own_;  // accept, limits, access log
  tcp::acceptor acceptor_;
  asio::local::stream_protocol::acceptor local_acceptor_;
  asio::steady_timer sweep_timer_;
  Notifier stopped_;
  int listening_fd_ = -1;
  int local_fd_ = -1;
  std::uint16_t port_ = 0;
  std::size_t max_connections_ = 0;
  std::size_t reserve_ = 0;
  UniqueFd spare_;
  std::list<Entry> connections_;
  std::unordered_map<std::string, std::size_t> sources_;  // open connections by source_key()
  bool finished_ = false;
};

Server::Server(asio::any_io_executor executor, Options options, const Clock* clock, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options), clock, std::move(handler))) {}
Server::~Server() = default;

Result<> Server::listen() { return impl_->listen(); }
Result<> Server::listen_local(const std::string& path) { return impl_->listen_local(path); }
std::uint16_t Server::port() const { return impl_->port(); }
Task<void> Server::run() { return impl_->run(); }
Task<void> Server::stop(std::chrono::milliseconds drain) { return impl_->stop(drain); }
ServerStats Server::stats() const { return impl_->stats(); }
void Server::reopen_access_log() { impl_->reopen_access_log(); }

}  // namespace ccd::http
