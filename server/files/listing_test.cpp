// Listings: kinds, links, order, limits, names of any bytes.
#include "files/listing.hpp"

#include <gmock/gmock.h>
#include <algorithm>
#include <random>

#include "files/test_tree.hpp"

namespace ccd::files {
namespace {

using ::testing::ElementsAre;

Result<Listing> list(const TestTree& tree, std::string_view relative = "", std::size_t limit = kMaxEntries) {
  return list_folder(tree.roots().locate(tree.in(relative)).value(), limit);
}

const Entry& entry(const Listing& listing, std::string_view name) {
  const auto found = std::ranges::find(listing.entries, name, &Entry::name);
  if (found == listing.entries.end()) throw std::out_of_range(std::string(name));
  return *found;
}

std::vector<std::string> names(const Listing& listing) {
  std::vector<std::string> out;
  for (const auto& e : listing.entries) out.push_back(e.name);
  return out;
}

TEST(Listing, FoldersFirstThenNaturalOrder) {
  const TestTree tree;
  for (const char* name : {"file10", "File9", "file2", ".hidden", "b.txt"}) tree.file(name);
  for (const char* name : {"zoo", "Alpha"}) tree.folder(name);
  tree.link("Alpha", "beta");
  const auto got = list(tree);
  ASSERT_TRUE(got);
  EXPECT_THAT(names(*got), ElementsAre("Alpha", "beta", "zoo", ".hidden", "b.txt", "file2", "File9", "file10"));
  EXPECT_FALSE(got->truncated);
}

TEST(Listing, KindsSizesTimesAndLinks) {
  const TestTree tree;
  tree.file("file", "12345");
  tree.file("empty", "");
  tree.folder("folder");
  ASSERT_EQ(::mkfifo(tree.in("fifo").c_str(), 0600), 0);
  tree.link("file", "to-file");
  tree.link("folder", "to-folder");
  tree.link("fifo", "to-fifo");
  tree.link("nope", "to-nothing");
  tree.link("../../canary", "to-outside");
  tree.link("/no/such", "to-outside-nothing");
  tree.link("to-itself", "to-itself");
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1'700'000'000, .tv_nsec = 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, tree.in("file").c_str(), times, 0), 0);
  const auto got = list(tree);
  ASSERT_TRUE(got);
  EXPECT_EQ(entry(*got, "file").kind, EntryKind::file);
  EXPECT_EQ(entry(*got, "file").size, 5U);
  EXPECT_EQ(entry(*got, "file").modified, 1'700'000'000'123'456);
  EXPECT_TRUE(entry(*got, "file").readable);
  EXPECT_FALSE(entry(*got, "file").target);
  EXPECT_EQ(entry(*got, "empty").size, 0U);
  EXPECT_EQ(entry(*got, "folder").kind, EntryKind::folder);
  EXPECT_EQ(entry(*got, "fifo").kind, EntryKind::other);
  EXPECT_EQ(entry(*got, "to-file").kind, EntryKind::link);
  EXPECT_EQ(entry(*got, "to-file").target, LinkTarget::file);
  EXPECT_TRUE(entry(*got, "to-file").readable);
  EXPECT_EQ(entry(*got, "to-folder").target, LinkTarget::folder);
  EXPECT_EQ(entry(*got, "to-fifo").target, LinkTarget::other);
  EXPECT_EQ(entry(*got, "to-nothing").target, LinkTarget::missing);
  EXPECT_FALSE(entry(*got, "to-nothing").readable);
  for (const char* name : {"to-outside", "to-outside-nothing", "to-itself"}) {
    EXPECT_EQ(entry(*got, name).target, LinkTarget::outside) << name;
    EXPECT_FALSE(entry(*got, name).readable) << name;
  }
}

TEST(Listing, LinkInASubfolderMayGoUpWithinTheRoot) {
  const TestTree tree;
  tree.file("file");
  tree.link("../file", "sub/up");
  tree.link("../../app/file", "sub/out-and-in");
  const auto got = list(tree, "sub");
  ASSERT_TRUE(got);
  EXPECT_EQ(entry(*got, "up").target, LinkTarget::file);
  EXPECT_EQ(entry(*got, "out-and-in").target, LinkTarget::outside);
}

TEST(Listing, NamesOfAnyBytesAreMarked) {
  const TestTree tree;
  const std::string latin = "caf\xe9";
  tree.file(latin);
  tree.file("café");
  tree.file("new\nline");
  const auto got = list(tree);
  ASSERT_TRUE(got);
  EXPECT_FALSE(entry(*got, latin).name_is_utf8);
  EXPECT_TRUE(entry(*got, "café").name_is_utf8);
  EXPECT_TRUE(entry(*got, "new\nline").name_is_utf8);
}

TEST(Listing, StopsAtTheLimitAndSaysSo) {
  const TestTree tree;
  for (int i = 0; i < 6; ++i) tree.file("f" + std::to_string(i));
  EXPECT_EQ(list(tree, "", 5).value().entries.size(), 5U);
  EXPECT_TRUE(list(tree, "", 5).value().truncated);
  EXPECT_EQ(list(tree, "", 6).value().entries.size(), 6U);
  EXPECT_FALSE(list(tree, "", 6).value().truncated);
  EXPECT_TRUE(list(tree, "", 0).value().entries.empty());
}

TEST(Listing, ErrorsAreTold) {
  const TestTree tree;
  tree.file("file");
  tree.link("/etc", "out");
  EXPECT_EQ(list(tree, "file").error().kind, ErrorKind::conflict);
  EXPECT_EQ(list(tree, "nope").error().kind, ErrorKind::not_found);
  EXPECT_EQ(list(tree, "out").error().message, kOutsideMessage);
}

TEST(Listing, UnreadableIsMarkedForThisUser) {
  const TestTree tree;
  tree.file("open");
  tree.file("closed");
  tree.folder("shut");
  std::filesystem::permissions(tree.in("closed"), std::filesystem::perms::none);
  std::filesystem::permissions(tree.in("shut"), std::filesystem::perms::none);
  std::filesystem::permissions(tree.top(), std::filesystem::perms::all);
  EXPECT_EXIT(
      {
        if (::geteuid() == 0 && ::seteuid(65534) != 0) std::_Exit(1);
        const auto got = list(tree);
        std::_Exit(got && entry(*got, "open").readable && !entry(*got, "closed").readable &&
                           !entry(*got, "shut").readable
                       ? 0
                       : 2);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(NaturalOrder, Examples) {
  const std::vector<std::string> sorted = {
      "",      "-",  "0", "00", "01",  "1", "2",  "2a",  "10", "18446744073709551616", "A1", "a1", "a1b",
      "a01b2", "a2", "B", "b1", "b10", "x", "x0", "x00", "x1"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(natural_less(sorted[i], sorted[j]), i < j) << sorted[i] << " < " << sorted[j];
    }
  }
}

TEST(NaturalOrder, IsAStrictTotalOrder) {
  std::mt19937 random(7);
  const std::string_view alphabet = "a0A1b/9\xff ";
  std::vector<std::string> words(60);
  for (auto& word : words) {
    for (auto n = random() % 6; n > 0; --n) word += alphabet[random() % alphabet.size()];
  }
  for (const auto& a : words) {
    EXPECT_FALSE(natural_less(a, a));
    for (const auto& b : words) {
      EXPECT_EQ(natural_less(a, b) || natural_less(b, a), a != b);
      EXPECT_FALSE(natural_less(a, b) && natural_less(b, a));
      for (const auto& c : words) {
        if (natural_less(a, b) && natural_less(b, c)) {
          EXPECT_TRUE(natural_less(a, c)) << a << "|" << b << "|" << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace ccd::files
