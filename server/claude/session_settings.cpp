// Writes the settings, curl's configuration and the arguments. What goes into them is checked first and then quoted.
#include "claude/session_settings.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "claude/hook_event.hpp"

namespace ccd::claude {
namespace {

namespace bj = boost::json;

// The hook's own limit is a little longer than curl's, so that curl ends first and quietly.
constexpr std::chrono::seconds kGrace{5};
constexpr std::size_t kMaxWord = 4096;

constexpr std::array<std::string_view, 5> kModes{"default", "plan", "acceptEdits", "dontAsk", "auto"};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_plain_path(std::string_view path) {
  return path.size() < kMaxWord && path.starts_with('/') && valid_utf8(path) &&
         std::none_of(
             path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// http on loopback: the token goes over the line as it is.
bool is_loopback_url(std::string_view url) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  for (const std::string_view host : {"http://127.0.0.1:", "http://[::1]:", "http://localhost:"}) {
    if (!url.starts_with(host) || url.size() > 512) continue;
    const std::string_view rest = url.substr(host.size());
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    return digits > 0 && digits < 6 && (digits == rest.size() || rest[digits] == '/') &&
           rest.find_first_not_of(kAllowed) == std::string_view::npos;
  }
  return false;
}

bool is_token(std::string_view token) {
  return token.size() >= 32 && token.size() <= 128 && std::all_of(token.begin(), token.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

// A value for an option: never taken for an option itself, and nothing that a terminal or a log would act on.
bool is_plain_value(std::string_view text) {
  return text.size() <= 256 && !text.starts_with('-') && printable(text) == text;
}

Result<> check(const SettingsOptions& options) {
  if (!is_plain_path(options.folder))
    return fail_field("folder", "must be an absolute path without control characters");
  if (!is_plain_path(options.curl)) return fail_field("curl", "must be an absolute path without control characters");
  if (!is_loopback_url(options.hook_url)) {
    return fail_field("hook_url",
                      "must be http://127.0.0.1:PORT/PATH, http://[::1]:PORT/PATH or http://localhost:PORT/PATH");
  }
  if (!options.hook_socket.empty() && !is_plain_path(options.hook_socket))
    return fail_field("hook_socket", "must be an absolute path without control characters");
  if (!is_token(options.token)) return fail_field("token", "must be 32 to 128 characters of base64url");
  if (!valid_uuid(options.session_id)) return fail_field("session_id", "must be a UUID");
  if ((options.start == Start::fork) != valid_uuid(options.forked_from)) {
    return fail_field("forked_from", "must be the UUID of the conversation to fork, and empty otherwise");
  }
  if (!is_plain_value(options.name))
    return fail_field("name", "must be at most 256 printable characters, not beginning with '-'");
  if (!is_plain_value(options.model))
    return fail_field("model", "must be at most 256 printable characters, not beginning with '-'");
  if (!options.permission_mode.empty() && !valid_permission_mode(options.permission_mode)) {
    return fail_field("permission_mode", "must be default, plan, acceptEdits, dontAsk or auto");
  }
  if (options.status_line_command.size() > kMaxWord || !valid_utf8(options.status_line_command) ||
      options.status_line_command.find('\0') != std::string::npos) {
    return fail_field("status_line_command", "must be at most 4096 bytes of UTF-8 without NUL");
  }
  return {};
}

std::string in_folder(const SettingsOptions& options, std::string_view name) {
  return options.folder + "/" + std::string(name);
}

// -q first: a .curlrc of the user must not change what is sent where. What fails is silent: the agent's screen is not ours.
std::string post_command(const SettingsOptions& options, std::string_view config) {
  return shell_word(options.curl) + " -q -K " + shell_word(in_folder(options, config));
}

// A value in double quotes, as curl's configuration has it.
std::string curl_word(std::string_view text) {
  std::string word = "\"";
  for (const char c : text) word += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return word + "\"";
}

std::string curl_config(const SettingsOptions& options, std::chrono::seconds limit) {
  std::string text = "# The dashboard's address and this session's token, for its Claude Code hooks.\n";
  text += "url = \"" + options.hook_url + "\"\n";
  if (!options.hook_socket.empty()) text += "unix-socket = " + curl_word(options.hook_socket) + "\n";
  text += "header = \"Authorization: Bearer " + options.token + "\"\n";
  // Without "Expect:" curl waits for a "100 Continue" before bodies over 1 MB.
  text += "header = \"Content-Type: application/json\"\nheader = \"Expect:\"\n";
  text += "data-binary = \"@-\"\nnoproxy = \"*\"\nsilent\nfail\nconnect-timeout = 1\n";
  text += "max-time = " + std::to_string(limit.count()) + "\n";
  return text;
}

bj::object hook(std::string command, std::chrono::seconds limit) {
  return {{"type", "command"}, {"command", std::move(command)}, {"timeout", limit.count()}};
}

std::string status_line(const SettingsOptions& options) {
  const std::string post = post_command(options, kEventCurlFile) + " >/dev/null";
  if (options.status_line_command.empty()) return post + " || :";
  // A copy for each. The user's line is a program of its own, so that nothing in it reaches around this one.
  return "input=$(cat); printf %s \"$input\" | " + post + " & printf %s \"$input\" | sh -c " +
         shell_word(options.status_line_command);
}

std::string settings_json(const SettingsOptions& options) {
  bj::object hooks;
  for (const HookName& event : hook_names()) {
    const bool held = event.kind == HookKind::permission_request;
    const auto limit = held ? std::chrono::seconds(kPermissionWait) : kEventWait;
    const std::string command = post_command(options, held ? kPermissionCurlFile : kEventCurlFile) + " || :";
    hooks[event.name] = bj::array{bj::object{{"hooks", bj::array{hook(command, limit + kGrace)}}}};
  }
  const bj::object status{{"type", "command"}, {"command", status_line(options)}};
  return bj::serialize(bj::object{{"hooks", std::move(hooks)}, {"statusLine", status}}) + "\n";
}

std::vector<std::string> arguments(const SettingsOptions& options) {
  std::vector<std::string> words{"--settings", in_folder(options, kSettingsFile)};
  const auto add = [&](std::string_view option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {std::string(option), value});
  };
  if (options.start == Start::fork) {
    add("--resume", options.forked_from);
    words.emplace_back("--fork-session");
  }
  add(options.start == Start::resume ? "--resume" : "--session-id", options.session_id);
  add("--name", options.name);
  add("--model", options.model);
  add("--permission-mode", options.permission_mode);
  return words;
}

}  // namespace

Result<SessionFiles> session_files(const SettingsOptions& options) {
  TRY(check(options));
  return SessionFiles{.settings = settings_json(options),
                      .event_curl = curl_config(options, kEventWait),
                      .permission_curl = curl_config(options, kPermissionWait),
                      .arguments = arguments(options)};
}

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

bool valid_permission_mode(std::string_view mode) {
  return std::find(kModes.begin(), kModes.end(), mode) != kModes.end();
}

bool valid_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

}  // namespace ccd::claude
