// Fuzzes api/wire: JSON bodies give values within the bounds that were asked for, and text for JSON is always UTF-8.
//
// Input: a body.
#include "api/wire.hpp"

#include <string>

#include "base/encoding.hpp"
#include "support.hpp"

namespace ccd::api {
namespace {

namespace json = boost::json;

std::size_t depth_of(const json::value& value) {
  std::size_t deepest = 0;
  if (const auto* object = value.if_object())
    for (const auto& member : *object) deepest = std::max(deepest, depth_of(member.value()));
  else if (const auto* array = value.if_array())
    for (const auto& item : *array) deepest = std::max(deepest, depth_of(item));
  else return 0;
  return deepest + 1;
}

// Every reader of a field, on every field: what it gives is within its bounds, and is what the document says.
void check_field(const Body& body, std::string_view name, const json::value& value) {
  constexpr std::size_t kMax = 8;
  constexpr std::size_t kItems = 3;
  CHECK(body.has(name));
  const auto text = body.text(name, kMax);
  CHECK(text.has_value() == (value.is_string() && value.get_string().size() <= kMax));
  if (text) CHECK(*text == std::string_view(value.get_string()) && valid_utf8(*text));
  else CHECK(text.error().kind == ErrorKind::invalid && text.error().field == name);
  CHECK(body.text_or(name, "else", kMax).has_value() == text.has_value());
  const auto number = body.integer_or(name, 5, -10, 10);
  CHECK(number.has_value() == (value.is_int64() && value.get_int64() >= -10 && value.get_int64() <= 10));
  if (number) CHECK(*number == value.get_int64());
  CHECK(body.flag_or(name, false).has_value() == value.is_bool());
  if (const auto texts = body.texts_or_none(name, kItems, kMax)) {
    CHECK(value.is_null() || value.is_array());
    CHECK(texts->size() <= kItems && texts->size() == (value.is_null() ? 0 : value.get_array().size()));
    for (const std::string& item : *texts) CHECK(item.size() <= kMax && valid_utf8(item));
  }
  if (const auto pairs = body.pairs_or_none(name, kItems)) {
    CHECK(value.is_null() || value.is_object());
    CHECK(pairs->size() <= kItems && pairs->size() == (value.is_null() ? 0 : value.get_object().size()));
    for (const auto& [key, item] : *pairs) CHECK(valid_utf8(key) && valid_utf8(item));
  }
}

void check_body(std::string_view text) {
  const auto body = Body::parse_text(text);
  if (!body) {
    CHECK(body.error().kind == ErrorKind::invalid);
    return;
  }
  CHECK(!body->has("no such field") && body->text_or("no such field", "else", 1) == "else" &&
        !body->text("no such field", 1));
  if (text.empty()) return;
  constexpr std::size_t kMaxDepth = 16;
  const json::value value = json::parse(text);
  CHECK(depth_of(value) <= kMaxDepth && valid_utf8(text));
  for (const auto& member : value.get_object()) check_field(*body, member.key(), member.value());
}

void check_text(std::string_view text) {
  const std::string shown = json_text(text);
  CHECK(valid_utf8(shown) && json_text(shown) == shown && shown.size() <= 3 * text.size());
  if (valid_utf8(text)) CHECK(shown == text);
  const json::value value(shown);
  CHECK(json::parse(json::serialize(value)) == value);
}

void check_query_number(std::string_view text) {
  http::Request request;
  request.query_items = {{"n", std::string(text)}};
  const auto number = query_number(request, "n", 7, 1000);
  if (number) CHECK(*number <= 1000 && !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos);
  CHECK(query_number(request, "other", 7, 1000) == 7U);
}

// Content-Type decides: a form that another site's page may send is never read as JSON.
void check_content_type(std::string_view text) {
  http::Request request;
  request.body = text;
  request.headers = {{"Content-Type", "text/plain"}};
  CHECK(text.empty() || !Body::parse(request));
  request.headers = {{"content-type", "Application/JSON; charset=utf-8"}};
  CHECK(Body::parse(request).has_value() == Body::parse_text(text).has_value());
}

}  // namespace
}  // namespace ccd::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::api;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  check_body(text);
  check_text(text);
  check_query_number(text);
  check_content_type(text);
  return 0;
}
