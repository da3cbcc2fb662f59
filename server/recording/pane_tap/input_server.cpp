// Accepts connections, takes frames while the pane takes input, answers each.
#include "recording/pane_tap/input_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "recording/pane_tap/system.hpp"

namespace ccd::recording::tap {
namespace {

constexpr mode_t kOwnerOnly = 0600;

// The folder is 0700 already; this is the second lock on the same door.
bool same_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

ClientId client_of(std::span<const std::byte> payload) {
  ClientId client;
  std::copy_n(payload.begin(), client.size(), client.begin());
  return client;
}

}  // namespace

InputServer::InputServer(InputState* state, PaneInput* pane, OutputPath* output)
    : state_(state), pane_(pane), output_(output) {
  for (std::size_t i = 0; i < kMaxConnections; ++i) connections_[i].buffers = &buffers_[i];
}

int InputServer::open() {
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener_) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, kTapSocket, sizeof kTapSocket);
  if (::unlink(kTapSocket) != 0 && errno != ENOENT) return errno;
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return errno;
  if (::chmod(kTapSocket, kOwnerOnly) != 0) return errno;
  return ::listen(listener_.get(), static_cast<int>(kMaxConnections)) == 0 ? 0 : errno;
}

void InputServer::close() {
  ::unlink(kTapSocket);
  listener_.reset();
  for (Connection& connection : connections_) connection.fd.reset();
}

bool InputServer::readable(const Connection& connection) const {
  return !pane_->busy() && connection.out_size + kMaxReplyBytes <= kReplyBytes;
}

void InputServer::prepare(std::span<pollfd, kPolls> polls) {
  if (accept_paused() && steady_millis() >= accept_again_) accept_again_ = 0;
  polls[0] = {.fd = accept_paused() ? -1 : listener_.get(), .events = POLLIN, .revents = 0};
  for (std::size_t i = 0; i < kMaxConnections; ++i) {
    const Connection& c = connections_[i];
    const int events = (readable(c) ? POLLIN : 0) | (blocked(c) ? POLLOUT : 0);
    polls[i + 1] = {.fd = c.fd.get(), .events = static_cast<short>(events), .revents = 0};
  }
}

InputServer::Handled InputServer::handle(std::span<const pollfd, kPolls> polls) {
  handled_ = Handled::other;
  for (std::size_t i = 0; i < kMaxConnections; ++i) {
    Connection& c = connections_[i];
    const short events = polls[i + 1].revents;
    if (events == 0 || !c.fd) continue;
    if ((events & POLLOUT) != 0) {
      flush(c);
      process(c);
    }
    if (c.fd && (events & POLLIN) != 0 && readable(c)) read_from(c);
    // Hung up while not being read: what it still had to say is not acknowledged, so its sender sends it again
    // elsewhere.
    else if ((events & (POLLHUP | POLLERR)) != 0 && (events & POLLIN) == 0) c.fd.reset();
  }
  if (polls[0].revents != 0) accept_all();
  return handled_;
}

void InputServer::accept_all() {
  for (;;) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      // Out of descriptors: asking again at once would only spin.
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        accept_again_ = steady_millis() + kAcceptPauseMillis;
      return;
    }
    const auto free = std::find_if(connections_.begin(), connections_.end(), [](const Connection& c) { return !c.fd; });
    if (free == connections_.end() || !same_user(fd.get())) continue;  // closes it
    free->fd = std::move(fd);
    free->serial = ++serials_;
    free->greeted = false;
    free->wants_live = false;
    free->wants_output = false;
    free->held = false;
    free->in_size = 0;
    free->out_size = 0;
    std::array<std::byte, 9> hello{};
    put_u32(&hello[0], kTapVersion);
    put_u32(&hello[4], static_cast<std::uint32_t>(::getpid()));
    hello[8] = static_cast<std::byte>(output_->holding());
    reply(*free, FrameType::hello, hello);
    flush(*free);
  }
}

