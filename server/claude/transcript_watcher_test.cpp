// Watching transcripts: each change is told to those who watch that name, and guards end it.
#include "claude/transcript_watcher.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "claude/test_support.hpp"

namespace ccd::claude {
namespace {

namespace fs = std::filesystem;
using Change = TranscriptWatcher::Change;
using testing::append_to;

class TranscriptWatcherTest : public ::testing::Test {
 protected:
  bool run_until(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > until) return false;
      io_.restart();
      io_.run_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  TranscriptWatcher::Watch watch(const std::string& name, std::vector<Change>& told) {
    return watcher_->watch(folder_.file("p"), name, [&told](Change change) { told.push_back(change); }).value();
  }
  void SetUp() override { fs::create_directory(folder_.file("p")); }

  testing::TempFolder folder_;
  asio::io_context io_;
  std::unique_ptr<TranscriptWatcher> watcher_ = std::make_unique<TranscriptWatcher>(io_.get_executor());
};

TEST_F(TranscriptWatcherTest, AFileIsToldWhenItAppearsGrowsIsReplacedAndGoes) {
  std::vector<Change> told;
  std::vector<Change> other;
  const auto a = watch("a.jsonl", told);
  const auto b = watch("b.jsonl", other);
  for (const auto& act : std::vector<std::function<void()>>{
           [&] { append_to(folder_.file("p/a.jsonl"), "1\n"); }, [&] { append_to(folder_.file("p/a.jsonl"), "2\n"); },
           [&] { fs::resize_file(folder_.file("p/a.jsonl"), 1); },
           [&] {
             append_to(folder_.file("new"), "3\n");
             fs::rename(folder_.file("new"), folder_.file("p/a.jsonl"));
           },
           [&] { fs::remove(folder_.file("p/a.jsonl")); }}) {
    told.clear();
    act();
    ASSERT_TRUE(run_until([&] { return !told.empty(); }));
    EXPECT_EQ(told[0], Change::file);
  }
  EXPECT_TRUE(other.empty()) << "another name's changes";
}

TEST_F(TranscriptWatcherTest, AFolderThatGoesIsLost) {
  std::vector<Change> told;
  const auto a = watch("a.jsonl", told);
  fs::remove_all(folder_.file("p"));
  ASSERT_TRUE(run_until([&] { return !told.empty() && told.back() == Change::lost; }));
  EXPECT_EQ(watcher_->watch(folder_.file("p"), "a", [](Change) {}).error().kind, ErrorKind::not_found);
}

TEST_F(TranscriptWatcherTest, GuardsEndItAlsoFromWithin) {
  std::vector<TranscriptWatcher::Watch> watches;
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    watches.push_back(watcher_
                          ->watch(folder_.file("p"), "a",
                                  [&](Change) {
                                    ++calls;
                                    watches.clear();
                                    watcher_.reset();
                                  })
                          .value());
  }
  append_to(folder_.file("p/a"), "1");
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  append_to(folder_.file("p/a"), "2");
  io_.restart();
  io_.run_for(std::chrono::milliseconds(20));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace ccd::claude
