// Which conversations a running Claude Code client has open, from the register that clients keep in their folder `sessions`.
//
// Blocks on the disk and /proc: call it on a pool. Only clients that this process can see are told: a client in another container
// has a number here that means nothing, or somebody else.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace ccd::claude {

// One file each; more is a folder that nobody tidies.
inline constexpr std::size_t kMaxRegistered = 2000;

struct LiveClient {
  pid_t pid = 0;
  std::string conversation{};  // UUID
  std::string folder{};
};

// `folder`: the client's `sessions`; it need not exist. Files that are left of clients that were killed are not told.
[[nodiscard]] std::vector<LiveClient> live_clients(const std::string& folder);

}  // namespace ccd::claude
