// Widening and narrowing of runs: see ascii_cells.hpp. SSE2 is a part of every x86-64; elsewhere the compiler finds its own way.
#include "terminal/ascii_cells.hpp"

#include <algorithm>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ccd::terminal {
namespace {

constexpr int kBlock = 16;

#ifdef __SSE2__

__m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
void store(void* to, __m128i value) { _mm_storeu_si128(static_cast<__m128i*>(to), value); }

// Two cells at each store, a glyph and a style for each.
void put_block(Cell* out, const char* text, StyleId style) {
  const __m128i zero = _mm_setzero_si128();
  const __m128i styles = _mm_set1_epi32(static_cast<int>(style));
  const __m128i bytes = load(text);
  const auto put_four = [&](Cell* to, __m128i glyphs) {
    store(to, _mm_unpacklo_epi32(glyphs, styles));
    store(to + 2, _mm_unpackhi_epi32(glyphs, styles));
  };
  const auto put_eight = [&](Cell* to, __m128i glyphs) {
    put_four(to, _mm_unpacklo_epi16(glyphs, zero));
    put_four(to + 4, _mm_unpackhi_epi16(glyphs, zero));
  };
  put_eight(out, _mm_unpacklo_epi8(bytes, zero));
  put_eight(out + 8, _mm_unpackhi_epi8(bytes, zero));
}

// What differs from ASCII of one style gathers in `odd`.
class Block {
 public:
  explicit Block(StyleId style) : styles_(_mm_set1_epi32(static_cast<int>(style))) {}

  void take(char* out, const Cell* cells) {
    const __m128i low = _mm_packs_epi32(four(cells), four(cells + 4));
    const __m128i high = _mm_packs_epi32(four(cells + 8), four(cells + 12));
    store(out, _mm_packus_epi16(low, high));
  }
  [[nodiscard]] bool all_ascii() const {
    const __m128i odd = _mm_or_si128(_mm_srli_epi32(glyphs_, 7), differences_);
    return _mm_movemask_epi8(_mm_cmpeq_epi32(odd, _mm_setzero_si128())) == 0xffff;
  }

 private:
  __m128i four(const Cell* cells) {
    const __m128 one = _mm_castsi128_ps(load(cells));
    const __m128 two = _mm_castsi128_ps(load(cells + 2));
    const __m128i glyphs = _mm_castps_si128(_mm_shuffle_ps(one, two, _MM_SHUFFLE(2, 0, 2, 0)));
    const __m128i styles = _mm_castps_si128(_mm_shuffle_ps(one, two, _MM_SHUFFLE(3, 1, 3, 1)));
    glyphs_ = _mm_or_si128(glyphs_, glyphs);
    differences_ = _mm_or_si128(differences_, _mm_xor_si128(styles, styles_));
    return glyphs;
  }

  __m128i styles_;
  __m128i glyphs_ = _mm_setzero_si128();
  __m128i differences_ = _mm_setzero_si128();
};

#else

void put_block(Cell* out, const char* text, StyleId style) {
  for (int i = 0; i < kBlock; ++i) out[i] = {static_cast<unsigned char>(text[i]), style};
}

class Block {
 public:
  explicit Block(StyleId style) : style_(style) {}

  void take(char* out, const Cell* cells) {
    for (int i = 0; i < kBlock; ++i) {
      glyphs_ |= cells[i].glyph;
      differences_ |= cells[i].style ^ style_;
      out[i] = static_cast<char>(cells[i].glyph);
    }
  }
  [[nodiscard]] bool all_ascii() const { return glyphs_ < 0x80 && differences_ == 0; }

 private:
  StyleId style_;
  std::uint32_t glyphs_ = 0;
  std::uint32_t differences_ = 0;
};

#endif

}  // namespace

void put_ascii_cells(Cell* out, const char* text, int count, StyleId style) {
  int i = 0;
  for (; i + kBlock <= count; i += kBlock) put_block(out + i, text + i, style);
  for (; i < count; ++i) out[i] = {static_cast<unsigned char>(text[i]), style};
}

bool take_ascii(char* out, const Cell* cells, int count) {
  if (count == 0) return true;
  const StyleId style = cells[0].style;
  Block block(style);
  int x = 0;
  for (; x + kBlock <= count; x += kBlock) block.take(out + x, cells + x);
  std::uint32_t glyphs = 0;
  std::uint32_t differences = 0;
  for (; x < count; ++x) {
    glyphs |= cells[x].glyph;
    differences |= cells[x].style ^ style;
    out[x] = static_cast<char>(cells[x].glyph);
  }
  return block.all_ascii() && glyphs < 0x80 && differences == 0;
}

}  // namespace ccd::terminal
