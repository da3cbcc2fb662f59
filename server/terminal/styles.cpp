// A hash table from styles to small numbers, and back: see styles.hpp.
#include "terminal/styles.hpp"

#include <algorithm>

namespace ccd::terminal {
namespace {

constexpr StyleId kNoStyle = ~StyleId{0};
constexpr std::size_t kFirstSlots = 64;
// Below this many styles a collection is not worth its look at every cell.
constexpr std::size_t kCollectAt = 2048;

std::size_t hash(const Style& style) {
  std::uint64_t value = style.foreground.bits() | std::uint64_t{style.background.bits()} << 32U;
  value *= 0x9e3779b97f4a7c15U;
  value ^= value >> 29U;
  value += style.underline_colour.bits() | std::uint64_t{style.attributes} << 32U | std::uint64_t{style.link} << 48U;
  value *= 0xbf58476d1ce4e5b9U;
  return static_cast<std::size_t>(value ^ value >> 31U);
}

}  // namespace

StyleTable::StyleTable() : styles_(1), collect_at_(kCollectAt) { rehash(kFirstSlots); }

std::size_t StyleTable::find(const Style& style) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash(style) & mask;
  while (slots_[at] != kNoStyle && styles_[slots_[at]] != style) at = (at + 1) & mask;
  return at;
}

StyleId StyleTable::intern(const Style& style) {
  const std::size_t at = find(style);
  const StyleId large = needs_large(style) ? kLarge : 0U;
  if (slots_[at] != kNoStyle) return slots_[at] | large;
  const auto id = static_cast<StyleId>(styles_.size());
  styles_.push_back(style);
  slots_[at] = id;
  if (styles_.size() * 2 > slots_.size()) rehash(slots_.size() * 2);
  return id | large;
}

void StyleTable::rehash(std::size_t slots) {
  slots_.assign(slots, kNoStyle);
  if (slots_.capacity() > slots * 2) slots_.shrink_to_fit();
  for (StyleId id = 0; id < styles_.size(); ++id) slots_[find(styles_[id])] = id;
}

std::vector<StyleId> StyleTable::keep(const std::vector<bool>& used) {
  std::vector<StyleId> numbers(styles_.size(), 0);
  StyleId next = 1;
  for (StyleId id = 1; id < styles_.size(); ++id) {
    if (!used[id]) continue;
    styles_[next] = styles_[id];
    numbers[id] = next++;
  }
  styles_.resize(next);
  collect_at_ = std::max(kCollectAt, styles_.size() * 2);
  if (styles_.capacity() > collect_at_ * 2) styles_.shrink_to_fit();
  std::size_t slots = kFirstSlots;
  while (slots < collect_at_ * 2) slots *= 2;  // for all that come until the next collection
  rehash(slots);
  return numbers;
}

void StyleTable::renumber_links(const std::vector<std::uint16_t>& new_links) {
  for (Style& style : styles_) style.link = new_links[style.link];
  rehash(slots_.size());
}

std::size_t StyleTable::memory_bytes() const {
  return styles_.capacity() * sizeof(Style) + slots_.capacity() * sizeof(StyleId);
}

}  // namespace ccd::terminal
