// Parses Range, compares entity tags.
#include "files/ranges.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <limits>
#include <optional>

namespace ccd::files {
namespace {

constexpr auto kInfinite = std::numeric_limits<std::uint64_t>::max();

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes one or more digits from the front; kInfinite when they do not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  if (digits.empty()) return std::nullopt;
  text.remove_prefix(digits.size());
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kInfinite - digit) / 10) return kInfinite;
    value = value * 10 + digit;
  }
  return value;
}

// The list's only element: empty elements do not count (RFC 9110 section 5.6.1.2). None when there are more or none.
std::optional<std::string_view> only_element(std::string_view list) {
  std::optional<std::string_view> only;
  for (;;) {
    const auto comma = list.find(',');
    const auto element = trim(list.substr(0, comma));
    if (!element.empty()) {
      if (only) return std::nullopt;
      only = element;
    }
    if (comma == std::string_view::npos) return only;
    list.remove_prefix(comma + 1);
  }
}

bool is_bytes_unit(std::string_view unit) {
  constexpr std::string_view kBytes = "bytes";
  return std::ranges::equal(unit, kBytes,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

RangeRequest suffix_of(std::uint64_t length, std::uint64_t size) {
  if (length == 0) return NotSatisfiable{};
  if (size == 0) return WholeFile{};  // satisfiable, but no Content-Range can say so
  const auto taken = std::min(length, size);
  return ByteRange{size - taken, taken};
}

struct Tag {
  bool weak = false;
  std::string_view opaque;  // with its quotes
};

// Takes a tag from the front; none when there is no well-formed one.
std::optional<Tag> take_tag(std::string_view& text) {
  Tag tag;
  auto rest = text;
  if (rest.starts_with("W/")) {
    tag.weak = true;
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('"')) return std::nullopt;
  const auto close = rest.find('"', 1);
  if (close == std::string_view::npos) return std::nullopt;
  tag.opaque = rest.substr(0, close + 1);
  const auto allowed = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; };
  if (!std::ranges::all_of(tag.opaque, allowed)) return std::nullopt;
  text = rest.substr(close + 1);
  return tag;
}

std::optional<Tag> parse_tag(std::string_view text) {
  const auto tag = take_tag(text);
  return text.empty() ? tag : std::nullopt;
}

}  // namespace

RangeRequest parse_range(std::string_view header, std::uint64_t size) {
  const auto equals = header.find('=');
  if (equals == std::string_view::npos || !is_bytes_unit(trim(header.substr(0, equals)))) return WholeFile{};
  const auto element = only_element(header.substr(equals + 1));
  if (!element) return WholeFile{};
  auto text = *element;
  const auto first = take_number(text);
  if (!text.starts_with('-')) return WholeFile{};
  text.remove_prefix(1);
  const auto last = take_number(text);
  if (!text.empty() || (!first && !last)) return WholeFile{};
  if (!first) return suffix_of(*last, size);
  if (last && *last < *first) return WholeFile{};
  if (*first >= size) return NotSatisfiable{};
  const auto end = std::min(last.value_or(kInfinite), size - 1);
  return ByteRange{*first, end - *first + 1};
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, size);
}

std::string unsatisfied_range(std::uint64_t size) { return fmt::format("bytes */{}", size); }

bool strong_equal(std::string_view a, std::string_view b) {
  const auto x = parse_tag(a);
  const auto y = parse_tag(b);
  return x && y && !x->weak && !y->weak && x->opaque == y->opaque;
}

bool weak_equal(std::string_view a, std::string_view b) {
  const auto x = parse_tag(a);
  const auto y = parse_tag(b);
  return x && y && x->opaque == y->opaque;
}

bool none_match_hits(std::string_view header, std::string_view etag) {
  auto rest = trim(header);
  if (rest == "*") return true;
  const auto ours = parse_tag(etag);
  if (!ours) return false;
  bool hit = false;
  while (!rest.empty()) {
    if (rest.front() == ',') {
      rest = trim(rest.substr(1));
      continue;
    }
    const auto tag = take_tag(rest);
    rest = trim(rest);
    if (!tag || (!rest.empty() && rest.front() != ',')) return false;
    hit = hit || tag->opaque == ours->opaque;
  }
  return hit;
}

bool if_range_holds(std::string_view header, std::string_view etag) {
  const auto text = trim(header);
  return text.empty() || strong_equal(text, etag);
}

}  // namespace ccd::files
