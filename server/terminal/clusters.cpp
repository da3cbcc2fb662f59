// Tables of clusters and links: see clusters.hpp.
#include "terminal/clusters.hpp"

#include <algorithm>
#include <limits>

namespace ccd::terminal {
namespace {

constexpr ClusterId kNoCluster = ~ClusterId{0};
constexpr std::size_t kFirstSlots = 64;
const std::string kNoLink;
// A link's share of the map: node, string and vector entry.
constexpr std::size_t kLinkOverhead = 96;

}  // namespace

std::size_t ClusterTable::find(std::string_view text) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = std::hash<std::string_view>()(text) & mask;
  while (slots_[at] != kNoCluster && (*this)[slots_[at]] != text) at = (at + 1) & mask;
  return at;
}

void ClusterTable::rehash(std::size_t slots) {
  slots_.assign(slots, kNoCluster);
  slots_.shrink_to_fit();
  for (ClusterId id = 0; id < clusters_.size(); ++id) slots_[find((*this)[id])] = id;
}

ClusterId ClusterTable::intern(std::string_view text) {
  text = text.substr(0, kClusterBytes);
  if ((clusters_.size() + 1) * 2 > slots_.size()) rehash(std::max(kFirstSlots, slots_.size() * 2));
  const std::size_t at = find(text);
  if (slots_[at] != kNoCluster) return slots_[at];
  Cluster cluster;
  cluster.size = static_cast<std::uint8_t>(text.size());
  std::copy(text.begin(), text.end(), cluster.bytes.begin());
  slots_[at] = static_cast<ClusterId>(clusters_.size());
  clusters_.push_back(cluster);
  return slots_[at];
}

std::vector<ClusterId> ClusterTable::keep(const std::vector<bool>& used) {
  std::vector<ClusterId> numbers(clusters_.size(), 0);
  ClusterId next = 0;
  for (ClusterId id = 0; id < clusters_.size(); ++id) {
    if (!used[id]) continue;
    clusters_[next] = clusters_[id];
    numbers[id] = next++;
  }
  clusters_.resize(next);
  clusters_.shrink_to_fit();
  collect_at_ = std::max(kCollectAt, clusters_.size() * 2);
  std::size_t slots = kFirstSlots;
  while (slots < clusters_.size() * 2) slots *= 2;
  rehash(slots);
  return numbers;
}

LinkTable::LinkTable() : texts_{&kNoLink} {}

bool LinkTable::has_room(std::string_view text) const {
  return numbers_.find(text) != numbers_.end() || (bytes_ + text.size() + kLinkOverhead <= kMaxBytes &&
                                                   texts_.size() < std::numeric_limits<std::uint16_t>::max());
}

std::uint16_t LinkTable::intern(std::string_view text) {
  if (text.empty() || text.size() > kMaxLinkBytes) return 0;
  if (const auto found = numbers_.find(text); found != numbers_.end()) return found->second;
  if (!has_room(text)) return 0;
  const auto id = static_cast<std::uint16_t>(texts_.size());
  const auto at = numbers_.emplace(std::string(text), id).first;
  texts_.push_back(&at->first);
  bytes_ += text.size() + kLinkOverhead;
  return id;
}

std::vector<std::uint16_t> LinkTable::keep(const std::vector<bool>& used) {
  std::vector<std::uint16_t> numbers(texts_.size(), 0);
  std::vector<const std::string*> kept{&kNoLink};
  bytes_ = 0;
  for (std::size_t id = 1; id < texts_.size(); ++id) {
    if (used[id]) {
      numbers[id] = static_cast<std::uint16_t>(kept.size());
      numbers_.find(*texts_[id])->second = numbers[id];
      bytes_ += texts_[id]->size() + kLinkOverhead;
      kept.push_back(texts_[id]);
    } else {
      numbers_.erase(numbers_.find(*texts_[id]));
    }
  }
  texts_ = std::move(kept);
  return numbers;
}

std::size_t LinkTable::memory_bytes() const { return bytes_ + texts_.capacity() * sizeof(texts_[0]); }

}  // namespace ccd::terminal
