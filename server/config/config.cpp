#include "config/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "auth/origin.hpp"
#include "config/secret_strength.hpp"
#include "notify/target.hpp"
#include "recording/session_folder.hpp"

extern char** environ;

namespace ccd::config {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMinRecordBytes = 1024 * 1024;  // a few screens of history
constexpr std::uint64_t kMaxRecordBytes = 1024ULL * 1024 * 1024 * 1024;
constexpr std::uint64_t kDefaultRecordTotal =
    std::uint64_t{20} * 1024 * 1024 * 1024;  // a small disk keeps room for work
constexpr std::uint64_t kMaxRecordTotal = std::uint64_t{1} << 50U;
constexpr std::uint64_t kDefaultRecordBytes = 256 * 1024 * 1024;
constexpr std::size_t kMinMetricsToken = 16;
constexpr std::size_t kDefaultBackups = 30;  // a month of days
constexpr std::size_t kMaxBackups = 100'000;
constexpr std::uint64_t kLongestInterval = 366ULL * 24 * 3600;

class Reader {
 public:
  Reader(const EnvEntries& env, std::string working_directory)
      : env_(env), working_directory_(std::move(working_directory)) {}

  // An empty value is as good as none: .env.example lists every name.
  [[nodiscard]] std::string text(std::string_view name, std::string fallback) const {
    const auto found = env_.find(name);
    return found == env_.end() || found->second.empty() ? std::move(fallback) : found->second;
  }

  [[nodiscard]] Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback, std::uint64_t low,
                                             std::uint64_t high) const {
    const std::string value = text(name, std::to_string(fallback));
    std::uint64_t out = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (ec != std::errc() || end != value.data() + value.size() || out < low || out > high)
      return fail_field(std::string(name), fmt::format("must be a whole number from {} to {}, for example {}={}", low,
                                                       high, name, fallback));
    return out;
  }

  [[nodiscard]] std::vector<std::string> list(std::string_view name, char separator) const {
    std::vector<std::string> out;
    const std::string value = text(name, "");
    for (std::size_t start = 0; start <= value.size();) {
      const std::size_t end = std::min(value.find(separator, start), value.size());
      std::string_view item = std::string_view(value).substr(start, end - start);
      while (item.starts_with(' ')) item.remove_prefix(1);
      while (item.ends_with(' ')) item.remove_suffix(1);
      if (!item.empty()) out.emplace_back(item);
      start = end + 1;
    }
    return out;
  }

  [[nodiscard]] std::string path(std::string_view name, const std::string& fallback) const {
    return (fs::path(working_directory_) / text(name, fallback)).lexically_normal().string();
  }

  // Absolute folders, none of them "/".
  [[nodiscard]] Result<std::vector<std::string>> roots(std::string_view name) const {
    std::vector<std::string> out = list(name, ':');
    if (out.empty())
      return fail_field(std::string(name),
                        fmt::format("must name at least one folder, for example {}=/srv/projects", name));
    for (const std::string& root : out) {
      if (fs::path(root).lexically_normal() == "/")
        return fail_field(
            std::string(name),
            fmt::format("'/' is too wide: name the folders, not the whole machine; for example {}=/srv/projects",
                        name));
      if (!root.starts_with('/'))
        return fail_field(
            std::string(name),
            fmt::format("'{}' is not absolute; for example {}=/srv/projects:/home/anna/work", root, name));
    }
    return out;
  }

 private:
  const EnvEntries& env_;
  std::string working_directory_;
};

template <class T>
Result<T> choose(const Reader& read, std::string_view name, std::string_view fallback,
                 std::initializer_list<std::pair<std::string_view, T>> words) {
  const std::string value = read.text(name, std::string(fallback));
  std::string all;
  for (const auto& [word, meaning] : words) {
    if (word == value) return meaning;
    if (!all.empty()) all += ", ";
    all += word;
  }
  return fail_field(std::string(name), "must be one of: " + all);
}

// Words at blanks: for CLAUDE_COMMAND, which an operator writes. No quotes, no expansion; a word with a blank is not possible.
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t start = text.find_first_not_of(' '); start != std::string_view::npos;) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    out.emplace_back(text.substr(start, end - start));
    start = text.find_first_not_of(' ', end);
  }
  return out;
}

bool plain_path(std::string_view path) {
  return std::ranges::all_of(path, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
           c == '_' || c == '-';
  });
}

