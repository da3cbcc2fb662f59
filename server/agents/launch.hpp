// How a command that starts Claude Code gets the dashboard's settings: which of its words forbid it, and the files. Pure but for the files.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "claude/session_settings.hpp"

namespace ccd::agents {

// What the words behind the program allow.
struct LaunchPlan {
  bool hooks = false;          // our settings can be given
  std::string why_not{};       // for people, when not
  bool chooses_id = false;     // our id can be given: the words name no conversation themselves
  std::string conversation{};  // named by --session-id or --resume in the words, a UUID
  std::size_t insert_at = 0;   // where our words go: at the end, or before "--"
};
// `own` words belong to the program (CLAUDE_COMMAND may have some) and are looked at like the others.
LaunchPlan plan_launch(const std::vector<std::string>& command);

// The command as it starts the same program again for a conversation that is named otherwise: without words that choose one, without
// the first prompt, and without making another working tree.
std::vector<std::string> without_conversation(const std::vector<std::string>& command);

// Where the client that gets this environment keeps its things: CLAUDE_CONFIG_DIR, else HOME/.claude, of `environment` or else of
// this process. Empty when neither is known.
std::string config_dir_of(const std::vector<std::pair<std::string, std::string>>& environment);

// The status line command of the user's own files: of the project's local settings, its shared ones, the user's; empty: none. Blocks
// on the disk; files over 1 MiB, and what is no such file, count as none.
std::string own_status_line(const std::string& config_dir, const std::string& project);

// Writes the three files into the session's folder, each whole or not at all, mode 0600. Blocks.
Result<> write_session_files(const std::string& folder, const claude::SessionFiles& files);
// Only the two for curl, and only where they differ.
Result<> write_curl_files(const std::string& folder, const claude::SessionFiles& files);

// The token that the files in the folder carry; `not_found` when there are none. Blocks.
Result<std::string> read_token(const std::string& folder);

// SHA-256 as hex: what is kept of a token.
std::string token_hash(std::string_view token);

// Version 4, variant 1, as `claude --session-id` wants it, from 32 hex digits of randomness.
std::string uuid_from(std::string hex);

}  // namespace ccd::agents
