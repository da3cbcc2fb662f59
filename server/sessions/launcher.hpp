// What a Claude Code session is started with beyond its command. The hub asks; the room above answers (agents/).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "claude/session_settings.hpp"
#include "sessions/session.hpp"
#include "storage/connection.hpp"

namespace ccd::sessions {

// Which conversation a new session carries on, and how. Only for commands that start Claude Code.
struct Launch {
  claude::Start start = claude::Start::fresh;
  std::string conversation{};  // UUID; resume: which one; of a fresh one or a fork: its own, or empty: an id is chosen
  std::string forked_from{};   // UUID, for a fork
  std::string model{};         // empty: the user's
  std::string permission_mode{};  // empty: the user's
};

struct LaunchRequest {
  Session session{};     // as it will be stored; its command is the one that was asked for
  std::string folder{};  // the session's own, which exists
  std::vector<std::pair<std::string, std::string>> environment{};
  Launch launch{};
};

struct LaunchWords {
  std::vector<std::string> command{};  // what is started
  std::string conversation{};          // UUID, where it is known by now
  // Run in the transaction that stores the session; may be empty.
  std::function<Result<>(storage::Connection&)> store{};
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  // Writes what the session needs into its folder. `invalid` with the field's name for what cannot be started so.
  virtual Task<Result<LaunchWords>> prepare(LaunchRequest request) = 0;
  // A prepared session did not come to be.
  virtual void abandoned(const std::string& session) = 0;
};

}  // namespace ccd::sessions
