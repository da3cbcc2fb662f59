// Measures terminals from outside: a key's way to its echo by `tmux attach` in a raw PTY and by the terminal socket, a reader that takes
// all output, and the text that a flooding agent prints.
//
//   bench_terminal echo-attach -- tmux ... attach ...            for each number on standard input, so many keys: one line of JSON with
//                                                                microseconds p50, p95, p99
//   bench_terminal echo-socket PORT TICKET SESSION               the same through the dashboard
//   bench_terminal view PORT TICKET SESSION FROM UNTIL           reads and acknowledges until the offset UNTIL is reached
//   bench_terminal flood BYTES FILE                              prints BYTES of log text, then writes the seconds to FILE
//   bench_terminal times HZ                                      prints the time (steady, microseconds) HZ times a second; 0: as fast as
//                                                                it can. On Ctrl-C it prints "stopped-here" and ends

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Clock = std::chrono::steady_clock;

constexpr std::uint8_t kData = 1;
constexpr std::uint8_t kSnapshot = 2;
constexpr std::uint8_t kInput = 3;
constexpr std::uint8_t kAckOutput = 4;
constexpr std::uint8_t kEcho = 6;
constexpr std::size_t kHeader = 13;
constexpr std::size_t kEchoHeader = kHeader + 8;
constexpr int kWaitMs = 5000;                          // an echo that takes longer is lost
constexpr auto kPause = std::chrono::milliseconds(2);  // between keys: each finds an idle machine, as a typist's does

// Letters only, so that the echo of one key cannot be taken for that of the one before.
char key(int i) { return static_cast<char>('a' + i % 26); }

void report(std::vector<double> micros) {
  std::ranges::sort(micros);
  const auto at = [&](double part) {
    return micros[std::min(micros.size() - 1, static_cast<std::size_t>(part * static_cast<double>(micros.size())))];
  };
  std::printf("{\"count\":%zu,\"p50\":%.1f,\"p95\":%.1f,\"p99\":%.1f}\n", micros.size(), at(0.5), at(0.95), at(0.99));
  std::fflush(stdout);
}

double micros_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void pause_between_keys() { ::usleep(static_cast<useconds_t>(std::chrono::microseconds(kPause).count())); }

// Types as many keys as each line of standard input says. `echoed` types the key and returns when its echo is there.
template <class Echoed>
void measure_echoes(Echoed echoed) {
  int typed = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<double> micros;
    for (int left = std::atoi(line.c_str()); left > 0; --left) {
      ::alarm(2 * kWaitMs / 1000);  // ends the probe, and so the benchmark
      micros.push_back(echoed(key(typed++)));
      pause_between_keys();
    }
    ::alarm(0);
    report(std::move(micros));
  }
}

// --- by a client of tmux ----------------------------------------------------------------------------------------------------

// Reads until the key shows up in what the client draws.
bool read_until(int fd, char wanted) {
  std::array<char, 65536> buffer{};
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, kWaitMs) > 0) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n <= 0) return false;
    if (std::memchr(buffer.data(), wanted, static_cast<std::size_t>(n)) != nullptr) return true;
  }
  return false;
}

void drain(int fd) {
  std::array<char, 65536> buffer{};
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, 300) > 0)
    if (::read(fd, buffer.data(), buffer.size()) <= 0) return;
}

int echo_attach(char** command) {
  int master = -1;
  winsize size{.ws_row = 36, .ws_col = 120, .ws_xpixel = 0, .ws_ypixel = 0};
  const pid_t child = ::forkpty(&master, nullptr, nullptr, &size);
  if (child < 0) throw std::runtime_error("forkpty");
  if (child == 0) {
    ::setenv("TERM", "xterm-256color", 1);
    ::execvp(command[0], command);
    ::_exit(127);
  }
  drain(master);
  measure_echoes([&](char c) {
    const auto start = Clock::now();
    if (::write(master, &c, 1) != 1 || !read_until(master, c))
      throw std::runtime_error("no echo from the attached client");
    return micros_since(start);
  });
  ::kill(child, SIGKILL);
  ::close(master);
  ::waitpid(child, nullptr, 0);
  return 0;
}

