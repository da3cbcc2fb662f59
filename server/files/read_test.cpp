// Open files: what is told about them, and reading parts.
#include "files/read.hpp"

#include <gmock/gmock.h>

#include "files/open.hpp"
#include "files/test_tree.hpp"

namespace ccd::files {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const WallMicros kLater = SystemClock().wall() + 3'600'000'000;

Result<OpenFile> open(const TestTree& tree, std::string_view relative, WallMicros now = kLater) {
  return open_file(tree.roots().locate(tree.in(relative)).value(), now);
}

TEST(OpenFile, TellsSizeTimeAndTag) {
  const TestTree tree;
  tree.file("file", "hello");
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1'600'000'000, .tv_nsec = 5'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, tree.in("file").c_str(), times, 0), 0);
  const auto file = open(tree, "file");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size, 5U);
  EXPECT_EQ(file->modified, 1'600'000'000'000'005);
  EXPECT_THAT(file->etag, StartsWith("\""));
  EXPECT_EQ(file->etag, open(tree, "file")->etag);
}

TEST(OpenFile, TagChangesWithTheContentEvenWhenTheTimeIsSetBack) {
  const TestTree tree;
  tree.file("file", "aaaa");
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, tree.in("file").c_str(), times, 0), 0);
  const auto before = open(tree, "file")->etag;
  // The kernel's clock ticks in steps: write until the change can be seen.
  std::string after = before;
  for (int i = 0; i < 100'000 && after == before; ++i) {
    tree.file("file", "bbbb");
    ASSERT_EQ(::utimensat(AT_FDCWD, tree.in("file").c_str(), times, 0), 0);
    after = open(tree, "file")->etag;
  }
  EXPECT_NE(after, before);
  const auto copy = tree.in("copy");
  std::filesystem::copy_file(tree.in("file"), copy);
  std::filesystem::rename(copy, tree.in("file"));
  EXPECT_NE(open(tree, "file")->etag, after);
}

TEST(OpenFile, TagIsWeakWhileAnotherChangeCouldCarryTheSameTime) {
  const TestTree tree;
  tree.file("file");
  struct stat status{};
  ASSERT_EQ(::stat(tree.in("file").c_str(), &status), 0);
  const WallMicros changed = static_cast<WallMicros>(status.st_ctim.tv_sec) * 1'000'000 + status.st_ctim.tv_nsec / 1000;
  EXPECT_THAT(open(tree, "file", changed)->etag, StartsWith("W/\""));
  EXPECT_THAT(open(tree, "file", changed - 10'000'000)->etag, StartsWith("W/\""));  // the clock was set back
  EXPECT_THAT(open(tree, "file", changed + kCoarseTimestampTick)->etag, StartsWith("\""));
}

TEST(OpenFile, GuessesTextAndBinary) {
  const TestTree tree;
  const auto guess = [&](std::string_view content) {
    tree.file("file", content);
    return open(tree, "file")->type;
  };
  EXPECT_EQ(guess(""), ContentGuess::text);
  EXPECT_EQ(guess("plain\n"), ContentGuess::text);
  EXPECT_EQ(guess("caf\xc3\xa9"), ContentGuess::text);
  EXPECT_EQ(guess("caf\xe9"), ContentGuess::binary);
  EXPECT_EQ(guess(std::string_view("a\0b", 3)), ContentGuess::binary);
  EXPECT_EQ(guess("cut \xe2\x82"), ContentGuess::binary);
  // A character that the sniffing window cuts in two is not held against the file.
  for (std::size_t before = kSniffBytes - 4; before <= kSniffBytes; ++before) {
    EXPECT_EQ(guess(std::string(before, 'a') + "\xe2\x82\xac tail"), ContentGuess::text) << before;
    EXPECT_EQ(guess(std::string(before, 'a') + "\xf0\x9f\x98\x80 tail"), ContentGuess::text) << before;
  }
  EXPECT_EQ(guess(std::string(kSniffBytes - 2, 'a') + "\xff\xff tail"), ContentGuess::binary);
}

TEST(OpenFile, OnlyRegularFiles) {
  const TestTree tree;
  tree.folder("folder");
  ASSERT_EQ(::mkfifo(tree.in("fifo").c_str(), 0600), 0);
  tree.link("../../canary/file", "out");
  EXPECT_EQ(open(tree, "folder").error().kind, ErrorKind::conflict);
  EXPECT_EQ(open(tree, "fifo").error().kind, ErrorKind::conflict);
  EXPECT_EQ(open(tree, "out").error().message, kOutsideMessage);
  EXPECT_EQ(open(tree, "nope").error().kind, ErrorKind::not_found);
}

TEST(ReadRange, PartsAndBothEnds) {
  const TestTree tree;
  tree.file("file", "0123456789");
  const auto file = open(tree, "file").value();
  const int fd = file.fd.get();
  EXPECT_EQ(read_range(fd, 0, 4).value(), "0123");
  EXPECT_EQ(read_range(fd, 8, 100).value(), "89");
  EXPECT_EQ(read_range(fd, 10, 1).value(), "");
  EXPECT_EQ(read_range(fd, 3, 0).value(), "");
  EXPECT_EQ(read_range(fd, UINT64_MAX, 5).value(), "");
  EXPECT_EQ(read_range(fd, INT64_MAX, 5).value(), "");
  EXPECT_EQ(read_whole(file).value(), "0123456789");
}

TEST(ReadRange, KeepsShowingTheOpenedFileAndItsOpenedSize) {
  const TestTree tree;
  tree.file("file", "old");
  const auto file = open(tree, "file").value();
  tree.file("new", "NEW AND LONGER");
  std::filesystem::rename(tree.in("new"), tree.in("file"));
  EXPECT_EQ(read_whole(file).value(), "old");
  const auto grown = open(tree, "file").value();
  std::ofstream(tree.in("file"), std::ios::app) << "!!!";
  EXPECT_EQ(read_whole(grown).value(), "NEW AND LONGER");
  std::filesystem::resize_file(tree.in("file"), 3);
  EXPECT_EQ(read_whole(grown).value(), "NEW");
}

TEST(ReadRange, FilesOverTheLimitAreReadInRangesOnly) {
  const TestTree tree;
  tree.file("file", "start");
  std::filesystem::resize_file(tree.in("file"), std::uintmax_t{1} << 40);
  const auto file = open(tree, "file").value();
  EXPECT_EQ(file.size, std::uint64_t{1} << 40);
  const auto whole = read_whole(file);
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().kind, ErrorKind::too_large);
  EXPECT_THAT(whole.error().message, HasSubstr("67108864"));
  EXPECT_EQ(read_range(file.fd.get(), 0, kMaxReadBytes + 1).error().kind, ErrorKind::too_large);
  EXPECT_EQ(read_range(file.fd.get(), (std::uint64_t{1} << 40) - 2, 10).value(), std::string(2, '\0'));
}

TEST(ReadRange, BadDescriptorIsAnIoError) {
  const auto read = read_range(-1, 0, 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::io);
  EXPECT_EQ(read.error().sys, EBADF);
}

}  // namespace
}  // namespace ccd::files