void InputServer::read_from(Connection& c) {
  std::array<std::byte, kMaxFrameBytes>& in = c.buffers->in;
  const ssize_t n = ::recv(c.fd.get(), in.data() + c.in_size, in.size() - c.in_size, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return c.fd.reset();
  c.in_size += static_cast<std::size_t>(n);
  process(c);
}

// Takes the frames that are there; one send for all answers, which acknowledgements of input alone leave to the echo.
void InputServer::process(Connection& c) {
  std::array<std::byte, kMaxFrameBytes>& in = c.buffers->in;
  std::size_t done = 0;
  bool more = true;
  while (more && c.fd && readable(c)) {
    const FrameParse parse = parse_frame(std::span(in).subspan(done, c.in_size - done));
    if (parse.status == FrameStatus::broken) return c.fd.reset();
    more = parse.status == FrameStatus::complete;
    if (more && on_frame(c, parse.frame) == Outcome::hang_up) return c.fd.reset();
    done += parse.consumed;
    if ((!more && !c.held) || !readable(c)) flush(c);  // after which there may be room for further answers
  }
  if (done == 0) return;
  std::copy(in.begin() + static_cast<std::ptrdiff_t>(done), in.begin() + static_cast<std::ptrdiff_t>(c.in_size),
            in.begin());
  c.in_size -= done;
}

InputServer::Outcome InputServer::on_frame(Connection& c, const Frame& frame) {
  const std::span<const std::byte> payload = frame.payload;
  if (!c.greeted && frame.type != FrameType::hello) return Outcome::hang_up;
  switch (frame.type) {
    case FrameType::hello:
      // Whatever version the dashboard has: it knows ours and keeps to it.
      c.greeted = payload.size() >= 8;
      return c.greeted ? Outcome::go_on : Outcome::hang_up;
    case FrameType::input: return on_input(c, payload);
    case FrameType::preload: return on_preload(c, payload);
    case FrameType::last:
      if (payload.size() < kClientIdBytes) return Outcome::hang_up;
      ack(c, client_of(payload), state_->highest(client_of(payload)));
      return Outcome::go_on;
    case FrameType::resize: return on_resize(c, payload);
    case FrameType::watch_live: c.wants_live = !payload.empty() && payload[0] != std::byte{0}; return Outcome::go_on;
    case FrameType::watch_output:
      on_watch_output(c, !payload.empty() && payload[0] != std::byte{0});
      return Outcome::go_on;
    default: return Outcome::go_on;
  }
}

InputServer::Outcome InputServer::on_input(Connection& c, std::span<const std::byte> payload) {
  if (payload.size() < kInputHeaderBytes) return Outcome::hang_up;
  const ClientId client = client_of(payload);
  const std::uint64_t number = get_u64(&payload[kClientIdBytes]);
  if (pane_->closed()) {
    nak(c, client, state_->highest(client), NakReason::busy);
    return Outcome::go_on;
  }
  const InputState::Decision decision = state_->decide(client, number, wall_micros());
  switch (decision.verdict) {
    case InputState::Verdict::repeat: ack(c, client, decision.highest); break;
    case InputState::Verdict::refuse: nak(c, client, decision.highest, decision.reason); break;
    case InputState::Verdict::take: {
      const Origin origin{.place = static_cast<std::size_t>(&c - connections_.data()),
                          .serial = c.serial,
                          .client = client,
                          .number = number};
      handled_ = Handled::input;
      report(pane_->start(decision, payload.subspan(kInputHeaderBytes)), origin);
      break;
    }
  }
  return Outcome::go_on;
}

void InputServer::report(PaneInput::Progress progress, const Origin& origin) {
  if (progress == PaneInput::Progress::waiting) {
    waiting_ = origin;
    return;
  }
  Connection& c = connections_[origin.place];
  if (!c.fd || c.serial != origin.serial) return;
  if (progress == PaneInput::Progress::done) {
    const bool alone = c.out_size == 0 || c.held;
    ack(c, origin.client, origin.number);
    c.held = alone && c.wants_output;
  } else nak(c, origin.client, origin.number - 1, NakReason::busy);
}

void InputServer::pane_writable() {
  const PaneInput::Progress progress = pane_->push();
  if (progress == PaneInput::Progress::waiting) return;
  report(progress, waiting_);
  for (Connection& c : connections_) {
    flush(c);
    process(c);
  }
}

InputServer::Outcome InputServer::on_preload(Connection& c, std::span<const std::byte> payload) {
  if (payload.empty()) return Outcome::hang_up;
  const auto part = payload[0] == std::byte{0} ? PreloadPart::more : PreloadPart::last;
  const OutputPath::PreloadAnswer answer = output_->preload(part, payload.subspan(1));
  if (!answer.final) return Outcome::go_on;
  std::array<std::byte, 9> result{};
  result[0] = static_cast<std::byte>(answer.status);
  put_u64(&result[1], answer.offset);
  reply(c, FrameType::preload_result, result);
  return Outcome::go_on;
}

InputServer::Outcome InputServer::on_resize(Connection& c, std::span<const std::byte> payload) {
  if (payload.size() < 4) return Outcome::hang_up;
  const bool marked = output_->resize({.cols = get_u16(&payload[0]), .rows = get_u16(&payload[2])});
  const std::array<std::byte, 1> result{static_cast<std::byte>(marked ? ResizeStatus::marked : ResizeStatus::later)};
  reply(c, FrameType::resize_result, result);
  return Outcome::go_on;
}

// The dashboard reads what is there when it gets the answer, and is told of everything after it.
void InputServer::on_watch_output(Connection& c, bool on) {
  c.wants_output = on;
  c.told = {.end = kUnknownCount, .notes = 0};
}

void InputServer::show_output(RecordPlace before, std::span<const std::byte> bytes) {
  if (bytes.size() > kLiveBytes) return;
  for (Connection& c : connections_) {
    if (!c.fd || !c.wants_output || c.told != before || blocked(c)) continue;
    if (c.out_size + kFrameHeaderBytes + kOutputHeaderBytes + bytes.size() + kMaxReplyBytes > kReplyBytes) flush(c);
    if (!c.fd || blocked(c)) continue;
    std::array<std::byte, kOutputHeaderBytes + kLiveBytes> payload;  // not cleared: most of it is not used
    put_u64(payload.data(), before.end);
    std::copy(bytes.begin(), bytes.end(), &payload[kOutputHeaderBytes]);
    reply(c, FrameType::output, std::span(payload).first(kOutputHeaderBytes + bytes.size()));
    c.told.end += bytes.size();
    flush(c);
  }
}

void InputServer::tell(RecordPlace now) {
  for (Connection& c : connections_) {
    if (!c.fd || !c.wants_output || c.told == now || blocked(c)) continue;
    reply(c, FrameType::grown, {});
    c.told = now;
    flush(c);
  }
}

void InputServer::flush_held() {
  for (Connection& c : connections_)
    if (c.held) flush(c);
}

void InputServer::show_lost(std::uint64_t offset, std::uint64_t lost, std::span<const std::byte> bytes) {
  show({.fate = LiveFate::lost, .offset = offset, .lost = lost}, bytes);
}

void InputServer::show_coming(std::uint64_t offset, std::span<const std::byte> bytes) {
  show({.fate = LiveFate::coming, .offset = offset, .lost = 0}, bytes);
}

void InputServer::show(LivePlace place, std::span<const std::byte> bytes) {
  const bool lost = place.fate == LiveFate::lost;
  std::array<std::byte, kLiveHeaderBytes + kLiveBytes> payload{};
  for (Connection& c : connections_) {
    for (std::size_t at = 0; c.fd && c.wants_live && at < bytes.size(); at += kLiveBytes) {
      if (c.out_size > 0) flush(c);
      if (!c.fd || c.out_size > 0) break;
      const auto part = bytes.subspan(at, std::min(bytes.size() - at, kLiveBytes));
      payload[0] = static_cast<std::byte>(place.fate);
      put_u64(&payload[1], place.offset + (lost ? 0 : at));
      put_u64(&payload[9], place.lost + (lost ? at : 0));
      std::copy(part.begin(), part.end(), &payload[kLiveHeaderBytes]);
      reply(c, FrameType::live, std::span(payload).first(kLiveHeaderBytes + part.size()));
      flush(c);
    }
  }
}

void InputServer::ack(Connection& c, const ClientId& client, std::uint64_t highest) {
  std::array<std::byte, kClientIdBytes + 8> payload{};
  std::copy(client.begin(), client.end(), payload.begin());
  put_u64(&payload[kClientIdBytes], highest);
  reply(c, FrameType::ack, payload);
}

void InputServer::nak(Connection& c, const ClientId& client, std::uint64_t highest, NakReason reason) {
  std::array<std::byte, kClientIdBytes + 9> payload{};
  std::copy(client.begin(), client.end(), payload.begin());
  put_u64(&payload[kClientIdBytes], highest);
  payload.back() = static_cast<std::byte>(reason);
  reply(c, FrameType::nak, payload);
}

// There is room: a connection is only read while one reply more fits.
void InputServer::reply(Connection& c, FrameType type, std::span<const std::byte> payload) {
  c.held = false;
  const FrameHeader header = frame_header(type, payload.size());
  std::byte* const end = c.buffers->out.data() + c.out_size;
  std::copy(header.begin(), header.end(), end);
  std::copy(payload.begin(), payload.end(), end + header.size());
  c.out_size += header.size() + payload.size();
}

void InputServer::flush(Connection& c) {
  std::array<std::byte, kReplyBytes>& out = c.buffers->out;
  c.held = false;
  while (c.fd && c.out_size > 0) {
    const ssize_t n = ::send(c.fd.get(), out.data(), c.out_size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return c.fd.reset();
    std::copy(out.begin() + n, out.begin() + static_cast<std::ptrdiff_t>(c.out_size), out.begin());
    c.out_size -= static_cast<std::size_t>(n);
  }
}

}  // namespace ccd::recording::tap
