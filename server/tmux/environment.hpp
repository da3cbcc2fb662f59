// The environment that tmux's programs get: an allowlist, because the dashboard's own environment holds its secrets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccd::tmux {

// True for what a session may inherit from the environment that the dashboard was started in: who and where the person is,
// language, terminal, certificates and proxies, and what Claude Code reads (CLAUDE_*, ANTHROPIC_*), except what a running Claude
// Code or the dashboard itself put there.
bool inherited_by_sessions(std::string_view name);

// "K=V" of `parent` that sessions inherit and those whose names are in `extra`, and TMUX_TMPDIR=tmpdir unless that is empty.
// PATH and TERM are there even when the parent has none.
std::vector<std::string> session_environment(const std::vector<std::string>& parent,
                                             const std::vector<std::string>& extra, const std::string& tmpdir);

// This process's own.
std::vector<std::string> own_environment();

}  // namespace ccd::tmux
