#include "http/parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <utility>

#include "http/url.hpp"

namespace ccd::http {

namespace beast = boost::beast;
using beast::error_code;

namespace {
constexpr std::size_t kFirstBodyReserve = 16 * 1024;  // bytes
constexpr std::size_t kLongestMethod = 32;            // the longest registered one is UPDATEREDIRECTREF, 17

Refusal bad_request(std::string message) { return {400, "bad_request", std::move(message)}; }

bool token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string message_for(const error_code& ec) {
  using beast::http::error;
  if (ec == error::bad_method) return "bad request line: want METHOD SP target SP HTTP/1.1";
  if (ec == error::bad_target) return "bad request target";
  if (ec == error::bad_version) return "bad HTTP version: want HTTP/1.1";
  if (ec == error::bad_field) return "bad header name: want a token directly followed by ':'";
  if (ec == error::bad_value) return "bad header value: it holds a control byte";
  if (ec == error::bad_line_ending) return "bad line ending: want CR LF";
  if (ec == error::bad_content_length || ec == error::multiple_content_length)
    return "bad Content-Length: want one number";
  if (ec == error::bad_transfer_encoding) return "bad Transfer-Encoding: want chunked, without Content-Length";
  if (ec == error::bad_chunk || ec == error::bad_chunk_extension)
    return "bad chunk: want its size in hex, CR LF, and as many bytes";
  return "bad request";
}

// Beast's events, collected into a Request. The first thing wrong is kept in `refusal` and stops the parser.
class Events final : public beast::http::basic_parser<true> {
 public:
  std::shared_ptr<Request> request = std::make_shared<Request>();
  Head head;
  std::optional<Refusal> refusal;
  bool head_done = false;
  bool complete = false;
  bool first_chunk = true;
  std::uint64_t chunk_left = 0;  // bytes of the chunk that is being read

  [[nodiscard]] bool at_chunk_line() const { return has_coding_ && !complete && chunk_left == 0; }

 private:
  void refuse(Refusal why, error_code& ec) {
    refusal = std::move(why);
    ec = beast::http::error::bad_field;
  }

  void on_request_impl(beast::http::verb /*method*/, beast::string_view method, beast::string_view target, int version,
                       error_code& ec) override {
    if (method.size() > kLongestMethod) return refuse(bad_request("request method is too long"), ec);
    request->method.assign(method.data(), method.size());
    request->target.assign(target.data(), target.size());
    version_ = version;
  }

  void on_response_impl(int /*code*/, beast::string_view /*reason*/, int /*version*/, error_code& ec) override {
    ec = beast::http::error::bad_version;
  }

  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                     error_code& ec) override {
    if (head_done) return;  // a trailer: nobody here reads one, and it must not pass for a header
    if (request->headers.size() == kMaxHeaders)
      return refuse({431, "headers_too_large", "too many headers: at most 100"}, ec);
    const std::string_view text(value.data(), value.size());
    switch (field) {
      case beast::http::field::host: return on_host(text, ec, std::string(name.data(), name.size()));
      case beast::http::field::content_length:
        return on_content_length(text, ec, std::string(name.data(), name.size()));
      case beast::http::field::transfer_encoding:
        return on_transfer_encoding(text, ec, std::string(name.data(), name.size()));
      case beast::http::field::expect:
        if (!equal_ignoring_case(text, "100-continue"))
          return refuse({417, "expectation_failed", "unknown Expect: only 100-continue is known"}, ec);
        head.expects_continue = true;
        break;
      default: break;
    }
    keep(std::string(name.data(), name.size()), text);
  }

  void keep(std::string name, std::string_view value) { request->headers.emplace_back(std::move(name), value); }

  void on_host(std::string_view value, error_code& ec, std::string name) {
    if (has_host_) return refuse(bad_request("Host is given twice"), ec);
    if (!valid_host(value)) return refuse(bad_request("bad Host: want host or host:port"), ec);
    has_host_ = true;
    request->host = lower_case(value);
    keep(std::move(name), value);
  }

  void on_content_length(std::string_view value, error_code& ec, std::string name) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (has_length_ || value.empty() || !std::all_of(value.begin(), value.end(), digit))
      return refuse(bad_request("bad Content-Length: want one number"), ec);
    has_length_ = true;
    keep(std::move(name), value);
  }

