// The HTTP/1.1 and WebSocket server: listener, limits, requests to a handler, drain.
//
// Everything runs on one executor (one loop thread) and is not thread-safe; Options::pool alone takes blocking file
// work. Requests of one connection are handled one after another; what a client pipelines ahead waits in a bounded
// buffer and in the kernel. Order of checks: connection limits, syntax and sizes (400, 408, 413, 431), Host (421),
// handler.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "http/forwarded.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/websocket.hpp"

namespace ccd::http {

using Handler = std::function<Task<Response>(std::shared_ptr<Request>)>;

struct Options {
  std::string host = "127.0.0.1";  // an address, or "localhost"
  std::uint16_t port = 3000;       // 0: any free one, see Server::port()
  // Must be set. Asked for every request, /health too, with the lower-case Host as sent ("localhost:3000"); false: 421.
  std::function<bool(std::string_view host)> host_allowed;
  asio::thread_pool* pool = nullptr;  // must be set; file bodies and the access log; outlives the server
  TrustedProxies trusted_proxies{};   // whose X-Forwarded-* is believed; loopback is not among them by itself
  std::string access_log_path = "/tmp/access.log";  // empty: none

  std::size_t max_body = 1024 * 1024;  // bytes of a request's body, then 413
  // What a single request may send instead, asked for once its head is there: for uploads of who is known to be allowed to. At most
  // max_upload. Not set: max_body.
  std::function<std::size_t(const Request&)> body_limit{};
  std::size_t max_upload = 0;  // 0: no request may send more than max_body
  // Connections. Loopback and trusted proxies stand for many people: the limit per source does not count them.
  std::size_t max_connections = 8192;  // lowered at listen() when RLIMIT_NOFILE is tighter
  std::size_t max_connections_per_source = 64;
  std::chrono::milliseconds header_timeout{10'000};  // first byte to end of the head, then 408
  std::chrono::milliseconds body_timeout{30'000};    // for the body, plus 1 s for each 16 KiB that may come
  std::chrono::milliseconds idle_timeout{75'000};    // between requests: longer than nginx's and browsers' own 60 s
  std::chrono::milliseconds write_timeout{30'000};   // for each 128 KiB that the client must take
  std::chrono::milliseconds sweep_interval{500};     // how exactly the limits above are kept

  std::size_t max_message = 64 * 1024;           // bytes of one WebSocket message, over all its frames; then 1009
  std::size_t max_send_queue = 4 * 1024 * 1024;  // bytes queued on one WebSocket: a full screen history, not a backlog
  int websocket_send_buffer = 256 * 1024;        // SO_SNDBUF: else the kernel alone would hide 8.8 MB of backlog
  std::chrono::milliseconds ping_interval{
      25'000};  // below the 30 s after which phones and some proxies drop idle sockets
  std::chrono::milliseconds close_timeout{5'000};  // for the peer's close frame
  bool compression = false;                        // permessage-deflate: costs 300 KB a socket and latency
};

// A Unix socket's address has room for 107 bytes, and the path is made under another name first.
inline constexpr std::size_t kMaxLocalPath = 103;

struct ServerStats {
  std::size_t open_connections = 0;  // TCP connections, WebSockets among them
  std::size_t open_sockets = 0;      // WebSockets
};

class Server {
 public:
  // `clock` outlives the server.
  Server(asio::any_io_executor executor, Options options, const Clock* clock, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds. ErrorKind::conflict: the port is in use; forbidden: not ours to use (below 1024); invalid: a wrong option.
  Result<> listen();
  [[nodiscard]] std::uint16_t port() const;  // after listen()
  // Answers at a Unix socket too (Door::local), for programs of this user: mode 0600, other users' programs are turned away. Takes the
  // path's place whoever has it, and leaves the file behind, so that a successor's is not removed. `invalid` for a path over
  // kMaxLocalPath; call it while run() runs.
  Result<> listen_local(const std::string& path);
  // Serves until stop(). Destroy the server only after run() has returned.
  Task<void> run();
  // Stops accepting, lets running requests finish, closes WebSockets with 1012, and cuts what is left after `drain`.
  Task<void> stop(std::chrono::milliseconds drain);

  [[nodiscard]] ServerStats stats() const;
  // After the file was renamed by log rotation (SIGHUP). Nothing is lost.
  void reopen_access_log();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccd::http
