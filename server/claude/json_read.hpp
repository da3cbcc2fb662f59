// Reading simdjson values without exceptions, for this room's sources only: what is absent or of another type reads as empty.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ccd::claude::json {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

inline std::optional<Element> at(const Object& object, std::string_view key) {
  Element value;
  if (object.at_key(key).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

// The view is valid as long as the parser's document.
inline std::string_view text(const Object& object, std::string_view key) {
  const auto value = at(object, key);
  std::string_view view;
  if (!value || value->get(view) != simdjson::SUCCESS) return {};
  return view;
}

inline std::optional<Object> object(const Object& outer, std::string_view key) {
  const auto value = at(outer, key);
  Object inner;
  if (!value || value->get(inner) != simdjson::SUCCESS) return std::nullopt;
  return inner;
}

inline std::optional<Array> array(const Object& outer, std::string_view key) {
  const auto value = at(outer, key);
  Array inner;
  if (!value || value->get(inner) != simdjson::SUCCESS) return std::nullopt;
  return inner;
}

inline bool is_true(const Object& object, std::string_view key) {
  const auto value = at(object, key);
  bool flag = false;
  return value && value->get(flag) == simdjson::SUCCESS && flag;
}

// Never over `high`: sums of what a file claims must not wrap.
inline std::uint64_t number(const Object& object, std::string_view key, std::uint64_t high) {
  const auto value = at(object, key);
  std::uint64_t whole = 0;
  if (!value || value->get(whole) != simdjson::SUCCESS) return 0;
  return std::min(whole, high);
}

inline std::optional<double> real(const Object& object, std::string_view key) {
  const auto value = at(object, key);
  double number = 0;
  if (!value || value->get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

inline std::string written(const Element& value) { return simdjson::minify(value); }

// UTF-8 text as a JSON string.
inline std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') (out += '\\') += c;
    else if (byte < 0x20) ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
    else out += c;
  }
  return out += '"';
}

}  // namespace ccd::claude::json
