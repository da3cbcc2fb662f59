#include "claude/project_settings.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>

#include "claude/transcript_line.hpp"

namespace ccd::claude {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;
constexpr std::string_view kLocalSettings = ".claude/settings.local.json";
constexpr std::string_view kServers = ".mcp.json";
// Settings whose value is a command line.
constexpr std::array<std::string_view, 5> kHelpers{"apiKeyHelper", "awsAuthRefresh", "awsCredentialExport",
                                                   "gcpAuthRefresh", "otelHeadersHelper"};

std::optional<json::value> parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code ec;
  json::value value = json::parse(text, ec, {}, options);
  if (ec) return std::nullopt;
  return value;
}

std::string words_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return json::serialize(value);
}

class Collector {
 public:
  void add(FindingKind kind, std::string_view where, std::string_view text) {
    if (found_.size() == kMaxFindings) {
      found_.back() = {FindingKind::other, "more", "there is more than can be listed: read the file"};
      return;
    }
    found_.push_back({kind, clipped(where, kMaxFindingText), clipped(text, kMaxFindingText)});
  }
  std::vector<Finding> take() { return std::move(found_); }

 private:
  std::vector<Finding> found_;
};

// What one hook, helper or server does: its command with arguments, its address, or else all of it.
std::string act_of(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return words_of(value);
  const json::value* command = object->if_contains("command");
  const json::value* url = object->if_contains("url");
  std::string out;
  if (command != nullptr) {
    out = words_of(*command);
    if (const json::value* args = object->if_contains("args"); args != nullptr && args->is_array())
      for (const json::value& arg : args->get_array()) out += " " + words_of(arg);
  } else if (url != nullptr) {
    out = words_of(*url);
  } else {
    return json::serialize(value);
  }
  for (const auto& [name, rest] : *object)
    if (name == "env" || name == "headers" || name == "headersHelper")
      out += "  " + std::string(name) + " " + json::serialize(rest);
  return out;
}

void add_hooks(Collector& to, const json::value& value) {
  const json::object* events = value.if_object();
  if (events == nullptr) return to.add(FindingKind::program, "hooks", words_of(value));
  for (const auto& [event, matchers] : *events) {
    if (!matchers.is_array()) {
      to.add(FindingKind::program, event, words_of(matchers));
      continue;
    }
    for (const json::value& entry : matchers.get_array()) {
      const json::object* object = entry.if_object();
      const json::value* hooks = object != nullptr ? object->if_contains("hooks") : nullptr;
      if (hooks == nullptr || !hooks->is_array()) {
        to.add(FindingKind::program, event, words_of(entry));
        continue;
      }
      std::string where(event);
      if (const json::value* matcher = object->if_contains("matcher");
          matcher != nullptr && matcher->is_string() && !matcher->get_string().empty())
        where += " (" + std::string(matcher->get_string()) + ")";
      for (const json::value& hook : hooks->get_array()) to.add(FindingKind::program, where, act_of(hook));
    }
  }
}

void add_each(Collector& to, FindingKind kind, std::string_view where, const json::value& value) {
  if (!value.is_array()) return to.add(kind, where, words_of(value));
  for (const json::value& item : value.get_array()) to.add(kind, where, words_of(item));
}

void add_named(Collector& to, FindingKind kind, std::string_view where, const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return to.add(kind, where, words_of(value));
  for (const auto& [name, item] : *object)
    to.add(kind, name, kind == FindingKind::server ? act_of(item) : words_of(item));
}

void add_permissions(Collector& to, const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return to.add(FindingKind::permission, "permissions", words_of(value));
  for (const auto& [name, item] : *object) add_each(to, FindingKind::permission, name, item);
}

void add_setting(Collector& to, std::string_view name, const json::value& value) {
  const auto is_one_of = [&](auto... names) { return ((name == names) || ...); };
  if (name == "hooks") return add_hooks(to, value);
  if (name == "env") return add_named(to, FindingKind::environment, name, value);
  if (name == "permissions") return add_permissions(to, value);
  if (name == "mcpServers") return add_named(to, FindingKind::server, name, value);
  if (is_one_of("enableAllProjectMcpServers", "enabledMcpjsonServers"))
    return add_each(to, FindingKind::server, name, value);
  if (is_one_of("enabledPlugins", "extraKnownMarketplaces", "pluginConfigs"))
    return add_named(to, FindingKind::plugin, name, value);
  if (is_one_of("defaultMode", "skipDangerousModePermissionPrompt", "sandbox", "additionalDirectories"))
    return add_each(to, FindingKind::permission, name, value);
  const bool command = value.is_object() && value.get_object().contains("command");
  if (command || std::ranges::find(kHelpers, name) != kHelpers.end())
    return to.add(FindingKind::program, name, act_of(value));
  if (name != "$schema") to.add(FindingKind::other, name, words_of(value));
}

