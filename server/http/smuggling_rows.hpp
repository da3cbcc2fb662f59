// Byte streams on which HTTP readers are known to disagree, with what this server makes of each. For the tests of this
// room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccd::http {

// What follows in the stream is another request that must never be taken for part of the first, nor the first's body
// for it.
inline constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Row {
  std::string name;
  std::string bytes;
  std::vector<std::string> seen;  // "METHOD path body" of each request that reaches a handler, in order
  int refusal = 0;                // the status that ends the connection; 0: none
};

inline std::vector<Row> smuggling_rows() {
  const std::string next(kNext);
  const auto post = [&](const std::string& headers, const std::string& body) {
    return "POST /a HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body + next;
  };
  const auto get = [&](const std::string& headers) {
    return "GET /a HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + next;
  };
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<std::string> both_empty = {"POST /a ", "GET /next "};
  const std::vector<std::string> both_hello = {"POST /a hello", "GET /next "};
  const std::vector<std::string> two_gets = {"GET /a ", "GET /next "};
  std::vector<Row> rows = {
      // What is right stays right.
      {"length", post("Content-Length: 5\r\n", "hello"), both_hello, 0},
      {"length zero", post("Content-Length: 0\r\n", ""), both_empty, 0},
      {"length leading zeros", post("Content-Length: 0005\r\n", "hello"), both_hello, 0},
      {"no length, no body", post("", ""), both_empty, 0},
      {"chunked", post(chunked, "5\r\nhello\r\n0\r\n\r\n"), both_hello, 0},
      {"chunked, upper case", post("transfer-encoding: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"), both_hello, 0},
      {"chunked, blanks around", post("Transfer-Encoding: \t chunked \t\r\n", "5\r\nhello\r\n0\r\n\r\n"), both_hello,
       0},
      {"chunked in pieces", post(chunked, "2\r\nhe\r\n03\r\nllo\r\n000\r\n\r\n"), both_hello, 0},
      {"chunked, hex", post(chunked, "A\r\n0123456789\r\n0\r\n\r\n"), {"POST /a 0123456789", "GET /next "}, 0},
      {"plain chunk extension is ignored", post(chunked, "5;a=b;c\r\nhello\r\n0;x\r\n\r\n"), both_hello, 0},
      {"trailers are ignored", post(chunked, "5\r\nhello\r\n0\r\nX-A: b\r\n\r\n"), both_hello, 0},
      {"one empty line before", "\r\n" + get(""), two_gets, 0},
      {"one empty line between", post("Content-Length: 5\r\n", "hello\r\n"), both_hello, 0},
      {"body that looks like a request",
       post("Content-Length: " + std::to_string(next.size()) + "\r\n", next),
       {"POST /a " + next, "GET /next "},
       0},
      {"chunk that looks like a request",
       post(chunked, "27\r\n" + next + "\r\n0\r\n\r\n"),
       {"POST /a " + next, "GET /next "},
       0},
      {"GET with a body",
       "GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello" + next,
       {"GET /a hello", "GET /next "},
       0},
      {"HTTP/1.0 ends the connection", "GET /a HTTP/1.0\r\nHost: localhost\r\n\r\n" + next, {"GET /a "}, 0},
      {"Connection: close ends it", get("Connection: close\r\n"), {"GET /a "}, 0},
      {"header names that only look like it",
       get("Transfer_Encoding: chunked\r\nXTransfer-Encoding: chunked\r\nContent_Length: 9\r\n"), two_gets, 0},
      {"obs-text in a value", get("X-A: \xC3\xA4\x80\r\n"), two_gets, 0},
      {"empty value", get("X-A:\r\n"), two_gets, 0},
      {"absolute form of the same host", "GET http://LOCALHOST/a HTTP/1.1\r\nHost: localhost\r\n\r\n" + next, two_gets,
       0},
  };
  const auto refused = [&](std::string name, std::string bytes, int status = 400) {
    rows.push_back({std::move(name), std::move(bytes), {}, status});
  };
  // Length and coding in conflict.
  refused("TE and CL", post(chunked + "Content-Length: 5\r\n", "0\r\n\r\n"));
  refused("CL and TE", post("Content-Length: 5\r\n" + chunked, "0\r\n\r\n"));
  refused("CL twice, equal", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"));
  refused("CL twice, different", post("Content-Length: 0\r\nContent-Length: 5\r\n", "hello"));
  refused("CL twice, other case", post("Content-Length: 5\r\ncontent-length: 6\r\n", "hello"));
  refused("CL list, equal", post("Content-Length: 5, 5\r\n", "hello"));
  refused("CL list, different", post("Content-Length: 5, 0\r\n", "hello"));
  refused("CL negative", post("Content-Length: -5\r\n", "hello"));
  refused("CL plus", post("Content-Length: +5\r\n", "hello"));
  refused("CL hex", post("Content-Length: 0x5\r\n", "hello"));
  refused("CL fraction", post("Content-Length: 5.0\r\n", "hello"));
  refused("CL exponent", post("Content-Length: 5e0\r\n", "hello"));
  refused("CL underscore", post("Content-Length: 1_0\r\n", "hello"));
  refused("CL blank inside", post("Content-Length: 1 0\r\n", "hello"));
  refused("CL empty", post("Content-Length:\r\n", "hello"));
  refused("CL word", post("Content-Length: five\r\n", "hello"));
  refused("CL quoted", post("Content-Length: \"5\"\r\n", "hello"));
  refused("CL vertical tab", post("Content-Length: \v5\r\n", "hello"));
  refused("CL over 64 bits", post("Content-Length: 18446744073709551621\r\n", "hello"));
  refused("CL just 64 bits", post("Content-Length: 18446744073709551615\r\n", "hello"), 413);
  // Codings that are not exactly chunked.
  for (const std::string value : {"identity", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked",
                                  "chunked, identity", "xchunked", "chunkedx", "chunked;q=1", "\"chunked\"", "chunked,",
                                  ",chunked", "'chunked'", "chunk", "\vchunked", "chu\tnked", "", "chunked\x80"})
    refused("TE " + value, post("Transfer-Encoding: " + value + "\r\n", "0\r\n\r\n"));
  refused("TE twice", post(chunked + chunked, "0\r\n\r\n"));
  refused("TE twice, second other", post(chunked + "Transfer-Encoding: identity\r\n", "0\r\n\r\n"));
  refused("TE twice, first other", post("Transfer-Encoding: identity\r\n" + chunked, "0\r\n\r\n"));
  refused("TE on HTTP/1.0", "POST /a HTTP/1.0\r\nHost: localhost\r\n" + chunked + "\r\n0\r\n\r\n" + next);
  refused("TE on GET with CL",
          "GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n" + chunked + "\r\n0\r\n\r\n" + next);
  // Lines and names.
  refused("space before colon, TE", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"));
  refused("tab before colon, TE", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"));
  refused("space before colon, CL", post("Content-Length : 5\r\n", "hello"));
  refused("folded TE", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"));
  refused("folded TE by tab", post("X-A: b\r\n\tTransfer-Encoding: chunked\r\n", "0\r\n\r\n"));
  refused("folded first header", "GET /a HTTP/1.1\r\n Host: localhost\r\n\r\n" + next);
  refused("blank line of spaces", get("X-A: b\r\n  \r\n"));
  refused("bare LF ends a header", post("X-A: b\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"));
  refused("bare LF everywhere", "GET /a HTTP/1.1\nHost: localhost\n\n" + next);
  refused("bare LF ends the head", "GET /a HTTP/1.1\r\nHost: localhost\r\n\n" + next);
  refused("bare CR in a value", post("X-A: b\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"));
  refused("bare CR ends the head", "GET /a HTTP/1.1\r\nHost: localhost\r\n\rX: y\r\n\r\n" + next);
  refused("CR CR LF", get("X-A: b\r\r\n"));
  refused("NUL in a value", get(std::string("X-A: b\0c\r\n", 10)));
  refused("NUL in a name", get(std::string("X-\0A: b\r\n", 9)));
  refused("NUL in the target", std::string("GET /a\0b HTTP/1.1\r\n", 19) + "Host: localhost\r\n\r\n" + next);
  refused("ESC in a value", get("X-A: \x1b[2J\r\n"));
  refused("DEL in a value", get("X-A: \x7f\r\n"));
  refused("no colon", get("Transfer-Encoding\r\n"));
  refused("empty name", get(": chunked\r\n"));
  refused("name with a slash", get("A/B: c\r\n"));
  refused("name in quotes", get("\"Host\": x\r\n"));
  refused("name with high bytes", get("X-\xC3\xA4: c\r\n"));
  // Request lines.
  refused("two spaces after the method", "GET  /a HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("two spaces before the version", "GET /a  HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("tab between", "GET\t/a\tHTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("blank in front", " GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("blank at the end", "GET /a HTTP/1.1 \r\nHost: localhost\r\n\r\n" + next);
  refused("HTTP/0.9", "GET /a\r\n\r\n" + next);
  refused("HTTP/1.2", "GET /a HTTP/1.2\r\nHost: localhost\r\n\r\n" + next);
  refused("HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + next);
  refused("http/1.1", "GET /a http/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("HTTP/1.10", "GET /a HTTP/1.10\r\nHost: localhost\r\n\r\n" + next);
  refused("HTTP/11.1", "GET /a HTTP/11.1\r\nHost: localhost\r\n\r\n" + next);
  refused("two empty lines before", "\r\n\r\n" + get(""));
  refused("LF before", "\n" + get(""));
  refused("TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  refused("response as request", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + next);
  refused("method in parentheses", "(GET) /a HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("method of 33 bytes", std::string(33, 'A') + " /a HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("fragment", "GET /a#b HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("bare UTF-8 target", "GET /\xC3\xA4 HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("bad escape", "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("escaped NUL", "GET /a%00 HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("escaped newline", "GET /a%0d%0ab HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  refused("query name twice", "GET /a?x=1&x=2 HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  // Hosts.
  refused("no Host", "GET /a HTTP/1.1\r\n\r\n" + next);
  refused("no Host, HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n" + next);
  refused("Host twice", get("Host: localhost\r\n"));
  refused("Host twice, different", get("Host: evil\r\n"));
  refused("empty Host", "GET /a HTTP/1.1\r\nHost:\r\n\r\n" + next);
  refused("Host list", "GET /a HTTP/1.1\r\nHost: localhost, evil\r\n\r\n" + next);
  refused("Host with userinfo", "GET /a HTTP/1.1\r\nHost: localhost@evil\r\n\r\n" + next);
  refused("Host with a path", "GET /a HTTP/1.1\r\nHost: localhost/x\r\n\r\n" + next);
  refused("absolute form of another host", "GET http://evil/a HTTP/1.1\r\nHost: localhost\r\n\r\n" + next);
  // Chunks.
  refused("chunk size of 17 digits", post(chunked, "10000000000000000\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size of 16 digits", post(chunked, "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), 413);
  refused("chunk size over the body limit", post(chunked, "7FFFFFFF\r\nhello\r\n0\r\n\r\n"), 413);
  refused("chunk size 0x", post(chunked, "0x5\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size negative", post(chunked, "-5\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size plus", post(chunked, "+5\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size empty", post(chunked, "\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size blank in front", post(chunked, " 5\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size blank behind", post(chunked, "5 \r\nhello\r\n0\r\n\r\n"));
  refused("chunk size underscore", post(chunked, "0_5\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size word", post(chunked, "xyz\r\nhello\r\n0\r\n\r\n"));
  refused("chunk size ended by LF", post(chunked, "5\nhello\r\n0\r\n\r\n"));
  refused("chunk size ended by CR", post(chunked, "5\rhello\r\n0\r\n\r\n"));
  refused("chunk ended by LF", post(chunked, "5\r\nhello\n0\r\n\r\n"));
  refused("chunk longer than told", post(chunked, "4\r\nhello\r\n0\r\n\r\n"));
  refused("chunk shorter than told", post(chunked, "6\r\nhello\r\n0\r\n\r\n"));
  refused("chunk extension quoted", post(chunked, "5;a=\"b\"\r\nhello\r\n0\r\n\r\n"));
  refused("chunk extension with LF", post(chunked, "5;a\nb\r\nhello\r\n0\r\n\r\n"));
  refused("chunk extension quoted LF", post(chunked, "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"));
  refused("chunk extension quoted CR LF", post(chunked, "5;a=\"\r\nhello\r\n0\r\n\r\n"));
  refused("chunk extension with NUL", post(chunked, std::string("5;a\0b\r\nhello\r\n0\r\n\r\n", 19)));
  refused("chunk extension with blanks", post(chunked, "5 ; a\r\nhello\r\n0\r\n\r\n"));
  refused("last chunk extension with LF", post(chunked, "5\r\nhello\r\n0;a\nb\r\n\r\n"));
  refused("trailer Content-Length", post(chunked, "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"));
  refused("trailer Transfer-Encoding", post(chunked, "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"));
  refused("trailer without a colon", post(chunked, "5\r\nhello\r\n0\r\nX\r\n\r\n"));
  refused("trailer with LF", post(chunked, "5\r\nhello\r\n0\r\nX: y\nZ: a\r\n\r\n"));
  refused("chunk line too long", post(chunked, "5;" + std::string(5000, 'a') + "\r\nhello\r\n0\r\n\r\n"));
  refused("trailers too long", post(chunked, "5\r\nhello\r\n0\r\nX: " + std::string(70000, 'a') + "\r\n\r\n"));
  // Sizes and expectations.
  refused("head over 16 KiB", get("X-A: " + std::string(17000, 'a') + "\r\n"), 431);
  refused("target over 16 KiB", "GET /" + std::string(17000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n" + next, 431);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": b\r\n";
  refused("over 100 headers", get(many), 431);
  refused("body over the limit", post("Content-Length: 1048577\r\n", "hello"), 413);
  refused("unknown expectation", post("Expect: something\r\nContent-Length: 5\r\n", "hello"), 417);
  return rows;
}

}  // namespace ccd::http
