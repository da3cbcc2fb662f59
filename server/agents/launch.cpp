#include "agents/launch.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdlib>

#include "base/encoding.hpp"
#include "base/unique_fd.hpp"

namespace ccd::agents {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxSettingsBytes = std::size_t{1} * 1024 * 1024;

// First words that are commands of their own: they show no conversation.
constexpr std::array<std::string_view, 23> kSubcommands{
    "agents",  "attach",      "auth", "auto-mode",   "config", "doctor",  "gateway",       "import",
    "install", "kill",        "logs", "mcp",         "plugin", "plugins", "purge",         "respawn",
    "rm",      "setup-token", "stop", "ultrareview", "update", "upgrade", "remote-control"};
// Options that end at once, go elsewhere, or bring what ours would replace.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kForbidding{{
    {"-p", "it prints and ends"},
    {"--print", "it prints and ends"},
    {"-h", "it prints its help"},
    {"--help", "it prints its help"},
    {"-v", "it prints its version"},
    {"--version", "it prints its version"},
    {"--settings", "it brings settings of its own"},
    {"--bare", "it runs without hooks"},
    {"--safe-mode", "it runs without hooks"},
    {"--bg", "it runs in the background"},
    {"--background", "it runs in the background"},
    {"--cloud", "it runs elsewhere"},
    {"--teleport", "it comes from elsewhere"},
    {"--desktop", "it opens another program"},
}};
constexpr std::array<std::string_view, 5> kOwnConversation{"-c", "--continue", "-r", "--resume", "--from-pr"};

// What follows these is no value of theirs; what follows others is one word, or, of the last, all up to the next option.
constexpr std::array<std::string_view, 14> kFlags{"--verbose",
                                                  "--ide",
                                                  "--chrome",
                                                  "--no-chrome",
                                                  "--brief",
                                                  "--bare",
                                                  "--safe-mode",
                                                  "--restricted",
                                                  "--strict-mcp-config",
                                                  "--disable-slash-commands",
                                                  "--dangerously-skip-permissions",
                                                  "--allow-dangerously-skip-permissions",
                                                  "--ax-screen-reader",
                                                  "--exclude-dynamic-system-prompt-sections"};
constexpr std::array<std::string_view, 9> kLists{
    "--add-dir", "--allowedTools", "--allowed-tools", "--disallowedTools", "--disallowed-tools", "--mcp-config",
    "--betas",   "--tools",        "--file"};
constexpr std::array<std::string_view, 8> kChoosing{"-c",           "--continue",     "-r", "--resume",
                                                    "--session-id", "--fork-session", "-w", "--worktree"};

