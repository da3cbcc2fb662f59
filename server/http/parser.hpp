// HTTP/1.1 requests from bytes: Beast's parser, and around it the strictness that keeps two readers from seeing two
// requests. Pure.
//
// Refused although a lenient reader would take them: a missing, second or malformed Host; Content-Length twice, in a
// list or with anything but digits; Transfer-Encoding other than exactly "chunked", on HTTP/1.0, or beside
// Content-Length; folded lines; bare CR or LF; quoted chunk extensions. One empty line before a request is skipped (RFC
// 9112, 2.2).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "http/request.hpp"

namespace ccd::http {

// Browsers stay below 4 KiB; a proxy's cookies and forwarding headers fit in the rest.
inline constexpr std::size_t kMaxHead = 16 * 1024;
// Each header costs an entry; real requests carry about 20.
inline constexpr std::size_t kMaxHeaders = 100;
// A chunk's size line, or all trailers: nothing that is read by anybody here.
inline constexpr std::size_t kMaxChunkOverhead = 4 * 1024;

// Why a request is answered before any handler sees it.
struct Refusal {
  int status = 400;
  std::string_view code;  // of the JSON error
  std::string message;
};

struct Head {
  bool keep_alive = true;  // HTTP/1.1 and no "Connection: close"
  bool expects_continue = false;
  bool has_body = false;
  bool upgrade = false;  // "Connection: upgrade" and "Upgrade: websocket"
};

class RequestParser {
 public:
  // Bodies over `max_body` bytes are refused with 413.
  explicit RequestParser(std::size_t max_body);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  enum class Progress {
    need_more,  // call again with the unused bytes and more after them
    head,       // head() and request() are set, without a body; call again for the body
    complete,   // request() is whole; make a new parser for the next
  };
  struct Step {
    Progress progress = Progress::need_more;
    std::size_t used = 0;  // bytes of the input that are done with
  };
  // `bytes`: everything received and not yet used. After a Refusal the connection is of no more use.
  tl::expected<Step, Refusal> feed(std::string_view bytes);

  // True once a byte of a request (not of an empty line before it) was fed.
  [[nodiscard]] bool started() const;
  [[nodiscard]] const Head& head() const;
  // After `head`: the body's bound for just this request, which is at most the constructor's. False: it says that it is longer.
  [[nodiscard]] bool limit_body(std::size_t max_body);
  // Members that come from the wire alone are set; the caller adds id, remote_ip and the like. Never null.
  [[nodiscard]] const std::shared_ptr<Request>& request() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccd::http
