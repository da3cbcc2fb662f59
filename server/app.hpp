// The composition root: makes the rooms from the settings, joins them, runs until told to stop.
#pragma once

#include "config/config.hpp"

namespace ccd {

// Serves until SIGTERM or SIGINT, then drains (kDrainLimit). Returns the process's exit code; a refusal to start has been
// printed by then.
int serve(const config::Config& config);

// `dashboard user add NAME`: one account in the database, whether or not the dashboard runs. The password's first line is read from
// standard input.
int add_user(const config::Config& config, const std::string& name, const std::string& role);

// `dashboard tmux-start`: makes sure that the agents' tmux server runs, apart from this process.
int start_tmux(const config::Config& config);

// `dashboard audit verify`: checks the whole trail; 0 when it holds.
int verify_audit(const config::Config& config);

}  // namespace ccd
