// The decision what a line is, and parsing it with the repairs that a line may need.
#include "claude/line_look.hpp"

#include <algorithm>
#include <array>

#include "claude/line_repair.hpp"

namespace ccd::claude {
namespace {

// A parser that has grown over this many input bytes is given up after its line.
constexpr std::size_t kKeptParserBytes = 1024 * 1024;

// What the client writes for itself. A type that stands neither here nor in look() is shown raw.
constexpr std::array<std::string_view, 23> kStateTypes{"mode",
                                                       "permission-mode",
                                                       "file-history-snapshot",
                                                       "file-history-delta",
                                                       "queue-operation",
                                                       "custom-title",
                                                       "ai-title",
                                                       "agent-name",
                                                       "agent-color",
                                                       "agent-setting",
                                                       "last-prompt",
                                                       "tools-used",
                                                       "cost-state",
                                                       "atis-latch",
                                                       "api-request",
                                                       "api-request-shape",
                                                       "api-request-blob",
                                                       "pr-link",
                                                       "worktree-state",
                                                       "content-replacement",
                                                       "tag",
                                                       "task-summary",
                                                       "speculation-accept"};

// Text that the client puts into a user message itself.
constexpr std::array<std::string_view, 7> kNoteStarts{
    "<command-name>",         "<command-message>", "<local-command-stdout>", "<local-command-stderr>",
    "<local-command-caveat>", "<bash-stdout>",     "<system-reminder>"};

bool starts_with_one_of(std::string_view text, const auto& starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view s) { return text.starts_with(s); });
}

EntryKind user_kind(const json::Object& root, const json::Object& message) {
  if (json::is_true(root, "isCompactSummary")) return EntryKind::summary;
  std::string_view first = json::text(message, "content");
  if (const auto blocks = json::array(message, "content")) {
    for (const json::Element block : *blocks) {
      const std::string_view type = type_of(block);
      if (type == "tool_result") return EntryKind::result;
      json::Object object;
      if (type == "text" && first.empty() && block.get(object) == simdjson::SUCCESS) first = json::text(object, "text");
    }
  }
  if (first.starts_with("[Request interrupted by user")) return EntryKind::interruption;
  if (json::is_true(root, "isMeta") || starts_with_one_of(first, kNoteStarts)) return EntryKind::note;
  return EntryKind::prompt;
}

}  // namespace

std::string_view type_of(const json::Element& element) {
  json::Object object;
  if (element.get(object) != simdjson::SUCCESS) return {};
  return json::text(object, "type");
}

Look look(const json::Element& document) {
  Look seen;
  if (document.get(seen.root) != simdjson::SUCCESS) return seen;
  seen.is_object = true;
  seen.type = json::text(seen.root, "type");
  if (seen.type == "user" || seen.type == "assistant") {
    seen.message = json::object(seen.root, "message");
    if (!seen.message) return seen;
    if (seen.type == "user") {
      seen.kind = user_kind(seen.root, *seen.message);
    } else if (json::is_true(seen.root, "isApiErrorMessage")) {
      seen.kind = EntryKind::failure;
      seen.detail = json::text(seen.root, "error");
    } else {
      seen.kind = EntryKind::reply;
    }
  } else if (seen.type == "system") {
    seen.detail = json::text(seen.root, "subtype");
    seen.kind = seen.detail == "compact_boundary" ? EntryKind::compaction : EntryKind::system;
  } else if (seen.type == "attachment") {
    seen.kind = EntryKind::attachment;
    if (const auto attached = json::object(seen.root, "attachment")) seen.detail = json::text(*attached, "type");
  } else if (seen.type == "summary") {
    seen.kind = EntryKind::summary;
  } else if (std::find(kStateTypes.begin(), kStateTypes.end(), seen.type) != kStateTypes.end()) {
    seen.kind = EntryKind::state;
    seen.detail = seen.type;
  }
  return seen;
}

bool LineParser::Parts::parse(std::string_view line, json::Element& document) {
  if (line.size() > kMaxLineBytes) return false;
  buffer.assign(line);
  buffer.resize(line.size() + simdjson::SIMDJSON_PADDING, ' ');
  return parser.parse(buffer.data(), line.size(), false).get(document) == simdjson::SUCCESS;
}

bool LineParser::Parts::parse_mended(std::string_view line, json::Element& document) {
  if (parse(line, document)) return true;
  if (line.size() > kMaxLineBytes) return false;
  std::string mended(line);
  return mend_surrogates(mended) && parse(mended, document);
}

std::optional<std::size_t> LineParser::Parts::second_begin(std::string_view line, json::Element& document) {
  return restart_after_half_line(line, [&](std::string_view rest) {
    return parse_mended(rest, document) && look(document).kind != EntryKind::raw;
  });
}

bool LineParser::Parts::parse_last(std::string_view line, json::Element& document) {
  return parse_mended(line, document) || second_begin(line, document).has_value();
}

void LineParser::Parts::give_back() {
  if (buffer.capacity() <= kKeptParserBytes && parser.capacity() <= kKeptParserBytes) return;
  buffer = std::string();
  parser = simdjson::dom::parser(kMaxLineBytes);
}

}  // namespace ccd::claude
