#include "notify/words.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encoding.hpp"

namespace ccd::notify {

namespace {

namespace json = boost::json;

constexpr std::size_t kRunShown = 3;  // blanks in a row that are shown as they are

// The next character of well-formed UTF-8 and its length; U+FFFD and 1 for anything else.
std::pair<char32_t, std::size_t> character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (size > text.size() || (lead >= 0x80 && !valid_utf8(text.substr(0, size)))) return {0xFFFD, 1};
  if (size == 1) return {lead, 1};
  char32_t value = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) value = value << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {value, size};
}

bool between(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }

// Characters that are not to be seen, or that change how others are seen.
bool hidden(char32_t c) {
  return c < 0x20 || between(c, 0x7F, 0x9F) || c == 0xAD || c == 0x34F || c == 0x61C || between(c, 0x115F, 0x1160) ||
         between(c, 0x17B4, 0x17B5) || between(c, 0x180B, 0x180F) || between(c, 0x200B, 0x200F) ||
         between(c, 0x2028, 0x202E) || between(c, 0x2060, 0x206F) || c == 0x3164 || between(c, 0xFE00, 0xFE0F) ||
         c == 0xFEFF || c == 0xFFA0 || between(c, 0xFFF0, 0xFFFB) || between(c, 0xE0000, 0xE0FFF);
}

bool blank(char32_t c) {
  return c == ' ' || c == '\t' || c == 0xA0 || between(c, 0x2000, 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000;
}

// One piece of a text as it is shown, and how many characters of the screen it takes.
struct Piece {
  std::string text;
  std::size_t width;
};

Piece run_piece(std::size_t count, std::string_view sign, std::string_view plain) {
  if (count > kRunShown) {
    const std::string number = std::to_string(count);
    return {fmt::format("{}×{} ", sign, number), number.size() + 3};
  }
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += plain;
  return {out, count};
}

// Takes the piece off the text's beginning.
Piece take_piece(std::string_view& text) {
  const auto [first, size] = character(text);
  const auto take_run = [&](auto belongs) {
    std::size_t count = 0;
    while (!text.empty()) {
      const auto [c, bytes] = character(text);
      if (!belongs(c)) break;
      text.remove_prefix(bytes);
      ++count;
    }
    return count;
  };
  if (blank(first)) return run_piece(take_run(blank), "␣", " ");
  if (first == '\r' && text.size() > 1 && text[1] == '\n') text.remove_prefix(1);
  if (text.front() == '\n') return run_piece(take_run([](char32_t c) { return c == '\n' || c == '\r'; }), "⏎", " ⏎ ");
  const std::string_view raw = text.substr(0, size);
  text.remove_prefix(size);
  if (!hidden(first)) return {first == 0xFFFD ? "�" : std::string(raw), 1};
  std::string escaped = fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(first));
  const std::size_t width = escaped.size();
  return {std::move(escaped), width};
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); text.remove_prefix(character(text).second)) ++count;
  return count;
}

std::string name_of(const Event& event) { return shown(event.session_name, 40).text; }

std::string_view plain_title(Kind kind) {
  switch (kind) {
    case Kind::permission: return "An agent asks for permission";
    case Kind::question: return "An agent asks you";
    case Kind::plan: return "An agent has a plan";
    case Kind::done: return "An agent is done";
    case Kind::failure: return "An agent has failed";
    case Kind::limit: return "An agent has reached a usage limit";
  }
  return "An agent needs you";
}

std::string title_of(const Event& event) {
  const std::string name = name_of(event);
  switch (event.kind) {
    case Kind::permission:
      return event.tool.empty() ? name + " asks for permission" : name + " asks: " + shown(event.tool, 40).text;
    case Kind::question: return name + " asks you";
    case Kind::plan: return name + " has a plan";
    case Kind::done: return name + " is done";
    case Kind::failure: return name + " has failed";
    case Kind::limit: return name + " has reached a usage limit";
  }
  return name;
}

std::string count_title(const std::vector<std::shared_ptr<const Event>>& events) {
  const auto of = [&](auto which) {
    return std::ranges::count_if(events, [&](const auto& event) { return which(event->kind); });
  };
  const auto requests = of([](Kind kind) { return is_request(kind); });
  if (requests > 0) return fmt::format("{} agents wait for you", requests);
  std::string out;
  const auto add = [&](std::ptrdiff_t count, std::string_view what) {
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, what);
  };
  add(of([](Kind kind) { return kind == Kind::done; }), "done");
  add(of([](Kind kind) { return kind == Kind::failure; }), "failed");
  add(of([](Kind kind) { return kind == Kind::limit; }), "at a usage limit");
  return "Agents: " + out;
}

