#include "http/websocket_stream.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/option.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <list>
#include <utility>

#include "base/log.hpp"
#include "http/websocket_frame.hpp"

namespace ccd::http {

namespace beast = boost::beast;
namespace ws = boost::beast::websocket;
using Socket = asio::generic::stream_protocol::socket;
using std::chrono::steady_clock;

namespace {
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
// A queued message costs its list entry and frame header besides its bytes; so a flood of empty ones is bounded too.
constexpr std::size_t kMessageCost = 64;
// A receive buffer over this is given back after each message: most sockets are idle most of the time.
constexpr std::size_t kKeptReadBuffer = 1024;
// After the close frames the peer has only to close its end of the connection; one that does not is not waited for any
// longer.
constexpr auto kTeardownTime = std::chrono::seconds(1);
// Pings without an answer until the connection is cut.
constexpr int kMissedPings = 2;
constexpr std::size_t kLongestReason = 123;  // bytes: RFC 6455, 5.5: 125 with the code

std::size_t cost_of(const Outgoing& message) { return kMessageCost + message.size(); }

// Cuts at the start of a character, so that what is left is UTF-8 when the whole was.
void cut_utf8(std::string& text, std::size_t most) {
  if (text.size() <= most) return;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  text.resize(most);
}

// The TCP connection below a WebSocket. It tells when Beast, both close frames sent, waits for the peer to close its
// end.
class Peer final : public Socket {
 public:
  explicit Peer(Socket socket) : Socket(std::move(socket)) {}
  bool tearing_down = false;
};

// Found by Beast by the type of its argument.
template <class TeardownHandler>
void async_teardown(beast::role_type role, Peer& peer, TeardownHandler&& handler) {
  peer.tearing_down = true;
  ws::async_teardown(role, static_cast<Socket&>(peer), std::forward<TeardownHandler>(handler));
}

class Stream final : public WebSocketStream, public std::enable_shared_from_this<Stream> {
 public:
  Stream(Socket socket, const Options* options, const Clock* clock)
      : options_(options),
        clock_(clock),
        wake_(socket.get_executor()),
        drained_(socket.get_executor()),
        ended_(socket.get_executor()),
        stream_(Peer(std::move(socket))),
        // From the start: sweep() also comes by during the handshake.
        next_ping_(clock->steady() + options->ping_interval) {}

  Task<bool> accept(std::shared_ptr<Request> request,
                    std::vector<std::pair<std::string, std::string>> headers) override {
    configure(std::move(headers));
    beast::http::request<beast::http::empty_body> handshake;
    handshake.method(beast::http::verb::get);
    handshake.target("/");
    handshake.version(11);
    for (const char* name :
         {"Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions"})
      if (const auto value = request->header(name); !value.empty())
        handshake.set(name, beast::string_view(value.data(), value.size()));
    const auto [ec] = co_await stream_.async_accept(handshake, kQuiet);
    if (ec) {
      cut();
      co_return false;
    }
    co_return true;
  }

  Task<Result<Message>> receive() override {
    if (closing_) {
      while (!closed_) co_await ended_.wait();
    }
    if (closed_) co_return fail(ErrorKind::cancelled, "the WebSocket is closed");
    receiving_ = true;
    const auto [ec, size] = co_await stream_.async_read(buffer_, kQuiet);
    receiving_ = false;
    if (ec) {
      // Beast has sent the close frame that the fault asks for.
      cut();
      co_return fail(ErrorKind::cancelled, "the WebSocket is closed: " + ec.message());
    }
    heard();
    answering_ = false;
    Message message{.binary = stream_.got_binary(), .data = beast::buffers_to_string(buffer_.data())};
    buffer_.consume(size);
    if (buffer_.capacity() > kKeptReadBuffer) buffer_.shrink_to_fit();
    co_return message;
  }

  Result<> send_text(std::string data) override {
    return queue({.binary = false, .head = std::move(data), .payload = nullptr});
  }
  Result<> send_binary(std::string data) override {
    return queue({.binary = true, .head = std::move(data), .payload = nullptr});
  }
  Result<> send_binary(std::string header, std::shared_ptr<const std::string> payload) override {
    return queue({.binary = true, .head = std::move(header), .payload = std::move(payload)});
  }

  [[nodiscard]] std::size_t queued_bytes() const override { return queued_; }
  [[nodiscard]] bool closed() const override { return closed_ || closing_; }