// The first of the places that is there; else the first, so that the message names it.
std::string first_existing(std::initializer_list<fs::path> places) {
  for (const fs::path& place : places) {
    std::error_code ec;
    if (fs::exists(place, ec)) return place.lexically_normal().string();
  }
  return places.begin()->lexically_normal().string();
}

// Beside an installed program (/usr/lib or /app layout) or in a build tree (build/PRESET/server/dashboard).
void find_own_files(Config& config, const Reader& read, const std::string& program) {
  const fs::path here = fs::path(program).parent_path();
  const fs::path source = here / ".." / ".." / "..";
  config.page_dir = read.path("PAGE_DIR", first_existing({here / "page", source / "web" / "dist"}));
  config.tmux_conf = read.path("TMUX_CONF", first_existing({here / "tmux.conf", source / "ops" / "tmux.conf"}));
  config.pane_tap = read.path("PANE_TAP", first_existing({here / "pane-tap", here / "recording" / "pane-tap"}));
  config.pane_start = read.path("PANE_START", first_existing({here / "pane-start", here / "sessions" / "pane-start"}));
}

// "90m", "24h", "7d", "30s" or "off".
Result<std::chrono::seconds> read_interval(const Reader& read, std::string_view name, const std::string& fallback) {
  const std::string value = read.text(name, fallback);
  if (value == "off") return std::chrono::seconds(0);
  std::uint64_t number = 0;
  const char* const last = value.data() + value.size();
  const auto [end, ec] = std::from_chars(value.data(), last, number);
  std::uint64_t unit = 0;
  if (ec == std::errc() && end + 1 == last)
    unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86'400 : 0;
  if (unit == 0 || number == 0 || number > kLongestInterval / unit)
    return fail_field(std::string(name),
                      fmt::format("must be a number with s, m, h or d, or off, for example {}={}", name, fallback));
  return std::chrono::seconds(number * unit);
}

Result<> check_tmux_socket(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 64 && name.front() != '-' && name.find('/') == std::string::npos &&
                    plain_path(name);
  if (good) return {};
  return fail_field(
      "TMUX_SOCKET",
      "must be a name of 1 to 64 letters, digits, '.', '_' and '-', for example TMUX_SOCKET=claude-dashboard");
}

Result<> read_security(Config& config, const Reader& read) {
  config.jwt_secret = read.text("JWT_SECRET", "");
  if (config.jwt_secret.empty()) return fail_field("JWT_SECRET", "is not set; make one with: openssl rand -base64 48");
  if (auto judged = judge_secret(config.jwt_secret); !judged) return fail_field("JWT_SECRET", judged.error().message);
  config.public_origins = read.list("PUBLIC_ORIGINS", ',');
  if (auto policy = auth::OriginPolicy::make(config.public_origins, config.port, config.host); !policy)
    return fail_field("PUBLIC_ORIGINS", policy.error().message);
  auto proxies = http::TrustedProxies::parse(read.text("TRUSTED_PROXIES", ""));
  if (!proxies) return fail_field("TRUSTED_PROXIES", proxies.error().message);
  config.trusted_proxies = std::move(*proxies);
  config.setup_peers = TRY(
      choose<auth::SetupPeers>(read, "SETUP_FROM", "loopback",
                               {{"loopback", auth::SetupPeers::loopback}, {"direct", auth::SetupPeers::any_direct}}));
  config.metrics_token = read.text("METRICS_TOKEN", "");
  if (!config.metrics_token.empty() && config.metrics_token.size() < kMinMetricsToken)
    return fail_field("METRICS_TOKEN", "must have at least 16 characters; make one with: openssl rand -hex 32");
  return {};
}

