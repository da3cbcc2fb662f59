// The head in its second file: truncation shows, and the file itself cannot be forged or quietly replaced.
#include "audit/anchor.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/random.hpp"
#include "storage/testing.hpp"

namespace ccd::audit {
namespace {

using storage::Connection;

class AnchorTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(database_->migrate(migrations())); }
  void append(int rows) {
    for (int i = 0; i < rows; ++i) {
      clock_.advance(std::chrono::microseconds(1));
      ASSERT_TRUE(database_->transact_now(
          [&](Connection& c) { return trail_.append(c, {.actor = "ada", .ip = "", .action = "x"}); }));
    }
  }
  Result<> write() {
    return database_->run_now([&](Connection& c) { return anchor_.write(c); });
  }
  VerifyReport report() {
    return database_->run_now([&](Connection& c) { return anchor_.verify(c); }).value();
  }
  void cut_from(std::int64_t id) {
    ASSERT_TRUE(database_->run_now([&](Connection& c) { return c.run("DELETE FROM audit_logs WHERE id >= ?", id); }));
  }
  std::string content() {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  storage::TempFolder folder_{storage::TempFolder::On::memory};
  const std::string path_ = folder_ / "audit.head";
  asio::io_context loop_;
  std::unique_ptr<storage::Database> database_ = storage::open_or_fail(folder_ / "test.db", loop_);
  ManualClock clock_{1'700'000'000'000'000};
  Key key_{std::byte{1}};
  Trail trail_{key_, clock_};
  Anchor anchor_{path_, key_, clock_};
};

TEST_F(AnchorTest, AnEmptyTrailNeedsNoAnchorAndAnyOtherDoes) {
  EXPECT_TRUE(report().ok);
  append(3);
  EXPECT_FALSE(report().ok);
  ASSERT_TRUE(write());
  EXPECT_TRUE(report().ok);
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(AnchorTest, AnEmptyTrailsAnchorHoldsWhenRowsCome) {
  ASSERT_TRUE(write());
  append(3);
  EXPECT_TRUE(report().ok);
  ASSERT_TRUE(write());
  append(2);
  EXPECT_TRUE(report().ok);
  EXPECT_EQ(report().rows, 5);
}

TEST_F(AnchorTest, TruncationIsFoundEvenWhenNewRowsFollow) {
  append(10);
  ASSERT_TRUE(write());
  cut_from(8);
  EXPECT_EQ(report().first_bad_id, 8);
  append(5);
  EXPECT_TRUE(database_->run_now([&](Connection& c) { return verify(c, key_); })->ok)
      << "the chain alone does not see it";
  EXPECT_EQ(report().first_bad_id, 10);
}

TEST_F(AnchorTest, ATrailThatLostItsHeadIsNotAnchoredAgain) {
  append(10);
  ASSERT_TRUE(write());
  const auto before = content();
  cut_from(5);
  append(20);
  const auto refused = write();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(content(), before);
}

TEST_F(AnchorTest, EmptyingTheTableIsFound) {
  append(4);
  ASSERT_TRUE(write());
  cut_from(0);
  EXPECT_EQ(report().first_bad_id, 1);
}

TEST_F(AnchorTest, EveryChangedByteOfTheFileIsFound) {
  append(4);
  ASSERT_TRUE(write());
  const auto whole = content();
  ASSERT_TRUE(whole.ends_with('\n'));
  for (std::size_t i = 0; i + 1 < whole.size(); ++i) {
    auto forged = whole;
    forged[i] = static_cast<char>(forged[i] ^ 1);
    std::ofstream(path_, std::ios::trunc) << forged;
    EXPECT_FALSE(report().ok) << "byte " << i;
    EXPECT_FALSE(write()) << "byte " << i;
  }
  std::ofstream(path_, std::ios::trunc) << "";
  EXPECT_FALSE(report().ok);
  std::filesystem::remove(path_);
  EXPECT_FALSE(report().ok);
}

TEST_F(AnchorTest, NothingIsWrittenWhenTheHeadHasNotMoved) {
  append(2);
  ASSERT_TRUE(write());
  const auto before = content();
  clock_.advance(std::chrono::hours(1));
  ASSERT_TRUE(write());
  EXPECT_EQ(content(), before);
}

TEST_F(AnchorTest, KeepWritesAtOnceAndStopsWhenCancelled) {
  append(2);
  TaskGroup group(loop_.get_executor());
  group.spawn("anchor", anchor_.keep(*database_));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!std::filesystem::exists(path_) && std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(report().ok);
  group.cancel();
  loop_.restart();
  loop_.run_for(std::chrono::seconds(30));
  EXPECT_EQ(group.running(), 0U);
}

}  // namespace
}  // namespace ccd::audit
