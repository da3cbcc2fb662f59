// What the files that a project brings for Claude Code make it do: programs it starts, servers, variables, permissions. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccd::claude {

enum class FindingKind {
  program,      // a command that is run: hooks, helpers, status line
  server,       // an MCP server: a program that is started, or an address that is spoken to
  environment,  // a variable of the client and of everything that it starts
  permission,   // what may be done without asking, or in which mode it begins
  plugin,       // where more of all this comes from
  other,        // a setting that is none of these
};
[[nodiscard]] std::string_view to_string(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::other;
  std::string where{};  // "PreToolUse (Bash)", "allow", a server's name, a variable's
  std::string text{};   // the command, the rule, the value
  bool operator==(const Finding&) const = default;
};

// Of one finding's text, and of all: what is over it is said in the last one. Files are small, or not honest.
inline constexpr std::size_t kMaxFindingText = 2000;
inline constexpr std::size_t kMaxFindings = 500;

// Of a project's file of this name: of settings (kProjectFiles) each one; of commands, agents and skills what their front matter sets and the
// commands in their text. Others have none.
[[nodiscard]] std::vector<Finding> findings(std::string_view name, std::string_view text);

// Files in a project that can make the client start something or ask less, as their paths from the project on.
inline constexpr std::string_view kProjectFiles[] = {".claude/settings.json", ".claude/settings.local.json",
                                                     ".mcp.json"};
// `.claude/hooks/` holds by custom what hooks start. Commands, agents and skills can name hooks, servers and tools that are not asked
// about, run a command where their text says so, and bring programs of their own.
inline constexpr std::string_view kActingFolders[] = {".claude/hooks", ".claude/commands", ".claude/agents",
                                                      ".claude/skills"};
// Words for the model: they start nothing by themselves, and change with the work.
inline constexpr std::string_view kWordFiles[] = {"CLAUDE.md", "CLAUDE.local.md", ".claude/CLAUDE.md"};
inline constexpr std::string_view kWordFolders[] = {".claude/rules"};

// The part of a file's text that must be looked at again when it changes. The lists of permissions in settings.local.json are left out:
// the client itself writes there what a person allows for good.
[[nodiscard]] std::string lasting_part(std::string_view name, std::string_view text);

}  // namespace ccd::claude