Result<> read_notify(Config& config, const Reader& read) {
  using notify::PrivateAddresses;
  config.notify_private_addresses = TRY(choose<PrivateAddresses>(
      read, "NOTIFY_PRIVATE_ADDRESSES", "no",
      {{"no", PrivateAddresses::no}, {"webhooks", PrivateAddresses::webhooks}, {"yes", PrivateAddresses::yes}}));
  config.notify_proxy = read.text("NOTIFY_PROXY", "");
  if (!config.notify_proxy.empty()) {
    const auto proxy = notify::parse_target(config.notify_proxy, {.addresses = notify::Reach::Addresses::private_too,
                                                                  .plain_http = notify::Reach::PlainHttp::always});
    if (!proxy || proxy->secure || proxy->url != proxy->origin + "/")
      return fail_field(
          "NOTIFY_PROXY",
          "must be http:// with a host and a port, for example NOTIFY_PROXY=http://proxy.example.org:3128");
    config.notify_proxy = proxy->origin;
  }
  if (!read.text("NOTIFY_CA_FILE", "").empty()) config.notify_ca_file = read.path("NOTIFY_CA_FILE", "");
  if (!config.notify_ca_file.empty() && ::access(config.notify_ca_file.c_str(), R_OK) != 0)
    return fail_field("NOTIFY_CA_FILE",
                      fmt::format("{} cannot be read: {}; name a file of certificates in PEM, or leave it empty",
                                  config.notify_ca_file, std::strerror(errno)));
  config.notify_contact = read.text("NOTIFY_CONTACT", "");
  const bool contact = config.notify_contact.empty() || config.notify_contact.starts_with("mailto:") ||
                       config.notify_contact.starts_with("https://");
  if (!contact || config.notify_contact.find(' ') != std::string::npos)
    return fail_field("NOTIFY_CONTACT",
                      "must be an address of whoever runs this, for example NOTIFY_CONTACT=mailto:ops@example.org");
  return {};
}

Result<> check_bind(const Config& config) {
  const bool loopback = config.host == "localhost" || auth::is_loopback(config.host);
  if (loopback || !config.public_origins.empty()) return {};
  return fail_field("HOST", fmt::format("'{}' is reachable from other machines: set PUBLIC_ORIGINS to the https "
                                        "address that people use, or HOST=127.0.0.1",
                                        config.host));
}

}  // namespace