  void on_transfer_encoding(std::string_view value, error_code& ec, std::string name) {
    if (has_coding_ || version_ < 11 || !equal_ignoring_case(value, "chunked"))
      return refuse(bad_request("bad Transfer-Encoding: only chunked is known, once, with HTTP/1.1"), ec);
    has_coding_ = true;
    keep(std::move(name), value);
  }

  void on_header_impl(error_code& ec) override {
    head_done = true;
    if (!has_host_) return refuse(bad_request("Host is missing"), ec);
    if (has_length_ && has_coding_)
      return refuse(bad_request("both Content-Length and Transfer-Encoding are given"), ec);
    auto target = ccd::http::parse_target(request->method, request->target);
    if (!target) return refuse(bad_request(std::move(target.error().message)), ec);
    // RFC 9112 lets the target's authority win; a client that names two hosts is refused instead.
    if (!target->authority.empty() && target->authority != request->host)
      return refuse(bad_request("Host differs from the request target"), ec);
    request->target = std::move(target->origin_form);
    request->path = std::move(target->path);
    request->query_items = std::move(target->query_items);
    head.keep_alive = version_ >= 11 && keep_alive();
    head.has_body = has_coding_ || content_length().value_or(0) > 0;
    head.upgrade = upgrade() && equal_ignoring_case(request->header("upgrade"), "websocket");
    if (version_ < 11) head.expects_continue = false;  // RFC 9110, 10.1.1
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& /*ec*/) override {
    // Not all of a large one: a client that only promises its bytes costs little.
    if (length) request->body.reserve(std::min<std::size_t>(static_cast<std::size_t>(*length), kFirstBodyReserve));
  }

  std::size_t on_body_impl(beast::string_view bytes, error_code& /*ec*/) override {
    request->body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void on_chunk_header_impl(std::uint64_t size, beast::string_view /*extension*/, error_code& /*ec*/) override {
    first_chunk = false;
    chunk_left = size;
  }

  std::size_t on_chunk_body_impl(std::uint64_t left, beast::string_view bytes, error_code& /*ec*/) override {
    request->body.append(bytes.data(), bytes.size());
    chunk_left = left - bytes.size();
    return bytes.size();
  }

  void on_finish_impl(error_code& /*ec*/) override { complete = true; }

  int version_ = 11;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_coding_ = false;
};
}  // namespace

class RequestParser::Impl {
 public:
  explicit Impl(std::size_t max_body) {
    events_.body_limit(max_body);
    events_.header_limit(static_cast<std::uint32_t>(kMaxHead));
  }

  tl::expected<Step, Refusal> feed(std::string_view bytes) {
    if (events_.head_done) return feed_body(bytes);
    std::size_t skipped = 0;
    if (!started_ && !bytes.empty()) {
      if (bytes == "\r") return Step{};
      if (!skipped_line_ && bytes.starts_with("\r\n")) {
        skipped_line_ = true;
        skipped = 2;
        bytes.remove_prefix(2);
      }
      if (!bytes.empty()) {
        started_ = true;
        // Told at once rather than after the header timeout: TLS or another protocol on our port.
        if (!token_byte(bytes.front()))
          return tl::unexpected(bad_request("bad request line: want METHOD SP target SP HTTP/1.1"));
      }
    }
    const auto end = find_head_end(bytes);
    if (!end) return tl::unexpected(end.error());
    if (*end == 0) return Step{Progress::need_more, skipped};
    const auto used = put(bytes.substr(0, *end));
    if (!used) return tl::unexpected(used.error());
    if (!events_.head_done) return tl::unexpected(bad_request("bad request"));
    return Step{Progress::head, skipped + *used};
  }

