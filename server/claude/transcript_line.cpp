// Decides what a line is (`look`), and reads its blocks. simdjson checks the whole line before anything of it is used.
#include "claude/transcript_line.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "base/encoding.hpp"
#include "claude/json_read.hpp"
#include "claude/line_repair.hpp"

namespace ccd::claude {

Entry raw_entry(std::string_view line, LinePlace place, const ParseLimits& limits) {
  Entry entry;
  entry.line = place;
  entry.raw = clipped(line, limits.text_bytes);
  return entry;
}

namespace {

// A parser that has grown over this many input bytes is given up after its line.
constexpr std::size_t kKeptParserBytes = 1024 * 1024;
// No message has more tokens; keeps sums over any file below 2^64.
constexpr std::uint64_t kMaxTokens = 1'000'000'000'000;

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

struct Look {
  EntryKind kind = EntryKind::raw;
  std::string_view type{};
  std::string_view detail{};
  bool is_object = false;  // else `root` must not be looked into
  json::Object root{};
  std::optional<json::Object> message{};
};

bool starts_with_one_of(std::string_view text, const auto& starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view s) { return text.starts_with(s); });
}

std::string_view type_of(const json::Element& element) {
  json::Object object;
  if (element.get(object) != simdjson::SUCCESS) return {};
  return json::text(object, "type");
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

std::optional<Usage> usage_in(const std::optional<json::Object>& message) {
  if (!message) return std::nullopt;
  const auto told = json::object(*message, "usage");
  if (!told) return std::nullopt;
  Usage usage;
  usage.input = json::number(*told, "input_tokens", kMaxTokens);
  usage.output = json::number(*told, "output_tokens", kMaxTokens);
  usage.cache_read = json::number(*told, "cache_read_input_tokens", kMaxTokens);
  const std::uint64_t written = json::number(*told, "cache_creation_input_tokens", kMaxTokens);
  if (const auto by_life = json::object(*told, "cache_creation")) {
    usage.cache_write_1h = std::min(written, json::number(*by_life, "ephemeral_1h_input_tokens", kMaxTokens));
  }
  usage.cache_write_5m = written - usage.cache_write_1h;  // also what is of no told life
  return usage;
}

void read_media(const json::Object& object, Block& block) {
  const auto source = json::object(object, "source");
  if (!source) return;
  block.media_type = clipped(json::text(*source, "media_type"), 128);
  block.source = clipped(json::text(*source, "type"), 32);
  block.bytes = json::text(*source, "data").size();
  if (block.source == "url") block.text = clipped(json::text(*source, "url"), 2048);
}

std::string written_within(const json::Element& value, std::size_t limit, std::uint64_t& bytes) {
  std::string text = json::written(value);
  bytes = text.size();
  if (text.size() > limit) text.clear();
  return text;
}

class BlockReader {
 public:
  BlockReader(Entry& entry, const ParseLimits& limits) : entry_(entry), limits_(limits) {}

  void read_content(const json::Object& message) {
    if (const std::string_view whole = json::text(message, "content"); !whole.empty()) add_text(BlockKind::text, whole);
    const auto blocks = json::array(message, "content");
    if (!blocks) return;
    for (const json::Element block : *blocks) read(block, {});
  }
  void add_text(BlockKind kind, std::string_view text) {
    Block* block = add(kind);
    if (block == nullptr) return;
    block->text = clipped(text, limits_.text_bytes);
    block->bytes = text.size();
  }

 private:
  // Null when there are too many: then the last block counts them.
  Block* add(BlockKind kind) {
    if (entry_.blocks.size() < limits_.blocks) return &entry_.blocks.emplace_back(Block{.kind = kind});
    if (entry_.blocks.size() == limits_.blocks) entry_.blocks.emplace_back();
    ++entry_.blocks.back().bytes;
    return nullptr;
  }

  void read(const json::Element& element, std::string_view tool_id) {
    json::Object object;
    const std::string_view type = type_of(element);
    if (type.empty() || element.get(object) != simdjson::SUCCESS) return read_unknown(element);
    if (type == "text") return add_text(BlockKind::text, json::text(object, "text"));
    if (type == "thinking") return add_text(BlockKind::thinking, json::text(object, "thinking"));
    if (type == "redacted_thinking") return add_text(BlockKind::thinking, {});
    if (type == "tool_use" || type == "server_tool_use" || type == "mcp_tool_use") return read_call(object);
    if (type == "tool_result") return read_result(object);
    if (type == "image" || type == "document") {
      Block* block = add(type == "image" ? BlockKind::image : BlockKind::document);
      if (block == nullptr) return;
      block->tool_id = clipped(tool_id, 128);
      return read_media(object, *block);
    }
    read_unknown(element);
  }
  void read_unknown(const json::Element& element) { add_text(BlockKind::unknown, json::written(element)); }
  void read_call(const json::Object& object) {
    Block* block = add(BlockKind::tool_use);
    if (block == nullptr) return;
    block->tool_id = clipped(json::text(object, "id"), 128);
    block->tool = clipped(json::text(object, "name"), 128);
    if (const auto input = json::at(object, "input")) {
      block->input = written_within(*input, limits_.input_bytes, block->input_bytes);
    }
  }
  // Texts become one text; what else is in a result follows it as blocks of the same tool.
  void read_result(const json::Object& object) {
    Block* block = add(BlockKind::tool_result);
    if (block == nullptr) return;
    const std::size_t place = entry_.blocks.size() - 1;
    const std::string_view tool_id = json::text(object, "tool_use_id");
    block->tool_id = clipped(tool_id, 128);
    if (json::is_true(object, "is_error")) block->outcome = Outcome::failed;
    std::string text(json::text(object, "content"));
    if (const auto parts = json::array(object, "content")) {
      for (const json::Element part : *parts) {
        json::Object inner;
        if (type_of(part) == "text" && part.get(inner) == simdjson::SUCCESS) {
          if (!text.empty()) text += '\n';
          text += json::text(inner, "text");
        } else if (type_of(part) != "tool_result") {
          read(part, tool_id);
        } else {
          read_unknown(part);  // a result in a result: shown, not followed
        }
      }
    }
    entry_.blocks[place].text = clipped(text, limits_.text_bytes);
    entry_.blocks[place].bytes = text.size();
  }

  Entry& entry_;
  const ParseLimits& limits_;
};

Entry read_entry(const Look& seen, std::string_view line, LinePlace place, const ParseLimits& limits) {
  if (!seen.is_object) return raw_entry(line, place, limits);
  Entry entry;
  entry.kind = seen.kind;
  entry.line = place;
  entry.type = clipped(seen.type, 128);
  entry.detail = clipped(seen.detail, 128);
  entry.uuid = clipped(json::text(seen.root, "uuid"), 128);
  entry.parent_uuid = clipped(json::text(seen.root, "parentUuid"), 128);
  entry.at = parse_timestamp(json::text(seen.root, "timestamp"));
  entry.chain = json::is_true(seen.root, "isSidechain") ? Chain::side : Chain::main;
  entry.agent_id = clipped(json::text(seen.root, "agentId"), 128);
  if (const auto origin = json::object(seen.root, "origin")) entry.origin = clipped(json::text(*origin, "kind"), 128);
  BlockReader reader(entry, limits);
  if (seen.message) {
    entry.model = clipped(json::text(*seen.message, "model"), 128);
    entry.message_id = clipped(json::text(*seen.message, "id"), 128);
    entry.stop_reason = clipped(json::text(*seen.message, "stop_reason"), 128);
    if (seen.kind == EntryKind::reply) entry.usage = usage_in(seen.message);
    reader.read_content(*seen.message);
    if (const auto result = json::at(seen.root, "toolUseResult")) {
      entry.result = written_within(*result, limits.input_bytes, entry.result_bytes);
    }
    return entry;
  }
  for (const std::string_view field : {"summary", "content"}) {
    if (const std::string_view text = json::text(seen.root, field); !text.empty())
      reader.add_text(BlockKind::text, text);
  }
  entry.raw = clipped(line, limits.text_bytes);
  return entry;
}

std::string_view first_text(const json::Object& message) {
  if (const std::string_view whole = json::text(message, "content"); !whole.empty()) return whole;
  const auto blocks = json::array(message, "content");
  if (!blocks) return {};
  for (const json::Element block : *blocks) {
    json::Object object;
    if (type_of(block) == "text" && block.get(object) == simdjson::SUCCESS) return json::text(object, "text");
  }
  return {};
}

void read_tools(const json::Object& message, LineFacts& facts) {
  const auto blocks = json::array(message, "content");
  if (!blocks) return;
  for (const json::Element block : *blocks) {
    const std::string_view type = type_of(block);
    json::Object object;
    if (facts.tools.size() == kMaxLineTools || block.get(object) != simdjson::SUCCESS) continue;
    if (type == "tool_use") facts.tools.push_back({json::text(object, "id"), json::text(object, "name")});
    if (type == "tool_result") facts.tools.push_back({json::text(object, "tool_use_id"), {}});
  }
}

}  // namespace

