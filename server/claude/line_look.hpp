// What a line of a transcript is, decided from its JSON, and the parser that holds that JSON. For this room's sources only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "claude/json_read.hpp"
#include "claude/transcript.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {

struct Look {
  EntryKind kind = EntryKind::raw;
  std::string_view type{};
  std::string_view detail{};
  bool is_object = false;  // else `root` must not be looked into
  json::Object root{};
  std::optional<json::Object> message{};
};

Look look(const json::Element& document);

// The type that an object names; empty for anything else.
std::string_view type_of(const json::Element& element);

struct LineParser::Parts {
  simdjson::dom::parser parser{kMaxLineBytes};
  std::string buffer{};  // the line, with the bytes behind it that simdjson reads

  bool parse(std::string_view line, json::Element& document);
  // JavaScript writes half of a surrogate pair where a text was cut in the middle of a character: as U+FFFD the line is JSON.
  bool parse_mended(std::string_view line, json::Element& document);
  // Parses the entry that counts of a line: the line's, or of a half line that a whole one follows, the second. False: neither is JSON.
  bool parse_last(std::string_view line, json::Element& document);
  // Of a line that does not parse: where a whole entry begins behind half of one.
  std::optional<std::size_t> second_begin(std::string_view line, json::Element& document);
  // Not while something still looks into the document.
  void give_back();
};

}  // namespace ccd::claude
