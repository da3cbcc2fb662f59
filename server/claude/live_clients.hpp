// Which conversations a running Claude Code client has open, from the register that clients keep in their folder `sessions`.
//
// Blocks on the disk and /proc: call it on a pool.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace ccd::claude {

// One file each; more is a folder that nobody tidies.
inline constexpr std::size_t kMaxRegistered = 2000;

enum class Seen {
  running,    // its process is there
  elsewhere,  // in another container or on another machine: it runs, or was killed and its file is left
};

struct LiveClient {
  Seen seen = Seen::running;
  pid_t pid = 0;               // in the client's own container
  std::string conversation{};  // UUID
  std::string folder{};
};

// `folder`: the client's `sessions`; it need not exist. Files that are left of clients that were
// killed are not told where that can be seen.
[[nodiscard]] std::vector<LiveClient> live_clients(const std::string& folder);

// The running client that is the process `top` or was started below it, the nearest. None where that cannot be seen.
[[nodiscard]] std::optional<LiveClient> client_below(const std::string& folder, pid_t top);

// Tells it to end (SIGTERM); does not wait. not_found: another process has its number by now, or it has ended.
Result<> ask_to_end(const std::string& folder, const LiveClient& client);

}  // namespace ccd::claude