struct LineParser::Parts {
  simdjson::dom::parser parser{kMaxLineBytes};
  std::string buffer;  // the line, with the bytes behind it that simdjson reads

  bool parse(std::string_view line, json::Element& document) {
    if (line.size() > kMaxLineBytes) return false;
    buffer.assign(line);
    buffer.resize(line.size() + simdjson::SIMDJSON_PADDING, ' ');
    return parser.parse(buffer.data(), line.size(), false).get(document) == simdjson::SUCCESS;
  }
  // JavaScript writes half of a surrogate pair where a text was cut in the middle of a character: as U+FFFD the line is JSON.
  bool parse_mended(std::string_view line, json::Element& document) {
    if (parse(line, document)) return true;
    if (line.size() > kMaxLineBytes) return false;
    std::string mended(line);
    return mend_surrogates(mended) && parse(mended, document);
  }
  void give_back() {
    if (buffer.capacity() <= kKeptParserBytes && parser.capacity() <= kKeptParserBytes) return;
    buffer = std::string();
    parser = simdjson::dom::parser(kMaxLineBytes);
  }
};

LineParser::LineParser() : parts_(std::make_unique<Parts>()) {}
LineParser::~LineParser() = default;
LineParser::LineParser(LineParser&&) noexcept = default;
LineParser& LineParser::operator=(LineParser&&) noexcept = default;

