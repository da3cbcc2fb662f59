// What was freed between what is kept goes back to the system.
#include "base/memory.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace ccd {
namespace {

// The sanitizers have a malloc of their own.
#ifndef DASHBOARD_SANITIZED

constexpr std::size_t kBlock = 16 * 1024;
constexpr std::size_t kBlocks = 1024;
constexpr std::size_t kKeepEvery = 8;

TEST(Memory, PagesBetweenKeptOnesAreGivenBack) {
  SpareMemory spare;
  spare.give_back();
  const std::size_t before = SpareMemory::now();
  std::vector<std::unique_ptr<char[]>> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
    std::memset(blocks.back().get(), 1, kBlock);
  }
  for (std::size_t i = 0; i < kBlocks; ++i)
    if (i % kKeepEvery != 0) blocks[i].reset();
  constexpr std::size_t kFreed = kBlock * kBlocks * (kKeepEvery - 1) / kKeepEvery;
  const std::size_t kept = SpareMemory::now() - before;
  EXPECT_GT(kept, kFreed / 2) << "malloc gives it back by itself: this is not needed";
  EXPECT_TRUE(spare.give_back());
  // What stays of each block is the pages that it shares with its neighbours.
  EXPECT_LT(SpareMemory::now(), before + kFreed / 2);
  EXPECT_FALSE(spare.give_back()) << "nothing was freed since";
}

#endif

}  // namespace
}  // namespace ccd
