// The settings: read from the environment and .env, checked, and handed to the rooms as their own Options.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "auth/auth.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "config/env_file.hpp"
#include "http/forwarded.hpp"
#include "notify/parts.hpp"
#include "tmux/tmux.hpp"

namespace ccd::config {

// Exit codes of a start that was refused, so that a supervisor can tell them apart (docs/RUNBOOK.md lists them).
inline constexpr int kExitConfig = 78;    // EX_CONFIG: a setting, JWT_SECRET among them
inline constexpr int kExitRoots = 77;     // EX_NOPERM: a root or the data folder is missing or not writable
inline constexpr int kExitPort = 69;      // EX_UNAVAILABLE: the port is in use
inline constexpr int kExitDatabase = 65;  // EX_DATAERR: the database or backup is damaged, or made by a newer version
inline constexpr int kExitNoFile = 66;    // EX_NOINPUT: a command's file is not there
inline constexpr int kExitNoWrite = 73;   // EX_CANTCREAT: a command cannot write where it should
inline constexpr int kExitLease = 75;     // EX_TEMPFAIL: another dashboard has the database; try again later

// Where things are kept: all that the commands for backups need.
struct Places {
  std::string data_dir;  // absolute, as all of them
  std::string database_path;
  std::string backup_dir;
  std::size_t backup_keep = 0;  // backups that stay
};

// What to do when another dashboard has the database.
enum class Standby { refuse, wait };

struct Config {
  std::string host;
  std::uint16_t port = 0;  // 0: any free one (tests)
  std::string data_dir;    // absolute
  std::string database_path;
  std::string backup_dir;  // absolute
  std::size_t backup_keep = 0;
  std::chrono::seconds backup_interval{0};  // 0: none by themselves
  Standby standby = Standby::refuse;
  std::string jwt_secret;
  std::vector<std::string> project_roots;
  std::vector<std::string> file_roots;
  std::string tmux_socket;
  std::string tmux_tmpdir;  // TMUX_TMPDIR, or empty
  tmux::ServerStart tmux_start = tmux::ServerStart::when_needed;
  std::vector<std::string> claude_command;
  std::vector<std::string> public_origins;
  http::TrustedProxies trusted_proxies;
  auth::SetupPeers setup_peers = auth::SetupPeers::loopback;
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
  std::string access_log;
  std::uint64_t record_bytes_per_session = 0;
  std::uint64_t record_bytes_total = 0;  // of all sessions; 0: no bound
  std::string metrics_token;
  // What is sent out: push messages and webhooks.
  notify::PrivateAddresses notify_private_addresses = notify::PrivateAddresses::no;
  std::string notify_proxy;    // "http://host:port", or empty
  std::string notify_ca_file;  // absolute, or empty: the system's certificates
  std::string notify_contact;  // "mailto:..." or "https://...", or empty
  std::string env_file;        // absolute; empty when none was read
  // Where the program's own files are; found beside the program unless set.
  std::string page_dir;
  std::string tmux_conf;
  std::string pane_tap;
  std::string pane_start;
};

// The process's environment as entries.
EnvEntries environment_entries();

// Values of `env` win over those of the file. Reads nothing but its arguments and, for the defaults of the last four members,
// looks what is there beside `program` (absolute path of the running program). Every error is `invalid`, with the variable's name as `field` and a message that says what is
// wrong and what would be right, without the value of a secret.
Result<Config> make(const EnvEntries& env, const std::string& program, const std::string& working_directory);

// The part of it that needs no secret.
Result<Places> make_places(const EnvEntries& env, const std::string& working_directory);

// The refusal as the one line that is printed: "PORT: must be a number from 1 to 65535, for example PORT=3000".
std::string refusal(const Error& error);

// The folders that must be there and writable: the data folder (made when missing, 0700) and every project root. Refuses file roots
// that hold the dashboard's own secrets.
Result<> check_folders(const Config& config);

// Logs every setting, secrets masked.
void print(const Config& config);

}  // namespace ccd::config
