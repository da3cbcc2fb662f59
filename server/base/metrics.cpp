#include "base/metrics.hpp"

#include <prometheus/text_serializer.h>

namespace ccd {

namespace {
constexpr const char* kPrefix = "dashboard_";
}

Metrics::Metrics() : registry_(std::make_shared<prometheus::Registry>(prometheus::Registry::InsertBehavior::Merge)) {}

prometheus::Counter& Metrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return prometheus::BuildCounter().Name(kPrefix + name).Help(help).Register(*registry_).Add(labels);
}

prometheus::Gauge& Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return prometheus::BuildGauge().Name(kPrefix + name).Help(help).Register(*registry_).Add(labels);
}

prometheus::Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                                          const prometheus::Histogram::BucketBoundaries& bounds,
                                          const MetricLabels& labels) {
  return prometheus::BuildHistogram().Name(kPrefix + name).Help(help).Register(*registry_).Add(labels, bounds);
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(registry_->Collect()); }

Metrics& metrics() {
  static Metrics instance;
  return instance;
}

}  // namespace ccd
