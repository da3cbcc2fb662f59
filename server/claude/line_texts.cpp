// The texts of a line that a person can look for. Walks the parsed JSON; nothing is copied.
#include "claude/line_look.hpp"

namespace ccd::claude {
namespace {

// Deeper values are not looked into: tools' inputs are a few levels deep, and simdjson has bounded the document at 1,024.
constexpr int kMaxDepth = 32;

// Values that are names and numbers of the client's own, or data that is no text.
bool is_text_field(std::string_view key) {
  return key != "type" && key != "id" && key != "tool_use_id" && key != "signature" && key != "data" &&
         key != "base64" && key != "originalFile" && key != "media_type" && key != "model" && key != "usage" &&
         key != "agentId";
}

class TextWalk {
 public:
  explicit TextWalk(std::vector<std::string_view>& texts) : texts_(texts) {}

  void value(const json::Element& element, int depth = 0) {
    if (depth == kMaxDepth || texts_.size() == kMaxLineTexts) return;
    std::string_view text;
    json::Object object;
    json::Array array;
    if (element.get(text) == simdjson::SUCCESS) {
      if (!text.empty()) texts_.push_back(text);
    } else if (element.get(array) == simdjson::SUCCESS) {
      for (const json::Element item : array) value(item, depth + 1);
    } else if (element.get(object) == simdjson::SUCCESS) {
      for (const auto field : object)
        if (is_text_field(field.key)) value(field.value, depth + 1);
    }
  }
  void field(const json::Object& object, std::string_view key) {
    if (const auto found = json::at(object, key)) value(*found);
  }

 private:
  std::vector<std::string_view>& texts_;
};

}  // namespace

LineTexts LineParser::texts(std::string_view line) {
  LineTexts found;
  parts_->give_back();  // not at the end: the views must stay
  json::Element document;
  if (!parts_->parse_last(line, document)) {
    found.texts.push_back(line);
    return found;
  }
  const Look seen = look(document);
  found.kind = seen.kind;
  if (!seen.is_object || seen.kind == EntryKind::raw) {
    found.texts.push_back(line);
    return found;
  }
  found.at = parse_timestamp(json::text(seen.root, "timestamp"));
  found.chain = json::is_true(seen.root, "isSidechain") ? Chain::side : Chain::main;
  if (seen.kind == EntryKind::state || seen.kind == EntryKind::attachment) return found;
  TextWalk walk(found.texts);
  if (seen.message) {
    walk.field(*seen.message, "content");
    walk.field(seen.root, "toolUseResult");
  } else {
    walk.field(seen.root, "summary");
    walk.field(seen.root, "content");
  }
  return found;
}

}  // namespace ccd::claude
