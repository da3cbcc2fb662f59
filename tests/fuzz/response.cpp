// Fuzzes http/response and http/response_head: no value that a handler passes on splits a response or breaks its JSON.
//
// Input: a header's name, LF, its value up to NUL, a request id up to NUL, a message.
#include "http/response_head.hpp"

#include <boost/json.hpp>
#include <string>

#include "http/request.hpp"
#include "support.hpp"

namespace ccd::http {
namespace {

std::size_t lines_in(std::string_view head) {
  std::size_t lines = 0;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    CHECK(end != std::string_view::npos && head.substr(0, end).find_first_of("\r\n") == std::string_view::npos);
    head.remove_prefix(end + 2);
    ++lines;
  }
  return lines;
}

void check_head(const std::string& name, const std::string& value) {
  Response response;
  response.body = "body";
  const HeadContext context{.date = "Mon, 23 Nov 2026 14:20:00 GMT",
                            .request_id = "r1",
                            .content_length = 4,
                            .persistence = Persistence::close};
  const auto plain = response_head(response, context);
  CHECK(plain && plain->ends_with("\r\n\r\n"));
  response.headers.emplace_back(name, value);
  const auto head = response_head(response, context);
  CHECK(valid_header(name, value) || !head);
  if (!head) return;
  // One line more, or as many when it takes the place of one that is sent anyway.
  const std::size_t more = lines_in(*head) - lines_in(*plain);
  CHECK(more <= 1 && head->starts_with("HTTP/1.1 200 OK\r\n") && head->ends_with("\r\n\r\n") &&
        head->find("\r\n\r\n") == head->size() - 4);
  CHECK(head->find("\r\n" + name + ": " + value + "\r\n") != std::string::npos);
  for (const std::string_view owned : {"Content-Length", "Transfer-Encoding", "Connection", "Date"})
    CHECK(!equal_ignoring_case(name, owned));
  CHECK(response.header(name) == value);
  response.set_header(name, "other");
  CHECK(response.header(name) == "other" && response.headers.size() == 1);
}

void check_error(std::string_view message) {
  const Response response = error_json(400, "invalid", message);
  boost::system::error_code ec;
  const auto value = boost::json::parse(response.text_body(), ec);
  boost::json::parse_options lenient;
  lenient.allow_invalid_utf8 = true;
  const auto any = boost::json::parse(response.text_body(), ec, {}, lenient);
  CHECK(!ec);
  const auto& error = any.at("error").as_object();
  CHECK(any.as_object().size() == 1 && error.size() == 2 && error.at("code").as_string() == "invalid");
  CHECK(std::string_view(error.at("message").as_string()) == message);
}

}  // namespace
}  // namespace ccd::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::http;
  std::string_view text = ccd::fuzz::as_text(data, size);
  check_error(text);
  const std::string name(ccd::fuzz::take(text));
  const std::string value(ccd::fuzz::take(text, '\0'));
  check_head(name, value);
  check_head("X-Value", value);
  check_head("Cache-Control", value);
  return 0;
}
