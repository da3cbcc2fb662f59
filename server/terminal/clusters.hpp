// Characters with combining ones on them, which do not fit into a cell, and the links of OSC 8: both by number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "terminal/cell.hpp"

namespace ccd::terminal {

// What tmux keeps of a cell's character and all that combines with it. What goes over it is dropped.
inline constexpr std::size_t kClusterBytes = 21;

class ClusterTable {
 public:
  // `text` is at most kClusterBytes of UTF-8. The table takes no more than cells can tell apart: check full() before.
  ClusterId intern(std::string_view text);
  [[nodiscard]] bool full() const { return clusters_.size() > kGlyphMask; }
  std::string_view operator[](ClusterId id) const { return {clusters_[id].bytes.data(), clusters_[id].size}; }
  [[nodiscard]] std::size_t size() const { return clusters_.size(); }

  [[nodiscard]] bool wants_collection() const { return clusters_.size() >= collect_at_; }
  // Keeps those that `used` marks. The new numbers, by old number.
  std::vector<ClusterId> keep(const std::vector<bool>& used);

  [[nodiscard]] std::size_t memory_bytes() const {
    return clusters_.capacity() * sizeof(Cluster) + slots_.capacity() * sizeof(ClusterId);
  }

 private:
  struct Cluster {
    std::uint8_t size = 0;
    std::array<char, kClusterBytes> bytes{};
  };
  static constexpr std::size_t kCollectAt = 1024;  // below, a look at every cell is not worth it
  // The place in slots_ where the text is or belongs.
  [[nodiscard]] std::size_t find(std::string_view text) const;
  void rehash(std::size_t slots);

  std::vector<Cluster> clusters_;
  std::vector<ClusterId> slots_;  // open addressing, a power of two; none as long as there are no clusters
  std::size_t collect_at_ = kCollectAt;
};

// A link's text is params and address as in OSC 8, "id=x;https://...". Number 0 is no link.
class LinkTable {
 public:
  // Longer links are not taken: browsers end at about 2,000 bytes as well.
  static constexpr std::size_t kMaxLinkBytes = 2048;
  // All links of one screen. A file list of 10,000 links of 100 bytes is what it is for.
  static constexpr std::size_t kMaxBytes = 1U << 20U;

  // 0 when the link is empty or too long, or the table is full of others: collect and try again then.
  std::uint16_t intern(std::string_view text);
  [[nodiscard]] bool has_room(std::string_view text) const;
  std::string_view operator[](std::uint16_t id) const { return *texts_[id]; }
  [[nodiscard]] std::size_t size() const { return texts_.size(); }  // with number 0
  [[nodiscard]] bool empty() const { return texts_.size() == 1; }
  std::vector<std::uint16_t> keep(const std::vector<bool>& used);

  [[nodiscard]] std::size_t memory_bytes() const;

  LinkTable();
  LinkTable(const LinkTable&) = delete;
  LinkTable& operator=(const LinkTable&) = delete;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::uint16_t, Hash, std::equal_to<>> numbers_;
  std::vector<const std::string*> texts_;  // the map's keys by number; texts_[0] is an empty one
  std::size_t bytes_ = 0;
};

}  // namespace ccd::terminal
