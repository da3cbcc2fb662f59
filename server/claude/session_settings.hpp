// The settings that a Claude Code session started by the dashboard gets beside the user's own, which stay untouched. Pure.
//
// Every event is a command hook that hands its JSON to the dashboard with curl (docs/decisions/0020 says why not an HTTP hook). The
// token stands only in curl's two configuration files: never in an argument, a variable, a URL or the settings file.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccd::claude {

// How long an event may keep the agent waiting when the dashboard is there but does not answer.
inline constexpr std::chrono::seconds kEventWait{2};
// How long a permission request is held for the page. Then the dialog in the terminal goes on alone.
inline constexpr std::chrono::hours kPermissionWait{24};

// File names in the session's folder, all of mode 0600: settings(), and the two for curl.
inline constexpr std::string_view kSettingsFile = "claude-settings.json";
inline constexpr std::string_view kEventCurlFile = "claude-event.curl";
inline constexpr std::string_view kPermissionCurlFile = "claude-permission.curl";

enum class Start {
  fresh,   // a new conversation under the chosen id
  resume,  // goes on with the conversation `session_id`
  fork,    // a copy of `forked_from` goes on under the chosen id
};

struct SettingsOptions {
  std::string folder{};       // the session's, absolute; holds the three files
  std::string hook_url{};     // "http://127.0.0.1:3000/api/hooks": http on a loopback address, without user or query
  std::string hook_socket{};  // absolute path of the Unix socket that hook_url is asked at; empty: TCP
  std::string token{};        // of this session: 32 to 128 characters of base64url
  std::string session_id{};   // UUID
  std::string forked_from{};  // UUID, for Start::fork
  Start start = Start::fresh;
  std::string name{};                 // shown by the client; empty: its own
  std::string model{};                // empty: the user's
  std::string permission_mode{};      // one of the client's modes; empty: the user's. bypassPermissions is refused
  std::string status_line_command{};  // the user's own status line, run after the dashboard has its copy; empty: none
  std::string curl = "/usr/bin/curl";
};

struct SessionFiles {
  std::string settings;                // JSON, for kSettingsFile
  std::string event_curl;              // for kEventCurlFile
  std::string permission_curl;         // for kPermissionCurlFile
  std::vector<std::string> arguments;  // behind the program's name
};

// `invalid` with the field's name for anything that is not as described above: nothing is quoted that was not checked.
Result<SessionFiles> session_files(const SettingsOptions& options);

// The text as one word of a POSIX shell.
std::string shell_word(std::string_view text);

bool valid_uuid(std::string_view text);
// A mode that a session may be given: all of the client's but bypassPermissions.
bool valid_permission_mode(std::string_view mode);

}  // namespace ccd::claude
