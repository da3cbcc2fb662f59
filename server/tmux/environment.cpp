#include "tmux/environment.hpp"

#include <unistd.h>
#include <algorithm>
#include <array>

namespace ccd::tmux {
namespace {

using std::string_view;

constexpr std::array<string_view, 31> kNames{
    "HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR", "EDITOR", "VISUAL", "PAGER",
    // Companies' proxies and certificate authorities: without them an agent reaches nothing.
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
    // Where Claude Code finds its model when it is not Anthropic's own service; the keys come with the provider's own files.
    "AWS_PROFILE", "AWS_REGION", "CLOUD_ML_REGION", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"};
constexpr std::array<string_view, 4> kPrefixes{"LC_", "XDG_", "CLAUDE_", "ANTHROPIC_"};
// A dashboard started from inside a Claude Code session must not make its sessions believe that they are inside that one; and
// CLAUDE_COMMAND is the dashboard's own setting.
constexpr std::array<string_view, 5> kNever{"CLAUDE_COMMAND", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT",
                                            "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_SESSION_ACCESS_TOKEN"};

}  // namespace

bool inherited_by_sessions(string_view name) {
  if (std::ranges::find(kNever, name) != kNever.end()) return false;
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  return std::ranges::any_of(kPrefixes, [&](string_view prefix) { return name.starts_with(prefix); });
}

std::vector<std::string> session_environment(const std::vector<std::string>& parent,
                                             const std::vector<std::string>& extra, const std::string& tmpdir) {
  std::vector<std::string> environment;
  bool path = false;
  bool term = false;
  for (const std::string& entry : parent) {
    const string_view name = string_view(entry).substr(0, entry.find('='));
    if (name == "TMUX_TMPDIR") continue;
    if (!inherited_by_sessions(name) && std::ranges::find(extra, name) == extra.end()) continue;
    path = path || name == "PATH";
    term = term || name == "TERM";
    environment.push_back(entry);
  }
  if (!path) environment.emplace_back("PATH=/usr/local/bin:/usr/bin:/bin");
  if (!term) environment.emplace_back("TERM=dumb");
  if (!tmpdir.empty()) environment.push_back("TMUX_TMPDIR=" + tmpdir);
  return environment;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

}  // namespace ccd::tmux
