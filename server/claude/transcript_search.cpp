// Searching: lines that cannot match are passed over as bytes; only the others are parsed and looked at as texts.
#include "claude/transcript_search.hpp"

#include <algorithm>
#include <clocale>
#include <cstring>
#include <cwctype>
#include <utility>

#include "base/encoding.hpp"

namespace ccd::claude {
namespace {

constexpr std::size_t kPieceBytes = 1024 * 1024;
constexpr std::size_t kBeforeBytes = 40;
constexpr std::size_t kAfterBytes = 80;
// Between two looks at the clock: each candidate costs up to a parsed line.
constexpr int kLinesPerLook = 32;

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;
};

// The character at the beginning of the text, which is not empty; a byte that begins none is given as itself, with the code 0.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || text.size() < bytes || !valid_utf8(text.substr(0, bytes))) return {0, 1};
  std::uint32_t code = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {code, bytes};
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x800) {
    out += static_cast<char>(0xC0U | code >> 6U);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | code >> 12U);
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | code >> 18U);
    out += static_cast<char>(0x80U | (code >> 12U & 0x3FU));
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
  }
  out += static_cast<char>(0x80U | (code & 0x3FU));
}

// C.UTF-8 is built into the C library; without it letters beyond ASCII keep their case.
locale_t letters() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

std::uint32_t lower(std::uint32_t code) {
  if (letters() == nullptr || code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  const auto found = static_cast<std::uint32_t>(::towlower_l(static_cast<wint_t>(code), letters()));
  return found < 0x80 ? code : found;
}

bool has_case(std::uint32_t code) {
  if (code < 0x80 || letters() == nullptr) return false;
  return lower(code) != code || static_cast<std::uint32_t>(::towupper_l(static_cast<wint_t>(code), letters())) != code;
}

void append_folded(std::string& out, std::string_view character, std::uint32_t code) {
  const std::uint32_t low = lower(code);
  if (low < 0x80 && character.size() == 1 && code != 0) out += static_cast<char>(low);
  else if (low == code) out += character;
  else append_utf8(out, low);
}

// The longest part of a folded query that JSON writes as it is, in whatever case its ASCII letters are.
std::string literal_part(std::string_view query) {
  std::string best;
  std::string part;
  while (!query.empty()) {
    const Character character = first_character(query);
    const bool escaped = character.code < 0x20 || character.code == '"' || character.code == '\\' ||
                         character.code == '/' || character.code == 0x7F;
    if (escaped || has_case(character.code)) part.clear();
    else part += query.substr(0, character.bytes);
    if (part.size() > best.size()) best = part;
    query.remove_prefix(character.bytes);
  }
  return best;
}

// A loop that the compiler makes 16 bytes wide.
void lower_ascii(std::string_view from, std::string& to) {
  to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto c = static_cast<unsigned char>(from[i]);
    to[i] = static_cast<char>(c + (static_cast<unsigned char>(c - 'A') < 26 ? 32 : 0));
  }
}

// How far into `text` its folded form has this many bytes.
std::size_t unfolded(std::string_view text, std::size_t folded_bytes) {
  std::size_t at = 0;
  std::string piece;
  for (std::size_t have = 0; have < folded_bytes && at < text.size();) {
    const Character character = first_character(text.substr(at));
    piece.clear();
    append_folded(piece, text.substr(at, character.bytes), character.code);
    have += piece.size();
    at += character.bytes;
  }
  return at;
}

// On one line, so that a list of hits stays a list.
std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

// The last `limit` bytes, from a character's beginning on.
std::string_view ending(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.remove_prefix(text.size() - limit);
  while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0U) == 0x80) text.remove_prefix(1);
  return text;
}

}  // namespace

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    append_folded(out, text.substr(0, character.bytes), character.code);
    text.remove_prefix(character.bytes);
  }
  return out;
}

TranscriptSearch::TranscriptSearch(std::string_view query) : folded_(folded(query)), needle_(literal_part(folded_)) {}

Result<TranscriptSearch> TranscriptSearch::make(std::string_view query) {
  if (query.empty()) return fail_field("q", "q must be the words to look for");
  if (query.size() > kMaxQueryBytes)
    return fail_field("q", "q has at most " + std::to_string(kMaxQueryBytes) + " bytes");
  if (!valid_utf8(query)) return fail_field("q", "q must be UTF-8");
  return TranscriptSearch(query);
}

