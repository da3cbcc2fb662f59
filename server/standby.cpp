#include "standby.hpp"

#include <boost/asio/ip/address.hpp>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd {

namespace {

http::Response not_now(std::string_view message) {
  http::Response response = http::error_json(503, "unavailable", message);
  response.set_header("Retry-After", "1");
  return response;
}

http::Response status(int code, std::string_view word) {
  return http::json(code, R"({"status":")" + std::string(word) + R"("})");
}

}  // namespace

Standby::Standby(Parts parts, std::string database_path, std::string metrics_token, Start start)
    : parts_(std::move(parts)),
      database_path_(std::move(database_path)),
      metrics_token_(std::move(metrics_token)),
      start_(start),
      began_(parts_.clock->steady()),
      mark_(database_path_),
      changed_(parts_.executor) {}

// Who has handed over waits until the other one has had it, however shortly.
bool Standby::may_take(const storage::LeaseHolder& self) {
  if (start_ == Start::fresh || saw_other_ || parts_.clock->steady() - began_ >= kYieldLease) return true;
  const auto last = parts_.lease->last_holder();
  saw_other_ = last && *last && ((*last)->pid != self.pid || (*last)->host != self.host);
  return saw_other_;
}

Task<void> Standby::ask() {
  auto work = [path = database_path_] { return storage::ask_to_hand_over(path); };
  const auto asked = co_await run_on(*parts_.pool, std::move(work));
  wanted_ = false;
  if (!asked) log_warn("main", "the other dashboard does not hand over", {{"reason", asked.error().message}});
}

Task<Result<>> Standby::wait(storage::LeaseHolder self) {
  state_ = State::standby;
  parts_.health->set_role("standby");
  if (const auto set = mark_.set(); !set) co_return tl::unexpected(set.error());
  const auto other = parts_.lease->holder();
  log_info("main", "standby: another dashboard has the database",
           {{"port", self.port}, {"holder", other && *other ? storage::describe(**other) : "none just now"}});
  for (;;) {
    if (state_ == State::ended) co_return fail(ErrorKind::cancelled, "stopped while in standby");
    if (may_take(self)) {
      self.since = parts_.clock->wall();
      const auto taken = parts_.lease->try_take(self);
      if (!taken) co_return tl::unexpected(taken.error());
      if (*taken) break;
      saw_other_ = true;
    }
    if (wanted_) co_await ask();
    co_await changed_.wait_for(kLeaseLook);
  }
  mark_.clear();
  state_ = State::starting;
  parts_.health->set_role("starting");
  log_info("main", "the database's lease is ours");
  co_return Result<>{};
}

void Standby::end() {
  state_ = State::ended;
  changed_.notify();
}

void Standby::serve() {
  state_ = State::serving;
  parts_.health->set_role("");
  changed_.notify();
}

bool Standby::may_read_metrics(const http::Request& request) const {
  if (request.loopback_peer && !request.forwarded) return true;
  return !metrics_token_.empty() && equal_constant_time(request.header("Authorization"), "Bearer " + metrics_token_);
}

// A trusted proxy that names no client is itself the remote address.
Standby::Via Standby::via(const http::Request& request) const {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(request.remote_ip, ec);
  return request.forwarded || (!ec && parts_.proxies->contains(address)) ? Via::proxy : Via::direct;
}

// True: the API can answer now.
Task<bool> Standby::hold(Via via) {
  if (state_ == State::standby) {
    const bool settled = start_ == Start::fresh || parts_.clock->steady() - began_ >= kYieldTraffic;
    if (via == Via::direct || !settled) co_return false;
    wanted_ = true;
    changed_.notify();
  }
  const auto deadline = parts_.clock->steady() + kHoldLimit;
  while (state_ != State::serving && state_ != State::ended) {
    const auto left = deadline - parts_.clock->steady();
    if (left <= std::chrono::steady_clock::duration::zero()) break;
    co_await changed_.wait_for(left);
  }
  co_return state_ == State::serving;
}

Task<std::optional<http::Response>> Standby::answer(std::shared_ptr<http::Request> request) {
  if (state_ == State::serving) co_return std::nullopt;
  if (request->method == "GET" || request->method == "HEAD") {
    if (request->path == "/health/live") co_return status(200, "live");
    if (request->path == "/health/ready") co_return status(503, state_ == State::standby ? "standby" : "starting");
    if (request->path == "/health") {
      const health::Report report = co_await parts_.health->run();
      const bool good = state_ == State::standby && report.status == health::Report::Status::healthy;
      co_return http::json(good ? 200 : 503, health::to_json(report));
    }
    if (request->path == "/metrics") {
      if (!may_read_metrics(*request))
        co_return http::error_json(401, "unauthorized",
                                   "metrics need the metrics token, or a request from this machine");
      http::Response response = http::text(200, metrics().text());
      response.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      co_return response;
    }
  }
  const bool served = co_await hold(via(*request));
  if (served) co_return std::nullopt;
  co_return state_ == State::standby ? not_now("this dashboard is in standby: another one has the database")
                                     : not_now("the dashboard is starting or stopping: try again");
}

}  // namespace ccd