  bool limit_body(std::size_t max_body) {
    events_.body_limit(max_body);
    const auto announced = events_.content_length();
    return !announced || *announced <= max_body;
  }
  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] const Head& head() const { return events_.head; }
  [[nodiscard]] const std::shared_ptr<Request>& request() const { return events_.request; }

 private:
  // The length of the head with its empty line; 0 when it is not all there. Looks at each line once, however it drips
  // in.
  tl::expected<std::size_t, Refusal> find_head_end(std::string_view bytes) {
    const std::string_view head = bytes.substr(0, kMaxHead);
    for (;;) {
      const std::size_t newline = head.find('\n', scanned_);
      if (newline == std::string_view::npos) break;
      if (newline == 0 || head[newline - 1] != '\r') return tl::unexpected(bad_request("bad line ending: want CR LF"));
      if (newline - 1 == line_start_) return newline + 1;
      if (line_start_ != 0 && (head[line_start_] == ' ' || head[line_start_] == '\t'))
        return tl::unexpected(bad_request("folded header line: put each header on one line"));
      line_start_ = scanned_ = newline + 1;
    }
    scanned_ = std::max(scanned_, head.size());
    if (head.size() == kMaxHead)
      return tl::unexpected(Refusal{431, "headers_too_large", "request head is too large: at most 16 KiB"});
    return 0;
  }

  tl::expected<std::size_t, Refusal> put(std::string_view bytes) {
    error_code ec;
    const std::size_t used = events_.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (events_.refusal) return tl::unexpected(*events_.refusal);
    if (ec == beast::http::error::body_limit)
      return tl::unexpected(Refusal{413, "too_large", "request body is too large"});
    if (ec && ec != beast::http::error::need_more) return tl::unexpected(bad_request(message_for(ec)));
    return used;
  }

  enum class Gate { open, wait };

  // Beast reads a quoted chunk extension across the end of its line, and asserts that the last chunk comes in one
  // piece: so it sees a chunk's line only when that is whole and plain, and the last chunk only with its trailers.
  tl::expected<Gate, Refusal> chunk_gate(std::string_view bytes) const {
    if (!events_.first_chunk) {  // the CR LF that ends the chunk before
      if (bytes.size() < 2) return Gate::wait;
      if (!bytes.starts_with("\r\n")) return tl::unexpected(bad_request("bad chunk: it is longer than its size says"));
      bytes.remove_prefix(2);
    }
    const std::string_view window = bytes.substr(0, kMaxChunkOverhead);
    const bool full = window.size() == kMaxChunkOverhead;
    const auto plain = [](char c) { return token_byte(c) || c == ';' || c == '='; };
    const std::size_t end =
        static_cast<std::size_t>(std::find_if_not(window.begin(), window.end(), plain) - window.begin());
    const std::string_view ending = window.substr(end, 2);
    if (full && end == window.size()) return tl::unexpected(bad_request("chunk line is too long"));
    if (ending.size() < 2 && std::string_view("\r\n").starts_with(ending)) return Gate::wait;
    if (ending != "\r\n") return tl::unexpected(bad_request("bad chunk line: want its size in hex and CR LF"));
    const std::string_view digits = window.substr(0, window.find_first_of(";\r"));
    if (digits.empty() || digits.find_first_not_of('0') != std::string_view::npos) return Gate::open;
    if (window.find("\r\n\r\n", end) != std::string_view::npos) return Gate::open;
    if (full) return tl::unexpected(bad_request("trailers are too large"));
    return Gate::wait;
  }

  tl::expected<Step, Refusal> feed_body(std::string_view bytes) {
    Step step;
    while (!events_.complete && step.used < bytes.size()) {
      const std::string_view left = bytes.substr(step.used);
      if (events_.at_chunk_line()) {
        const auto gate = chunk_gate(left);
        if (!gate) return tl::unexpected(gate.error());
        if (*gate == Gate::wait) break;
      }
      const auto used = put(left);
      if (!used) return tl::unexpected(used.error());
      if (*used == 0) return tl::unexpected(bad_request("bad chunk"));
      step.used += *used;
    }
    if (events_.complete) step.progress = Progress::complete;
    return step;
  }

  Events events_;
  bool started_ = false;
  bool skipped_line_ = false;
  std::size_t scanned_ = 0;     // bytes of the head in which no line end is left to be found
  std::size_t line_start_ = 0;  // where the line that is being read begins
};

RequestParser::RequestParser(std::size_t max_body) : impl_(std::make_unique<Impl>(max_body)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

tl::expected<RequestParser::Step, Refusal> RequestParser::feed(std::string_view bytes) { return impl_->feed(bytes); }
bool RequestParser::limit_body(std::size_t max_body) { return impl_->limit_body(max_body); }
bool RequestParser::started() const { return impl_->started(); }
const Head& RequestParser::head() const { return impl_->head(); }
const std::shared_ptr<Request>& RequestParser::request() const { return impl_->request(); }

}  // namespace ccd::http
