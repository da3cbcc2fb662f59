// Words of the inbox, one-line summaries of tools' inputs, and what a decision becomes for the client.
#include "agents/attention.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "claude/transcript_line.hpp"

namespace ccd::agents {

namespace {

namespace json = boost::json;

constexpr std::array<std::pair<AttentionKind, std::string_view>, 6> kKinds{{
    {AttentionKind::permission, "permission"},
    {AttentionKind::plan, "plan"},
    {AttentionKind::question, "question"},
    {AttentionKind::done, "done"},
    {AttentionKind::failure, "failure"},
    {AttentionKind::limit, "limit"},
}};

constexpr std::array<std::pair<Closed, std::string_view>, 8> kClosed{{
    {Closed::allowed, "allowed"},
    {Closed::allowed_always, "allowed_always"},
    {Closed::denied, "denied"},
    {Closed::answered, "answered"},
    {Closed::seen, "seen"},
    {Closed::terminal, "terminal"},
    {Closed::withdrawn, "withdrawn"},
    {Closed::ended, "ended"},
}};

constexpr std::array<std::pair<Decision::Kind, std::string_view>, 5> kDecisions{{
    {Decision::Kind::allow, "allow"},
    {Decision::Kind::allow_always, "allow_always"},
    {Decision::Kind::deny, "deny"},
    {Decision::Kind::answer, "answer"},
    {Decision::Kind::seen, "seen"},
}};

template <class Table, class Value>
std::string_view word_of(const Table& table, Value value) {
  for (const auto& [each, word] : table)
    if (each == value) return word;
  return {};
}

template <class Value, std::size_t N>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, N>& table, std::string_view word) {
  for (const auto& [value, each] : table)
    if (each == word) return value;
  return std::nullopt;
}

// Where tools keep what they are about, the most telling first.
constexpr std::array<std::string_view, 10> kTelling{"command", "file_path", "notebook_path", "url",    "query",
                                                    "pattern", "path",      "description",   "prompt", "plan"};

std::optional<json::value> parse_input(std::string_view text) {
  json::parse_options options;
  options.max_depth = 128;
  boost::system::error_code ec;
  json::value value = json::parse(text, ec, {}, options);
  if (ec) return std::nullopt;
  return value;
}

Result<std::string> permissions_of(const AttentionItem& item, const Decision& decision) {
  auto parsed = parse_input(item.suggestions.empty() ? std::string_view("[]") : std::string_view(item.suggestions));
  if (!parsed || !parsed->is_array() || parsed->get_array().empty())
    return fail(ErrorKind::conflict, "this request suggests nothing to allow for good: allow it once");
  if (!decision.suggestions) return item.suggestions;
  const json::array& all = parsed->get_array();
  json::array chosen;
  for (const std::size_t index : *decision.suggestions) {
    if (index >= all.size())
      return fail_field("suggestions",
                        "this request has " + std::to_string(all.size()) + " suggestions, counted from 0");
    chosen.push_back(all[index]);
  }
  if (chosen.empty()) return fail_field("suggestions", "choose at least one, or leave it out for all");
  return json::serialize(chosen);
}

}  // namespace

std::string_view to_string(AttentionKind kind) { return word_of(kKinds, kind); }
std::optional<AttentionKind> attention_kind_from(std::string_view word) { return value_of(kKinds, word); }
std::string_view to_string(Closed how) { return word_of(kClosed, how); }
std::optional<Closed> closed_from(std::string_view word) { return value_of(kClosed, word); }
std::string_view to_string(Decision::Kind kind) { return word_of(kDecisions, kind); }
std::optional<Decision::Kind> decision_from(std::string_view word) { return value_of(kDecisions, word); }
std::string_view to_string(Answerable answerable) { return answerable == Answerable::page ? "page" : "terminal"; }

std::string one_line(std::string_view text) {
  std::string line = claude::clipped(text, kMaxSummary);
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

bool is_request(AttentionKind kind) {
  return kind == AttentionKind::permission || kind == AttentionKind::plan || kind == AttentionKind::question;
}

Closed closed_by(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::allow: return Closed::allowed;
    case Decision::Kind::allow_always: return Closed::allowed_always;
    case Decision::Kind::deny: return Closed::denied;
    case Decision::Kind::answer: return Closed::answered;
    case Decision::Kind::seen: return Closed::seen;
  }
  return Closed::seen;
}

AttentionKind kind_of_request(std::string_view tool) {
  if (tool == "ExitPlanMode") return AttentionKind::plan;
  return tool == "AskUserQuestion" ? AttentionKind::question : AttentionKind::permission;
}

std::string summary_of(std::string_view tool, std::string_view input) {
  const auto value = parse_input(input);
  if (!value || !value->is_object()) return "";
  const json::object& fields = value->get_object();
  if (tool == "AskUserQuestion") {
    const json::value* questions = fields.if_contains("questions");
    if (questions == nullptr || !questions->is_array() || questions->get_array().empty()) return "";
    const json::value& first = questions->get_array().front();
    const json::value* text = first.is_object() ? first.get_object().if_contains("question") : nullptr;
    return text != nullptr && text->is_string() ? one_line(text->get_string()) : "";
  }
  for (const std::string_view name : kTelling) {
    const json::value* text = fields.if_contains(name);
    if (text != nullptr && text->is_string() && !text->get_string().empty()) return one_line(text->get_string());
  }
  for (const auto& [name, text] : fields)
    if (text.is_string() && !text.get_string().empty()) return one_line(text.get_string());
  return "";
}

Result<std::string> hook_answer(const AttentionItem& item, const Decision& decision) {
  using Kind = Decision::Kind;
  if (!is_request(item.kind)) return fail(ErrorKind::conflict, "nothing is asked here: it can only be marked as seen");
  const bool question = item.kind == AttentionKind::question;
  switch (decision.kind) {
    case Kind::allow:
      if (question) break;
      return claude::allow_answer();
    case Kind::allow_always: {
      if (question) break;
      const std::string permissions = TRY(permissions_of(item, decision));
      return claude::allow_answer(permissions);
    }
    case Kind::deny:
      if (decision.message.size() > kMaxDenyMessage) return fail_field("message", "a reason has at most 4096 bytes");
      return claude::deny_answer(decision.message);
    case Kind::answer:
      if (!question) return fail(ErrorKind::conflict, "this is no question: allow or deny it");
      if (!item.input)
        return fail(ErrorKind::conflict, "the question is too large to be answered here: answer it in the terminal");
      if (decision.answers.empty()) return fail_field("answers", "answer at least one question");
      return claude::question_answer(*item.input, decision.answers);
    case Kind::seen: return fail(ErrorKind::conflict, "the agent waits for an answer: to have seen it is none");
  }
  return fail(ErrorKind::conflict, "a question is answered, or denied with a reason");
}

}  // namespace ccd::agents
