// The operator's commands: each does one thing, prints what it did, and returns the process's exit code (docs/RUNBOOK.md lists them).
#pragma once

#include <chrono>
#include <string>

#include "config/config.hpp"

namespace ccd {

// `dashboard user add NAME`: one account in the database, whether or not the dashboard runs. The password's first line is read from
// standard input.
int add_user(const config::Config& config, const std::string& name, const std::string& role);

// `dashboard tmux-start`: makes sure that the agents' tmux server runs, apart from this process.
int start_tmux(const config::Config& config);

// `dashboard audit verify`: checks the whole trail; 0 when it holds.
int verify_audit(const config::Config& config);

// `dashboard backup [--to DIR]`: a backup into places.backup_dir, beside a running dashboard or without one.
int back_up(const config::Places& places);

// `dashboard restore FILE [--to DATABASE]`: puts the backup in the place of `target`. Of the configured database the audit trail records it.
int restore(const config::Places& places, const std::string& file, const std::string& target);

// `dashboard check [FILE]`: a database, in use or not, or a backup: integrity, references, schema, audit trail.
int check(const config::Places& places, const std::string& file);

// `dashboard lease`: who has the database, as JSON; 0 when somebody has.
int show_lease(const config::Places& places);

// `dashboard hand-over`: the dashboard that has the database gives it to one that waits; 0 once that one has it.
int hand_over(const config::Places& places, std::chrono::seconds limit);

}  // namespace ccd
