// Snapshots: what is written makes a fresh screen the same, whatever happened before; and any pieces of the bytes give one screen.
#include "terminal/snapshot.hpp"

#include <gtest/gtest.h>

#include "terminal/testing.hpp"

namespace ccd::terminal {
namespace {

using testing::RandomProgram;
using testing::readable;

constexpr Size kSmall{20, 6};

// A program of sizes and bytes from a seed, run on a screen.
struct Session {
  explicit Session(std::uint32_t seed) : random(seed), screen(kSmall) {}
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
    Session run(seed);
    run.go(6);
    Screen fresh(kSmall);
    fresh.restore(write_snapshot(run.screen, {.scrollback_lines = kAllLines}));
    const std::string before = run.said;
    RandomProgram more(seed + 100'000);
    for (int i = 0; i < 6; ++i) {
      if (i % 3 == 2) {
        const Size size{1 + more.below(40), 1 + more.below(12)};
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

// What a keyframe has to say beside the picture, because it shows only later.
TEST(Snapshot, CarriesThePastOfCells) {
  struct Case {
    std::string_view what;
    std::string_view before;
    std::string_view after;
    Size then;
  };
  constexpr std::string_view kPrintAgain = "\x1b[H\x1b[?7l\x1b[58;5;1mab  ef  ij";
  const Case cases[] = {
      {"erased cells, and printed blanks", "ab  \x1b[Hab\x1b[5Gef\x1b[1;20H \x1b[20G\x1b[X", kPrintAgain, kSmall},
      {"cells that were wide before", "\xe6\xbc\xa2\xe6\xbc\xa2\x1b[Hab  ef", kPrintAgain, kSmall},
      {"cells that had 24-bit colours before", "\x1b[48;2;1;2;3mabcdef\x1b[m\x1b[Hab  ef", kPrintAgain, kSmall},
      {"a wrapped line that begins with an erased cell", "abcdefghijabcdefghijab\x1b[D\x1b[D\x1b[X",
       "\x1b[?7l\x1b[58;5;1m  ", kSmall},
      {"a letter of the line-drawing set with a mark", "\x1b(0qo\xcc\x81q", "\x1b(Bx", kSmall},
      {"cells behind the edge", "\x1b[?1049habcdefghij\xe6\xbc\xa2ghij\x1b[41mx\x1b[K\x1b[58;5;1mend", "x", {11, 6}},
  };
  for (const Case& one : cases) {
    Screen screen(kSmall);
    screen.feed(one.before);
    screen.resize(one.then);
    Screen fresh({7, 3});
    fresh.restore(write_snapshot(screen, {.scrollback_lines = kAllLines}));
    for (Screen* each : {&screen, &fresh}) {
      each->resize(kSmall);
      each->feed(one.after);
    }
    EXPECT_EQ(first_difference(screen, fresh), "") << one.what;
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
