// Keyframes on real file systems: whole or not there, whatever is killed, damaged or full.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/encoding.hpp"
#include "recording/checksum.hpp"
#include "recording/keyframes.hpp"
#include "recording/session_folder.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;
namespace fs = std::filesystem;

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();

Keyframe keyframe(std::uint64_t offset, std::string_view content) {
  Keyframe made{.offset = offset, .cols = 120, .rows = 36, .first_line = 7, .top_line = 4000};
  const auto bytes = as_bytes(content);
  made.bytes.assign(bytes.begin(), bytes.end());
  return made;
}

// "offset:content" of the latest one, "none", or the error.
std::string latest(const SessionFolder& folder, std::uint64_t at = kAny) {
  const auto found = latest_keyframe(folder.path(), at);
  if (!found) return std::string(to_string(found.error().kind));
  if (!*found) return "none";
  return std::to_string((*found)->offset) + ":" + std::string(as_text((*found)->bytes));
}

std::string path_of(const SessionFolder& folder, std::uint64_t offset) {
  return folder.path() + "/keyframes/" + std::string(segment_name(offset).data(), 16) + ".key";
}

std::size_t count(const SessionFolder& folder) { return list_keyframes(folder.path())->size(); }

TEST(Checksum, IsCrc64OfXz) {
  EXPECT_EQ(crc64(as_bytes("123456789")), 0x995DC9BBDF1939FAU);
  EXPECT_EQ(crc64({}), 0U);
  const std::string text = pattern(1000, 1);
  for (const std::size_t cut : {0, 1, 7, 8, 9, 500, 1000})
    EXPECT_EQ(crc64(as_bytes(text).subspan(cut), crc64(as_bytes(text).first(cut))), crc64(as_bytes(text)));
}

