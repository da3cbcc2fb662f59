// Pages of a transcript that is on disk, grows, and can be anything.
#include "claude/transcript_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

using testing::append_to;
using testing::TempFolder;

std::string prompt(int number, std::size_t padding = 0) {
  return R"({"type":"user","message":{"content":"p)" + std::to_string(number) + R"("},"pad":")" +
         std::string(padding, 'x') + "\"}\n";
}

std::vector<std::string> texts(const Page& page) {
  std::vector<std::string> found;
  for (const Entry& entry : page.entries) found.push_back(entry.blocks.empty() ? "raw" : entry.blocks[0].text);
  return found;
}

using Texts = std::vector<std::string>;

TEST(TranscriptFile, PagesGoBothWaysFromAnyPlace) {
  const TempFolder folder;
  for (int i = 0; i < 10; ++i) append_to(folder.file("t"), prompt(i, static_cast<std::size_t>(i) * 7));
  auto file = TranscriptFile::open(folder.file("t"));
  ASSERT_TRUE(file);
  auto last = file->page_before(UINT64_MAX, 3);
  ASSERT_TRUE(last);
  EXPECT_EQ(texts(*last), (Texts{"p7", "p8", "p9"}));
  EXPECT_EQ(last->end, last->file_bytes);
  auto before = file->page_before(last->begin, 3);
  EXPECT_EQ(texts(*before), (Texts{"p4", "p5", "p6"}));
  EXPECT_EQ(before->end, last->begin);
  EXPECT_EQ(texts(*file->page_before(before->begin, 100)), (Texts{"p0", "p1", "p2", "p3"}));
  EXPECT_EQ(texts(*file->page_before(0, 3)), Texts{});
  EXPECT_EQ(texts(*file->page_from(0, 2)), (Texts{"p0", "p1"}));
  EXPECT_EQ(texts(*file->page_from(1, 2)), (Texts{"p1", "p2"})) << "from inside of a line: the next one";
  EXPECT_EQ(texts(*file->page_from(last->end, 2)), Texts{});
  EXPECT_EQ(texts(*file->page_from(UINT64_MAX, 2)), Texts{});
  const Entry& entry = last->entries.front();
  EXPECT_EQ(file->line_at(entry.line.offset)->at(0).blocks.at(0).text, "p7");
  EXPECT_EQ(file->line_at(entry.line.offset + 1).error().kind, ErrorKind::not_found);
  EXPECT_EQ(file->line_at(last->end).error().kind, ErrorKind::not_found);
}

// Walking in steps of one line from either end gives what one look at everything gives, whatever the prefix.
TEST(TranscriptFile, EveryPrefixOfARealFileGivesItsWholeLines) {
  const TempFolder folder;
  const std::string text = testing::real_transcript().substr(0, 3'000);
  ASSERT_GT(text.size(), 1000u);
  append_to(folder.file("t"), "");
  auto file = TranscriptFile::open(folder.file("t"));
  std::size_t whole = 0;
  std::uint64_t end = 0;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    append_to(folder.file("t"), text.substr(size - 1, 1));
    if (text[size - 1] == '\n') {
      ++whole;
      end = size;
    }
    const auto last = file->page_before(UINT64_MAX, 1);
    ASSERT_TRUE(last);
    ASSERT_EQ(last->entries.size(), whole == 0 ? 0u : 1u) << size;
    ASSERT_EQ(last->end, end) << size;
    ASSERT_EQ(file->page_from(end, 5)->end, end) << size;
  }
  std::size_t walked = 0;
  for (std::uint64_t at = UINT64_MAX; at != 0; ++walked) at = file->page_before(at, 1)->begin;
  EXPECT_EQ(walked, whole);
  std::size_t forward = 0;
  for (std::uint64_t at = 0; at != end; ++forward) at = file->page_from(at, 1)->end;
  EXPECT_EQ(forward, whole);
}

TEST(TranscriptFile, TheLastLineWaitsForItsEndAndGrowthIsFollowed) {
  const TempFolder folder;
  append_to(folder.file("t"), prompt(1) + R"({"type":"user","message":{"con)");
  auto file = TranscriptFile::open(folder.file("t"));
  auto page = file->page_from(0, 10);
  EXPECT_EQ(texts(*page), Texts{"p1"});
  append_to(folder.file("t"), R"(tent":"late"}})");
  EXPECT_EQ(texts(*file->page_from(page->end, 10)), Texts{});
  append_to(folder.file("t"), "\n" + prompt(3));
  EXPECT_EQ(texts(*file->page_from(page->end, 10)), (Texts{"late", "p3"}));
}