// Where in a piece the next line lies that may match: with the needle, or with letters that are written as escapes.
std::size_t TranscriptSearch::next_candidate(std::string_view lowered, std::size_t from) const {
  if (needle_.empty()) return from;
  const std::string_view rest = lowered.substr(from);
  const void* const found = ::memmem(rest.data(), rest.size(), needle_.data(), needle_.size());
  const std::size_t at =
      found == nullptr ? rest.size() : static_cast<std::size_t>(static_cast<const char*>(found) - rest.data());
  const void* const escape = ::memmem(rest.data(), at, "\\u", 2);
  return from + (escape == nullptr ? at : static_cast<std::size_t>(static_cast<const char*>(escape) - rest.data()));
}

std::optional<SearchHit> TranscriptSearch::look(std::string_view line, std::uint64_t offset) {
  const LineTexts found = parser_.texts(line);
  std::string low;
  for (const std::string_view text : found.texts) {
    low = folded(text);
    const std::size_t at = low.find(folded_);
    if (at == std::string::npos) continue;
    const std::size_t begin = unfolded(text, at);
    const std::size_t end = begin + unfolded(text.substr(begin), folded_.size());
    return SearchHit{.offset = offset,
                     .kind = found.kind,
                     .chain = found.chain,
                     .at = found.at,
                     .before = one_line(clipped(ending(text.substr(0, begin), kBeforeBytes), kBeforeBytes)),
                     .match = one_line(clipped(text.substr(begin, end - begin), 4 * kMaxQueryBytes)),
                     .after = one_line(clipped(text.substr(end), kAfterBytes))};
  }
  return std::nullopt;
}

Result<SearchPage> TranscriptSearch::step(const TranscriptFile& file, std::uint64_t from, const SearchLimits& limits) {
  const auto until = std::chrono::steady_clock::now() + limits.time;
  SearchPage page;
  const std::uint64_t size = TRY(file.bytes());
  page.next = TRY(file.line_begin(std::min(from, size)));
  const std::uint64_t first = page.next;
  std::string piece(kPieceBytes, '\0');
  std::string lowered;
  int looks = 0;
  while (page.next - first < limits.bytes) {
    const std::size_t got = TRY(file.read(page.next, piece.data(), piece.size()));
    const void* const last = ::memrchr(piece.data(), '\n', got);
    if (last == nullptr && got == piece.size() && piece.size() <= kMaxLineBytes) {
      piece.resize(2 * piece.size());  // a line that is longer than this
      continue;
    }
    if (last == nullptr) {
      const std::uint64_t beyond = got == piece.size() ? TRY(file.line_begin(page.next + got)) : page.next;
      char end = 0;
      const bool whole = beyond > page.next && TRY(file.read(beyond - 1, &end, 1)) == 1 && end == '\n';
      if (whole) {
        page.next = beyond;
        continue;
      }
      page.done = true;
      return page;
    }
    const std::string_view lines(piece.data(),
                                 static_cast<std::size_t>(static_cast<const char*>(last) - piece.data()) + 1);
    lower_ascii(lines, lowered);
    std::size_t at = 0;  // everything before it in `lines` is done
    while (at < lines.size()) {
      const std::size_t candidate = next_candidate(lowered, at);
      if (candidate == lines.size()) break;
      const std::size_t before = candidate == 0 ? std::string_view::npos : lines.rfind('\n', candidate - 1);
      const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
      const std::size_t end = lines.find('\n', candidate);
      if (end - begin <= kMaxLineBytes)
        if (auto hit = look(lines.substr(begin, end - begin), page.next + begin)) page.hits.push_back(std::move(*hit));
      at = end + 1;
      const bool late = ++looks % kLinesPerLook == 0 && std::chrono::steady_clock::now() > until;
      if (page.hits.size() == limits.hits || late) {
        page.next += at;
        return page;
      }
    }
    page.next += lines.size();
    if (std::chrono::steady_clock::now() > until) return page;
  }
  return page;
}

}  // namespace ccd::claude
