// The process's metrics registry. A room makes its counters once, at construction, and keeps the references.
//
//   prometheus::Counter& logins = metrics().counter("auth_logins_total", "Logins tried", {{"outcome", "ok"}});
//
// Names are prefixed with "dashboard_". The same name and labels give the same object. Thread-safe.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <map>
#include <memory>
#include <string>

namespace ccd {

using MetricLabels = std::map<std::string, std::string>;

class Metrics {
 public:
  Metrics();
  prometheus::Counter& counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  prometheus::Gauge& gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  // `bounds`: upper bounds of the buckets, rising, in the unit that the name ends with (seconds, bytes).
  prometheus::Histogram& histogram(const std::string& name, const std::string& help,
                                   const prometheus::Histogram::BucketBoundaries& bounds,
                                   const MetricLabels& labels = {});
  // Prometheus text exposition format 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  std::shared_ptr<prometheus::Registry> registry_;
};

Metrics& metrics();

}  // namespace ccd
