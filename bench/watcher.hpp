// A viewer's WebSocket, read and written by itself: reading a message costs this process about what the kernel needs for it. Five hundred viewers in one
// process would else be slower than the server that they measure.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>

namespace bench {

class Watcher {
 public:
  // Connects to the dashboard on this port of this machine. The connection stays until the process ends.
  Watcher(const std::string& port, const std::string& ticket) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in door{};
    door.sin_family = AF_INET;
    door.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    door.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int yes = 1;
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&door), sizeof door) != 0 ||
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0)
      throw std::system_error(errno, std::generic_category(), "connect to the dashboard");
    const std::string host = "127.0.0.1:" + port;
    write("GET /ws HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://" + host +
          "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
          "Sec-WebSocket-Protocol: ccd.v1, ticket." + ticket + "\r\n\r\n");
    std::size_t end = 0;
    while ((end = come_.find("\r\n\r\n")) == std::string::npos) {
      std::array<char, 1024> bytes;
      const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (got <= 0) throw std::runtime_error("no answer to the upgrade");
      come_.append(bytes.data(), static_cast<std::size_t>(got));
    }
    if (!come_.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("no WebSocket: " + come_.substr(0, end));
    come_.erase(0, end + 4);
  }

  [[nodiscard]] int fd() const { return fd_; }

  void send_text(std::string_view message) const { send(kText, message); }
  void send_binary(std::string_view message) const { send(kBinary, message); }

  // Reads what has come and calls `on_binary` with each whole binary message; answers pings.
  template <class OnBinary>
  void read(OnBinary on_binary) {
    std::array<char, 64 * 1024> bytes;
    for (;;) {
      const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (got <= 0) throw std::runtime_error("the server has closed a viewer's socket");
      come_.append(bytes.data(), static_cast<std::size_t>(got));
      if (static_cast<std::size_t>(got) < bytes.size()) break;
    }
    std::string_view rest = come_;
    while (take_frame(rest, on_binary)) {
    }
    come_.erase(0, come_.size() - rest.size());
  }

 private:
  // RFC 6455, 5.2.
  static constexpr int kText = 1;
  static constexpr int kBinary = 2;
  static constexpr int kPing = 9;
  static constexpr int kPong = 10;
  static constexpr int kOpcodeBits = 0x0F;
  static constexpr int kFinal = 0x80;
  static constexpr int kMasked = 0x80;
  static constexpr std::size_t kTwoBytes = 126;
  static constexpr std::size_t kEightBytes = 127;

  template <class OnBinary>
  bool take_frame(std::string_view& rest, OnBinary on_binary) {
    if (rest.size() < 2) return false;
    const auto at = [&rest](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    std::uint64_t size = at(1);
    std::size_t head = 2;
    if (size >= kTwoBytes) head += size == kTwoBytes ? 2 : 8;
    if (rest.size() < head) return false;
    if (head > 2) {
      size = 0;
      for (std::size_t i = 2; i < head; ++i) size = size << 8U | at(i);
    }
    if (rest.size() - head < size) return false;
    const std::string_view payload = rest.substr(head, size);
    const int kind = at(0) & kOpcodeBits;
    if (kind == kBinary) on_binary(payload);
    else if (kind == kPing) send(kPong, payload);
    rest.remove_prefix(head + size);
    return true;
  }

  // Masked, as clients must, with a key of zeroes.
  void send(int kind, std::string_view payload) const {
    std::string out;
    out += static_cast<char>(kFinal | kind);
    if (payload.size() < kTwoBytes) {
      out += static_cast<char>(kMasked | static_cast<int>(payload.size()));
    } else {
      out += static_cast<char>(kMasked | static_cast<int>(kTwoBytes));
      out += static_cast<char>(payload.size() >> 8U);
      out += static_cast<char>(payload.size() & 0xFFU);
    }
    out.append(4, '\0');
    out += payload;
    write(out);
  }
  void write(const std::string& bytes) const {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
      throw std::system_error(errno, std::generic_category(), "send to the dashboard");
  }

  int fd_;
  std::string come_;  // the beginning of a message whose rest has not come
};

}  // namespace bench