std::vector<Entry> LineParser::entries(std::string_view line, LinePlace place, const ParseLimits& limits) {
  std::vector<Entry> found;
  json::Element document;
  if (parts_->parse_mended(line, document)) {
    found.push_back(read_entry(look(document), line, place, limits));
  } else {
    const auto second = restart_after_half_line(line, [&](std::string_view rest) {
      return parts_->parse_mended(rest, document) && look(document).kind != EntryKind::raw;
    });
    const std::string_view first = line.substr(0, second.value_or(line.size()));
    // The first one can be whole too: only the end of its line is missing then.
    const bool whole = second && parts_->parse_mended(first, document);
    found.push_back(whole ? read_entry(look(document), first, place, limits) : raw_entry(first, place, limits));
    if (second && parts_->parse_mended(line.substr(*second), document)) {
      found.push_back(read_entry(look(document), line.substr(*second), place, limits));
    }
  }
  parts_->give_back();
  return found;
}

LineFacts LineParser::facts(std::string_view line) {
  LineFacts facts;
  parts_->give_back();  // not at the end: the views must stay
  json::Element document;
  if (!parts_->parse_mended(line, document) && !restart_after_half_line(line, [&](std::string_view rest) {
        return parts_->parse_mended(rest, document) && look(document).kind != EntryKind::raw;
      })) {
    return facts;
  }
  const Look seen = look(document);
  facts.kind = seen.kind;
  facts.detail = seen.detail;
  if (seen.kind == EntryKind::raw) return facts;
  facts.at = parse_timestamp(json::text(seen.root, "timestamp"));
  facts.chain = json::is_true(seen.root, "isSidechain") ? Chain::side : Chain::main;
  if (seen.detail == "cost-state") facts.cost_usd = json::real(seen.root, "totalCostUSD");
  if (!seen.message) return facts;
  if (seen.kind == EntryKind::failure) facts.text = first_text(*seen.message);
  if (seen.kind == EntryKind::reply) {
    facts.message_id = json::text(*seen.message, "id");
    facts.model = json::text(*seen.message, "model");
    facts.stop_reason = json::text(*seen.message, "stop_reason");
    facts.usage = usage_in(seen.message);
  }
  if (seen.kind == EntryKind::reply || seen.kind == EntryKind::result) read_tools(*seen.message, facts);
  return facts;
}

}  // namespace ccd::claude
