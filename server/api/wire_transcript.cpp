#include "api/wire_transcript.hpp"

#include <boost/json.hpp>
#include <map>

#include "api/wire.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

// Fields that say nothing are left out: a page has hundreds of entries.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;
  ~ObjectWriter() { out_ += '}'; }

  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) name(key) += json::serialize(json::string_view(value.data(), value.size()));
  }
  void number(std::string_view key, std::uint64_t value) { name(key) += std::to_string(value); }
  void time(std::string_view key, const std::optional<WallMicros>& value) {
    name(key) += value ? std::to_string(*value) : "null";
  }
  void flag(std::string_view key, bool value) {
    if (value) name(key) += "true";
  }
  // JSON already.
  void raw(std::string_view key, std::string_view value) {
    if (!value.empty()) name(key) += value;
  }
  std::string& name(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    ((out_ += '"') += key) += "\":";
    return out_;
  }

 private:
  std::string& out_;
};

void write_block(std::string& out, const claude::Block& block) {
  ObjectWriter object(out);
  object.text("kind", to_string(block.kind));
  object.text("text", block.text);
  const bool has_text = block.kind == claude::BlockKind::text || block.kind == claude::BlockKind::thinking ||
                        block.kind == claude::BlockKind::tool_result || block.kind == claude::BlockKind::unknown;
  if (block.kind == claude::BlockKind::tool_use) {
    object.text("tool", block.tool);
    object.raw("input", block.input);
    object.number("bytes", block.input_bytes);
    object.flag("cut", block.input.size() != block.input_bytes);
  } else {
    object.number("bytes", block.bytes);
    // Text that was mended can be longer than it was.
    object.flag("cut", has_text && block.text.size() < block.bytes);
  }
  object.text("tool_id", block.tool_id);
  object.flag("failed", block.outcome == claude::Outcome::failed);
  object.text("media_type", block.media_type);
  object.text("source", block.source);
}

std::string usage_json(const claude::Usage& usage) {
  std::string out;
  ObjectWriter object(out);
  object.number("input", usage.input);
  object.number("output", usage.output);
  object.number("cache_read", usage.cache_read);
  object.number("cache_write_5m", usage.cache_write_5m);
  object.number("cache_write_1h", usage.cache_write_1h);
  return out;
}

void write_entry(std::string& out, const claude::Entry& entry, std::size_t number, Detail detail) {
  ObjectWriter object(out);
  object.number("offset", entry.line.offset);
  object.number("n", number);
  object.number("bytes", entry.line.bytes);
  object.text("kind", to_string(entry.kind));
  object.text("type", entry.type);
  object.text("detail", entry.detail);
  object.text("uuid", entry.uuid);
  object.text("parent", entry.parent_uuid);
  object.time("at", entry.at);
  object.flag("side", entry.chain == claude::Chain::side);
  object.text("agent", entry.agent_id);
  object.text("origin", entry.origin);
  object.text("model", entry.model);
  object.text("message", entry.message_id);
  object.text("stop", entry.stop_reason);
  if (entry.usage) object.raw("usage", usage_json(*entry.usage));
  object.name("blocks") += '[';
  for (const claude::Block& block : entry.blocks) {
    if (&block != &entry.blocks.front()) out += ',';
    write_block(out, block);
  }
  out += ']';
  object.raw("result", entry.result);
  object.flag("result_cut", entry.result.size() != entry.result_bytes);
  const bool books = entry.kind == claude::EntryKind::state || entry.kind == claude::EntryKind::attachment;
  object.text("raw", books && detail == Detail::page ? claude::clipped(entry.raw, kNotedBytes) : entry.raw);
}

}  // namespace

std::string entries_json(const std::vector<claude::Entry>& entries, Detail detail) {
  std::string out = "[";
  const claude::Entry* before = nullptr;
  std::size_t number = 0;
  for (const claude::Entry& entry : entries) {
    if (before != nullptr) out += ',';
    number = before != nullptr && before->line.offset == entry.line.offset ? number + 1 : 0;
    write_entry(out, entry, number, detail);
    before = &entry;
  }
  return out + "]";
}

std::string page_json(const claude::Page& page, std::string_view file) {
  std::string out;
  {
    ObjectWriter object(out);
    object.text("state", "ready");
    object.text("file", file);
    object.number("begin", page.begin);
    object.number("end", page.end);
    object.number("bytes", page.file_bytes);
    object.raw("entries", entries_json(page.entries, Detail::page));
  }
  return out;
}

std::string search_json(const claude::SearchPage& page) {
  json::array hits;
  for (const claude::SearchHit& hit : page.hits) {
    hits.push_back({{"offset", hit.offset},
                    {"kind", to_string(hit.kind)},
                    {"side", hit.chain == claude::Chain::side},
                    {"at", hit.at ? json::value(*hit.at) : json::value(nullptr)},
                    {"before", hit.before},
                    {"match", hit.match},
                    {"after", hit.after}});
  }
  return json::serialize(
      json::object{{"state", "ready"}, {"hits", std::move(hits)}, {"next", page.next}, {"done", page.done}});
}

std::string facts_json(const agents::FactsAnswer& answer) {
  const claude::TranscriptFacts& facts = answer.facts;
  const auto optional = [](const auto& value) { return value ? json::value(*value) : json::value(nullptr); };
  json::array usage;
  for (const auto& [model, used] : facts.usage) {
    usage.push_back({{"model", model},
                     {"messages", used.messages},
                     {"input", used.usage.input},
                     {"output", used.usage.output},
                     {"cache_read", used.usage.cache_read},
                     {"cache_write_5m", used.usage.cache_write_5m},
                     {"cache_write_1h", used.usage.cache_write_1h}});
  }
  json::array open;
  for (const claude::OpenTool& tool : facts.standing.open_tools)
    open.push_back({{"id", tool.id}, {"name", tool.name}, {"since", optional(tool.since)}});
  json::object standing{{"last", to_string(facts.standing.last)},      {"at", optional(facts.standing.at)},
                        {"stop", facts.standing.stop_reason},          {"failure", facts.standing.failure},
                        {"failure_text", facts.standing.failure_text}, {"open_tools", std::move(open)}};
  return json::serialize(json::object{{"state", "ready"},
                                      {"file", answer.extent.file},
                                      {"bytes", answer.extent.bytes},
                                      {"read", facts.end},
                                      {"lines", facts.lines},
                                      {"raw_lines", facts.raw_lines},
                                      {"prompts", facts.prompts},
                                      {"compactions", facts.compactions},
                                      {"cost_usd", optional(facts.cost_usd)},
                                      {"first_at", optional(facts.first_at)},
                                      {"last_at", optional(facts.last_at)},
                                      {"usage", std::move(usage)},
                                      {"standing", std::move(standing)}});
}

std::string no_transcript_json(const agents::NoTranscript& none) {
  return json::serialize(json::object{{"state", "none"}, {"reason", json_text(none.reason)}});
}

}  // namespace ccd::api
