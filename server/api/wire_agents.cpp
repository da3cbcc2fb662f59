#include "api/wire_agents.hpp"

#include "api/wire.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

// An agent's input nests as it likes.
constexpr std::size_t kMaxInputDepth = 256;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json_text(text));
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::object evidence_json(const claude::Evidence& evidence) {
  return {{"source", to_string(evidence.source)},
          {"state", to_string(evidence.state)},
          {"what", json_text(evidence.what)},
          {"at", evidence.at}};
}

json::value parsed(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxInputDepth;
  boost::system::error_code ec;
  json::value value = json::parse(text, ec, {}, options);
  return ec ? json::value(nullptr) : value;
}

json::array questions_json(const std::vector<claude::Question>& questions) {
  json::array out;
  for (const claude::Question& question : questions) {
    json::array options;
    for (const auto& [label, description] : question.options)
      options.push_back(json::object{{"label", label}, {"description", description}});
    out.push_back({{"text", question.text},
                   {"header", question.header},
                   {"choice", question.choice == claude::Question::Choice::several ? "several" : "one"},
                   {"options", std::move(options)}});
  }
  return out;
}

}  // namespace

json::object agent_json(const agents::AgentView& view) {
  const claude::AgentStatus& status = view.status;
  json::array disagreeing;
  for (const claude::Evidence& evidence : status.disagreeing) disagreeing.push_back(evidence_json(evidence));
  return {
      {"state", to_string(status.state)},
      {"since", status.since},
      {"tool", json_text(status.tool)},
      {"reason", json_text(status.reason)},
      {"limited_until", or_null(status.limited_until)},
      {"background", status.background},
      {"unread", view.unread},
      {"waiting", view.waiting},
      {"evidence", evidence_json(status.evidence)},
      {"disagreeing", std::move(disagreeing)},
      {"conversation", text_or_null(view.conversation)},
      {"hooks", view.hooks == agents::Hooks::live ? "live" : "none"},
      {"hooks_reason", json_text(view.hooks_reason)},
      {"model", json_text(view.model)},
      {"permission_mode", json_text(view.permission_mode)},
      {"cost_usd", view.cost_usd},
      {"context_percent", or_null(view.context_percent)},
      {"context_tokens", view.context_tokens},
      {"context_size", view.context_size},
      {"lines_added", view.lines_added},
      {"lines_removed", view.lines_removed},
      {"last_message", json_text(view.last_message)},
      {"working_micros", view.working_micros},
      {"waiting_micros", view.waiting_micros},
  };
}

json::object attention_json(const agents::AttentionItem& item, Inputs inputs) {
  const bool shown = item.input && (inputs == Inputs::whole ||
                                    (inputs == Inputs::listed && item.input->size() <= agents::kMaxListedInput));
  json::value input = nullptr;
  if (shown) input = parsed(*item.input);
  return {
      {"id", item.id},
      {"session", item.session},
      {"session_name", json_text(item.session_name)},
      {"project", json_text(item.project)},
      {"kind", to_string(item.kind)},
      {"since", item.since},
      {"tool", json_text(item.tool)},
      {"summary", json_text(item.summary)},
      {"input", std::move(input)},
      {"input_bytes", item.input_bytes},
      {"suggestions", item.suggestions.empty() ? json::value(json::array()) : parsed(item.suggestions)},
      {"questions", shown ? questions_json(item.questions) : json::array()},
      {"text", json_text(item.text)},
      {"agent_id", json_text(item.agent_id)},
      {"answerable", to_string(item.answerable)},
      {"why_terminal", item.why_terminal},
      {"expires_at", or_null(item.expires_at)},
  };
}

}  // namespace ccd::api
