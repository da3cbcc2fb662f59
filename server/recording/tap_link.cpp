// Frames to and from tap.sock on the loop: one connection at a time, told apart by number so that late handlers do
// nothing.
#include "recording/tap_link.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

namespace ccd::recording {
namespace {

using asio::posix::stream_descriptor;

// A tap answers within microseconds; a stopped one is as good as none.
constexpr auto kHelloLimit = std::chrono::seconds(2);
// Acknowledgements are 29 bytes: a hundred of them.
constexpr std::size_t kReadBytes = 4096;
// A tap whose pane takes no input reads no frames either. Who resizes waits no longer than for a tap that is stopped.
constexpr auto kResizeLimit = std::chrono::seconds(2);
// Answers to wait for at once: a window's edge that is pulled makes one at a time.
constexpr std::size_t kMaxResizes = 16;
constexpr std::size_t kPreloadPartBytes = std::size_t{60} * 1024;  // with its header under kMaxFrameBytes

// The folder may be deeper than a socket address is long; its descriptor's name in /proc is short.
Result<UniqueFd> connect_socket(const std::string& session_dir) {
  const UniqueFd folder(::open(session_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return fail_errno("open folder " + session_dir);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + kTapSocket;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED || errno == EAGAIN)
      return fail(ErrorKind::unavailable, "no pane-tap answers on " + session_dir + "/" + kTapSocket);
    return fail_errno("connect to " + session_dir + "/" + kTapSocket);
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail_errno("ask who listens on tap.sock");
  if (peer.uid != ::geteuid()) return fail(ErrorKind::forbidden, "tap.sock belongs to another user's process");
  return fd;
}

ClientId client_of(std::span<const std::byte> payload) {
  ClientId client;
  std::copy_n(payload.begin(), client.size(), client.begin());
  return client;
}

}  // namespace

struct TapLink::State : std::enable_shared_from_this<State> {
  enum class Phase { down, greeting, up };
  // One call of resize(), until the answer comes. The tap answers in the order of the requests.
  struct Resize {
    explicit Resize(const asio::any_io_executor& on) : answered(on) {}
    asio::steady_timer answered;
    std::optional<ResizeMarked> answer;
  };

  State(asio::any_io_executor on, std::string dir, Events sinks)
      : executor(std::move(on)),
        session_dir(std::move(dir)),
        events(std::make_shared<const Events>(std::move(sinks))),
        socket(executor),
        greeted(executor) {}

  static Task<Result<>> connect(std::shared_ptr<State> self);
  static Task<Result<ResizeMarked>> resize(std::shared_ptr<State> self, PaneSize size);
  Result<> start();
  void stop();
  void fail_link(Error error);

  void wait_readable();
  void on_readable();
  void parse();
  void on_frame(const Frame& frame);
  void on_hello(std::span<const std::byte> payload);
  void on_resize_result(ResizeStatus status);

  Result<> check_up() const;
  void enqueue(FrameType type, std::span<const std::byte> head, std::span<const std::byte> body);
  void flush();
  void wait_writable();

  asio::any_io_executor executor;
  std::string session_dir;
  std::shared_ptr<const Events> events;  // none once the TapLink is gone
  stream_descriptor socket;
  asio::steady_timer greeted;  // connect() waits on it for the tap's HELLO
  Phase phase = Phase::down;
  std::uint64_t connection = 0;  // counts stop()s, so that handlers of an older connection know that they are late
  bool waits_to_write = false;
  bool watching_output = false;
  TapHello hello;
  std::deque<std::shared_ptr<Resize>> resizes;
  std::vector<std::byte> in;
  std::size_t in_size = 0;
  [[nodiscard]] std::size_t queued() const { return out.size() - out_from; }

