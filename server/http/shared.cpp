#include "http/shared.hpp"

#include <utility>

#include "base/random.hpp"
#include "http/response_head.hpp"

namespace ccd::http {

HttpMetrics::HttpMetrics() {
  for (int digit = 0; digit < 6; ++digit)
    by_class[digit] = digit == 0
                          ? nullptr
                          : &ccd::metrics().counter("http_requests_total", "Requests answered, by class of status",
                                                    {{"status", std::to_string(digit) + "xx"}});
  seconds = &ccd::metrics().histogram("http_request_seconds",
                                      "From the end of a request's head to its answer's last byte given to the kernel",
                                      {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5});
  const auto refused = [](const char* why) {
    return &ccd::metrics().counter("http_connections_refused_total", "Connections closed at accept", {{"why", why}});
  };
  refused_per_source = refused("source");
  refused_full = refused("full");
  refused_no_descriptor = refused("descriptors");
  connections = &ccd::metrics().gauge("http_connections", "Open TCP connections, WebSockets among them");
  websockets = &ccd::metrics().gauge("http_websockets", "Open WebSockets");
}

Shared::Shared(asio::any_io_executor executor, Options given, const Clock* given_clock, Handler given_handler)
    : options(std::move(given)),
      clock(given_clock),
      handler(std::move(given_handler)),
      access_log(executor, options.pool, options.access_log_path),
      tasks(executor),
      id_prefix_(SystemRandom().hex(3)) {}

std::string Shared::next_id() { return id_prefix_ + "-" + std::to_string(++ids_); }

std::string_view Shared::date() {
  static constexpr WallMicros kSecond = 1'000'000;
  const WallMicros now = clock->wall();
  if (now >= date_until_ || now < date_until_ - kSecond) {
    date_ = http_date(now);
    date_until_ = (now / kSecond + 1) * kSecond;
  }
  return date_;
}

}  // namespace ccd::http
