#include "http/connection.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <exception>
#include <utility>

#include "base/log.hpp"

namespace ccd::http {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
// What one read asks for: a head nearly always fits, and it is what an idle connection holds.
constexpr std::size_t kHeadRead = 2 * 1024;
constexpr std::size_t kBodyRead = 32 * 1024;
// Of a file, read on the pool and written: large enough to hide the hops, small enough for many downloads at once.
constexpr std::size_t kFileChunk = 128 * 1024;
// Options::write_timeout is for this many bytes: 4 KiB/s is the slowest reader that is kept.
constexpr std::size_t kWritePiece = 128 * 1024;
// A body must come at 16 KiB/s on the whole, after body_timeout.
constexpr std::size_t kBodyBytesPerSecond = 16 * 1024;
// After an answer that ends the connection, what the client is still sending is read away: else the kernel's reset
// could take the answer from it.
constexpr auto kLingerTime = 2s;
// Over the largest upload: who sends a little more than that is told so.
constexpr std::size_t kLingerBytes = 16 * 1024 * 1024;
// A connection in the reserve must ask at once, so that the next probe finds a place.
constexpr auto kReserveTime = 2s;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool probe(std::string_view path) { return path == "/health" || path == "/health/live" || path == "/health/ready"; }

bool forwarding_header(std::string_view name) {
  static constexpr std::string_view kPrefix = "x-forwarded-";
  return equal_ignoring_case(name, "forwarded") || equal_ignoring_case(name, "x-real-ip") ||
         (name.size() >= kPrefix.size() && equal_ignoring_case(name.substr(0, kPrefix.size()), kPrefix));
}

// All values of that name, in order, joined by commas.
std::string joined(const Request& request, std::string_view name) {
  std::string out;
  for (const auto& [key, value] : request.headers) {
    if (!equal_ignoring_case(key, name)) continue;
    if (!out.empty()) out += ',';
    out += value;
  }
  return out;
}

// What the nearest proxy said: the last value.
bool forwarded_https(const Request& request) {
  const std::string values = joined(request, "x-forwarded-proto");
  std::string_view last = values;
  if (const std::size_t comma = last.rfind(','); comma != std::string_view::npos) last.remove_prefix(comma + 1);
  while (last.starts_with(' ')) last.remove_prefix(1);
  return equal_ignoring_case(last, "https");
}

std::size_t read_at(int fd, std::uint64_t offset, std::string& into, std::size_t want) {
  into.resize(want);
  std::size_t got = 0;
  while (got < want) {
    const ssize_t n = ::pread(fd, into.data() + got, want - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

Response internal_error(std::string_view id) {
  return error_json(500, "internal", "something went wrong on the server; its log has request " + std::string(id));
}

Task<void> run_writer(std::shared_ptr<WebSocketStream> socket) { co_await socket->write_loop(); }

// Counts an open WebSocket.
class SocketCount {
 public:
  explicit SocketCount(Shared* shared) : shared_(shared) {
    ++shared_->open_sockets;
    shared_->metrics.websockets->Increment();
  }
  SocketCount(const SocketCount&) = delete;
  SocketCount& operator=(const SocketCount&) = delete;
  ~SocketCount() {
    --shared_->open_sockets;
    shared_->metrics.websockets->Decrement();
  }

 private:
  Shared* shared_;
};
}  // namespace

ClientConnection::ClientConnection(Shared* shared, Socket socket, asio::ip::address peer, Door door,
                                   Admission admission)
    : shared_(shared), socket_(std::move(socket)), peer_(std::move(peer)), door_(door), admission_(admission) {
  limit(Phase::idle, shared_->options.header_timeout);
}

Task<void> ClientConnection::serve() {
  Next next = Next::request;
  while (next == Next::request) {
    const bool asked = co_await read_request();
    if (!asked) break;
    if (refusal_) next = co_await send_refusal();
    else next = co_await answer();
  }
  if (next == Next::close) co_await linger();
  cut();
}

void ClientConnection::limit(Phase phase, steady_clock::duration time) {
  phase_ = phase;
  expired_ = false;
  if (admission_ == Admission::reserve) time = std::min<steady_clock::duration>(time, kReserveTime);
  // A handler has its own limits.
  deadline_ = phase == Phase::handler ? steady_clock::time_point::max() : shared_->clock->steady() + time;
}

void ClientConnection::sweep(steady_clock::time_point now) {
  if (websocket_) return websocket_->sweep(now);
  if (now < deadline_) return;
  expired_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void ClientConnection::drain() {
  if (websocket_) websocket_->close(close_code::kServiceRestart, "the server is restarting");
  else if (phase_ == Phase::idle) cut();
}

void ClientConnection::cut() {
  if (websocket_) return websocket_->cut();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

Task<bool> ClientConnection::read_more(std::size_t most) {
  const std::size_t before = buffer_.size();
  buffer_.resize(before + most);
  const auto [ec, size] = co_await socket_.async_read_some(asio::buffer(buffer_.data() + before, most), kQuiet);
  buffer_.resize(before + size);
  if (!ec) co_return true;
  if (expired_ && phase_ == Phase::request) refusal_ = Refusal{408, "timeout", "the request did not arrive in time"};
  co_return refusal_.has_value();
}

Task<bool> ClientConnection::read_head() {
  while (!refusal_) {
    if (!buffer_.empty()) {
      if (!parser_) parser_.emplace(std::max(shared_->options.max_body, shared_->options.max_upload));
      const auto step = parser_->feed(buffer_);
      if (!step) {
        refusal_ = step.error();
        break;
      }
      buffer_.erase(0, step->used);
      if (step->progress == RequestParser::Progress::head) break;
      if (phase_ == Phase::idle && parser_->started()) limit(Phase::request, shared_->options.header_timeout);
    }
    if (!co_await read_more(kHeadRead)) co_return false;
  }
  co_return true;
}

Task<bool> ClientConnection::read_body() {
  const Options& options = shared_->options;
  limit(Phase::request, options.body_timeout + std::chrono::seconds(body_limit_ / kBodyBytesPerSecond));
  if (head_.expects_continue && head_.has_body && buffer_.empty()) {
    const auto [ec, size] = co_await asio::async_write(socket_, asio::buffer(kContinue), kQuiet);
    if (ec) co_return false;
  }
  while (!refusal_) {
    const auto step = parser_->feed(buffer_);
    if (!step) {
      refusal_ = step.error();
      break;
    }
    buffer_.erase(0, step->used);
    if (step->progress == RequestParser::Progress::complete) break;
    if (!co_await read_more(kBodyRead)) co_return false;
  }
  co_return true;
}

Task<bool> ClientConnection::read_request() {
  parser_.reset();
  request_.reset();
  if (shared_->draining && buffer_.empty()) co_return false;
  // By swap: an assignment would keep the memory.
  if (buffer_.empty() && buffer_.capacity() > kHeadRead) std::string().swap(buffer_);
  // A fresh connection has as long as for a head: browsers open some in advance and take no harm.
  limit(Phase::idle, std::exchange(first_, false) ? shared_->options.header_timeout : shared_->options.idle_timeout);
  const bool head_read = co_await read_head();
  if (!head_read) co_return false;
  started_ = shared_->clock->steady();
  if (refusal_) co_return true;
  request_ = parser_->request();
  head_ = parser_->head();
  complete_request();
  refusal_ = admit();
  const Options& options = shared_->options;
  body_limit_ = options.body_limit
                    ? std::min(options.body_limit(*request_), std::max(options.max_body, options.max_upload))
                    : options.max_body;
  if (!refusal_ && !parser_->limit_body(body_limit_)) refusal_ = Refusal{413, "too_large", "request body is too large"};
  if (!refusal_) {
    const bool body_read = co_await read_body();
    if (!body_read) co_return false;
  }
  parser_.reset();
  co_return true;
}

void ClientConnection::complete_request() {
  Request& request = *request_;
  request.id = shared_->next_id();
  request.door = door_;
  request.loopback_peer = peer_.is_loopback();
  const auto forwarding = [](const auto& header) { return forwarding_header(header.first); };
  request.forwarded = std::any_of(request.headers.begin(), request.headers.end(), forwarding);
  asio::ip::address client = peer_;
  if (request.forwarded && shared_->options.trusted_proxies.contains(peer_)) {
    client = client_address(peer_, joined(request, "x-forwarded-for"), shared_->options.trusted_proxies);
    request.secure = forwarded_https(request);
  }
  request.remote_ip = client.to_string();
}

std::optional<Refusal> ClientConnection::admit() const {
  // Nobody's browser comes by the local door.
  if (door_ == Door::port && !shared_->options.host_allowed(request_->host))
    return Refusal{421, "misdirected",
                   "this server does not answer for that Host: add it to PUBLIC_ORIGINS if it is yours"};
  if (admission_ == Admission::reserve && !probe(request_->path))
    return Refusal{503, "unavailable", "too many connections: try again later"};
  return std::nullopt;
}

Task<ClientConnection::Next> ClientConnection::send_refusal() {
  if (!request_) {
    request_ = parser_ ? parser_->request() : std::make_shared<Request>();
    complete_request();
  }
  parser_.reset();
  const bool sent = co_await send(error_json(refusal_->status, refusal_->code, refusal_->message), Persistence::close);
  co_return sent ? Next::close : Next::cut;
}

// What a client pipelines meanwhile stays in the kernel and hides its close: then nobody is told, and the handler's own limit counts.
Task<void> ClientConnection::peer_gone() {
  for (;;) {
    const auto [ec] = co_await socket_.async_wait(Socket::wait_read, kQuiet);
    if (ec) co_return;
    char byte = 0;
    const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) co_return;
    if (got > 0) co_await sleep_for(std::chrono::hours(24 * 365));
  }
}

Task<Response> ClientConnection::call_handler() {
  request_->gone = [this] { return peer_gone(); };
  std::string failure;
  try {
    // A handler that was cut short by the end of the server is no failure.
    co_return co_await shared_->handler(request_);
  } catch (const boost::system::system_error& e) {
    if (shared_->cutting) throw;
    failure = e.what();
  } catch (const std::exception& e) {
    failure = e.what();
  }
  log_error("http", "handler failed", {{"request", request_->id}, {"path", request_->path}, {"error", failure}});
  co_return internal_error(request_->id);
}

Task<ClientConnection::Next> ClientConnection::answer() {
  limit(Phase::handler, {});
  Response response = co_await call_handler();
  if (auto* wanted = std::get_if<Upgrade>(&response.body)) {
    const auto valid = [](const auto& header) { return valid_header(header.first, header.second); };
    if (auto refused = refuse_handshake(*request_)) {
      response = std::move(*refused);
    } else if (!buffer_.empty()) {
      response = error_json(400, "bad_request", "bytes after a WebSocket handshake, before its answer");
    } else if (!std::all_of(response.headers.begin(), response.headers.end(), valid) || !wanted->run) {
      log_error("http", "handler gave a wrong upgrade", {{"request", request_->id}, {"path", request_->path}});
      response = internal_error(request_->id);
    } else if (shared_->draining) {
      response = error_json(503, "unavailable", "the server is restarting: try again");
    } else {
      co_await upgrade(std::move(*wanted), std::move(response.headers));
      co_return Next::cut;
    }
  }
  const bool keep = head_.keep_alive && !shared_->draining && admission_ == Admission::normal;
  const bool sent = co_await send(std::move(response), keep ? Persistence::keep : Persistence::close);
  co_return keep&& sent ? Next::request : Next::close;
}

Task<bool> ClientConnection::send(Response response, Persistence persistence) {
  HeadContext context{.date = shared_->date(),
                      .request_id = request_->id,
                      .content_length = body_length(response.body),
                      .persistence = persistence};
  auto head = response_head(response, context);
  if (!head) {
    log_error("http", "handler gave a wrong header", {{"request", request_->id}, {"path", request_->path}});
    response = internal_error(request_->id);
    context.content_length = body_length(response.body);
    head = response_head(response, context);
  }
  const bool with_body = request_->method != "HEAD" && status_allows_body(response.status);
  auto* file = std::get_if<FileSlice>(&response.body);
  bool sent = false;
  if (with_body && file != nullptr) {
    sent = co_await write_file(std::move(*head), std::move(*file));
  } else {
    const std::string_view body = with_body ? response.text_body() : std::string_view();
    const std::array<asio::const_buffer, 2> parts = {asio::buffer(*head), asio::buffer(body)};
    sent = co_await write(parts);
  }
  record(response.status, with_body ? context.content_length : 0);
  co_return sent;
}

Task<bool> ClientConnection::write(std::array<asio::const_buffer, 2> parts) {
  const auto pieces = static_cast<int>(asio::buffer_size(parts) / kWritePiece + 1);
  limit(Phase::answer, shared_->options.write_timeout * pieces);
  const auto [ec, size] = co_await asio::async_write(socket_, parts, kQuiet);
  co_return !ec;
}

Task<bool> ClientConnection::write_file(std::string head, FileSlice slice) {
  const auto chunk = std::make_shared<std::string>();
  std::uint64_t sent = 0;
  do {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kFileChunk, slice.length - sent));
    auto read = [fd = slice.file.get(), at = slice.offset + sent, chunk, want] {
      return read_at(fd, at, *chunk, want);
    };
    limit(Phase::handler, {});
    const std::size_t got = co_await run_on(*shared_->options.pool, read);
    if (got < want) {
      log_warn("http", "file became shorter while it was sent", {{"request", request_->id}, {"path", request_->path}});
      cut();
      co_return false;
    }
    const std::array<asio::const_buffer, 2> parts = {asio::buffer(head), asio::buffer(*chunk)};
    const bool written = co_await write(parts);
    if (!written) co_return false;
    head.clear();
    sent += got;
  } while (sent < slice.length);
  co_return true;
}

Task<void> ClientConnection::upgrade(Upgrade upgrade, std::vector<std::pair<std::string, std::string>> headers) {
  headers.emplace_back("X-Request-Id", request_->id);
  const auto socket = make_websocket(std::move(socket_), &shared_->options, shared_->clock);
  socket->remote_ip = request_->remote_ip;
  socket->subprotocol = upgrade.subprotocol;
  websocket_ = socket;
  const SocketCount count(shared_);
  const bool accepted = co_await socket->accept(request_, std::move(headers));
  record(101, 0);
  if (!accepted) co_return;
  const std::string id = request_->id;
  request_.reset();
  std::string().swap(buffer_);
  shared_->tasks.spawn("websocket writer", run_writer(socket));
  std::string failure;
  try {
    co_await upgrade.run(socket);
  } catch (const std::exception& e) {
    if (shared_->cutting) throw;
    failure = e.what();
  }
  if (failure.empty()) {
    socket->close(close_code::kNormal, "");
  } else {
    log_error("http", "WebSocket handler failed", {{"request", id}, {"error", failure}});
    socket->close(close_code::kInternal, "something went wrong on the server");
  }
  co_await socket->ended();
}

Task<void> ClientConnection::linger() {
  boost::system::error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  limit(Phase::lingering, kLingerTime);
  std::size_t total = buffer_.size();
  while (!ec && total < kLingerBytes) {
    buffer_.clear();
    refusal_.reset();
    if (!co_await read_more(kBodyRead)) break;
    total += buffer_.size();
  }
}

void ClientConnection::record(int status, std::uint64_t bytes) {
  const auto took = shared_->clock->steady() - started_;
  const auto digit = static_cast<std::size_t>(status / 100);
  if (digit >= 1 && digit <= 5) shared_->metrics.by_class[digit]->Increment();
  shared_->metrics.seconds->Observe(std::chrono::duration<double>(took).count());
  shared_->access_log.add({.at = shared_->clock->wall(),
                           .remote_ip = request_->remote_ip,
                           .principal = request_->principal,
                           .method = request_->method,
                           .target = request_->target,
                           .status = status,
                           .bytes = bytes,
                           .took = took,
                           .id = request_->id});
}

}  // namespace ccd::http