// --- by the terminal socket -------------------------------------------------------------------------------------------------

class Socket {
 public:
  Socket(const std::string& port, const std::string& ticket) {
    asio::ip::tcp::resolver resolver(io_);
    asio::connect(socket_.next_layer(), resolver.resolve("127.0.0.1", port));
    socket_.next_layer().set_option(asio::ip::tcp::no_delay(true));
    socket_.set_option(beast::websocket::stream_base::decorator([&](beast::websocket::request_type& request) {
      request.set("Origin", "http://127.0.0.1:" + port);
      request.set("Sec-WebSocket-Protocol", "ccd.v1, ticket." + ticket);
    }));
    socket_.handshake("127.0.0.1:" + port, "/ws");
    socket_.binary(true);
    socket_.read_message_max(0);
  }
  void text(const std::string& message) {
    socket_.text(true);
    socket_.write(asio::buffer(message));
    socket_.binary(true);
  }
  void frame(std::uint8_t type, std::uint64_t number, std::string_view payload = {}) {
    std::string out(kHeader, '\0');
    out[0] = static_cast<char>(type);
    out[1] = 1;  // channel 1
    for (std::size_t i = 0; i < 8; ++i) out[5 + i] = static_cast<char>(number >> (8 * i));
    out += payload;
    socket_.write(asio::buffer(out));
  }
  // The next message; the type of a frame, or 0 for text.
  std::uint8_t next(std::string& into) {
    buffer_.clear();
    socket_.read(buffer_);
    into.assign(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    return socket_.got_text() ? std::uint8_t{0} : static_cast<std::uint8_t>(into[0]);
  }
  static std::uint64_t number(const std::string& frame) {
    std::uint64_t n = 0;
    for (std::size_t i = 8; i-- > 0;) n = n << 8 | static_cast<unsigned char>(frame[5 + i]);
    return n;
  }

 private:
  asio::io_context io_;
  beast::websocket::stream<asio::ip::tcp::socket> socket_{io_};
  beast::flat_buffer buffer_;
};

// Bytes before the terminal's; 0 for what is not output.
std::size_t output_header(std::uint8_t type) { return type == kData ? kHeader : type == kEcho ? kEchoHeader : 0; }

std::string open_message(const std::string& session, const std::string& from) {
  // A new id each time: the tap would take the numbers of a known one for repetitions.
  std::random_device random;
  std::string client;
  for (int i = 0; i < 32; ++i) client += "0123456789abcdef"[random() % 16U];
  return R"({"type":"open","channel":1,"session":")" + session + R"(","client":")" + client +
         R"(","cols":120,"rows":36,"echo":true,"from":)" + from + "}";
}

int echo_socket(const std::string& port, const std::string& ticket, const std::string& session) {
  Socket socket(port, ticket);
  socket.text(open_message(session, "\"screen\""));
  std::string message;
  // What is on the screen already must not be taken for an echo.
  while (socket.next(message) != kSnapshot) {
  }
  socket.frame(kAckOutput, Socket::number(message));
  std::uint64_t number = 0;
  measure_echoes([&](char c) {
    const auto start = Clock::now();
    socket.frame(kInput, ++number, std::string_view(&c, 1));
    std::size_t header = 0;
    for (;;) {
      const std::uint8_t type = socket.next(message);
      // As pages do: the first key can be sooner than the server's connection to the tap.
      if (type == 0 && message.find("input_reset") != std::string::npos)
        socket.frame(kInput, number, std::string_view(&c, 1));
      header = output_header(type);
      if (header != 0 && message.find(c, header) != std::string::npos) break;
    }
    const double micros = micros_since(start);
    socket.frame(kAckOutput, Socket::number(message) + message.size() - header);
    return micros;
  });
  return 0;
}

