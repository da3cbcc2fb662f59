#include "claude/conversation.hpp"

#include <algorithm>

#include "claude/line_look.hpp"
#include "claude/line_repair.hpp"

namespace ccd::claude {

namespace {

enum class Part { head, tail };

class Reader {
 public:
  void take(std::string_view line, Part part) {
    facts_.looked_at += line.size() + 1;
    json::Element document;
    if (line.empty() || !parse(line, document)) return;
    const Look seen = look(document);
    if (seen.is_object) take(seen, part);
  }

  ConversationFacts facts() {
    facts_.title = !custom_title_.empty() ? custom_title_ : !ai_title_.empty() ? ai_title_ : summary_;
    return std::move(facts_);
  }

 private:
  // Of a half line that a whole one follows, the list misses both: it is one line in a file.
  bool parse(std::string_view line, json::Element& document) {
    if (parser_.parse(line.data(), line.size()).get(document) == simdjson::SUCCESS) return true;
    std::string mended(line);
    return mend_surrogates(mended) && parser_.parse(mended).get(document) == simdjson::SUCCESS;
  }

  void take(const Look& seen, Part part) {
    if (const auto at = parse_timestamp(json::text(seen.root, "timestamp"))) {
      if (!facts_.began && part == Part::head) facts_.began = at;
      // Books that were written later can carry an older time.
      facts_.last_activity = std::max(facts_.last_activity.value_or(*at), *at);
    }
    if (json::is_true(seen.root, "isSidechain")) return;
    if (part == Part::head) {
      keep_first(facts_.folder, json::text(seen.root, "cwd"), kMaxFolder);
      keep_first(facts_.branch, json::text(seen.root, "gitBranch"), kMaxConversationText);
    }
    if (seen.type == "custom-title")
      custom_title_ = clipped(json::text(seen.root, "customTitle"), kMaxConversationText);
    if (seen.type == "ai-title") ai_title_ = clipped(json::text(seen.root, "aiTitle"), kMaxConversationText);
    if (seen.type == "summary") keep_first(summary_, json::text(seen.root, "summary"), kMaxConversationText);
    if (!seen.message) return;
    facts_.resumable = true;
    if (seen.kind == EntryKind::prompt) {
      ++facts_.messages;
      if (part == Part::head) keep_first(facts_.first_prompt, text_of(*seen.message), kMaxConversationText);
    } else if (seen.kind == EntryKind::reply) {
      // Each block of a reply is a line of its own.
      const std::string_view id = json::text(*seen.message, "id");
      if (id.empty() || id != last_reply_) ++facts_.messages;
      last_reply_ = id;
    }
  }

  static void keep_first(std::string& kept, std::string_view text, std::size_t limit) {
    if (kept.empty() && !text.empty()) kept = clipped(text, limit);
  }

  static std::string_view text_of(const json::Object& message) {
    if (const std::string_view whole = json::text(message, "content"); !whole.empty()) return whole;
    const auto blocks = json::array(message, "content");
    if (!blocks) return {};
    for (const json::Element block : *blocks) {
      json::Object object;
      if (type_of(block) == "text" && block.get(object) == simdjson::SUCCESS) return json::text(object, "text");
    }
    return {};
  }

  static constexpr std::size_t kMaxFolder = 4096;

  simdjson::dom::parser parser_{};
  ConversationFacts facts_{};
  std::string custom_title_{};
  std::string ai_title_{};
  std::string summary_{};
  std::string last_reply_{};
};

void take_lines(Reader& reader, std::string_view text, Part part) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return;  // not complete here
    reader.take(text.substr(0, end), part);
    text.remove_prefix(end + 1);
  }
}

}  // namespace

ConversationFacts conversation_facts(std::string_view head, std::string_view tail) {
  Reader reader;
  take_lines(reader, head, Part::head);
  const std::size_t first_end = tail.find('\n');
  if (first_end != std::string_view::npos) take_lines(reader, tail.substr(first_end + 1), Part::tail);
  return reader.facts();
}

}  // namespace ccd::claude
