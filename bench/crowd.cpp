// Many viewers at once, as pages are: each opens one channel, reads, and acknowledges. Tickets come as lines on standard input.
//
//   bench_crowd lag PORT SESSIONS SECONDS      all watch, each the next of the sessions (ids with commas between); each output's age when it
//                                              arrives, from the times that `bench_terminal times` prints
//   bench_crowd slow PORT SESSION SECONDS RATE one reads RATE bytes a second; how old what it shows is; then it types Ctrl-C
//   bench_crowd stall PORT SESSION SECONDS     all open the session and read nothing
//   bench_crowd idle PORT - SECONDS            sockets without a terminal, which read what comes
//   bench_crowd attach PORT SESSION COUNT      one opens the session COUNT times; from the open message to the whole first screen
//   bench_crowd thumbs PORT SESSIONS SECONDS   one asks for small pictures of the sessions (ids with commas between)
//
// Prints "ready" once all sockets are up, then one line of JSON.

#include <sys/epoll.h>
#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "watcher.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Steady = std::chrono::steady_clock;
using asio::use_awaitable;
template <class T = void>
using Task = asio::awaitable<T>;

constexpr std::uint8_t kData = 1;
constexpr std::uint8_t kSnapshot = 2;
constexpr std::uint8_t kInput = 3;
constexpr std::uint8_t kAckOutput = 4;
constexpr std::size_t kHeader = 13;
// When a page acknowledges what it shows (web/src/wire/channel.ts).
constexpr std::uint64_t kAckEveryBytes = 64 * 1024;
constexpr auto kAckWithin = std::chrono::milliseconds(50);
// Between two looks at what has come: the server would else wake this process with every message, which happens on five hundred other machines
// when people watch. What is told of times is so much greater, at most.
constexpr auto kLook = std::chrono::microseconds(500);

std::int64_t now_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now().time_since_epoch()).count();
}

// The newest "T<16 digits>;" in the bytes; 0 without one.
std::int64_t newest_time(std::string_view bytes) {
  constexpr std::size_t kLength = 18;
  for (std::size_t at = bytes.rfind('T'); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : bytes.rfind('T', at - 1))
    if (at + kLength <= bytes.size() && bytes[at + kLength - 1] == ';')
      return std::strtoll(bytes.data() + at + 1, nullptr, 10);
  return 0;
}

double at(std::vector<double>& values, double part) {
  if (values.empty()) return -1;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

std::string open_message(const std::string& session) {
  std::random_device random;
  std::string client;
  for (int i = 0; i < 32; ++i) client += "0123456789abcdef"[random() % 16U];
  return R"({"type":"open","channel":1,"session":")" + session + R"(","client":")" + client +
         R"(","cols":120,"rows":36,"from":"screen"})";
}

// A frame on channel 1, without its payload.
std::string frame_bytes(std::uint8_t type, std::uint64_t number) {
  std::string out(kHeader, '\0');
  out[0] = static_cast<char>(type);
  out[1] = 1;
  for (std::size_t i = 0; i < 8; ++i) out[5 + i] = static_cast<char>(number >> (8 * i));
  return out;
}

// Where a frame ends in the session's log.
std::uint64_t end_of(std::string_view frame) {
  std::uint64_t n = 0;
  for (std::size_t i = 8; i-- > 0;) n = n << 8 | static_cast<unsigned char>(frame[5 + i]);
  return frame[0] == static_cast<char>(kData) ? n + frame.size() - kHeader : n;
}

struct Viewer {
  explicit Viewer(asio::io_context& io) : socket(io) {}