int view(const std::string& port, const std::string& ticket, const std::string& session, const std::string& from,
         std::uint64_t until) {
  Socket socket(port, ticket);
  socket.text(open_message(session, from));
  std::string message;
  std::uint64_t at = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t bytes = 0;
  while (at < until) {
    const std::uint8_t type = socket.next(message);
    const std::size_t header = output_header(type);
    if (header == 0 && type != kSnapshot) continue;
    at = Socket::number(message) + (header == 0 ? 0 : message.size() - header);
    bytes += message.size() - kHeader;
    if (type == kSnapshot || at - acknowledged >= 64 * 1024 || at >= until) {
      socket.frame(kAckOutput, at);
      acknowledged = at;
    }
  }
  std::printf("{\"bytes\":%llu}\n", static_cast<unsigned long long>(bytes));
  return 0;
}

// --- a flooding agent -------------------------------------------------------------------------------------------------------

int flood(std::uint64_t bytes, const char* file) {
  std::string block;
  for (int i = 0; block.size() < 256 * 1024; ++i) {
    std::array<char, 160> line{};
    std::snprintf(
        line.data(), line.size(),
        "2026-01-01T12:%02d:%02d.%03dZ INFO  worker-%d: compiled src/module_%04d/file.cpp in %d ms, %d warnings\n",
        i / 60 % 60, i % 60, i % 1000, i % 8, i % 10000, i * 7 % 900, i % 3);
    block += line.data();
  }
  const auto start = Clock::now();
  for (std::uint64_t left = bytes; left > 0;) {
    const std::size_t n = std::min<std::uint64_t>(left, block.size());
    for (std::size_t done = 0; done < n;) {
      const ssize_t w = ::write(STDOUT_FILENO, block.data() + done, n - done);
      if (w <= 0) return 1;
      done += static_cast<std::size_t>(w);
    }
    left -= n;
  }
  ::tcdrain(STDOUT_FILENO);
  std::ofstream(file) << std::chrono::duration<double>(Clock::now() - start).count() << "\n";
  return 0;
}

volatile std::sig_atomic_t interrupted = 0;

int times(int hz) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  while (interrupted == 0) {
    std::string block;
    for (int i = 0; i < (hz == 0 ? 200 : 1); ++i) {
      std::array<char, 100> line{};
      const auto now = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
      std::snprintf(line.data(), line.size(), "T%016lld; compiled src/module/file.cpp in 12 ms, 0 warnings\n",
                    static_cast<long long>(now));
      block += line.data();
    }
    for (std::size_t done = 0; done < block.size() && interrupted == 0;) {
      const ssize_t n = ::write(STDOUT_FILENO, block.data() + done, block.size() - done);
      if (n > 0) done += static_cast<std::size_t>(n);
      else if (errno != EINTR) return 1;
    }
    if (hz > 0) ::usleep(static_cast<useconds_t>(1'000'000 / hz));
  }
  ::tcflush(STDOUT_FILENO, TCOFLUSH);
  constexpr std::string_view kEnd = "\nstopped-here\n";
  return ::write(STDOUT_FILENO, kEnd.data(), kEnd.size()) > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "echo-attach" && argc > 3) return echo_attach(argv + 3);
    if (mode == "echo-socket" && argc == 5) return echo_socket(argv[2], argv[3], argv[4]);
    if (mode == "view" && argc == 7)
      return view(argv[2], argv[3], argv[4], argv[5], std::strtoull(argv[6], nullptr, 10));
    if (mode == "times" && argc == 3) return times(std::atoi(argv[2]));
    if (mode == "flood" && argc == 4) return flood(std::strtoull(argv[2], nullptr, 10), argv[3]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_terminal: %s\n", e.what());
    return 1;
  }
  std::fprintf(stderr, "usage: see the head of bench/terminal.cpp\n");
  return 64;
}
