// Reads the blocks of a line once `look` has said what it is. simdjson checks the whole line before anything of it is used.
#include "claude/transcript_line.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/encoding.hpp"
#include "claude/json_read.hpp"
#include "claude/line_look.hpp"
#include "claude/line_repair.hpp"

namespace ccd::claude {

Entry raw_entry(std::string_view line, LinePlace place, const ParseLimits& limits) {
  Entry entry;
  entry.line = place;
  entry.raw = clipped(line, limits.text_bytes);
  return entry;
}

namespace {

// No message has more tokens; keeps sums over any file below 2^64.
constexpr std::uint64_t kMaxTokens = 1'000'000'000'000;

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

void read_media(const json::Object& source, Block& block) {
  block.media_type = clipped(json::text(source, "media_type"), 128);
  block.source = clipped(json::text(source, "type"), 32);
  block.bytes = json::text(source, "data").size();
  if (block.source == "url") block.text = clipped(json::text(source, "url"), 2048);
}

// Of what is over its limit, fields up to this part of it stay.
constexpr std::size_t kSmallPart = 4;

// Over the limit, of an object the fields that are small: which file it was is worth knowing when its content is left out.
std::string small_fields(const json::Element& value, std::size_t limit) {
  json::Object object;
  if (value.get(object) != simdjson::SUCCESS) return {};
  std::string text = "{";
  for (const auto field : object) {
    const std::string written = json::quoted(field.key) + ":" + json::written(field.value);
    if (written.size() > limit / kSmallPart || text.size() + written.size() + 2 > limit) continue;
    if (text.size() > 1) text += ',';
    text += written;
  }
  return text.size() == 1 ? std::string() : text + "}";
}

std::string written_within(const json::Element& value, std::size_t limit, std::uint64_t& bytes) {
  std::string text = json::written(value);
  bytes = text.size();
  if (text.size() > limit) return small_fields(value, limit);
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
  // The data of the block with this number, when it is one with data.
  std::optional<Media> read_media_of(const json::Object& message, std::size_t block) {
    wanted_media_ = block;
    read_content(message);
    if (found_media_.empty()) return std::nullopt;
    return Media{.media_type = entry_.blocks[block].media_type, .base64 = std::string(found_media_)};
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
      const auto source = json::object(object, "source");
      if (!source) return;
      if (entry_.blocks.size() - 1 == wanted_media_) found_media_ = json::text(*source, "data");
      return read_media(*source, *block);
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
  std::size_t wanted_media_ = SIZE_MAX;
  std::string_view found_media_{};
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
    const auto second = parts_->second_begin(line, document);
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

std::optional<Media> LineParser::media(std::string_view line, std::size_t entry, std::size_t block) {
  json::Element document;
  bool there = parts_->parse_mended(line, document);
  if (!there) {
    const auto second = parts_->second_begin(line, document);
    if (!second || entry > 1) return std::nullopt;
    there = parts_->parse_mended(entry == 0 ? line.substr(0, *second) : line.substr(*second), document);
  } else if (entry != 0) {
    return std::nullopt;
  }
  const Look seen = there ? look(document) : Look{};
  std::optional<Media> found;
  if (seen.message) {
    Entry unused;
    found = BlockReader(unused, kWholeLimits).read_media_of(*seen.message, block);
  }
  parts_->give_back();
  return found;
}

LineFacts LineParser::facts(std::string_view line) {
  LineFacts facts;
  parts_->give_back();  // not at the end: the views must stay
  json::Element document;
  if (!parts_->parse_last(line, document)) return facts;
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
