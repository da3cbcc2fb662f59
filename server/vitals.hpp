// What operators watch beside the requests: gauges for /metrics, refreshed all the time, and the text of GET /health/details. Lives on the loop.
#pragma once

#include <chrono>
#include <string>

#include "backup/schedule.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "config/config.hpp"
#include "health/checks.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"
#include "storage/lease.hpp"

namespace ccd {

// Below the 15 s that Prometheus usually scrapes at.
inline constexpr std::chrono::seconds kVitalsEvery{10};

class Vitals {
 public:
  struct Parts {  // all outlive it
    const config::Config* config;
    const Clock* clock;
    asio::thread_pool* pool;
    health::Checks* health;
    sessions::Hub* hub;
    storage::Database* database;
    const storage::Lease* lease;
    const backup::Schedule* backups;
    std::string version;
  };
  explicit Vitals(Parts parts) : parts_(std::move(parts)) {}

  // Refreshes the gauges until cancelled.
  Task<void> run();
  // JSON: role, checks, lease, database, disks, backup.
  Task<std::string> details();

 private:
  Task<void> refresh();
  const Parts parts_;
};

}  // namespace ccd
