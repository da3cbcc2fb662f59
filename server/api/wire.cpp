#include "api/wire.hpp"

#include <charconv>

#include "api/wire_agents.hpp"
#include "base/encoding.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxDepth = 16;

template <class T>
json::value optional_value(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

}  // namespace

std::string json_text(std::string_view text) {
  if (valid_utf8(text)) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    // The longest valid character at i, else one byte replaced.
    std::size_t n = 1;
    while (n <= 4 && i + n <= text.size() && !valid_utf8(text.substr(i, n))) ++n;
    if (n <= 4 && i + n <= text.size()) {
      out += text.substr(i, n);
      i += n;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  return out;
}

json::object session_json(const sessions::Session& s, const std::optional<agents::AgentView>& agent) {
  json::array command;
  for (const std::string& word : s.command) command.emplace_back(json_text(word));
  return {
      {"id", s.id},
      {"name", json_text(s.name)},
      {"status", to_string(s.status)},
      {"state", to_string(s.activity)},
      {"host", s.host},
      {"project", json_text(s.project)},
      {"command", std::move(command)},
      {"kind", to_string(s.kind)},
      {"adopted", s.adopted},
      {"terminal", s.terminal},
      {"title", json_text(s.title)},
      {"foreground", json_text(s.foreground)},
      {"claude_session_id", s.claude_session_id.empty() ? json::value(nullptr) : json::value(s.claude_session_id)},
      {"cols", s.cols},
      {"rows", s.rows},
      {"viewers", s.viewers},
      {"created_at", s.created_at},
      {"ended_at", optional_value(s.ended_at)},
      {"exit_status", optional_value(s.exit_status)},
      {"last_output_at", optional_value(s.last_output_at)},
      {"agent", agent ? json::value(agent_json(*agent)) : json::value(nullptr)},
  };
}

const std::string& SessionMessage::of(const sessions::Session& session, const std::optional<agents::AgentView>& agent) {
  if (!text_.empty() && session == session_ && agent == agent_) return text_;
  text_ = json::serialize(json::object{{"type", "session"}, {"session", session_json(session, agent)}});
  session_ = session;
  agent_ = agent;
  return text_;
}

namespace {

json::array runs_json(const std::vector<terminal::Run>& runs) {
  json::array out;
  out.reserve(runs.size());
  for (const terminal::Run& run : runs)
    out.push_back(json::array{run.text, run.cols, run.foreground.bits(), run.background.bits(), run.attributes});
  return out;
}

}  // namespace

json::object thumb_json(const std::string& session, const sessions::Thumb& thumb) {
  json::array lines;
  lines.reserve(thumb.rows.size());
  for (const terminal::Row& row : thumb.rows) lines.push_back(json::array{row.y, runs_json(row.runs)});
  json::value cursor = nullptr;
  if (thumb.cursor.visible) cursor = json::array{thumb.cursor.x, thumb.cursor.y};
  return {{"type", "thumb"},          {"session", session},          {"cols", thumb.size.cols},
          {"rows", thumb.size.rows},  {"cursor", std::move(cursor)}, {"all", thumb.all},
          {"lines", std::move(lines)}};
}

json::object lines_json(const sessions::LinePage& page) {
  json::array lines;
  lines.reserve(page.lines.size());
  for (const terminal::LineRow& row : page.lines)
    lines.push_back({{"n", row.line}, {"wrapped", row.wrapped}, {"runs", runs_json(row.runs)}});
  return {{"numbering", page.numbering},
          {"first", page.first_line},
          {"top", page.top_line},
          {"end", page.end},
          {"lines", std::move(lines)}};
}

json::object user_json(const auth::Principal& who) {
  return {{"id", who.user_id}, {"name", who.user_name}, {"role", to_string(who.role)}};
}

http::Response json_response(int status, const json::value& value) {
  return http::json(status, json::serialize(value));
}

Result<Body> Body::parse(const http::Request& request) {
  if (!request.body.empty()) {
    const std::string_view type = request.header("Content-Type");
    const std::string_view essence = type.substr(0, type.find(';'));
    if (!http::equal_ignoring_case(essence, "application/json"))
      return fail_field("Content-Type", "the body must be JSON: send Content-Type: application/json");
  }
  return parse_text(request.body);
}

Result<Body> Body::parse_text(std::string_view text) {
  Body out;
  if (text.empty()) return out;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code ec;
  json::value value = json::parse(text, ec, {}, options);
  if (ec || !value.is_object()) return fail(ErrorKind::invalid, "the body must be a JSON object");
  out.fields_ = std::move(value.get_object());
  return out;
}

bool Body::has(std::string_view field) const { return fields_.contains(field); }

Result<std::string> Body::text(std::string_view field, std::size_t max) const {
  const json::value* value = fields_.if_contains(field);
  if (!value || !value->is_string()) return fail_field(std::string(field), std::string(field) + " must be a text");
  const std::string_view content = value->get_string();
  if (content.size() > max)
    return fail_field(std::string(field), std::string(field) + " has at most " + std::to_string(max) + " bytes");
  return std::string(content);
}

Result<std::string> Body::text_or(std::string_view field, std::string fallback, std::size_t max) const {
  if (!has(field)) return fallback;
  return text(field, max);
}

Result<std::int64_t> Body::integer_or(std::string_view field, std::int64_t fallback, std::int64_t low,
                                      std::int64_t high) const {
  const json::value* value = fields_.if_contains(field);
  if (!value) return fallback;
  const std::int64_t* number = value->if_int64();
  if (!number || *number < low || *number > high)
    return fail_field(std::string(field), std::string(field) + " must be a whole number from " + std::to_string(low) +
                                              " to " + std::to_string(high));
  return *number;
}

Result<std::vector<std::uint64_t>> Body::numbers(std::string_view field, std::size_t max_items,
                                                 std::uint64_t high) const {
  const json::value* value = fields_.if_contains(field);
  const std::string rule = std::string(field) + " must be a list of at most " + std::to_string(max_items) +
                           " whole numbers from 0 to " + std::to_string(high);
  if (!value || !value->is_array() || value->get_array().size() > max_items)
    return fail_field(std::string(field), rule);
  std::vector<std::uint64_t> out;
  for (const json::value& item : value->get_array()) {
    const std::int64_t* number = item.if_int64();
    if (!number || *number < 0 || static_cast<std::uint64_t>(*number) > high)
      return fail_field(std::string(field), rule);
    out.push_back(static_cast<std::uint64_t>(*number));
  }
  return out;
}

Result<double> Body::number(std::string_view field) const {
  const json::value* value = fields_.if_contains(field);
  boost::system::error_code ec;
  const double number = value ? value->to_number<double>(ec) : 0;
  if (!value || ec) return fail_field(std::string(field), std::string(field) + " must be a number");
  return number;
}

Result<bool> Body::flag_or(std::string_view field, bool fallback) const {
  const json::value* value = fields_.if_contains(field);
  if (!value) return fallback;
  if (!value->is_bool()) return fail_field(std::string(field), std::string(field) + " must be true or false");
  return value->get_bool();
}

Result<Body> Body::object_or_empty(std::string_view field) const {
  Body out;
  const json::value* value = fields_.if_contains(field);
  if (!value) return out;
  if (!value->is_object()) return fail_field(std::string(field), std::string(field) + " must be an object");
  out.fields_ = value->get_object();
  return out;
}

Result<std::vector<std::string>> Body::texts_or_none(std::string_view field, std::size_t max_items,
                                                     std::size_t max) const {
  std::vector<std::string> out;
  const json::value* value = fields_.if_contains(field);
  if (!value || value->is_null()) return out;
  if (!value->is_array() || value->get_array().size() > max_items)
    return fail_field(std::string(field),
                      std::string(field) + " must be a list of at most " + std::to_string(max_items) + " texts");
  for (const json::value& item : value->get_array()) {
    if (!item.is_string() || item.get_string().size() > max)
      return fail_field(std::string(field), "every item of " + std::string(field) + " must be a text of at most " +
                                                std::to_string(max) + " bytes");
    out.emplace_back(item.get_string());
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> Body::pairs_or_none(std::string_view field,
                                                                             std::size_t max_items) const {
  std::vector<std::pair<std::string, std::string>> out;
  const json::value* value = fields_.if_contains(field);
  if (!value || value->is_null()) return out;
  if (!value->is_object() || value->get_object().size() > max_items)
    return fail_field(std::string(field),
                      std::string(field) + " must be an object of at most " + std::to_string(max_items) + " texts");
  for (const auto& [name, item] : value->get_object()) {
    if (!item.is_string())
      return fail_field(std::string(field), "every value of " + std::string(field) + " must be a text");
    out.emplace_back(std::string(name), std::string(item.get_string()));
  }
  return out;
}

Result<std::uint64_t> query_number(const http::Request& request, std::string_view name, std::uint64_t fallback,
                                   std::uint64_t high) {
  const auto text = request.query(name);
  if (!text) return fallback;
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (ec != std::errc() || end != text->data() + text->size() || number > high)
    return fail_field(std::string(name),
                      std::string(name) + " must be a whole number from 0 to " + std::to_string(high));
  return number;
}

}  // namespace ccd::api
