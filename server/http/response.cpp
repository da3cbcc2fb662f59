#include "http/response.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "http/request.hpp"

namespace ccd::http {

namespace {
// As a JSON string's inside. Bytes outside ASCII pass: messages are UTF-8.
std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

Response with_type(int status, std::string_view type, std::string body) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", type);
  response.body = std::move(body);
  return response;
}
}  // namespace

void Response::set_header(std::string_view name, std::string value) {
  std::erase_if(headers, [name](const auto& header) { return equal_ignoring_case(header.first, name); });
  headers.emplace_back(name, std::move(value));
}

std::string_view Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

std::string_view Response::text_body() const {
  if (const auto* own = std::get_if<std::string>(&body)) return *own;
  const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&body);
  return shared != nullptr && *shared ? std::string_view(**shared) : std::string_view();
}

Response json(int status, std::string body) { return with_type(status, "application/json", std::move(body)); }
Response text(int status, std::string body) { return with_type(status, "text/plain; charset=utf-8", std::move(body)); }

Response empty(int status) {
  Response response;
  response.status = status;
  return response;
}

Response error_json(int status, std::string_view code, std::string_view message) {
  return json(status,
              fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", json_escaped(code), json_escaped(message)));
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 507: return "Insufficient Storage";
    default: return "";
  }
}

}  // namespace ccd::http