  std::vector<std::byte> out;
  std::size_t out_from = 0;  // what is before it is sent
};

Task<Result<>> TapLink::State::connect(std::shared_ptr<State> self) {
  if (self->phase != Phase::down) co_return fail(ErrorKind::conflict, "the link to this tap is up already");
  CO_TRY(self->start());
  const std::uint64_t mine = self->connection;
  self->greeted.expires_after(kHelloLimit);
  const auto [ec] = co_await self->greeted.async_wait(asio::as_tuple(asio::use_awaitable));
  if (self->connection != mine) co_return fail(ErrorKind::unavailable, "the pane-tap closed the connection");
  if (self->phase == Phase::up) co_return Result<>{};
  self->stop();
  if (ec) co_return fail(ErrorKind::cancelled, "the connection to the tap was given up");
  co_return fail(ErrorKind::timeout, "the pane-tap does not answer");
}

Result<> TapLink::State::start() {
  UniqueFd fd = TRY(connect_socket(session_dir));
  boost::system::error_code ec;
  socket.assign(fd.get(), ec);
  if (ec) return fail_errno("watch tap.sock", ec.value());
  static_cast<void>(fd.release());
  phase = Phase::greeting;
  in.resize(kReadBytes);
  std::array<std::byte, 8> mine{};
  put_u32(&mine[0], kTapVersion);
  put_u32(&mine[4], static_cast<std::uint32_t>(::getpid()));
  enqueue(FrameType::hello, mine, {});
  wait_readable();
  return {};
}

void TapLink::State::stop() {
  if (phase == Phase::down) return;
  phase = Phase::down;
  ++connection;
  boost::system::error_code ignored;
  socket.close(ignored);
  greeted.cancel();
  for (const std::shared_ptr<Resize>& each : resizes) each->answered.cancel();
  resizes.clear();
  waits_to_write = false;
  watching_output = false;
  in_size = 0;
  out.clear();
  out_from = 0;
}

void TapLink::State::fail_link(Error error) {
  const bool was_up = phase == Phase::up;
  stop();
  if (!was_up) return;
  asio::post(executor, [self = shared_from_this(), error = std::move(error), late = connection]() mutable {
    const std::shared_ptr<const Events> sinks = self->events;
    if (self->connection == late && sinks && sinks->on_down) sinks->on_down(std::move(error));
  });
}

void TapLink::State::wait_readable() {
  socket.async_wait(stream_descriptor::wait_read,
                    [self = shared_from_this(), mine = connection](const boost::system::error_code& ec) {
                      if (self->connection != mine) return;
                      if (ec) return self->fail_link(fail_errno("wait for the tap", ec.value()).value());
                      self->on_readable();
                      if (self->connection == mine) self->wait_readable();
                    });
}

void TapLink::State::on_readable() {
  const std::uint64_t mine = connection;
  while (connection == mine && phase != Phase::down) {
    const ssize_t n = ::recv(socket.native_handle(), in.data() + in_size, in.size() - in_size, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) return fail_link(fail_errno("read from the tap").value());
    if (n == 0) return fail_link(fail(ErrorKind::unavailable, "the pane-tap has ended").value());
    in_size += static_cast<std::size_t>(n);
    const bool full = in_size == in.size();
    parse();
    if (!full) return;  // the socket is empty now
  }
}

void TapLink::State::parse() {
  const std::uint64_t mine = connection;
  std::size_t done = 0;
  for (;;) {
    const FrameParse next = parse_frame(std::span(in).subspan(done, in_size - done));
    if (next.status == FrameStatus::incomplete) break;
    if (next.status == FrameStatus::broken)
      return fail_link(fail(ErrorKind::corrupt, "the pane-tap sent what is not a frame").value());
    on_frame(next.frame);
    if (connection != mine) return;
    done += next.consumed;
  }
  std::copy(in.begin() + static_cast<std::ptrdiff_t>(done), in.begin() + static_cast<std::ptrdiff_t>(in_size),
            in.begin());
  in_size -= done;
  // Only a frame of a later version can be larger than the buffer.
  if (in_size == in.size()) in.resize(std::min(in.size() * 2, kMaxFrameBytes));
}

void TapLink::State::on_frame(const Frame& frame) {
  const std::shared_ptr<const Events> sinks = events;
  const std::span<const std::byte> payload = frame.payload;
  constexpr std::size_t kAckBytes = kClientIdBytes + 8;
  if (frame.type == FrameType::hello && payload.size() >= 8) return on_hello(payload);
  if (phase != Phase::up || !sinks) return;
  if (frame.type == FrameType::ack && payload.size() >= kAckBytes) {
    if (sinks->on_ack) sinks->on_ack(client_of(payload), get_u64(&payload[kClientIdBytes]));
  } else if (frame.type == FrameType::nak && payload.size() >= kAckBytes + 1) {
    if (sinks->on_nak)
      sinks->on_nak(client_of(payload), get_u64(&payload[kClientIdBytes]), static_cast<NakReason>(payload[kAckBytes]));
  } else if (frame.type == FrameType::preload_result && payload.size() >= 9) {
    if (sinks->on_preload) sinks->on_preload(static_cast<PreloadStatus>(payload[0]), get_u64(&payload[1]));
  } else if (frame.type == FrameType::resize_result && !payload.empty()) {
    on_resize_result(static_cast<ResizeStatus>(payload[0]));
  } else if (frame.type == FrameType::live && payload.size() >= kLiveHeaderBytes) {
    const bool coming = static_cast<LiveFate>(payload[0]) == LiveFate::coming;
    const std::uint64_t offset = get_u64(&payload[1]);
    const auto bytes = payload.subspan(kLiveHeaderBytes);
    if (coming && sinks->on_coming) sinks->on_coming(offset, bytes);
    if (!coming && sinks->on_live) sinks->on_live({.offset = offset, .lost = get_u64(&payload[9]), .bytes = bytes});
  } else if (frame.type == FrameType::output && payload.size() >= kOutputHeaderBytes) {
    if (sinks->on_output) sinks->on_output(get_u64(payload.data()), payload.subspan(kOutputHeaderBytes));
  } else if (frame.type == FrameType::grown && sinks->on_grown) {
    sinks->on_grown();
  }
}

void TapLink::State::on_hello(std::span<const std::byte> payload) {
  hello.version = get_u32(&payload[0]);
  hello.pid = static_cast<pid_t>(get_u32(&payload[4]));
  hello.holding = payload.size() > 8 && payload[8] != std::byte{0};
  phase = Phase::up;
  greeted.cancel();
  if (!hello.sends_live() || !events || !events->on_live) return;
  const std::array<std::byte, 1> on{std::byte{1}};
  enqueue(FrameType::watch_live, on, {});
}

void TapLink::State::on_resize_result(ResizeStatus status) {
  if (resizes.empty()) return;
  resizes.front()->answer = status == ResizeStatus::marked ? ResizeMarked::yes : ResizeMarked::later;
  resizes.front()->answered.cancel();
  resizes.pop_front();
}

Task<Result<ResizeMarked>> TapLink::State::resize(std::shared_ptr<State> self, PaneSize size) {
  CO_TRY(self->check_up());
  if (size.cols == 0 || size.rows == 0) co_return fail_field("size", "a pane has at least one column and one row");
  if (!self->hello.marks_resizes()) co_return ResizeMarked::never;
  std::array<std::byte, 4> payload{};
  if (self->resizes.size() >= kMaxResizes || self->queued() + kFrameHeaderBytes + payload.size() > kTapQueueBytes)
    co_return fail(ErrorKind::unavailable, "the pane-tap does not answer and the queue to it is full");
  put_u16(&payload[0], size.cols);
  put_u16(&payload[2], size.rows);
  const auto mine = std::make_shared<Resize>(self->executor);
  self->resizes.push_back(mine);
  self->enqueue(FrameType::resize, payload, {});
  mine->answered.expires_after(kResizeLimit);
  const auto [ec] = co_await mine->answered.async_wait(asio::as_tuple(asio::use_awaitable));
  if (mine->answer) co_return *mine->answer;
  if (!ec) co_return fail(ErrorKind::timeout, "the pane-tap does not answer; it marks the size when it does again");
  co_return fail(ErrorKind::unavailable, "the link to the pane-tap went down");
}

Result<> TapLink::State::check_up() const {
  if (phase == Phase::up) return {};
  return fail(ErrorKind::unavailable, "the link to the pane-tap is down");
}

// Sends at once what the socket takes; the caller has checked that the rest may be queued. An error shows at the next
// read.
void TapLink::State::enqueue(FrameType type, std::span<const std::byte> head, std::span<const std::byte> body) {
  const FrameHeader header = frame_header(type, head.size() + body.size());
  const std::array<std::span<const std::byte>, 3> parts{header, head, body};
  std::size_t sent = 0;
  if (queued() == 0) {
    std::array<iovec, 3> pieces{};
    for (std::size_t i = 0; i < parts.size(); ++i)
      pieces[i] = {.iov_base = const_cast<std::byte*>(parts[i].data()), .iov_len = parts[i].size()};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t n = ::sendmsg(socket.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    sent = n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  for (const std::span<const std::byte> part : parts) {
    const std::size_t skip = std::min(sent, part.size());
    sent -= skip;
    out.insert(out.end(), part.begin() + static_cast<std::ptrdiff_t>(skip), part.end());
  }
  if (queued() > 0) wait_writable();
}

void TapLink::State::wait_writable() {
  if (waits_to_write) return;
  waits_to_write = true;
  socket.async_wait(stream_descriptor::wait_write,
                    [self = shared_from_this(), mine = connection](const boost::system::error_code& ec) {
                      if (self->connection != mine) return;
                      self->waits_to_write = false;
                      if (ec) return self->fail_link(fail_errno("wait for the tap", ec.value()).value());
                      self->flush();
                    });
}

void TapLink::State::flush() {
  while (out_from < out.size()) {
    const ssize_t n =
        ::send(socket.native_handle(), out.data() + out_from, out.size() - out_from, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return fail_link(fail_errno("write to the tap").value());
    out_from += static_cast<std::size_t>(n);
  }
  if (out_from >= queued()) {
    out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(out_from));
    out_from = 0;
  }
  if (queued() > 0) return wait_writable();
  if (out.capacity() > kTapQueueBytes) out.shrink_to_fit();
}

TapLink::TapLink(asio::any_io_executor executor, std::string session_dir, Events events)
    : state_(std::make_shared<State>(std::move(executor), std::move(session_dir), std::move(events))) {}

TapLink::~TapLink() {
  state_->events.reset();
  state_->stop();
}

Task<Result<ResizeMarked>> TapLink::resize(std::uint16_t cols, std::uint16_t rows) {
  return State::resize(state_, {.cols = cols, .rows = rows});
}

Task<Result<>> TapLink::connect() { return State::connect(state_); }
bool TapLink::up() const { return state_->phase == State::Phase::up; }
TapHello TapLink::tap() const { return state_->hello; }
void TapLink::close() {
  state_->stop();
  ++state_->connection;  // an on_down that is on its way is not wanted any more
}

Result<> TapLink::send(const ClientId& client, std::uint64_t number, std::span<const std::byte> bytes) {
  TRY(state_->check_up());
  if (bytes.size() > kMaxInputBytes) return fail(ErrorKind::too_large, "a batch of input is at most 65536 bytes");
  const std::size_t frame = kFrameHeaderBytes + kInputHeaderBytes + bytes.size();
  if (state_->queued() + frame > kTapQueueBytes)
    return fail(ErrorKind::unavailable, "the pane takes no input now and the queue for it is full");
  std::array<std::byte, kInputHeaderBytes> head{};
  std::copy(client.begin(), client.end(), head.begin());
  put_u64(&head[kClientIdBytes], number);
  state_->enqueue(FrameType::input, head, bytes);
  return {};
}

Result<> TapLink::ask_last(const ClientId& client) {
  TRY(state_->check_up());
  if (state_->queued() + kFrameHeaderBytes + client.size() > kTapQueueBytes)
    return fail(ErrorKind::unavailable, "the queue to the pane-tap is full");
  state_->enqueue(FrameType::last, client, {});
  return {};
}

void TapLink::watch_output(bool on) {
  if (!up() || !tap().tells_output() || state_->watching_output == on) return;
  state_->watching_output = on;
  const std::array<std::byte, 1> payload{static_cast<std::byte>(on)};
  state_->enqueue(FrameType::watch_output, payload, {});
}

Result<> TapLink::preload(std::span<const std::byte> bytes) {
  TRY(state_->check_up());
  if (bytes.size() > kMaxPreloadBytes) return fail(ErrorKind::too_large, "a preload is at most 16 MiB");
  do {
    const std::span<const std::byte> part = bytes.first(std::min(bytes.size(), kPreloadPartBytes));
    bytes = bytes.subspan(part.size());
    const std::array<std::byte, 1> head{static_cast<std::byte>(bytes.empty() ? PreloadPart::last : PreloadPart::more)};
    state_->enqueue(FrameType::preload, head, part);
  } while (!bytes.empty());
  return {};
}

}  // namespace ccd::recording
