// Fuzzes claude's transcript reading: any bytes give entries, in any pieces the same index, and a good line behind them is found.
//
// Input: a transcript, or any part of one.
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "claude/transcript_index.hpp"
#include "claude/transcript_line.hpp"
#include "support.hpp"

namespace ccd::claude {
namespace {

constexpr ParseLimits kLimits{.text_bytes = 64, .input_bytes = 256, .blocks = 4};

void check_entry(const Entry& entry) {
  CHECK(entry.raw.size() <= kLimits.text_bytes && valid_utf8(entry.raw));
  CHECK(entry.blocks.size() <= kLimits.blocks + 1);
  for (const Block& block : entry.blocks) {
    CHECK(block.text.size() <= 2048 && valid_utf8(block.text) && valid_utf8(block.tool) && valid_utf8(block.tool_id));
    CHECK(block.input.size() <= kLimits.input_bytes && block.input.size() <= block.input_bytes);
  }
}

void check_index(std::string_view text) {
  TranscriptIndex whole;
  whole.feed(text);
  TranscriptIndex pieces;
  fuzz::Pieces sizes(text);
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t size = sizes.next(rest.size());
    pieces.feed(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  const TranscriptFacts& a = whole.facts();
  const TranscriptFacts& b = pieces.facts();
  CHECK(a.end == b.end && a.lines == b.lines && a.raw_lines == b.raw_lines && a.prompts == b.prompts);
  CHECK(total_of(a) == total_of(b) && a.standing.last == b.standing.last);
  CHECK(a.standing.open_tools.size() == b.standing.open_tools.size() && a.usage.size() <= kMaxModels + 1);
  const std::uint64_t before = a.prompts;
  whole.feed("\n{\"type\":\"user\",\"message\":{\"content\":\"behind\"}}\n");
  // The first line end can make a prompt of what the input ended with.
  CHECK(whole.facts().prompts > before && whole.facts().standing.last == EntryKind::prompt);
}

}  // namespace
}  // namespace ccd::claude

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::claude;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  LineParser parser;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = ccd::fuzz::take(rest);
    const std::vector<Entry> entries = parser.entries(line, {}, kLimits);
    CHECK(entries.size() == 1 || entries.size() == 2);
    for (const Entry& entry : entries) check_entry(entry);
    CHECK(parser.facts(line).kind == entries.back().kind && parser.texts(line).kind == entries.back().kind);
    for (std::size_t i = 0; i < entries.back().blocks.size(); ++i) {
      const auto media = parser.media(line, entries.size() - 1, i);
      CHECK(!media || i == kLimits.blocks || media->base64.size() == entries.back().blocks[i].bytes);
    }
  }
  check_index(text);
  return 0;
}