// A setting of front matter, with the kind that it has. Blanks and case of names are the client's affair.
std::optional<FindingKind> acting_kind(std::string_view key) {
  std::string plain;
  for (const char c : key)
    if (c != '-' && c != '_') plain += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  if (plain == "hooks") return FindingKind::program;
  if (plain == "mcpservers") return FindingKind::server;
  if (plain == "allowedtools" || plain == "permissionmode") return FindingKind::permission;
  return std::nullopt;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Lines of "key: value" with what is indented below them. What is laid out in another way is shown whole. Returns the text behind it.
std::string_view add_front_matter(Collector& to, std::string_view text) {
  std::string_view rest = text;
  if (take_line(rest) != "---") return text;
  const std::string_view all = rest;
  std::string key, value;
  bool plain = true;
  const auto take = [&] {
    if (const auto kind = acting_kind(key)) to.add(*kind, key, value);
    key.clear();
    value.clear();
  };
  while (!rest.empty()) {
    const std::size_t at = all.size() - rest.size();
    const std::string_view line = take_line(rest);
    if (line == "---") {
      take();
      if (!plain) to.add(FindingKind::other, "front matter", all.substr(0, at));
      return rest;
    }
    const std::size_t colon = line.find(':');
    const bool more =
        line.empty() || line.front() == ' ' || line.front() == '\t' || line.front() == '-' || line.front() == '#';
    if (more) {
      (value += '\n') += line;
      continue;
    }
    take();
    const std::string_view name = line.substr(0, std::min(colon, line.size()));
    const bool word =
        colon != std::string_view::npos && std::ranges::all_of(name, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        });
    plain = plain && word;
    if (word) {
      key = name;
      value = line.substr(std::min(line.find_first_not_of(" \t", colon + 1), line.size()));
    }
  }
  return text;
}

// !`command`, and blocks that begin with ```!
void add_commands(Collector& to, std::string_view text) {
  constexpr std::string_view kInline = "!`", kBlock = "```!", kBlockEnd = "```";
  while (!text.empty()) {
    const std::size_t at = std::min(text.find(kInline), text.find(kBlock));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at);
    const bool block = text.starts_with(kBlock);
    text.remove_prefix(block ? kBlock.size() : kInline.size());
    const std::size_t end = std::min(text.find(block ? kBlockEnd : "`"), text.size());
    to.add(FindingKind::program, "a command in the text", text.substr(0, end));
    text.remove_prefix(end);
  }
}

bool is_acting_text(std::string_view name) {
  if (!name.ends_with(".md")) return false;
  return std::ranges::any_of(kActingFolders, [&](std::string_view folder) {
    return name.starts_with(folder) && name.substr(folder.size()).starts_with('/');
  });
}

bool is_settings(std::string_view name) { return std::ranges::find(kProjectFiles, name) != std::end(kProjectFiles); }

}  // namespace

std::string_view to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::program: return "program";
    case FindingKind::server: return "server";
    case FindingKind::environment: return "environment";
    case FindingKind::permission: return "permission";
    case FindingKind::plugin: return "plugin";
    case FindingKind::other: return "other";
  }
  return "other";
}

std::vector<Finding> findings(std::string_view name, std::string_view text) {
  Collector to;
  if (is_acting_text(name)) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    add_commands(to, add_front_matter(to, text));
    return to.take();
  }
  if (!is_settings(name)) return {};
  const auto value = parse(text);
  if (!value || !value->is_object()) {
    to.add(FindingKind::other, "unreadable",
           "this is no JSON object: the client may take it in another way than it can be shown here");
    return to.take();
  }
  for (const auto& [key, item] : value->get_object()) {
    // A server's file may also be the bare list of servers.
    if (name == kServers && key != "mcpServers" && item.is_object()) to.add(FindingKind::server, key, act_of(item));
    else add_setting(to, key, item);
  }
  return to.take();
}

std::string lasting_part(std::string_view name, std::string_view text) {
  if (name != kLocalSettings) return std::string(text);
  auto value = parse(text);
  if (!value || !value->is_object()) return std::string(text);
  // Which mode it begins in, and anything else that is no list of its answers, is nobody's answer to a question.
  if (json::value* permissions = value->get_object().if_contains("permissions");
      permissions != nullptr && permissions->is_object()) {
    for (const char* const list : {"allow", "deny", "ask", "additionalDirectories"})
      permissions->get_object().erase(list);
    if (permissions->get_object().empty()) value->get_object().erase("permissions");
  }
  return json::serialize(*value);
}

}  // namespace ccd::claude
