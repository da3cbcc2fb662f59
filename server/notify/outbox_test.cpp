// What a device should show reaches its push service: the newest message, once, tried again, and ended only where it stands.
#include <gtest/gtest.h>
#include <deque>

#include "notify/outbox.hpp"

namespace ccd::notify {
namespace {

using namespace std::chrono_literals;
using Kind = PushOutcome::Kind;

class OutboxTest : public testing::Test {
 protected:
  ~OutboxTest() override {
    // On the loop: from outside of it a task could end between its cancellation's order and its arrival.
    asio::post(loop_, [this] { group_.cancel(); });
    loop_.restart();
    loop_.poll();
  }
  // What the service says to each message in turn; accepted when nothing is left.
  Task<PushOutcome> deliver(std::string device, PushMessage message) {
    sent_.push_back(device + " " + message.text);
    while (paused_) co_await resumed_.wait();
    PushOutcome outcome;
    if (!outcomes_.empty()) {
      outcome = outcomes_.front();
      outcomes_.pop_front();
    }
    co_return outcome;
  }
  // All that can be done without waiting.
  void run() {
    do loop_.restart();
    while (loop_.poll() > 0);
  }
  void run_for(std::chrono::milliseconds limit) {
    loop_.restart();
    loop_.run_for(limit);
    run();
  }
  // Until so many have been sent.
  void run_until_sent(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (sent_.size() < count && std::chrono::steady_clock::now() < deadline) run_for(10ms);
    run();
  }
  void show(const std::string& text, const std::string& device = "phone") {
    outbox_.show(device, "r1", {.text = text});
  }
  void settle(const std::string& device = "phone") { outbox_.settle(device, "r1", {.text = "settled"}); }
  using Sent = std::vector<std::string>;

  asio::io_context loop_;
  TaskGroup group_{loop_.get_executor()};
  Notifier resumed_{loop_.get_executor()};
  bool paused_ = false;
  std::deque<PushOutcome> outcomes_;
  Sent sent_;
  Outbox outbox_{
      &group_,
      [this](std::string device, PushMessage message) { return deliver(std::move(device), std::move(message)); }, 20ms};
};

TEST_F(OutboxTest, ShowsAndSettles) {
  show("asks");
  run();
  EXPECT_EQ(outbox_.size(), 1U);
  settle();
  run();
  EXPECT_EQ(sent_, (Sent{"phone asks", "phone settled"}));
  EXPECT_EQ(outbox_.size(), 0U) << "nothing stands there any more";
  settle();
  run();
  EXPECT_EQ(sent_.size(), 2U);
}

TEST_F(OutboxTest, WhatNeverArrivedIsNotSettled) {
  outcomes_ = {{.kind = Kind::refused}};
  show("asks");
  run();
  settle();
  run();
  EXPECT_EQ(sent_, (Sent{"phone asks"}));
  EXPECT_EQ(outbox_.size(), 0U);
}

TEST_F(OutboxTest, IsTriedAgainUntilItIsTaken) {
  outcomes_ = {{.kind = Kind::again}, {.kind = Kind::again}, {.kind = Kind::accepted}};
  show("asks");
  run_until_sent(3);
  EXPECT_EQ(sent_, (Sent{"phone asks", "phone asks", "phone asks"}));
  EXPECT_EQ(outbox_.size(), 1U);
}

TEST_F(OutboxTest, RetryAfterIsKept) {
  outcomes_ = {{.kind = Kind::again, .retry_after = 1s}};
  show("asks");
  const auto began = std::chrono::steady_clock::now();
  run_until_sent(2);
  EXPECT_EQ(sent_.size(), 2U);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST_F(OutboxTest, AServiceThatWantsMuchTimeDoesNotGetIt) {
  outcomes_ = {{.kind = Kind::again, .retry_after = kMaxRetryAfter + 1s}};
  show("asks");
  run();
  EXPECT_EQ(outbox_.size(), 0U);
}

TEST_F(OutboxTest, SettledWhileItWaitsForAnotherAttemptIsNeverSent) {
  outcomes_ = {{.kind = Kind::again, .retry_after = 1s}};
  show("asks");
  run();
  settle();
  run_for(1200ms);
  EXPECT_EQ(sent_, (Sent{"phone asks"}));
  EXPECT_EQ(outbox_.size(), 0U);
}

TEST_F(OutboxTest, AnAnswerThatNeverCameMayHaveArrived) {
  outcomes_ = {{.kind = Kind::again, .retry_after = 1s, .may_have_arrived = true}};
  show("asks");
  run();
  settle();
  run();
  EXPECT_EQ(sent_, (Sent{"phone asks", "phone settled"}));
}

TEST_F(OutboxTest, SettledWhileItIsUnderWayComesBehind) {
  paused_ = true;
  show("asks");
  run();
  settle();
  run();
  EXPECT_EQ(sent_, (Sent{"phone asks"}));
  paused_ = false;
  resumed_.notify();
  run();
  EXPECT_EQ(sent_, (Sent{"phone asks", "phone settled"}));
  EXPECT_EQ(outbox_.size(), 0U);
}

TEST_F(OutboxTest, TheNewestMessageCounts) {
  paused_ = true;
  show("one");
  run();
  show("two");
  show("three");
  paused_ = false;
  resumed_.notify();
  run();
  EXPECT_EQ(sent_, (Sent{"phone one", "phone three"}));
}

TEST_F(OutboxTest, ADeviceThatIsGoneGetsNothingMore) {
  outcomes_ = {{.kind = Kind::gone}};
  show("asks");
  show("asks", "desk");
  run();
  EXPECT_EQ(outbox_.size(), 1U);
  outbox_.forget_device("desk");
  settle("desk");
  run();
  EXPECT_EQ(sent_, (Sent{"phone asks", "desk asks"}));
}

TEST_F(OutboxTest, WhoTappedItNeedsNoEnd) {
  show("asks");
  run();
  outbox_.taken_off("phone", "r1");
  settle();
  run();
  EXPECT_EQ(sent_, (Sent{"phone asks"}));
}

TEST_F(OutboxTest, IsBounded) {
  for (std::size_t i = 0; i < kMaxSlots + 10; ++i) {
    outbox_.show("d" + std::to_string(i), "r1", {.text = "asks"});
    if (i % 500 == 0) run();
  }
  run();
  EXPECT_LE(outbox_.size(), kMaxSlots);
}

}  // namespace
}  // namespace ccd::notify
