// For this room's tests: a real server on port 0 with its loop on a thread, and a blocking client that speaks raw
// bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "base/unique_fd.hpp"
#include "http/server.hpp"

namespace ccd::http {

using namespace std::chrono_literals;

// How long a test waits for what must happen: on a busy machine everything takes longer, and nothing is measured here.
inline constexpr auto kPatience = 30s;

// A folder that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "http_test.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string path(std::string_view name = "") const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

class TestServer {
 public:
  static Options options() {
    Options options;
    options.port = 0;
    options.access_log_path.clear();
    options.host_allowed = [](std::string_view host) {
      return host.starts_with("localhost") || host.starts_with("127.0.0.1");
    };
    options.sweep_interval = 20ms;
    return options;
  }

  explicit TestServer(Handler handler, Options given = options())
      : server_(loop_.get_executor(), with_pool(std::move(given)), &clock_, std::move(handler)),
        group_(loop_.get_executor()) {
    const auto listening = server_.listen();
    EXPECT_TRUE(listening) << (listening ? "" : listening.error().message);
    group_.spawn("server", server_.run());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~TestServer() {
    stop(2s);
    thread_.join();
    pool_.join();
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  // Returns how long it took.
  std::chrono::milliseconds stop(std::chrono::milliseconds drain) {
    const auto begin = std::chrono::steady_clock::now();
    asio::co_spawn(loop_, server_.stop(drain), [](std::exception_ptr) {});
    const auto end = begin + drain + kPatience;
    while (on_loop([this] { return group_.running(); }) > 0 && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(1ms);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  }
  // Runs `work` on the loop and returns its result.
  template <class Work>
  auto on_loop(Work work) -> decltype(work()) {
    if (loop_.stopped()) return work();
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto result = task->get_future();
    asio::post(loop_, [task] { (*task)(); });
    while (result.wait_for(5ms) != std::future_status::ready)
      if (loop_.stopped() && result.wait_for(0ms) != std::future_status::ready) {
        (*task)();
        break;
      }
    return result.get();
  }
  // True when `condition`, asked on the loop, holds within kPatience.
  bool eventually(std::function<bool()> condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (on_loop(condition)) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }
  Server& server() { return server_; }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }

 private:
  Options with_pool(Options given) {
    given.pool = &pool_;
    return given;
  }

  SystemClock clock_;
  asio::thread_pool pool_{2};
  asio::io_context loop_{1};
  Server server_;
  TaskGroup group_;
  std::thread thread_;
};

struct Reply {
  int status = 0;
  std::string head;  // with the status line
  std::string body;
  bool closed = false;  // the connection ended instead of or after this reply

  [[nodiscard]] std::string header(std::string_view name) const {
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      const std::string_view line = std::string_view(head).substr(at + 2, head.find("\r\n", at + 2) - at - 2);
      const std::size_t colon = line.find(':');
      if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name))
        return std::string(line.substr(std::min(colon + 2, line.size())));
    }
    return "";
  }
};

// A blocking client; every call gives up after kPatience.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0, const std::string& host = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    timeval limit{.tv_sec = kPatience.count(), .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  // To the local door.
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }

  // Appends what arrives next; false at the end of the connection.
  bool more() {
    char part[65536];
    ssize_t n = 0;
    while ((n = ::recv(fd_.get(), part, sizeof part, 0)) < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    held_.append(part, static_cast<std::size_t>(n));
    return true;
  }
  // Exactly `size` bytes, or fewer at the end.
  std::string take(std::size_t size) {
    while (held_.size() < size && more()) continue;
    std::string out = held_.substr(0, size);
    held_.erase(0, out.size());
    return out;
  }
  std::string rest() {
    while (more()) continue;
    return std::exchange(held_, {});
  }
  // True when the server ends the connection without another byte.
  bool ended() {
    char byte;
    const ssize_t n = held_.empty() ? ::recv(fd_.get(), &byte, 1, 0) : 1;
    return n == 0 || (n < 0 && errno == ECONNRESET);
  }

  Reply reply(bool with_body = true) {
    Reply out;
    std::size_t end = 0;
    while ((end = held_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) {
        out.closed = true;
        return out;
      }
    out.head = take(end + 2);
    take(2);
    out.status = std::atoi(out.head.c_str() + 9);
    const std::string length = out.header("Content-Length");
    if (with_body && !length.empty()) out.body = take(static_cast<std::size_t>(std::stoul(length)));
    return out;
  }
  Reply get(const std::string& target, const std::string& extra = "") {
    send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + extra + "\r\n");
    return reply();
  }

 private:
  UniqueFd fd_;
  bool connected_ = false;
  std::string held_;
};

// {"error":{"code":CODE,"message":...}} and the content type that goes with it.
inline bool is_error(const Reply& reply, int status, std::string_view code) {
  return reply.status == status && reply.header("Content-Type") == "application/json" &&
         reply.body.starts_with("{\"error\":{\"code\":\"" + std::string(code) + "\",\"message\":\"") &&
         reply.body.ends_with("\"}}");
}

}  // namespace ccd::http
