// Parts of a file and its versions over HTTP (RFC 9110 sections 8.8.3, 13 and 14). Pure: header text in, values out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace ccd::files {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // at least 1; offset + length is at most the file's size
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct WholeFile {  // answer 200 as if there were no Range header
  friend bool operator==(const WholeFile&, const WholeFile&) = default;
};
struct NotSatisfiable {  // answer 416 with unsatisfied_range(size)
  friend bool operator==(const NotSatisfiable&, const NotSatisfiable&) = default;
};
using RangeRequest = std::variant<WholeFile, ByteRange, NotSatisfiable>;

// One range of bytes: "bytes=0-99", "bytes=100-", "bytes=-100". WholeFile for an empty header, another unit, bad
// syntax, first above last, and for several ranges (a server may ignore the header, and none of ours is worth
// multipart). NotSatisfiable when the range starts at or behind the end, or is "-0". Numbers too big for 64 bits are
// as good as infinite.
[[nodiscard]] RangeRequest parse_range(std::string_view header, std::uint64_t size);

// Values of Content-Range: "bytes 0-99/1234" and "bytes */1234".
[[nodiscard]] std::string content_range(const ByteRange& range, std::uint64_t size);
[[nodiscard]] std::string unsatisfied_range(std::uint64_t size);

// Tags with their quotes. Strong: equal and neither is weak. Weak: equal but for W/. A malformed tag equals nothing.
[[nodiscard]] bool strong_equal(std::string_view a, std::string_view b);
[[nodiscard]] bool weak_equal(std::string_view a, std::string_view b);

// If-None-Match: true means 304. "*" or a list, compared weakly; a malformed header matches nothing.
[[nodiscard]] bool none_match_hits(std::string_view header, std::string_view etag);
// If-Range: true means the Range header counts (also for an empty header). Strong comparison. A date never matches:
// the whole file is then the answer, which is always right.
[[nodiscard]] bool if_range_holds(std::string_view header, std::string_view etag);

}  // namespace ccd::files
