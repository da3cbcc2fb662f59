// A dashboard before it serves: waits for the database's lease, and answers what can be answered until the API can.
//
// With two dashboards on one database (an upgrade), traffic decides: a request that comes here through a proxy makes the standby ask the
// holder to hand over, and is held until this one serves. Lives on the loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "health/checks.hpp"
#include "http/forwarded.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "storage/lease.hpp"
#include "storage/lease_door.hpp"

namespace ccd {

// How often a standby looks whether the lease is free: what it adds to a hand-over, half of it on average. Three system calls a look.
inline constexpr std::chrono::milliseconds kLeaseLook{5};
// How long a request is held for the API: longer than a hand-over, shorter than proxies wait.
inline constexpr std::chrono::seconds kHoldLimit{5};
// Who has just handed over leaves the lease to the other at first, and does not listen to traffic that still comes the old way.
inline constexpr std::chrono::seconds kYieldLease{2};
inline constexpr std::chrono::seconds kYieldTraffic{10};

class Standby {
 public:
  // `yielded`: this process has handed over a moment ago.
  enum class Start { fresh, yielded };
  struct Parts {  // all outlive it
    asio::any_io_executor executor;
    storage::Lease* lease;
    health::Checks* health;
    asio::thread_pool* pool;
    const Clock* clock;
    const http::TrustedProxies* proxies;
  };
  Standby(Parts parts, std::string database_path, std::string metrics_token, Start start);

  // Until the lease is ours, by `self`; `cancelled` when end() was called meanwhile.
  Task<Result<>> wait(storage::LeaseHolder self);
  void end();
  // The API takes everything from now on.
  void serve();

  // The answer to a request, or none when the API is to answer it.
  Task<std::optional<http::Response>> answer(std::shared_ptr<http::Request> request);

 private:
  enum class State { starting, standby, serving, ended };
  [[nodiscard]] bool may_take(const storage::LeaseHolder& self);
  Task<void> ask();
  enum class Via { direct, proxy };
  [[nodiscard]] Via via(const http::Request& request) const;
  Task<bool> hold(Via via);
  [[nodiscard]] bool may_read_metrics(const http::Request& request) const;

  const Parts parts_;
  const std::string database_path_;
  const std::string metrics_token_;
  const Start start_;
  const std::chrono::steady_clock::time_point began_;
  storage::StandbyMark mark_;
  Notifier changed_;
  State state_ = State::starting;
  bool saw_other_ = false;
  bool wanted_ = false;
};

}  // namespace ccd