  Task<> connect(std::string port, std::string ticket) {
    auto& tcp = socket.next_layer();
    const asio::ip::tcp::endpoint door(asio::ip::make_address("127.0.0.1"),
                                       static_cast<std::uint16_t>(std::stoi(port)));
    co_await tcp.async_connect(door, use_awaitable);
    tcp.set_option(asio::ip::tcp::no_delay(true));
    socket.set_option(beast::websocket::stream_base::decorator([port, ticket](beast::websocket::request_type& request) {
      request.set("Origin", "http://127.0.0.1:" + port);
      request.set("Sec-WebSocket-Protocol", "ccd.v1, ticket." + ticket);
    }));
    co_await socket.async_handshake("127.0.0.1:" + port, "/ws", use_awaitable);
    socket.read_message_max(0);
  }
  Task<> text(std::string message) {
    socket.text(true);
    co_await socket.async_write(asio::buffer(message), use_awaitable);
  }
  Task<> open(std::string session) { return text(open_message(session)); }
  Task<> frame(std::uint8_t type, std::uint64_t number, std::string payload = {}) {
    const std::string out = frame_bytes(type, number) + payload;
    socket.binary(true);
    co_await socket.async_write(asio::buffer(out), use_awaitable);
  }
  // The next message as it is in `buffer`; its frame's type, or 0 for text.
  Task<std::uint8_t> next() {
    buffer.clear();
    co_await socket.async_read(buffer, use_awaitable);
    const auto bytes = message();
    co_return socket.got_text() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes[0]);
  }
  [[nodiscard]] std::string_view message() const {
    return {static_cast<const char*>(buffer.data().data()), buffer.size()};
  }
  [[nodiscard]] std::uint64_t end() const { return end_of(message()); }

  beast::websocket::stream<asio::ip::tcp::socket> socket;
  beast::flat_buffer buffer;
};

struct Run {
  asio::io_context io;
  std::string port;
  std::string session;
  double seconds = 0;
  std::vector<std::unique_ptr<Viewer>> viewers;
  std::vector<bench::Watcher> watchers;  // in place of viewers, for lag
  Steady::time_point began;
  // results
  std::size_t opened = 0;
  double all_opened_ms = -1;
  std::vector<double> lags_ms;
  std::size_t snapshots = 0;
  std::uint64_t bytes = 0;
};

double ms_since(Steady::time_point start) {
  return std::chrono::duration<double, std::milli>(Steady::now() - start).count();
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts{""};
  for (const char c : list) {
    if (c == ',') parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

// Some who look at terminals, without Asio: their own time must not be a part of what they measure.
class Watchers {
 public:
  explicit Watchers(Run* run) : run_(run), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (bench::Watcher& watcher : run->watchers) {
      epoll_event event{.events = EPOLLIN, .data = {.u64 = places_.size()}};
      if (epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, watcher.fd(), &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll");
      places_.push_back({.socket = std::move(watcher)});
    }
  }

  void watch(double seconds) {
    const std::vector<std::string> sessions = split(run_->session);
    run_->began = Steady::now();
    for (std::size_t i = 0; i < places_.size(); ++i)
      places_[i].socket.send_text(open_message(sessions[i % sessions.size()]));
    std::vector<epoll_event> events(places_.size());
    while (ms_since(run_->began) < seconds * 1000) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kIdleMs);
      for (int i = 0; i < count; ++i) read(places_[events[static_cast<std::size_t>(i)].data.u64]);
      while (!acks_.empty() && acks_.front().first <= Steady::now()) {
        acknowledge(*acks_.front().second);
        acks_.pop_front();
      }
      std::this_thread::sleep_for(kLook);
    }
  }

 private:
  static constexpr int kIdleMs = 5;
  struct Place {
    bench::Watcher socket;
    std::uint64_t shown = 0;  // offsets in the session's log
    std::uint64_t acked = 0;
    bool first = true;
    bool waits = false;  // in acks_
  };

  void read(Place& place) {
    place.socket.read([&](std::string_view message) {
      const auto type = static_cast<std::uint8_t>(message[0]);
      if (type != kData && type != kSnapshot) return;
      run_->bytes += message.size();
      if (type == kSnapshot) ++run_->snapshots;
      if (place.first && ++run_->opened == places_.size()) run_->all_opened_ms = ms_since(run_->began);
      const std::int64_t time = newest_time(message);
      if (!place.first && time != 0) run_->lags_ms.push_back(static_cast<double>(now_micros() - time) / 1000);
      place.first = false;
      place.shown = end_of(message);
      if (type == kSnapshot || place.shown - place.acked >= kAckEveryBytes) return acknowledge(place);
      if (!place.waits) acks_.emplace_back(Steady::now() + kAckWithin, &place);
      place.waits = true;
    });
  }
  void acknowledge(Place& place) {
    place.waits = false;
    if (place.acked == place.shown) return;
    place.acked = place.shown;
    place.socket.send_binary(frame_bytes(kAckOutput, place.shown));
  }

  Run* run_;
  int epoll_;
  std::vector<Place> places_;
  std::deque<std::pair<Steady::time_point, Place*>> acks_;
};

