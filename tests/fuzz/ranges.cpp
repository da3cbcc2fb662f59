// Fuzzes files/ranges: no Range header reaches behind a file's end, and entity tags compare as RFC 9110 says.
//
// Input: the file's size in decimal, LF, a header, LF, an entity tag.
#include "files/ranges.hpp"

#include <charconv>
#include <string>

#include "support.hpp"

namespace ccd::files {
namespace {

void check_range(std::string_view header, std::uint64_t size) {
  const RangeRequest wanted = parse_range(header, size);
  if (std::holds_alternative<NotSatisfiable>(wanted))
    CHECK(unsatisfied_range(size) == "bytes */" + std::to_string(size));
  const auto* range = std::get_if<ByteRange>(&wanted);
  if (range == nullptr) return;
  CHECK(range->length >= 1 && range->offset < size && range->length <= size - range->offset);
  const std::string last = std::to_string(range->offset + range->length - 1);
  CHECK(content_range(*range, size) ==
        "bytes " + std::to_string(range->offset) + '-' + last + '/' + std::to_string(size));
  // Asked for by its own numbers it is the same, and so it is with an empty element and blanks around.
  const std::string exact = "bytes=" + std::to_string(range->offset) + '-' + last;
  CHECK(parse_range(exact, size) == wanted);
  CHECK(parse_range("ByTeS= , " + exact.substr(6) + "\t,", size) == wanted);
  CHECK(parse_range(std::string(header) + ",0-0", size) == RangeRequest(WholeFile{}));
  // The last byte of a file is there whichever way it is asked for.
  CHECK(parse_range("bytes=-1", size) == RangeRequest(ByteRange{size - 1, 1}));
  CHECK(parse_range("bytes=0-99999999999999999999999", size) == RangeRequest(ByteRange{0, size}));
}

void check_tags(std::string_view header, std::string_view tag) {
  CHECK(strong_equal(header, tag) == strong_equal(tag, header));
  CHECK(weak_equal(header, tag) == weak_equal(tag, header));
  if (strong_equal(header, tag)) CHECK(weak_equal(header, tag) && header == tag && none_match_hits(header, tag));
  if (weak_equal(header, tag)) CHECK(none_match_hits(header, tag) && weak_equal(tag, tag));
  CHECK(none_match_hits("*", tag));
  if (none_match_hits(header, tag) && weak_equal(tag, tag))
    CHECK(none_match_hits(", " + std::string(header), tag) || header.find('*') != std::string_view::npos);
  if (weak_equal(tag, tag)) {
    // A well-formed tag is found in a list, first or last.
    CHECK(none_match_hits("\"other\", " + std::string(tag), tag));
    CHECK(none_match_hits(std::string(tag) + ",\"other\"", tag));
    CHECK(if_range_holds(tag, tag) == !tag.starts_with("W/"));
  } else {
    CHECK(!strong_equal(tag, tag));
  }
  CHECK(if_range_holds("", tag) && !if_range_holds("Mon, 23 Nov 2026 14:20:00 GMT", tag));
}

}  // namespace
}  // namespace ccd::files

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::files;
  std::string_view text = ccd::fuzz::as_text(data, size);
  const std::string_view digits = ccd::fuzz::take(text);
  const std::string_view header = ccd::fuzz::take(text);
  std::uint64_t bytes = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), bytes);
  check_range(header, bytes);
  check_range("bytes=" + std::string(header), bytes);
  check_range("bytes=" + std::string(header), 10);
  check_tags(header, text);
  return 0;
}
