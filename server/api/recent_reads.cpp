#include "api/recent_reads.hpp"

#include <algorithm>

namespace ccd::api {

bool RecentReads::begins(const Reading& reading) {
  const auto now = clock_->steady();
  const auto found = written_.find(reading);
  if (found != written_.end()) {
    if (now - found->second < kReadWindow) return false;
    found->second = now;
    return true;
  }
  make_room();
  written_.emplace(reading, now);
  return true;
}

void RecentReads::make_room() {
  if (written_.size() < kMaxRecentReads) return;
  const auto now = clock_->steady();
  std::erase_if(written_, [now](const auto& entry) { return now - entry.second >= kReadWindow; });
  if (written_.size() < kMaxRecentReads) return;
  written_.erase(std::ranges::min_element(written_, {}, [](const auto& entry) { return entry.second; }));
}

}  // namespace ccd::api