void lag(Run* run) {
  Watchers(run).watch(run->seconds);
  std::printf(
      "{\"viewers\":%zu,\"opened\":%zu,\"all_opened_ms\":%.0f,\"lag_p50_ms\":%.2f,\"lag_p99_ms\":%.2f,\"lag_max_ms\":%."
      "2f,\"samples\":%zu,"
      "\"snapshots\":%zu,\"mb\":%.1f}\n",
      run->watchers.size(), run->opened, run->all_opened_ms, at(run->lags_ms, 0.5), at(run->lags_ms, 0.99),
      at(run->lags_ms, 1), run->lags_ms.size(), run->snapshots, static_cast<double>(run->bytes) / 1e6);
  std::fflush(stdout);
}

// Reads so slowly by taking each message's time before it is acknowledged; the kernel holds what a slow line would.
Task<> slow(Run* run, double rate) {
  Viewer* const viewer = run->viewers.front().get();
  viewer->socket.next_layer().set_option(asio::socket_base::receive_buffer_size(64 * 1024));
  co_await viewer->open(run->session);
  asio::steady_timer timer(run->io);
  std::vector<double> ages;
  const auto start = Steady::now();
  std::int64_t shown = 0;
  double typed_ms = -1;
  Steady::time_point typed{};
  bool done = false;
  while (!done) {
    const std::uint8_t type = co_await viewer->next();
    const double size = static_cast<double>(viewer->message().size());
    run->bytes += viewer->message().size();
    timer.expires_after(std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(size / rate)));
    co_await timer.async_wait(use_awaitable);
    if (type != kData && type != kSnapshot) continue;
    if (type == kSnapshot) ++run->snapshots;
    // What was shown until now was the newest this viewer had: its age just before it is replaced is the greatest.
    if (shown != 0 && typed == Steady::time_point{} && ms_since(start) > 1000)
      ages.push_back(static_cast<double>(now_micros() - shown) / 1000);
    if (const std::int64_t time = newest_time(viewer->message()); time != 0) shown = time;
    if (typed != Steady::time_point{} && viewer->message().find("stopped-here") != std::string_view::npos) {
      typed_ms = ms_since(typed);
      done = true;
    }
    co_await viewer->frame(kAckOutput, viewer->end());
    if (typed == Steady::time_point{} && ms_since(start) > run->seconds * 1000) {
      typed = Steady::now();
      co_await viewer->frame(kInput, 1, "\x03");
    }
  }
  std::printf(
      "{\"rate\":%.0f,\"age_p50_ms\":%.0f,\"age_max_ms\":%.0f,\"samples\":%zu,\"snapshots\":%zu,\"mb\":%.2f,\"ctrl_c_"
      "ms\":%.0f}\n",
      rate, at(ages, 0.5), at(ages, 1), ages.size(), run->snapshots, static_cast<double>(run->bytes) / 1e6, typed_ms);
  std::fflush(stdout);
  run->io.stop();
}

// Answers pings, too.
Task<> read_on(Viewer* viewer) {
  for (;;) co_await viewer->next();
}