TEST(TranscriptFile, ALineOverTheLimitIsRawAndTheNextIsThere) {
  const TempFolder folder;
  append_to(folder.file("t"), prompt(1) + prompt(2, kMaxLineBytes) + prompt(3));
  auto file = TranscriptFile::open(folder.file("t"));
  auto page = file->page_from(prompt(1).size(), 10);
  ASSERT_EQ(texts(*page), Texts{"raw"});
  EXPECT_EQ(page->entries[0].line.bytes, prompt(2, kMaxLineBytes).size() - 1);
  EXPECT_EQ(texts(*file->page_from(page->end, 10)), Texts{"p3"});
  EXPECT_EQ(texts(*file->page_before(page->end, 1)), Texts{"raw"});
  EXPECT_EQ(texts(*file->page_before(page->end, 2)), Texts{"raw"}) << "a page is bounded in bytes";
  append_to(folder.file("t"), prompt(4, kMaxLineBytes).substr(0, kMaxLineBytes + 10));
  EXPECT_EQ(texts(*file->page_from(page->end, 10)), Texts{"p3"}) << "the last one has no end yet";
}

TEST(TranscriptFile, PagesAreBoundedInBytes) {
  const TempFolder folder;
  for (int i = 0; i < 12; ++i) append_to(folder.file("t"), prompt(i, 1024 * 1024));
  auto file = TranscriptFile::open(folder.file("t"));
  const auto page = file->page_before(UINT64_MAX, 12);
  EXPECT_EQ(texts(*page), (Texts{"p9", "p10", "p11"}));
  EXPECT_EQ(texts(*file->page_before(page->begin, 12)), (Texts{"p6", "p7", "p8"}));
  EXPECT_EQ(texts(*file->page_from(0, 12)), (Texts{"p0", "p1", "p2", "p3"}));
}

TEST(TranscriptFile, NewlinesAloneAreCheap) {
  const TempFolder folder;
  append_to(folder.file("t"), std::string(3'000'000, '\n') + prompt(1));
  auto file = TranscriptFile::open(folder.file("t"));
  EXPECT_EQ(texts(*file->page_before(UINT64_MAX, 500)), Texts{"p1"});
}

