// Repairs of lines, and the two small readers of text that every entry needs: times, and cut texts.
#include "claude/line_repair.hpp"

#include <array>
#include <chrono>
#include <cstdint>

#include "base/encoding.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The value of the escape "\uXXXX" at `at`, if one stands there.
std::optional<unsigned> escape_at(std::string_view json, std::size_t at) {
  if (json.size() < at + 6 || json[at] != '\\' || json[at + 1] != 'u') return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const char c = json[i];
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!letter && (c < '0' || c > '9')) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(letter ? (c | 0x20) - 'a' + 10 : c - '0');
  }
  return value;
}

// Length of the well-formed character at the front of `text`, or 0.
std::size_t character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length || !valid_utf8(text.substr(0, length))) return 0;
  return length;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Where a line of a transcript begins; inside of JSON strings the quotes would be escaped.
constexpr std::array<std::string_view, 6> kBeginnings{R"({"parentUuid":)",    R"({"type":"mode")",
                                                      R"({"type":"user")",    R"({"type":"assistant")",
                                                      R"({"type":"summary")", R"({"type":"system")"};

}  // namespace

bool mend_surrogates(std::string& json) {
  bool mended = false;
  for (std::size_t at = json.find('\\'); at != std::string::npos; at = json.find('\\', at)) {
    const auto value = escape_at(json, at);
    if (!value) {
      at += 2;  // an escaped backslash takes the next one with it
      continue;
    }
    const bool high = *value >= 0xD800 && *value < 0xDC00;
    const auto next = high ? escape_at(json, at + 6) : std::nullopt;
    const bool pair = next && *next >= 0xDC00 && *next < 0xE000;
    if (*value >= 0xD800 && *value < 0xE000 && !pair) {
      json.replace(at, 6, "\\ufffd");
      mended = true;
    }
    at += pair ? 12 : 6;
  }
  return mended;
}

std::optional<std::size_t> restart_after_half_line(std::string_view line,
                                                   const std::function<bool(std::string_view)>& readable) {
  if (line.size() > kMaxRestartLineBytes) return std::nullopt;
  int tried = 0;
  for (std::size_t at = line.find("{\"", 1); at != std::string_view::npos; at = line.find("{\"", at + 1)) {
    const std::string_view rest = line.substr(at);
    bool begins = false;
    for (const std::string_view beginning : kBeginnings) begins = begins || rest.starts_with(beginning);
    if (!begins) continue;
    if (readable(rest)) return at;
    if (++tried == kMaxRestarts) break;
  }
  return std::nullopt;
}

std::optional<WallMicros> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text.size() > 30 || text.back() != 'Z' || text[4] != '-' || text[7] != '-' ||
      text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2);
  const auto h = digits(text, 11, 2), mi = digits(text, 14, 2), s = digits(text, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*mo)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  WallMicros fraction = 0;
  if (text[19] == '.') {
    WallMicros unit = 100'000;
    for (const char c : text.substr(20, text.size() - 21)) {
      if (c < '0' || c > '9') return std::nullopt;
      fraction += (c - '0') * unit;
      unit /= 10;
    }
  } else if (text.size() != 20) {
    return std::nullopt;
  }
  const auto whole = sys_days(date) + hours(*h) + minutes(*mi) + seconds(*s);
  return duration_cast<microseconds>(whole.time_since_epoch()).count() + fraction;
}

std::string clipped(std::string_view text, std::size_t limit) {
  std::string_view part = text.substr(0, limit);
  if (part.size() < text.size()) {
    // Back to a character's border: at most 3 bytes, or none where the bytes are no characters.
    std::size_t end = part.size();
    while (end > 0 && part.size() - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80) part = part.substr(0, end);
  }
  if (valid_utf8(part)) return std::string(part);
  std::string clean;
  while (!part.empty() && clean.size() < limit) {
    const std::size_t length = character(part);
    const std::string_view piece = length == 0 ? kReplacement : part.substr(0, length);
    if (clean.size() + piece.size() > limit) break;
    clean += piece;
    part.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

}  // namespace ccd::claude