Task<> stall(Run* run) {
  for (const auto& viewer : run->viewers) {
    if (run->session == "-") asio::co_spawn(run->io, read_on(viewer.get()), asio::detached);
    else co_await viewer->open(run->session);
  }
  asio::steady_timer timer(run->io,
                           std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(run->seconds)));
  co_await timer.async_wait(use_awaitable);
  std::printf("{\"viewers\":%zu}\n", run->viewers.size());
  std::fflush(stdout);
  run->io.stop();
}

Task<> attach(Run* run, int count) {
  Viewer* const viewer = run->viewers.front().get();
  std::vector<double> ms;
  std::size_t largest = 0;
  for (int i = 0; i < count; ++i) {
    const auto start = Steady::now();
    co_await viewer->open(run->session);
    while (co_await viewer->next() != kSnapshot) {
    }
    ms.push_back(ms_since(start));
    largest = std::max(largest, viewer->message().size());
    co_await viewer->frame(kAckOutput, viewer->end());
    co_await viewer->text(R"({"type":"close","channel":1})");
    asio::steady_timer timer(run->io, std::chrono::milliseconds(5));
    co_await timer.async_wait(use_awaitable);
  }
  const double p50 = at(ms, 0.5);
  std::printf("{\"count\":%d,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"largest_bytes\":%zu}\n", count, p50, at(ms, 0.99),
              largest);
  std::fflush(stdout);
  run->io.stop();
}

Task<> thumbs(Run* run) {
  Viewer* const viewer = run->viewers.front().get();
  std::string list;
  for (const char c : run->session) list += c == ',' ? std::string("\",\"") : std::string(1, c);
  co_await viewer->text(R"({"type":"thumbs","sessions":[")" + list + "\"]}");
  std::size_t count = 0;
  const auto start = Steady::now();
  while (ms_since(start) < run->seconds * 1000) {
    if (co_await viewer->next() != 0) continue;
    if (!viewer->message().starts_with(R"({"type":"thumb")")) continue;
    ++count;
    run->bytes += viewer->message().size();
  }
  std::printf("{\"thumbs_per_second\":%.1f,\"kb_per_second\":%.0f}\n", static_cast<double>(count) / run->seconds,
              static_cast<double>(run->bytes) / 1000 / run->seconds);
  std::fflush(stdout);
  run->io.stop();
}

void connect(Run* run, const std::string& ticket) {
  run->viewers.push_back(std::make_unique<Viewer>(run->io));
  std::exception_ptr failure;
  asio::co_spawn(run->io, run->viewers.back()->connect(run->port, ticket), [&](std::exception_ptr e) { failure = e; });
  run->io.run();
  run->io.restart();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: see the head of bench/crowd.cpp\n");
    return 64;
  }
  try {
    Run run;
    const std::string mode = argv[1];
    run.port = argv[2];
    run.session = argv[3];
    run.seconds = std::atof(argv[4]);
    // One after the other: a ticket is good for a moment, and the caller gives the next when it sees that this one was used.
    for (std::string ticket; std::getline(std::cin, ticket) && !ticket.empty();) {
      if (mode == "lag") run.watchers.emplace_back(run.port, ticket);
      else connect(&run, ticket);
      std::puts("up");
      std::fflush(stdout);
    }
    std::puts("ready");
    std::fflush(stdout);
    std::exception_ptr failure;
    const auto ended = [&](std::exception_ptr e) { failure = e; };
    if (mode == "lag") lag(&run);
    else if (mode == "slow" && argc == 6) asio::co_spawn(run.io, slow(&run, std::atof(argv[5])), ended);
    else if (mode == "stall" || mode == "idle") asio::co_spawn(run.io, stall(&run), ended);
    else if (mode == "attach") asio::co_spawn(run.io, attach(&run, std::atoi(argv[4])), ended);
    else if (mode == "thumbs") asio::co_spawn(run.io, thumbs(&run), ended);
    else throw std::runtime_error("no mode " + mode);
    run.io.run();
    if (failure) std::rethrow_exception(failure);
    std::_Exit(0);  // sockets with coroutines that still wait are not worth an orderly end
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_crowd: %s\n", e.what());
    return 1;
  }
}