TEST(TranscriptFile, OnlyRegularFilesAreOpened) {
  const TempFolder folder;
  EXPECT_EQ(TranscriptFile::open(folder.file("none")).error().kind, ErrorKind::not_found);
  ASSERT_EQ(mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_EQ(TranscriptFile::open(folder.file("fifo")).error().kind, ErrorKind::invalid);
  append_to(folder.file("t"), prompt(1));
  std::filesystem::create_symlink("t", folder.file("link"));
  EXPECT_FALSE(TranscriptFile::open(folder.file("link")));
}

TEST(TranscriptFile, BelowAFolderNoLinkIsFollowed) {
  const TempFolder folder;
  namespace fs = std::filesystem;
  fs::create_directories(folder.file("projects/-a/sub"));
  append_to(folder.file("projects/-a/t.jsonl"), prompt(1));
  append_to(folder.file("secret"), prompt(2));
  fs::create_directory_symlink("-a", folder.file("projects/-linked"));
  fs::create_symlink("t.jsonl", folder.file("projects/-a/link.jsonl"));
  fs::create_symlink("../../secret", folder.file("projects/-a/out.jsonl"));
  ASSERT_EQ(mkfifo(folder.file("projects/-a/fifo.jsonl").c_str(), 0600), 0);
  const auto opened = [&](std::vector<std::string> names) {
    auto file = TranscriptFile::open_below(folder.file("projects"), names);
    return file ? "opened" : std::string(to_string(file.error().kind));
  };
  EXPECT_EQ(opened({"-a", "t.jsonl"}), "opened");
  EXPECT_EQ(opened({"-a", "none.jsonl"}), "not_found");
  EXPECT_EQ(opened({"-none", "t.jsonl"}), "not_found");
  for (const std::vector<std::string>& names :
       std::vector<std::vector<std::string>>{{"-linked", "t.jsonl"},
                                             {"-a", "link.jsonl"},
                                             {"-a", "out.jsonl"},
                                             {"-a", "fifo.jsonl"},
                                             {"-a", "sub"},
                                             {"..", "secret"},
                                             {"-a", "../../secret"},
                                             {"-a", ""},
                                             {"-a", "."},
                                             {"-a", std::string("t.jsonl\0x", 9)},
                                             {"-a", "t.jsonl", "x"},
                                             {}}) {
    EXPECT_EQ(opened(names), "invalid") << names.size() << (names.empty() ? "" : names.back());
  }
  fs::create_directory_symlink(folder.file("projects"), folder.file("moved"));
  EXPECT_TRUE(TranscriptFile::open_below(folder.file("moved"), {"-a", "t.jsonl"}))
      << "the folder itself is the operator's";
}

TEST(TranscriptFile, AnIdentityStaysWhileAFileGrowsAndIsNeverAnothersOne) {
  const TempFolder folder;
  append_to(folder.file("t"), prompt(1));
  const std::string first = *TranscriptFile::open(folder.file("t"))->identity();
  append_to(folder.file("t"), prompt(2));
  EXPECT_EQ(*TranscriptFile::open(folder.file("t"))->identity(), first);
  std::filesystem::remove(folder.file("t"));
  append_to(folder.file("t"), prompt(1));
  EXPECT_NE(*TranscriptFile::open(folder.file("t"))->identity(), first) << "often it has the same number";
}

TEST(TranscriptFile, TimesLeadToOffsets) {
  const TempFolder folder;
  std::vector<std::uint64_t> begins;
  std::uint64_t size = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string time =
        R"("timestamp":"2026-11-23T19:00:)" + std::string(i < 10 ? "0" : "") + std::to_string(i) + R"(.000Z",)";
    // Every second line is the client's own and has none.
    const std::string line = R"({)" + (i % 2 == 0 ? time : "") + R"("type":"user","message":{"content":")" +
                             std::string(static_cast<std::size_t>(i) * 31, 'x') + "\"}}\n";
    begins.push_back(size);
    size += line.size();
    append_to(folder.file("t"), line);
  }
  auto file = TranscriptFile::open(folder.file("t"));
  const WallMicros zero = *parse_timestamp("2026-11-23T19:00:00.000Z");
  EXPECT_EQ(*file->offset_of_time(0), 0u);
  for (int i = 1; i < 58; ++i) {
    const std::uint64_t at = *file->offset_of_time(zero + i * 1'000'000);
    // The next even one, or the line without a time before it.
    const std::size_t line = static_cast<std::size_t>(i + i % 2);
    EXPECT_TRUE(at == begins[line] || at == begins[line - 1]) << i;
  }
  EXPECT_EQ(*file->offset_of_time(zero + 100'000'000), begins[59]) << "what follows the last time has none";
  append_to(folder.file("none"), "\n\nno JSON\n");
  EXPECT_EQ(*TranscriptFile::open(folder.file("none"))->offset_of_time(zero), 0u) << "without any time";
}

TEST(TranscriptFile, OneLineIsReadWhole) {
  const TempFolder folder;
  append_to(folder.file("t"), prompt(1) + prompt(2, 900'000) + prompt(3, kMaxLineBytes) + "half");
  auto file = TranscriptFile::open(folder.file("t"));
  const std::uint64_t second = prompt(1).size();
  EXPECT_EQ(*file->text_at(second) + "\n", prompt(2, 900'000));
  EXPECT_EQ(file->text_at(second + 1).error().kind, ErrorKind::not_found);
  EXPECT_EQ(file->text_at(second + prompt(2, 900'000).size()).error().kind, ErrorKind::too_large);
  EXPECT_EQ(file->text_at(*file->bytes() - 4).error().kind, ErrorKind::not_found) << "it has no end yet";
  EXPECT_EQ(file->text_at(UINT64_MAX).error().kind, ErrorKind::not_found);
  EXPECT_EQ(file->media_at(0, 0, 0).error().kind, ErrorKind::not_found);
}

TEST(TranscriptFile, AnotherFileInItsPlaceIsNoticed) {
  const TempFolder folder;
  append_to(folder.file("t"), prompt(1));
  auto file = TranscriptFile::open(folder.file("t"));
  EXPECT_FALSE(*file->replaced(prompt(1).size()));
  EXPECT_TRUE(*file->replaced(prompt(1).size() + 1)) << "shorter than it was";
  append_to(folder.file("new"), prompt(2));
  std::filesystem::rename(folder.file("new"), folder.file("t"));
  EXPECT_TRUE(*file->replaced(0));
}

}  // namespace
}  // namespace ccd::claude