TEST(Keyframes, ComeBackAsTheyWereWritten) {
  const SessionFolder folder;
  EXPECT_EQ(latest(folder), "none");
  EXPECT_EQ(count(folder), 0U);
  folder.write_segment(0, pattern(10'000, 1));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(9'000, "screen")));
  const Keyframe found = latest_keyframe(folder.path(), kAny).value().value();
  EXPECT_EQ(found.offset, 9'000U);
  EXPECT_EQ(found.cols, 120);
  EXPECT_EQ(found.rows, 36);
  EXPECT_EQ(found.first_line, 7U);
  EXPECT_EQ(found.top_line, 4000U);
  EXPECT_EQ(as_text(found.bytes), "screen");
  struct stat status{};
  ASSERT_EQ(::stat(path_of(folder, 9'000).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat((folder.path() + "/keyframes").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST(Keyframes, TheNewestAtOrBeforeTheOffset) {
  const SessionFolder folder;
  folder.write_segment(0, pattern(10'000, 1));
  for (const std::uint64_t at : {0, 100, 5'000, 10'000})
    ASSERT_TRUE(write_keyframe(folder.path(), keyframe(at, "at " + std::to_string(at))));
  EXPECT_EQ(latest(folder, 0), "0:at 0");
  EXPECT_EQ(latest(folder, 99), "0:at 0");
  EXPECT_EQ(latest(folder, 100), "100:at 100");
  EXPECT_EQ(latest(folder, 9'999), "5000:at 5000");
  EXPECT_EQ(latest(folder), "10000:at 10000");
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(5'000, "again")));
  EXPECT_EQ(latest(folder, 6'000), "5000:again");
  EXPECT_EQ(count(folder), 4U);
}

TEST(Keyframes, RefusesWhatCannotBe) {
  const SessionFolder folder;
  folder.write_segment(100, "0123456789");
  EXPECT_EQ(write_keyframe(folder.path(), keyframe(99, "")).error().kind, ErrorKind::invalid);
  EXPECT_EQ(write_keyframe(folder.path(), keyframe(111, "")).error().kind, ErrorKind::invalid);
  EXPECT_EQ(write_keyframe(folder.path(), keyframe(110, std::string(kMaxKeyframeBytes + 1, 'x'))).error().kind,
            ErrorKind::too_large);
  EXPECT_EQ(write_keyframe("/nonexistent", keyframe(0, "")).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(write_keyframe(folder.path(), keyframe(100, "first")));
  EXPECT_TRUE(write_keyframe(folder.path(), keyframe(110, std::string(kMaxKeyframeBytes, 'x'))));
  EXPECT_EQ(latest(folder, 109), "100:first");
}

// Every single byte that is changed, and every length that it is cut to, is found; the older one is used instead.
TEST(Keyframes, DamagedOnesAreDeletedAndTheOlderOneIsUsed) {
  const SessionFolder folder;
  folder.write_segment(0, pattern(10'000, 1));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(10, "old")));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(20, "new")));
  const std::string path = path_of(folder, 20);
  const std::string good = file_bytes(path);
  constexpr std::size_t kVersionField = 8;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const bool cut : {false, true}) {
      std::string bad = cut ? good.substr(0, at) : good;
      if (!cut) bad[at] = static_cast<char>(bad[at] ^ 0x40);
      std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
      ASSERT_EQ(latest(folder), "10:old") << at;
      // A higher version may be a newer dashboard's: not trusted, not deleted.
      const bool foreign = !cut && at >= kVersionField && at < kVersionField + 4;
      ASSERT_EQ(fs::exists(path), foreign) << at;
    }
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << good;
  EXPECT_EQ(latest(folder), "20:new");
  std::ofstream(path, std::ios::binary | std::ios::app) << "x";
  EXPECT_EQ(latest(folder), "10:old");
}

TEST(Keyframes, ForeignFilesAreLeftAlone) {
  const SessionFolder folder;
  folder.write_segment(0, pattern(10'000, 1));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(10, "mine")));
  std::ofstream(folder.path() + "/keyframes/readme.txt") << "hello";
  std::ofstream(folder.path() + "/keyframes/new") << "half";
  fs::create_symlink("/etc/passwd", path_of(folder, 30));
  fs::create_directory(path_of(folder, 40));
  ASSERT_EQ(::mkfifo(path_of(folder, 50).c_str(), 0600), 0);
  EXPECT_EQ(latest(folder), "10:mine");
  EXPECT_EQ(count(folder), 1U);
  for (const std::uint64_t offset : {30, 40, 50}) EXPECT_TRUE(fs::exists(fs::symlink_status(path_of(folder, offset))));
  EXPECT_TRUE(fs::exists(folder.path() + "/keyframes/readme.txt"));
}

TEST(Keyframes, OfAnotherLogAreNeverUsed) {
  const SessionFolder folder;
  folder.write_segment(0, pattern(10'000, 1));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(5'000, "early")));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(9'000, "late")));
  const std::string segment = folder.path() + "/log/" + segment_name(0).data();
  // A power cut took the log's end, and other output has got its offsets.
  fs::resize_file(segment, 7'000);
  EXPECT_EQ(latest(folder), "5000:early");
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(6'500, "later")));
  fs::resize_file(segment, 6'000);
  folder.write_segment(0, pattern(4'000, 2));
  EXPECT_EQ(latest(folder), "5000:early");
  EXPECT_EQ(count(folder), 1U);
}

TEST(Keyframes, ThoseWhoseLogIsGoneAreNotUsed) {
  const SessionFolder folder;
  folder.write_segment(0, pattern(5'000, 1));
  folder.write_segment(5'000, pattern(5'000, 2));
  for (const std::uint64_t at : {4'000, 5'000, 5'100})
    ASSERT_TRUE(write_keyframe(folder.path(), keyframe(at, std::to_string(at))));
  fs::remove(folder.path() + "/log/" + segment_name(0).data());
  EXPECT_EQ(latest(folder), "5100:5100");
  EXPECT_EQ(latest(folder, 5'099), "5000:5000") << "its own bytes are gone, but not those behind it";
  EXPECT_EQ(latest(folder, 4'999), "none");
  ASSERT_TRUE(remove_keyframes_before(folder.path(), 5'000));
  EXPECT_EQ(count(folder), 2U);
  ASSERT_TRUE(remove_keyframes_before(folder.path(), 0));
  EXPECT_EQ(count(folder), 2U);
}

TEST(Keyframes, NumberIsBounded) {
  const SessionFolder folder;
  folder.write_segment(0, pattern(10'000, 1));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(0, "x")));
  for (std::uint64_t at = 1; at < kMaxKeyframes + 9; ++at) std::ofstream(path_of(folder, at)) << "x";
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(kMaxKeyframes + 9, "x")));
  EXPECT_EQ(count(folder), kMaxKeyframes);
  EXPECT_EQ(list_keyframes(folder.path())->front().offset, 10U);
}

TEST(Keyframes, GoWithTheSessionsFolder) {
  const SessionFolder folder;
  folder.write_segment(0, "abc");
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(3, "x")));
  ASSERT_TRUE(remove_session_folder(folder.path()));
  EXPECT_FALSE(fs::exists(folder.path()));
}

// Killed before or after any of its system calls, a write leaves the old one or the new one.
TEST(Keyframes, KilledWriteLeavesAWholeOne) {
  const SessionFolder folder;
  folder.write_segment(0, pattern(10'000, 1));
  ASSERT_TRUE(write_keyframe(folder.path(), keyframe(10, "before")));
  const Keyframe next = keyframe(20, pattern(100'000, 3));
  const std::string whole = "20:" + pattern(100'000, 3);
  std::size_t kills = 0;
  std::size_t old_ones = 0;
  for (;; ++kills) {
    fs::remove(path_of(folder, 20));
    const Killed killed = run_killed(kills, [&] { static_cast<void>(write_keyframe(folder.path(), next)); });
    if (killed == Killed::not_permitted) GTEST_SKIP() << "skipped: tracing a child is not permitted here";
    const std::string found = latest(folder);
    if (found == "10:before") ++old_ones;
    else ASSERT_TRUE(found == whole) << "after " << kills;
    if (killed == Killed::ended_before) break;
    ASSERT_LT(kills, 1000U);
  }
  EXPECT_GE(kills, 6U) << "make, write twice, sync, rename, sync the folder";
  EXPECT_GE(old_ones, 5U);
  EXPECT_LT(old_ones, kills);
  EXPECT_EQ(latest(folder), whole);
}

TEST(Keyframes, FullDiskKeepsTheOldOne) {
  const SessionFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,mode=0700") != 0)
    GTEST_SKIP() << "skipped: mounting a small tmpfs is not permitted here";
  ASSERT_TRUE(create_session_folder(folder.path()));
  folder.write_segment(0, pattern(10'000, 1));
  EXPECT_TRUE(write_keyframe(folder.path(), keyframe(10, pattern(50'000, 1))));
  EXPECT_EQ(write_keyframe(folder.path(), keyframe(20, pattern(500'000, 1))).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(latest(folder), "10:" + pattern(50'000, 1));
  EXPECT_TRUE(write_keyframe(folder.path(), keyframe(20, pattern(100'000, 1)))) << "nothing of the failed one is left";
  EXPECT_EQ(::mount("tmpfs", folder.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, ""), 0);
  EXPECT_FALSE(write_keyframe(folder.path(), keyframe(30, "read-only")));
  EXPECT_EQ(latest(folder), "20:" + pattern(100'000, 1));
  ::umount2(folder.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace ccd::recording
