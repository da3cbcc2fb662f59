// What all connections of a server share: options, metrics, the access log, request numbers. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/metrics.hpp"
#include "http/access_log.hpp"
#include "http/server.hpp"

namespace ccd::http {

struct HttpMetrics {
  HttpMetrics();
  prometheus::Counter* by_class[6];  // index 1 to 5: the status's first digit
  prometheus::Histogram* seconds;
  prometheus::Counter* refused_per_source;
  prometheus::Counter* refused_full;
  prometheus::Counter* refused_no_descriptor;
  prometheus::Gauge* connections;
  prometheus::Gauge* websockets;
};

// What all connections of a server share. Outlives them.
struct Shared {
  Shared(asio::any_io_executor executor, Options given, const Clock* given_clock, Handler given_handler);
  std::string next_id();
  // The Date header's value, made once a second.
  std::string_view date();

  Options options;
  const Clock* clock;
  Handler handler;
  AccessLog access_log;
  HttpMetrics metrics;
  TaskGroup tasks;  // connections and their WebSocket writers
  std::size_t open_sockets = 0;
  bool draining = false;  // finish what runs, begin nothing
  bool cutting = false;   // the drain's time is over

 private:
  std::string id_prefix_;
  std::uint64_t ids_ = 0;
  std::string date_;
  WallMicros date_until_ = 0;
};

}  // namespace ccd::http
