// The report's exact shape, checks that hang, throw or differ, and the cache.
#include "health/checks.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

namespace ccd::health {
namespace {
using namespace std::chrono_literals;

constexpr auto kLimit = 100ms;
constexpr WallMicros kStart = 1'734'258'600'000'000;  // 2024-12-15T10:30:00Z

class ChecksTest : public testing::Test {
 protected:
  Report report() {
    std::optional<Report> got;
    auto ask = [&]() -> Task<void> { got = co_await checks_.run(); };
    TaskGroup group(loop_.get_executor());
    group.spawn("ask", ask());
    run_until([&] { return group.running() == 0; });
    return got.value_or(Report{});
  }
  template <class Condition>
  void run_until(Condition met) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    loop_.restart();
    while (!met() && std::chrono::steady_clock::now() < deadline) loop_.run_one_for(10ms);
    EXPECT_TRUE(met());
  }
  // Past the cached report's life.
  void wait_out_the_cache() { clock_.advance(kReportLifetime); }
  void TearDown() override {
    bool closed = false;
    auto close = [&]() -> Task<void> { closed = co_await checks_.close(30s); };
    TaskGroup group(loop_.get_executor());
    group.spawn("close", close());
    run_until([&] { return group.running() == 0; });
    EXPECT_TRUE(closed);
  }
  void add_word(std::string name, Verdict verdict) {
    checks_.add(std::move(name), [verdict]() -> Task<Verdict> { co_return verdict; });
  }
  void add_counted(std::string name, int* calls) {
    checks_.add(std::move(name), [calls]() -> Task<bool> {
      ++*calls;
      co_return true;
    });
  }

  asio::io_context loop_;
  ManualClock clock_{kStart};
  Checks checks_{loop_.get_executor(), clock_, "1.0.0", kLimit};
};

TEST_F(ChecksTest, ARoleIsSaidLastAndAtOnce) {
  int calls = 0;
  add_counted("server", &calls);
  checks_.set_role("standby");
  EXPECT_TRUE(to_json(report()).ends_with(R"("version":"1.0.0","role":"standby"})"));
  checks_.set_role("");
  EXPECT_TRUE(to_json(report()).ends_with(R"("version":"1.0.0"})")) << "not the report of before";
}

TEST_F(ChecksTest, TheJsonIsExactlyTheRunbooks) {
  int calls = 0;
  for (const char* name : {"server", "database", "tmux"}) add_counted(name, &calls);
  clock_.advance(1h + 900ms);
  EXPECT_EQ(to_json(report()), R"({"status":"healthy","checks":{"server":"ok","database":"ok","tmux":"ok"},)"
                               R"("uptime":3600,"timestamp":"2024-12-15T11:30:00Z","version":"1.0.0"})");
}

TEST_F(ChecksTest, ErrorsDegradeAndAMissingClaudeDoesNot) {
  int calls = 0;
  bool database = true;
  add_counted("server", &calls);
  checks_.add("database", [&]() -> Task<bool> { co_return database; });
  add_word("claude", {.word = "not-installed"});
  EXPECT_EQ(to_json(report()),
            R"({"status":"healthy","checks":{"server":"ok","database":"ok","claude":"not-installed"},)"
            R"("uptime":0,"timestamp":"2024-12-15T10:30:00Z","version":"1.0.0"})");
  database = false;
  wait_out_the_cache();
  EXPECT_EQ(to_json(report()),
            R"({"status":"degraded","checks":{"server":"ok","database":"error","claude":"not-installed"},)"
            R"("uptime":0,"timestamp":"2024-12-15T10:30:00Z","version":"1.0.0"})");
}

TEST_F(ChecksTest, AThrowingCheckIsAnError) {
  checks_.add("throws", []() -> Task<bool> {
    throw std::runtime_error("expected by the test");
    co_return true;
  });
  const auto got = report();
  EXPECT_EQ(got.status, Report::Status::degraded);
  EXPECT_EQ(got.checks[0].second, "error");
}

TEST_F(ChecksTest, AHangingCheckIsAnErrorAfterItsLimitAndHoldsNobodyUp) {
  int calls = 0;
  int hangs = 0;
  checks_.add("hangs", [&]() -> Task<bool> {
    ++hangs;
    co_await sleep_for(1h);
    co_return true;
  });
  add_counted("server", &calls);
  const auto before = std::chrono::steady_clock::now();
  const auto got = report();
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, kLimit);
  EXPECT_LT(took, kLimit + 30s);
  EXPECT_EQ(got.checks, (std::vector<std::pair<std::string, std::string>>{{"hangs", "error"}, {"server", "ok"}}));
  EXPECT_EQ(got.status, Report::Status::degraded);
  EXPECT_EQ(hangs, 1);
}

