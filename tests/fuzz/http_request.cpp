// Fuzzes http/parser: what it takes for a request is what a strict second reader takes for it, however the bytes
// arrive.
//
// The second reader below knows one framing only (RFC 9112 without its leniences). When both agree on where every
// request ends and what its body is, no bytes of one request can become another.
#include "http/parser.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "http/url.hpp"
#include "support.hpp"

namespace ccd::http {
namespace {

constexpr std::size_t kMaxBody = 16 * 1024;  // bytes; small, so that 413 is met
constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Taken {
  Request request;
  Head head;
  std::size_t begin = 0;  // in the stream
  std::size_t end = 0;
};

struct Reading {
  std::vector<Taken> requests;
  int refusal = 0;  // status; 0: none. The message may depend on which of several faults is met first.
};

bool same(const Request& a, const Request& b) {
  return a.method == b.method && a.target == b.target && a.path == b.path && a.query_items == b.query_items &&
         a.headers == b.headers && a.body == b.body && a.host == b.host;
}

bool same(const Taken& a, const Taken& b) {
  return same(a.request, b.request) && a.begin == b.begin && a.end == b.end && a.head.keep_alive == b.head.keep_alive &&
         a.head.expects_continue == b.head.expects_continue && a.head.has_body == b.head.has_body &&
         a.head.upgrade == b.head.upgrade;
}

bool same(const Reading& a, const Reading& b) {
  const auto equal = [](const Taken& x, const Taken& y) { return same(x, y); };
  return a.refusal == b.refusal &&
         std::equal(a.requests.begin(), a.requests.end(), b.requests.begin(), b.requests.end(), equal);
}

// As a connection reads: request after request, until one is refused or asks for the end. `next_piece(left)` says how
// many more bytes arrive when the parser wants more.
template <class NextPiece>
Reading read_stream(std::string_view stream, NextPiece next_piece) {
  Reading reading;
  std::size_t used = 0;
  std::size_t arrived = 0;
  while (reading.requests.empty() || reading.requests.back().head.keep_alive) {
    RequestParser parser(kMaxBody);
    Taken taken{.request = {}, .head = {}, .begin = used, .end = used};
    for (bool complete = false; !complete;) {
      const auto step = parser.feed(stream.substr(used, arrived - used));
      if (!step) {
        reading.refusal = step.error().status;
        CHECK(reading.refusal >= 400 && reading.refusal < 500 && !step.error().code.empty() &&
              !step.error().message.empty());
        return reading;
      }
      CHECK(step->used <= arrived - used);
      used += step->used;
      if (step->progress == RequestParser::Progress::need_more) {
        if (arrived == stream.size()) return reading;
        arrived += next_piece(stream.size() - arrived);
      }
      complete = step->progress == RequestParser::Progress::complete;
      CHECK(complete || step->progress != RequestParser::Progress::head || parser.request()->body.empty());
    }
    taken.request = *parser.request();
    taken.head = parser.head();
    taken.end = used;
    reading.requests.push_back(std::move(taken));
  }
  return reading;
}

// --- the strict second reader

std::string lower(std::string_view text) { return lower_case(text); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Up to CR LF, which is dropped; the line holds neither of them.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  CHECK(end != std::string_view::npos);
  const std::string_view line = rest.substr(0, end);
  CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  rest.remove_prefix(end + 2);
  return line;
}

// The chunks' bytes; `rest` is left behind the last chunk and its trailers.
std::string take_chunks(std::string_view& rest) {
  std::string body;
  for (;;) {
    std::string_view line = take_line(rest);
    const std::string_view digits = line.substr(0, line.find(';'));
    CHECK(!digits.empty() && digits.size() < 4096 &&
          digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos);
    std::size_t size = 0;
    for (const char c : digits) {
      CHECK(size <= kMaxBody);
      size = size * 16 + static_cast<std::size_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (size == 0) break;
    CHECK(size <= rest.size() && body.size() + size <= kMaxBody);
    body += rest.substr(0, size);
    rest.remove_prefix(size);
    CHECK(take_line(rest).empty());
  }
  for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
    // Not folded, and nothing that frames: a reader that took trailers for headers would see another request.
    const std::string name = lower(line.substr(0, line.find(':')));
    CHECK(name.size() < line.size() && token(name) && name != "content-length" && name != "transfer-encoding");
  }
  return body;
}

void check_framing(std::string_view bytes, const Taken& taken) {
  std::string_view rest = bytes;
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  const std::string_view first = take_line(rest);
  CHECK(first.starts_with(taken.request.method + " "));
  CHECK(first.ends_with(" HTTP/1.1") || (first.ends_with(" HTTP/1.0") && !taken.head.keep_alive));
  CHECK(std::count(first.begin(), first.end(), ' ') == 2);
  std::size_t headers = 0;
  std::vector<std::string_view> lengths, codings, hosts;
  for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
    const std::size_t colon = line.find(':');
    CHECK(colon != std::string_view::npos && headers < taken.request.headers.size());
    const std::string name(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    CHECK(taken.request.headers[headers].first == name && taken.request.headers[headers].second == value);
    ++headers;
    if (lower(name) == "content-length") lengths.push_back(value);
    if (lower(name) == "transfer-encoding") codings.push_back(value);
    if (lower(name) == "host") hosts.push_back(value);
  }
  CHECK(headers == taken.request.headers.size());
  CHECK(hosts.size() == 1 && lower(hosts[0]) == taken.request.host);
  CHECK(lengths.size() + codings.size() <= 1);
  std::string body;
  if (!lengths.empty()) {
    CHECK(lengths[0].find_first_not_of("0123456789") == std::string_view::npos);
    body = rest.substr(0, std::stoull(std::string(lengths[0])));
    CHECK(body.size() == std::stoull(std::string(lengths[0])));
    rest.remove_prefix(body.size());
  } else if (!codings.empty()) {
    CHECK(lower(codings[0]) == "chunked");
    body = take_chunks(rest);
  }
  CHECK(rest.empty());
  CHECK(body == taken.request.body);
}

// --- what handlers rely on

bool harmless(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

void check_request(const Taken& taken) {
  const Request& request = taken.request;
  CHECK(token(request.method) && request.method.size() <= 32);
  CHECK(request.path.starts_with('/') || (request.path == "*" && request.method == "OPTIONS"));
  CHECK(request.target.starts_with('/') || request.path == "*");
  CHECK(harmless(request.path) && harmless(request.target));
  CHECK(request.headers.size() <= kMaxHeaders && taken.end - taken.begin >= 18);
  for (const auto& [name, value] : request.headers) {
    std::string without_tabs = value;
    std::erase(without_tabs, '\t');
    CHECK(token(name) && harmless(without_tabs) && trimmed(value) == value);
  }
  CHECK(valid_host(request.host) && lower(request.host) == request.host);
  CHECK(request.body.size() <= kMaxBody && (taken.head.has_body || request.body.empty()));
  std::set<std::string> names;
  for (const auto& item : request.query_items) CHECK(names.insert(item.first).second);
}

// The request written anew in the plainest form is the same request, and only one.
void check_written_again(const Taken& taken) {
  std::string bytes = taken.request.method + ' ' + taken.request.target + " HTTP/1.1\r\n";
  std::vector<std::pair<std::string, std::string>> kept;
  for (const auto& header : taken.request.headers) {
    if (lower(header.first) == "transfer-encoding" || lower(header.first) == "content-length") continue;
    bytes += header.first + ": " + header.second + "\r\n";
    kept.push_back(header);
  }
  const std::string length = std::to_string(taken.request.body.size());
  bytes += "Content-Length: " + length + "\r\n\r\n" + taken.request.body;
  kept.emplace_back("Content-Length", length);
  if (kept.size() > kMaxHeaders || bytes.size() - taken.request.body.size() > kMaxHead) return;
  const Reading reading = read_stream(bytes, [](std::size_t left) { return left; });
  CHECK(reading.refusal == 0 && reading.requests.size() == 1 && reading.requests[0].end == bytes.size());
  Request expected = taken.request;
  expected.headers = kept;
  CHECK(same(reading.requests[0].request, expected));
}

}  // namespace
}  // namespace ccd::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::http;
  const std::string_view stream = ccd::fuzz::as_text(data, size);
  const auto all_at_once = [](std::size_t left) { return left; };
  const Reading whole = read_stream(stream, all_at_once);
  for (const Taken& taken : whole.requests) {
    check_request(taken);
    check_framing(stream.substr(taken.begin, taken.end - taken.begin), taken);
    check_written_again(taken);
  }

  ccd::fuzz::Pieces pieces(stream);
  CHECK(same(whole, read_stream(stream, [&](std::size_t left) { return pieces.next(left); })));
  constexpr std::size_t kByteByByte = 2048;  // longer ones only cost time
  if (size <= kByteByByte) CHECK(same(whole, read_stream(stream, [](std::size_t) { return std::size_t{1}; })));

  // What follows a request has no say in it, and is not lost.
  if (!whole.requests.empty()) {
    const Taken& last = whole.requests.back();
    const Reading more = read_stream(std::string(stream.substr(0, last.end)) + std::string(kNext), all_at_once);
    CHECK(more.refusal == 0 && more.requests.size() == whole.requests.size() + (last.head.keep_alive ? 1 : 0));
    CHECK(same(more.requests[whole.requests.size() - 1], last));
    CHECK(!last.head.keep_alive || more.requests.back().request.path == "/next");
  }
  return 0;
}