template <class List>
bool has(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

std::string_view option_name(std::string_view word) { return word.substr(0, word.find('=')); }

// "--name=VALUE" or the next word.
std::string value_at(const std::vector<std::string>& words, std::size_t at) {
  const std::size_t equals = words[at].find('=');
  if (equals != std::string::npos) return words[at].substr(equals + 1);
  return at + 1 < words.size() ? words[at + 1] : "";
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_errno("open " + path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("look at " + path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid, path + " is no regular file");
  if (static_cast<std::size_t>(status.st_size) > limit) return fail(ErrorKind::too_large, path + " is too large");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + have, text.size() - have);
    if (got < 0) return fail_errno("read " + path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

Result<> write_whole(const std::string& path, std::string_view text) {
  const std::string draft = path + ".new";
  {
    const UniqueFd file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return fail_errno("open " + draft);
    // A draft that was left by a crash may have been made with another mode.
    if (::fchmod(file.get(), 0600) != 0) return fail_errno("protect " + draft);
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t put = ::write(file.get(), rest.data(), rest.size());
      if (put < 0) return fail_errno("write " + draft);
      rest.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail_errno("replace " + path);
  return {};
}

std::string status_line_in(const std::string& path) {
  const auto text = read_file(path, kMaxSettingsBytes);
  if (!text) return "";
  boost::system::error_code ec;
  const json::value value = json::parse(*text, ec);
  const json::object* settings = ec ? nullptr : value.if_object();
  const json::value* line = settings != nullptr ? settings->if_contains("statusLine") : nullptr;
  const json::object* fields = line != nullptr ? line->if_object() : nullptr;
  const json::value* command = fields != nullptr ? fields->if_contains("command") : nullptr;
  return command != nullptr && command->is_string() ? std::string(command->get_string()) : "";
}

}  // namespace

LaunchPlan plan_launch(const std::vector<std::string>& command) {
  if (command.size() > 1 && has(kSubcommands, command[1]))
    return {.why_not = "`claude " + command[1] + "` is no conversation"};
  LaunchPlan plan{.hooks = true, .chooses_id = true, .insert_at = command.size()};
  for (std::size_t i = 1; i < command.size(); ++i) {
    const std::string& word = command[i];
    if (word == "--") {
      plan.insert_at = i;
      break;
    }
    if (!word.starts_with('-')) continue;
    const std::string_view name = option_name(word);
    const auto forbidding = std::ranges::find(kForbidding, name, [](const auto& row) { return row.first; });
    if (forbidding != kForbidding.end())
      return {.why_not = "the command has " + std::string(name) + ": " + std::string(forbidding->second)};
    const bool own = has(kOwnConversation, name);
    if (!own && name != "--session-id") continue;
    plan.chooses_id = false;
    const std::string value = value_at(command, i);
    if (claude::valid_uuid(value)) plan.conversation = value;
  }
  // A fork gets an id that its first event tells.
  if (has(command, "--fork-session") && !has(command, "--session-id")) plan.conversation.clear();
  return plan;
}

std::vector<std::string> without_conversation(const std::vector<std::string>& command) {
  std::vector<std::string> out;
  if (command.empty()) return out;
  out.push_back(command.front());
  enum class Takes { nothing, one, all } takes = Takes::nothing;
  for (std::size_t i = 1; i < command.size() && command[i] != "--"; ++i) {
    const std::string& word = command[i];
    if (!word.starts_with('-')) {
      if (takes == Takes::one || takes == Takes::all) out.push_back(word);
      if (takes != Takes::all) takes = Takes::nothing;
      continue;
    }
    const std::string_view name = option_name(word);
    const bool whole = name.size() < word.size();  // "--name=VALUE"
    if (has(kChoosing, name)) {
      takes = Takes::nothing;  // a value behind it is dropped as a prompt would be
      continue;
    }
    out.push_back(word);
    takes = whole || has(kFlags, name) ? Takes::nothing : has(kLists, name) ? Takes::all : Takes::one;
  }
  return out;
}

std::string config_dir_of(const std::vector<std::pair<std::string, std::string>>& environment) {
  const auto value = [&](const char* name) -> std::string {
    for (const auto& [key, text] : environment)
      if (key == name) return text;
    const char* inherited = std::getenv(name);
    return inherited != nullptr ? inherited : "";
  };
  // A home of its own makes an inherited folder another person's.
  const bool own_home = std::ranges::any_of(environment, [](const auto& pair) { return pair.first == "HOME"; });
  const bool own_dir =
      std::ranges::any_of(environment, [](const auto& pair) { return pair.first == "CLAUDE_CONFIG_DIR"; });
  const std::string dir = own_home && !own_dir ? "" : value("CLAUDE_CONFIG_DIR");
  if (dir.starts_with('/')) return dir;
  const std::string home = value("HOME");
  return home.starts_with('/') ? home + "/.claude" : "";
}

std::string own_status_line(const std::string& config_dir, const std::string& project) {
  for (const std::string& path : {project + "/.claude/settings.local.json", project + "/.claude/settings.json",
                                  config_dir.empty() ? std::string() : config_dir + "/settings.json"}) {
    std::string command = path.empty() ? std::string() : status_line_in(path);
    if (!command.empty()) return command;
  }
  return "";
}

Result<> write_curl_files(const std::string& folder, const claude::SessionFiles& files) {
  for (const auto& [name, text] : {std::pair{claude::kEventCurlFile, &files.event_curl},
                                   std::pair{claude::kPermissionCurlFile, &files.permission_curl}}) {
    const std::string path = folder + "/" + std::string(name);
    const auto there = read_file(path, kMaxSettingsBytes);
    if (!there || *there != *text) TRY(write_whole(path, *text));
  }
  return {};
}

Result<> write_session_files(const std::string& folder, const claude::SessionFiles& files) {
  TRY(write_curl_files(folder, files));
  return write_whole(folder + "/" + std::string(claude::kSettingsFile), files.settings);
}

Result<std::string> read_token(const std::string& folder) {
  const std::string text = TRY(read_file(folder + "/" + std::string(claude::kEventCurlFile), kMaxSettingsBytes));
  constexpr std::string_view kBefore = "Authorization: Bearer ";
  const std::size_t begin = text.find(kBefore);
  if (begin == std::string::npos) return fail(ErrorKind::not_found, "the file for curl has no token");
  const std::size_t end = text.find('"', begin);
  return text.substr(begin + kBefore.size(), end == std::string::npos ? end : end - begin - kBefore.size());
}

std::string token_hash(std::string_view token) {
  std::array<unsigned char, 32> digest{};
  std::size_t size = 0;
  EVP_Q_digest(nullptr, "SHA256", nullptr, token.data(), token.size(), digest.data(), &size);
  return hex_encode(std::as_bytes(std::span(digest)));
}

std::string uuid_from(std::string hex) {
  hex[12] = '4';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) & 3U];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

}  // namespace ccd::agents
