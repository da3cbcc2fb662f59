// Snapshots: what is written makes a fresh screen the same, whatever happened before; and any pieces of the bytes give one screen.
#include "terminal/snapshot.hpp"

#include <gtest/gtest.h>

#include "terminal/testing.hpp"

namespace ccd::terminal {
namespace {

using testing::Mix;
using testing::RandomProgram;
using testing::readable;

constexpr Size kSmall{20, 6};

// A program of sizes and bytes from a seed, run on a screen.
struct Session {
  explicit Session(std::uint32_t seed, Mix mix = Mix::everything) : random(seed, mix), screen(kSmall) {}
  void go(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (random.below(6) == 0) {
        const Size size{1 + random.below(40), 1 + random.below(12)};
        screen.resize(size);
        said += "<" + std::to_string(size.cols) + "x" + std::to_string(size.rows) + ">";
      }
      const std::string bytes = random.bytes(1 + random.below(12));
      screen.feed(bytes);
      said += readable(bytes);
    }
  }
  RandomProgram random;
  Screen screen;
  std::string said;
};

TEST(Snapshot, FreshScreenIsEqual) {
  for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
    Session run(seed);
    run.go(8);
    const std::string snapshot = write_snapshot(run.screen, {.scrollback_lines = kAllLines});
    Screen fresh({80, 24});
    fresh.restore(snapshot);
    ASSERT_EQ(first_difference(run.screen, fresh), "") << "seed " << seed << "\n"
                                                       << run.said << "\n"
                                                       << readable(snapshot);
  }
}

TEST(Snapshot, EqualScreensStayEqual) {
  for (std::uint32_t seed = 1; seed <= 600; ++seed) {
    Session run(seed, Mix::whole_characters);
    run.go(6);
    Screen fresh(kSmall);
    fresh.restore(write_snapshot(run.screen, {.scrollback_lines = kAllLines}));
    const std::string before = run.said;
    RandomProgram more(seed + 100'000);
    for (int i = 0; i < 6; ++i) {
      // No wider: the cells behind the edge of a screen that became narrower are in no snapshot.
      if (i % 3 == 2) {
        const Size size{1 + more.below(run.screen.size().cols), 1 + more.below(12)};
        run.screen.resize(size);
        fresh.resize(size);
        run.said += "<" + std::to_string(size.cols) + "x" + std::to_string(size.rows) + ">";
      }
      const std::string bytes = more.bytes(10);
      run.screen.feed(bytes);
      fresh.feed(bytes);
      run.said += readable(bytes);
    }
    ASSERT_EQ(first_difference(run.screen, fresh), "") << "seed " << seed << "\n" << before << "\n" << run.said;
  }
}

TEST(Screen, AnyPiecesGiveTheSameScreen) {
  for (std::uint32_t seed = 1; seed <= 1500; ++seed) {
    RandomProgram random(seed);
    const std::string bytes = random.bytes(60);
    Screen whole(kSmall);
    whole.feed(bytes);
    Screen pieces(kSmall);
    testing::feed_in_pieces(pieces, bytes, seed);
    ASSERT_EQ(first_difference(whole, pieces), "") << "seed " << seed << "\n" << readable(bytes);
  }
}

}  // namespace
}  // namespace ccd::terminal