TEST_F(ChecksTest, ACheckThatCannotBeCancelledIsNotStartedTwice) {
  // Like a job on another thread: it ends when it ends.
  int starts = 0;
  Notifier gate(loop_.get_executor());
  bool open = false;
  checks_.add("stubborn", [&]() -> Task<bool> {
    ++starts;
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (!open) co_await gate.wait();
    co_return true;
  });
  EXPECT_EQ(report().checks[0].second, "error");
  wait_out_the_cache();
  EXPECT_EQ(report().checks[0].second, "error");
  EXPECT_EQ(starts, 1);
  open = true;
  gate.notify();
  run_until([&] { return loop_.poll() == 0; });
  wait_out_the_cache();
  EXPECT_EQ(report().checks[0].second, "ok");
  EXPECT_EQ(starts, 2);
}

TEST_F(ChecksTest, AFloodCostsOneRound) {
  int calls = 0;
  add_counted("server", &calls);
  TaskGroup flood(loop_.get_executor());
  int answered = 0;
  auto ask = [&]() -> Task<void> {
    const auto got = co_await checks_.run();
    if (got.status == Report::Status::healthy) ++answered;
  };
  for (int i = 0; i < 1000; ++i) flood.spawn("ask", ask());
  run_until([&] { return flood.running() == 0; });
  EXPECT_EQ(answered, 1000);
  EXPECT_EQ(calls, 1);
  for (int i = 0; i < 1000; ++i) report();
  EXPECT_EQ(calls, 1);
  wait_out_the_cache();
  report();
  EXPECT_EQ(calls, 2);
}

TEST_F(ChecksTest, ARoundEndsThoughItsFirstCallerGoesAway) {
  int calls = 0;
  Notifier gate(loop_.get_executor());
  checks_.add("slow", [&]() -> Task<bool> {
    ++calls;
    co_await gate.wait();
    co_return true;
  });
  TaskGroup first(loop_.get_executor());
  auto ask = [&]() -> Task<void> { static_cast<void>(co_await checks_.run()); };
  first.spawn("ask", ask());
  run_until([&] { return calls == 1; });
  first.cancel();
  run_until([&] { return first.running() == 0; });
  std::optional<Report> got;
  auto second_ask = [&]() -> Task<void> { got = co_await checks_.run(); };
  TaskGroup second(loop_.get_executor());
  second.spawn("ask", second_ask());
  loop_.poll();
  gate.notify();
  run_until([&] { return got.has_value(); });
  EXPECT_EQ(got->checks[0].second, "ok");
  EXPECT_EQ(calls, 1);
  run_until([&] { return second.running() == 0; });
}

TEST_F(ChecksTest, CloseAnswersThoseWhoWait) {
  checks_.add("hangs", []() -> Task<bool> {
    co_await sleep_for(1h);
    co_return true;
  });
  std::optional<Report> got;
  auto ask = [&]() -> Task<void> { got = co_await checks_.run(); };
  TaskGroup group(loop_.get_executor());
  group.spawn("ask", ask());
  loop_.poll();
  TearDown();
  run_until([&] { return group.running() == 0; });
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, Report::Status::degraded);
}

}  // namespace
}  // namespace ccd::health
