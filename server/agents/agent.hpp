// One agent while the dashboard runs: what is known of it. Internal to the room.
#pragma once

#include <chrono>
#include <string>

#include "agents/view.hpp"
#include "claude/agent_state.hpp"
#include "sessions/session.hpp"

namespace ccd::agents {

// What the table `agents` keeps of one.
struct AgentRow {
  std::string session{};
  std::string token_hash{};    // empty: it has no hooks of ours
  std::string hooks_reason{};  // why, then
  std::string config_dir{};    // where its client keeps transcripts
  std::string conversation{};
  std::string transcript{};
  std::string state{};  // as it was last, with its evidence
  WallMicros state_since = 0;
  std::string state_what{};
  WallMicros state_at = 0;
  std::string tool{};
  std::string reason{};
  std::string model{};
  std::string permission_mode{};
  double cost_usd = 0;
  std::optional<double> context_percent{};
  std::uint64_t context_tokens = 0;
  std::uint64_t context_size = 0;
  std::uint64_t lines_added = 0;
  std::uint64_t lines_removed = 0;
  std::string last_message{};
  std::int64_t working_micros = 0;
  std::int64_t waiting_micros = 0;
  bool operator==(const AgentRow&) const = default;
};

struct Agent {
  Agent(WallMicros started, std::chrono::seconds utc_offset) : machine(started, utc_offset) {}

  std::string session{};
  std::string name{};
  std::string project{};
  AgentRow row{};
  AgentRow stored{};  // as the recorder was last given it
  claude::AgentStateMachine machine;
  claude::AgentStatus status{};  // as of the last look
  AgentView told{};              // as listeners know it
  bool told_once = false;
  bool hooks_heard = false;  // since this dashboard runs
};

}  // namespace ccd::agents
