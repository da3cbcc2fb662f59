// How each agent's conversation stands by its transcript: what tells of its state where no hook does (a stop by Escape, hooks that were
// missed, an agent without hooks).
//
// Lives on the loop; files are read on the pool. Follows the transcripts of the agents that run, and tells each one's standing to Agents.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "agents/agents.hpp"
#include "agents/transcripts.hpp"
#include "base/task.hpp"
#include "sessions/hub.hpp"

namespace ccd::agents {

class Standings {
 public:
  struct Parts {  // all outlive this
    sessions::Hub* hub;
    Agents* agents;
    Transcripts* transcripts;
  };
  Standings(const asio::any_io_executor& executor, Parts parts);
  ~Standings();
  Standings(const Standings&) = delete;
  Standings& operator=(const Standings&) = delete;

  // After Agents::start().
  void start();
  Task<void> stop();

 private:
  struct Followed;
  void on_changed(const std::string& session);
  void on_growth(const std::string& session);
  Task<void> read(std::shared_ptr<Followed> followed);

  Parts parts_;
  std::map<std::string, std::shared_ptr<Followed>> followed_;  // by session
  std::unique_ptr<Agents::Subscription> subscription_;
  TaskGroup tasks_;
};

}  // namespace ccd::agents