EnvEntries environment_entries() {
  EnvEntries out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Result<Places> make_places(const EnvEntries& env, const std::string& working_directory) {
  const Reader read(env, working_directory);
  Places places;
  places.data_dir = read.path("DATA_DIR", "./data");
  if (places.data_dir.ends_with('/') && places.data_dir.size() > 1) places.data_dir.pop_back();
  if (!plain_path(places.data_dir))
    return fail_field("DATA_DIR",
                      "may have letters, digits, '.', '_', '-' and '/' only: tmux passes it through a command line");
  places.database_path = read.path("DATABASE_PATH", places.data_dir + "/dashboard.db");
  places.backup_dir = read.path("BACKUP_DIR", "./backups");
  places.backup_keep = TRY(read.number("BACKUP_KEEP", kDefaultBackups, 1, kMaxBackups));
  return places;
}

Result<Config> make(const EnvEntries& env, const std::string& program, const std::string& working_directory) {
  const Reader read(env, working_directory);
  Config config;
  config.host = read.text("HOST", "127.0.0.1");
  config.port = static_cast<std::uint16_t>(TRY(read.number("PORT", 3000, 0, 65535)));
  auto places = TRY(make_places(env, working_directory));
  config.data_dir = std::move(places.data_dir);
  config.database_path = std::move(places.database_path);
  config.backup_dir = std::move(places.backup_dir);
  config.backup_keep = places.backup_keep;
  config.backup_interval = TRY(read_interval(read, "BACKUP_INTERVAL", "24h"));
  config.standby = TRY(choose<Standby>(read, "STANDBY", "no", {{"no", Standby::refuse}, {"yes", Standby::wait}}));
  TRY(read_security(config, read));
  config.project_roots = TRY(read.roots("ALLOWED_PROJECT_ROOTS"));
  config.file_roots = TRY(read.roots("ALLOWED_FILE_ROOTS"));
  config.tmux_socket = read.text("TMUX_SOCKET", "claude-dashboard");
  TRY(check_tmux_socket(config.tmux_socket));
  config.tmux_tmpdir = read.text("TMUX_TMPDIR", "");
  config.tmux_start = TRY(choose<tmux::ServerStart>(
      read, "TMUX_START", "auto", {{"auto", tmux::ServerStart::when_needed}, {"never", tmux::ServerStart::never}}));
  config.claude_command = words(read.text("CLAUDE_COMMAND", "claude"));
  if (config.claude_command.empty())
    return fail_field("CLAUDE_COMMAND", "must name a program, for example CLAUDE_COMMAND=claude");
  config.log_level = TRY(choose<LogLevel>(
      read, "LOG_LEVEL", "info",
      {{"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}, {"error", LogLevel::error}}));
  config.log_format =
      TRY(choose<LogFormat>(read, "LOG_FORMAT", "text", {{"text", LogFormat::text}, {"json", LogFormat::json}}));
  config.access_log = read.path("ACCESS_LOG", "/tmp/access.log");
  config.record_bytes_per_session =
      TRY(read.number("RECORD_BYTES_PER_SESSION", kDefaultRecordBytes, kMinRecordBytes, kMaxRecordBytes));
  config.record_bytes_total = TRY(read.number("RECORD_BYTES_TOTAL", kDefaultRecordTotal, 0, kMaxRecordTotal));
  TRY(read_notify(config, read));
  find_own_files(config, read, program);
  TRY(check_bind(config));
  return config;
}

std::string refusal(const Error& error) {
  return error.field.empty() ? error.message : error.field + ": " + error.message;
}

namespace {

// The canonical path, or the text itself when it is not there.
std::string canonical(const std::string& path) {
  std::error_code ec;
  const fs::path found = fs::weakly_canonical(path, ec);
  return ec ? path : found.string();
}

// Whoever may read files must not read what logins are signed with, nor the record of other people's terminals.
Result<> check_own_files_hidden(const Config& config) {
  for (const std::string& root : config.file_roots) {
    const std::string above = canonical(root) + "/";
    for (const std::string& own : {config.data_dir, config.database_path, config.backup_dir, config.env_file}) {
      if (!own.empty() && (canonical(own) + "/").starts_with(above))
        return fail_field("ALLOWED_FILE_ROOTS",
                          fmt::format("{} holds {}, which every login could then read; name narrower folders, or move "
                                      "DATA_DIR, BACKUP_DIR and .env out of it",
                                      root, own));
    }
  }
  return {};
}

}  // namespace

Result<> check_folders(const Config& config) {
  if (auto made = recording::create_session_folder(config.data_dir + "/sessions/.probe"); !made)
    return fail_field("DATA_DIR", fmt::format("{} cannot be used: {}", config.data_dir, made.error().message));
  (void)recording::remove_session_folder(config.data_dir + "/sessions/.probe");
  for (const std::string& root : config.project_roots) {
    struct stat status{};
    if (::stat(root.c_str(), &status) != 0)
      return fail_field("ALLOWED_PROJECT_ROOTS",
                        fmt::format("{}: {}; make the folder, or name one that is there", root, std::strerror(errno)));
    if (!S_ISDIR(status.st_mode)) return fail_field("ALLOWED_PROJECT_ROOTS", fmt::format("{} is not a folder", root));
    if (::access(root.c_str(), R_OK | W_OK | X_OK) != 0)
      return fail_field("ALLOWED_PROJECT_ROOTS",
                        fmt::format("{} is not writable by uid {}: {}; give it to this user, or name another folder",
                                    root, ::getuid(), std::strerror(errno)));
  }
  return check_own_files_hidden(config);
}

void print(const Config& config) {
  log_info("config", "settings",
           {{"host", config.host},
            {"port", config.port},
            {"data_dir", config.data_dir},
            {"database_path", config.database_path},
            {"backup_dir", config.backup_dir},
            {"backup_interval", config.backup_interval.count()},
            {"backup_keep", config.backup_keep},
            {"standby", config.standby == Standby::wait ? "yes" : "no"},
            {"tmux_start", config.tmux_start == tmux::ServerStart::never ? "never" : "auto"},
            {"jwt_secret", "set"},
            {"project_roots", fmt::format("{}", fmt::join(config.project_roots, ":"))},
            {"file_roots", fmt::format("{}", fmt::join(config.file_roots, ":"))},
            {"tmux_socket", config.tmux_socket},
            {"claude_command", fmt::format("{}", fmt::join(config.claude_command, " "))},
            {"public_origins", fmt::format("{}", fmt::join(config.public_origins, ","))},
            {"access_log", config.access_log},
            {"record_bytes_per_session", config.record_bytes_per_session},
            {"record_bytes_total", config.record_bytes_total},
            {"metrics_token", config.metrics_token.empty() ? "none" : "set"},
            {"notify_private_addresses", notify::to_string(config.notify_private_addresses)},
            {"notify_proxy", config.notify_proxy},
            {"notify_ca_file", config.notify_ca_file},
            {"notify_contact", config.notify_contact},
            {"page_dir", config.page_dir}});
}

}  // namespace ccd::config
