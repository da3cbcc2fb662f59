// What others see of an agent: its state with the evidence, and the figures that its status line tells. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "claude/agent_state.hpp"

namespace ccd::agents {

// Whether the client tells us what it does. `none`: it was started by hand, or with settings of its own; then its title and its
// transcript are all there is.
enum class Hooks { live, none };

inline constexpr std::size_t kMaxLastMessage = 2000;  // bytes of an agent's last message in a list

struct AgentView {
  claude::AgentStatus status{};
  bool unread = false;      // it is done, and nobody has looked since
  std::size_t waiting = 0;  // open requests
  Hooks hooks = Hooks::none;
  std::string hooks_reason{};  // for people, why there are none
  std::string conversation{};  // UUID, or empty: not known yet
  std::string transcript{};    // its file as the client says it, or empty; not told to pages
  std::string config_dir{};    // where the client was started to keep its things, or empty; not told to pages
  std::string model{};         // as the client shows it
  std::string permission_mode{};
  double cost_usd = 0;
  std::optional<double> context_percent{};
  std::uint64_t context_tokens = 0;
  std::uint64_t context_size = 0;
  std::uint64_t lines_added = 0;
  std::uint64_t lines_removed = 0;
  std::string last_message{};
  std::int64_t working_micros = 0;  // so far, up to the state's beginning
  std::int64_t waiting_micros = 0;  // for a person

  bool operator==(const AgentView&) const = default;
};

}  // namespace ccd::agents