  Task<void> drained(std::size_t below) override {
    while (!closed_ && queued_ >= below) co_await drained_.wait();
  }

  void close(std::uint16_t code, std::string reason) override {
    if (closing_ || closed_) return;
    cut_utf8(reason, kLongestReason);
    closing_ = true;
    reason_ = ws::close_reason(static_cast<ws::close_code>(code), beast::string_view(reason.data(), reason.size()));
    close_deadline_ = clock_->steady() + options_->close_timeout;
    wake_.notify();
  }

  Task<void> write_loop() override {
    const Ender ender{this};
    while (!closed_) {
      if (ping_due_) {
        ping_due_ = false;
        const boost::beast::websocket::ping_data nothing;
        const auto [ec] = co_await stream_.async_ping(nothing, kQuiet);
        if (ec) break;
      } else if (!queue_.empty()) {
        const bool written = co_await write_front();
        if (!written) break;
      } else if (closing_) {
        co_await stream_.async_close(reason_, kQuiet);
        break;
      } else {
        room_.forget();
        idle_ = true;
        co_await wake_.wait();
        idle_ = false;
      }
    }
  }

  void sweep(steady_clock::time_point now) override {
    if (closed_) return;
    if (stream_.next_layer().tearing_down && !tearing_down_) {
      tearing_down_ = true;
      close_deadline_ = now + kTeardownTime;
    }
    if (closing_ || tearing_down_) {
      if (now >= close_deadline_) cut();
      return;
    }
    if (now < next_ping_) return;
    next_ping_ = now + options_->ping_interval;
    // Pongs are seen by receive() alone: without one the peer's silence proves nothing.
    if (awaiting_pong_ && receiving_ && ++missed_ >= kMissedPings) return cut();
    awaiting_pong_ = true;
    ping_due_ = true;
    wake_.notify();
  }

  void cut() override {
    closed_ = true;
    boost::system::error_code ignored;
    stream_.next_layer().close(ignored);
    wake_.notify();
    drained_.notify();
  }

  Task<void> ended() override {
    while (!writer_ended_) co_await ended_.wait();
  }

 private:
  // However the writer ends, nobody waits for it afterwards.
  struct Ender {
    Stream* stream;
    ~Ender() {
      stream->cut();
      stream->queue_.clear();
      stream->queued_ = 0;
      stream->writer_ended_ = true;
      stream->ended_.notify();
    }
  };

  void configure(std::vector<std::pair<std::string, std::string>> headers) {
    auto decorate = [headers = std::move(headers), protocol = subprotocol](ws::response_type& response) {
      response.set(beast::http::field::server, "");  // else Beast names itself and its version
      for (const auto& [name, value] : headers) response.set(name, value);
      if (!protocol.empty()) response.set(beast::http::field::sec_websocket_protocol, protocol);
    };
    stream_.set_option(ws::stream_base::decorator(std::move(decorate)));
    ws::stream_base::timeout limits{};
    limits.handshake_timeout = options_->close_timeout;
    limits.idle_timeout = ws::stream_base::none();  // sweep() pings
    limits.keep_alive_pings = false;
    stream_.set_option(limits);
    if (options_->compression) {
      ws::permessage_deflate deflate;
      deflate.server_enable = true;
      deflate.server_no_context_takeover = true;
      deflate.client_no_context_takeover = true;
      stream_.set_option(deflate);
    }
    stream_.read_message_max(options_->max_message);
    stream_.auto_fragment(false);
    auto control = [this](ws::frame_type kind, beast::string_view) { on_control(kind); };
    stream_.control_callback(control);
    boost::system::error_code ignored;
    stream_.next_layer().set_option(asio::socket_base::send_buffer_size(options_->websocket_send_buffer), ignored);
  }

  void heard() {
    missed_ = 0;
    awaiting_pong_ = false;
  }

  // Beast answers a ping or a close by itself, within its read: until that is over only Beast may write.
  void on_control(ws::frame_type kind) {
    heard();
    if (kind == ws::frame_type::pong) return;
    answering_ = true;
    room_.forget();
  }

