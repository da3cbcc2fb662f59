#include "api/notify_feed.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "notify/digest.hpp"

namespace ccd::api {

namespace {

namespace json = boost::json;

// Fields that say by themselves what they are: the first of them that is there begins the text, without its name.
constexpr std::array<std::string_view, 9> kSpeaking{"command", "file_path", "notebook_path", "path",  "url",
                                                    "query",   "pattern",   "plan",          "prompt"};
// Told by the agent about its own request: it may say anything.
constexpr std::string_view kDescription = "description";

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// Each part with its length in front: no two requests have the same encoding.
std::string digest_of(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += std::to_string(part.size()) + ":" + std::string(part);
  return hex_encode(as_bytes(notify::sha256(all)));
}

std::string questions_text(const agents::AttentionItem& item) {
  std::string out;
  for (const claude::Question& question : item.questions) {
    out += (out.empty() ? "" : "\n") + question.text;
    for (const auto& [label, description] : question.options) out += "\n- " + label;
  }
  return out;
}

}  // namespace

std::string request_text(std::string_view tool, std::string_view input) {
  boost::system::error_code ec;
  const json::value value = json::parse(input, ec);
  if (ec || !value.is_object()) return std::string(tool) + " " + std::string(input);
  const json::object& fields = value.get_object();
  const auto speaking = std::ranges::find_if(kSpeaking, [&](std::string_view name) { return fields.contains(name); });
  std::string out;
  if (speaking != kSpeaking.end()) out = text_of(fields.at(*speaking));
  for (const auto& [name, field] : fields) {
    if (name == kDescription || (speaking != kSpeaking.end() && name == *speaking)) continue;
    out += (out.empty() ? "" : "\n") + std::string(name) + ": " + text_of(field);
  }
  return out;
}

notify::Event notify_event(const agents::AttentionItem& item) {
  using agents::AttentionKind;
  notify::Event event{.id = item.id,
                      .session = item.session,
                      .session_name = item.session_name,
                      .project = item.project,
                      .tool = item.tool,
                      .since = item.since,
                      .expires_at = item.expires_at};
  event.kind = notify::kind_from(agents::to_string(item.kind)).value_or(notify::Kind::failure);
  const bool permission = item.kind == AttentionKind::permission || item.kind == AttentionKind::plan;
  event.answerable = permission && item.answerable == agents::Answerable::page;
  if (item.kind == AttentionKind::question) event.text = questions_text(item);
  else if (permission && item.input) event.text = request_text(item.tool, *item.input);
  if (event.text.empty()) {
    event.text = item.text.empty() ? item.summary : item.text;
    // A request whose input is not known, or too large to be kept, was not shown whole.
    event.whole = !agents::is_request(item.kind);
  }
  event.digest =
      digest_of({item.id, agents::to_string(item.kind), item.session, item.tool,
                 item.input ? std::string_view(*item.input) : item.summary, std::to_string(item.input_bytes)});
  return event;
}

NotifyFeed::NotifyFeed(agents::Agents* agents, notify::Notify* notify) {
  for (const agents::AttentionItem& item : agents->open_items()) notify->was_open(notify_event(item));
  agents::Listener listener;
  listener.attention_opened = [notify](const agents::AttentionItem& item) { notify->opened(notify_event(item)); };
  listener.attention_changed = [notify](const agents::AttentionItem& item) { notify->changed(notify_event(item)); };
  listener.attention_closed = [notify](const agents::AttentionItem& item, agents::Closed how, const std::string& by) {
    notify->closed(item.id, std::string(agents::to_string(how)), by);
  };
  subscription_ = agents->subscribe(std::move(listener));
}

}  // namespace ccd::api
