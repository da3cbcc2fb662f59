// The properties of properties.hpp, by playing the session in other pieces and from snapshots.
#include "properties.hpp"

#include <algorithm>
#include <string_view>

#include "terminal/rows.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::model_tests {
namespace {

using terminal::Screen;

// Reports of one session beyond these say nothing new.
constexpr std::size_t kFindingsMax = 5;

// splitmix64: the same numbers for the same seed on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111eb;
    return z ^ (z >> 31U);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

 private:
  std::uint64_t state_;
};

void feed_in_pieces(Screen& screen, std::string_view bytes, std::size_t longest, Dice& dice) {
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), 1 + dice.below(longest));
    screen.feed(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
  }
}

// Plays from byte `offset` of event `from` on; `longest` 0 is every event in one piece.
void play(Screen& screen, const Session& session, std::size_t from, std::size_t offset, std::size_t longest,
          Dice& dice) {
  for (std::size_t i = from; i < session.events.size(); ++i) {
    const Event& event = session.events[i];
    if (event.resizes) {
      screen.resize(event.size);
      continue;
    }
    const std::string_view bytes = std::string_view(event.bytes).substr(i == from ? offset : 0);
    if (longest == 0) screen.feed(bytes);
    else feed_in_pieces(screen, bytes, longest, dice);
  }
}

std::string picture_difference(const Screen& a, const Screen& b) {
  if (!(a.size() == b.size())) return "size";
  if (!(a.cursor() == b.cursor())) return "cursor";
  if (!(a.modes() == b.modes())) return "modes";
  if (a.title() != b.title()) return "title";
  if (a.alternate() != b.alternate()) return "alternate";
  if (a.scroll_top() != b.scroll_top() || a.scroll_bottom() != b.scroll_bottom()) return "scroll region";
  const auto rows_a = rows_since(a, 0);
  const auto rows_b = rows_since(b, 0);
  if (rows_a.size() != rows_b.size()) return "number of rows";
  for (std::size_t y = 0; y < rows_a.size(); ++y)
    if (rows_a[y].runs != rows_b[y].runs) return "row " + std::to_string(y);
  return "";
}

class Checker {
 public:
  Checker(const Session& session, std::uint64_t seed)
      : session_(session), dice_(seed), reference_(session.size, session.limits) {
    play(reference_, session_, 0, 0, 0, dice_);
  }

  void chunks(std::size_t longest) {
    Screen screen(session_.size, session_.limits);
    play(screen, session_, 0, 0, longest, dice_);
    expect("pieces of at most " + std::to_string(longest) + " bytes", first_difference(screen, reference_));
  }

  void snapshots(int cuts) {
    std::size_t total = 0;
    for (const Event& event : session_.events) total += event.bytes.size();
    std::vector<std::size_t> places;
    for (int i = 0; i < cuts; ++i) places.push_back(dice_.below(total + 1));
    std::sort(places.begin(), places.end());
    Screen screen(session_.size, session_.limits);
    std::size_t at = 0;
    auto place = places.begin();
    for (std::size_t i = 0; i < session_.events.size(); ++i) {
      const Event& event = session_.events[i];
      std::size_t offset = 0;
      for (; !event.resizes && place != places.end() && *place < at + event.bytes.size(); ++place) {
        screen.feed(std::string_view(event.bytes).substr(offset, *place - at - offset));
        offset = *place - at;
        snapshot(screen, i, offset, "cut at byte " + std::to_string(*place));
      }
      if (event.resizes) screen.resize(event.size);
      else screen.feed(std::string_view(event.bytes).substr(offset));
      at += event.bytes.size();
    }
    snapshot(screen, session_.events.size(), 0, "the end");
  }

  Verdict take() { return std::move(verdict_); }

 private:
  void snapshot(const Screen& screen, std::size_t event, std::size_t offset, const std::string& where) {
    const std::string keyframe = write_snapshot(screen, {terminal::kAllLines});
    Screen restored(terminal::Size{7, 3}, session_.limits);
    restored.feed("left over \x1b[31m\x1b[?1049h\x1b]0;");
    restored.restore(keyframe);
    expect(where + ", restored from a keyframe", first_difference(restored, screen));
    play(restored, session_, event, offset, 0, dice_);
    expect(where + ", restored and played to the end", first_difference(restored, reference_));

    Screen viewer(screen.size(), session_.limits);
    viewer.feed("left over \x1b[31m\x1b[?1049h\x1b]0;");
    viewer.restore(write_snapshot(screen));
    expect(where + ", restored from a snapshot", picture_difference(viewer, screen));
  }

  void expect(const std::string& what, const std::string& difference) {
    ++verdict_.comparisons;
    if (!difference.empty() && verdict_.findings.size() < kFindingsMax)
      verdict_.findings.push_back(what + ": " + difference);
  }

  const Session& session_;
  Dice dice_;
  Screen reference_;
  Verdict verdict_;
};

}  // namespace

Verdict check_properties(const Session& session, std::uint64_t seed, int cuts) {
  Checker checker(session, seed);
  for (const std::size_t longest : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) checker.chunks(longest);
  checker.snapshots(cuts);
  return checker.take();
}

}  // namespace ccd::model_tests