  Result<> queue(Outgoing message) {
    if (closed()) return fail(ErrorKind::cancelled, "the WebSocket is closed");
    const std::size_t cost = cost_of(message);
    if (cost > options_->max_send_queue - std::min(queued_, options_->max_send_queue))
      return fail(ErrorKind::too_large, "the WebSocket's send queue is full: the peer reads too slowly");
    // While the writer sleeps it goes to the kernel within the call, without a turn of the loop: the echo of a key is waited for, and five
    // hundred who watch one session are served one after the other.
    if (idle_ && queue_.empty() && !ping_due_ && !answering_ && !options_->compression) {
      const Sent sent = send_frame(stream_.next_layer().native_handle(), message, room_);
      if (sent == Sent::whole) return {};
      if (sent == Sent::part) {
        cut();
        return fail(ErrorKind::cancelled, "the WebSocket is cut: the kernel took a part of a message");
      }
    }
    queued_ += cost;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) wake_.notify();
    return {};
  }

  // The message stays at the front, and counted, until the kernel has all of it.
  Task<bool> write_front() {
    const Outgoing& message = queue_.front();
    stream_.binary(message.binary);
    const std::array<asio::const_buffer, 2> parts = {
        asio::buffer(message.head), message.payload ? asio::buffer(*message.payload) : asio::const_buffer()};
    const auto [ec, size] = co_await stream_.async_write(parts, kQuiet);
    if (ec) co_return false;
    pop_front();
    co_return true;
  }

  void pop_front() {
    queued_ -= std::min(queued_, cost_of(queue_.front()));
    queue_.pop_front();
    drained_.notify();
  }

  const Options* options_;
  const Clock* clock_;
  Notifier wake_;     // the writer: something to send
  Notifier drained_;  // the queue became shorter
  Notifier ended_;
  ws::stream<Peer> stream_;
  beast::flat_buffer buffer_;
  std::list<Outgoing> queue_;  // a deque holds 576 bytes even when empty
  std::size_t queued_ = 0;
  SendRoom room_;
  ws::close_reason reason_;
  steady_clock::time_point close_deadline_{};
  steady_clock::time_point next_ping_;
  int missed_ = 0;
  bool awaiting_pong_ = false;
  bool ping_due_ = false;
  bool receiving_ = false;
  bool closing_ = false;  // close() was called
  bool tearing_down_ = false;
  bool closed_ = false;  // the connection is gone
  bool writer_ended_ = false;
  bool idle_ = false;       // write_loop() waits for something to do
  bool answering_ = false;  // Beast may be writing an answer of its own
};

// 16 bytes as base64: 22 characters and "==".
bool valid_key(std::string_view key) {
  const auto base64 = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, base64);
}
// True when the comma-separated header lists `token`.
bool lists(std::string_view header, std::string_view token) {
  while (!header.empty()) {
    std::string_view item = header.substr(0, header.find(','));
    header.remove_prefix(std::min(item.size() + 1, header.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (equal_ignoring_case(item, token)) return true;
  }
  return false;
}

bool once(const Request& request, std::string_view name) {
  const auto same = [name](const auto& header) { return equal_ignoring_case(header.first, name); };
  return std::count_if(request.headers.begin(), request.headers.end(), same) == 1;
}
}  // namespace

std::optional<Response> refuse_handshake(const Request& request) {
  const auto bad = [](std::string_view message) { return error_json(400, "bad_request", message); };
  if (request.method != "GET") return bad("a WebSocket begins with GET");
  if (!equal_ignoring_case(request.header("upgrade"), "websocket")) {
    Response response = error_json(426, "upgrade_required", "this path is a WebSocket: send Upgrade: websocket");
    response.set_header("Upgrade", "websocket");
    return response;
  }
  if (!lists(request.header("connection"), "upgrade")) return bad("a WebSocket handshake has Connection: Upgrade");
  if (!request.body.empty()) return bad("a WebSocket handshake has no body");
  if (!once(request, "sec-websocket-key") || !valid_key(request.header("sec-websocket-key")))
    return bad("bad Sec-WebSocket-Key: want 16 bytes as base64");
  if (!once(request, "sec-websocket-version") || request.header("sec-websocket-version") != "13") {
    Response response = error_json(426, "upgrade_required", "unknown Sec-WebSocket-Version: want 13");
    response.set_header("Sec-WebSocket-Version", "13");
    return response;
  }
  return std::nullopt;
}

std::shared_ptr<WebSocketStream> make_websocket(Socket socket, const Options* options, const Clock* clock) {
  return std::make_shared<Stream>(std::move(socket), options, clock);
}

}  // namespace ccd::http
