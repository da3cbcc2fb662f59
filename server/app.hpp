// The composition root: makes the rooms from the settings, joins them, runs until told to stop.
#pragma once

#include "config/config.hpp"

namespace ccd {

// serve() returns it after a hand-over: the program is to be started again, as one that has handed over.
inline constexpr int kHandedOver = -1;
enum class Origin { started, handed_over };

// Serves until SIGTERM or SIGINT, then drains; in standby first, when another dashboard has the database and the settings or `origin` say so.
// Returns the process's exit code, or kHandedOver; a refusal to start has been printed by then.
int serve(const config::Config& config, Origin origin);

}  // namespace ccd
