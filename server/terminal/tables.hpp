// What cells refer to by number, for both screens and the scrollback of one model.
#pragma once

#include "terminal/cell.hpp"
#include "terminal/clusters.hpp"
#include "terminal/styles.hpp"
#include "terminal/utf8.hpp"

namespace ccd::terminal {

struct Tables {
  StyleTable styles;
  ClusterTable clusters;
  LinkTable links;

  // The same as append_text() into kClusterBytes at `out`; how many it are.
  std::size_t put_text(Cell cell, char* out) const {
    if (is_padding(cell)) return 0;
    if ((cell.glyph & kCluster) == 0) return put_utf8(code_point(cell), out);
    const std::string_view text = clusters[cell.glyph & kGlyphMask];
    text.copy(out, text.size());
    return text.size();
  }
  // The cell's character with all that combines with it, a blank for an erased one; nothing for a padding cell. Line drawing stays the
  // letter it is.
  void append_text(std::string& out, Cell cell) const {
    if (is_padding(cell)) return;
    if ((cell.glyph & kCluster) != 0) out += clusters[cell.glyph & kGlyphMask];
    else append_utf8(out, code_point(cell));
  }
};

}  // namespace ccd::terminal