std::string names_of(const std::vector<std::shared_ptr<const Event>>& events) {
  std::vector<std::string> names;
  for (const auto& event : events)
    if (std::ranges::find(names, name_of(*event)) == names.end()) names.push_back(name_of(*event));
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNamesListed); ++i) out += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kMaxNamesListed) out += fmt::format(" and {} more", names.size() - kMaxNamesListed);
  return out;
}

}  // namespace

Shown shown(std::string_view text, std::size_t limit) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  Shown out;
  std::size_t width = 0;
  while (!text.empty()) {
    std::string_view rest = text;
    Piece piece = take_piece(rest);
    if (width + piece.width > limit) {
      out.whole = false;
      out.text += fmt::format(" […{} more characters]", count_characters(text));
      return out;
    }
    width += piece.width;
    out.text += piece.text;
    text = rest;
  }
  return out;
}

Words words_of(const std::vector<std::shared_ptr<const Event>>& events, bool contents) {
  if (events.size() > 1)
    return {.title = count_title(events),
            .body = contents ? names_of(events) : "Open the dashboard to see them.",
            .whole = false};
  const Event& event = *events.front();
  if (!contents)
    return {.title = std::string(plain_title(event.kind)), .body = "Open the dashboard to see it.", .whole = false};
  const Shown body = shown(event.text, kMaxShown);
  return {.title = shown(title_of(event), kMaxTitle).text, .body = body.text, .whole = body.whole && event.whole};
}

std::string settled_words(std::string_view how, std::string_view by) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kWords{
      {{"allowed", "Allowed"},
       {"allowed_always", "Allowed from now on"},
       {"denied", "Denied"},
       {"answered", "Answered"},
       {"seen", "Seen"},
       {"terminal", "Answered in the terminal"},
       {"withdrawn", "The agent has gone on"},
       {"ended", "The agent has ended"}}};
  const auto known = std::ranges::find(kWords, how, &std::pair<std::string_view, std::string_view>::first);
  std::string out(known == kWords.end() ? "Settled" : known->second);
  if (!by.empty()) out += " by " + shown(by, 40).text;
  return out;
}

std::string push_text(const PushText& text) {
  json::object out{{"type", text.type},       {"tag", text.tag},         {"title", text.words.title},
                   {"body", text.words.body}, {"address", text.address}, {"urgent", text.urgent},
                   {"at", text.at / 1000},    {"waiting", text.waiting}};
  if (!text.token.empty()) {
    out["item"] = text.item;
    out["token"] = text.token;
    out["actions"] = text.allow ? json::array{"allow", "deny"} : json::array{"deny"};
  }
  return json::serialize(out);
}

std::string_view to_string(WebhookFormat format) { return format == WebhookFormat::json ? "json" : "text"; }

std::optional<WebhookFormat> webhook_format_from(std::string_view word) {
  if (word == "json") return WebhookFormat::json;
  if (word == "text") return WebhookFormat::text;
  return std::nullopt;
}

std::string webhook_body(WebhookFormat format, std::string_view type, const Event& event, bool contents,
                         std::string_view page_url, WallMicros now, std::string_view how, std::string_view by) {
  const std::string url = std::string(page_url) + address_of(event, contents);
  if (format == WebhookFormat::text) {
    const Words words = words_of({std::make_shared<const Event>(event)}, contents);
    std::string body = type == "attention.closed" ? settled_words(how, contents ? by : "") : words.body;
    std::string text = words.title + (body.empty() ? "" : "\n" + body);
    // As Slack wants it: whatever an agent writes there can neither be a link nor call for a channel.
    std::string escaped;
    for (const char c : text) escaped += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    return json::serialize(json::object{{"text", escaped + "\n" + url}});
  }
  json::object data{
      {"id", event.id}, {"kind", to_string(event.kind)}, {"since", iso_micros(event.since)}, {"url", url}};
  if (contents) {
    data["session"] = event.session;
    data["session_name"] = event.session_name;
    data["project"] = event.project;
    data["tool"] = event.tool;
    data["text"] = event.text;
    data["whole"] = event.whole;
  }
  if (!how.empty()) data["how"] = how;
  if (!by.empty() && contents) data["by"] = by;
  return json::serialize(json::object{{"type", type}, {"timestamp", iso_micros(now)}, {"data", std::move(data)}});
}

std::string address_of(const Event& event, bool contents) {
  if (!contents || event.session_name.empty()) return "/";
  std::string out = "/s/";
  for (const char c : event.session_name) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || c == '-' || c == '_' || c == '.') out += c;
    else out += fmt::format("%{:02X}", u);
  }
  return out;
}

}  // namespace ccd::notify
