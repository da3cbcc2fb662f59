// The styles in use, each once, so that a cell holds a number instead of sixteen bytes.
#pragma once

#include <cstddef>
#include <vector>

#include "terminal/cell.hpp"
#include "terminal/style.hpp"

namespace ccd::terminal {

class StyleTable {
 public:
  StyleTable();

  // Its number, with kLarge where the style needs it.
  StyleId intern(const Style& style);
  const Style& operator[](StyleId id) const { return styles_[style_number(id)]; }
  [[nodiscard]] std::size_t size() const { return styles_.size(); }

  // So many styles have come since the last collection that looking for unused ones pays.
  [[nodiscard]] bool wants_collection() const { return styles_.size() >= collect_at_; }
  // Keeps the standard style and those that `used` marks. The new numbers, by old number, without kLarge.
  std::vector<StyleId> keep(const std::vector<bool>& used);
  // Changes every style's link to new_links[link].
  void renumber_links(const std::vector<std::uint16_t>& new_links);

  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  // The place in slots_ where the style is or belongs.
  [[nodiscard]] std::size_t find(const Style& style) const;
  void rehash(std::size_t slots);

  std::vector<Style> styles_;
  std::vector<StyleId> slots_;  // open addressing, a power of two; kNoStyle is free
  std::size_t collect_at_;
};

}  // namespace ccd::terminal
