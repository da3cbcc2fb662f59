// Tickets: one use, one page, thirty seconds.
#include "auth/tickets.hpp"

#include <gtest/gtest.h>
#include <set>

namespace ccd::auth {
namespace {
using namespace std::chrono_literals;

const std::string kOrigin = "http://localhost:3000";

class TicketsTest : public testing::Test {
 protected:
  Principal who(const std::string& user = "u1", const std::string& session = "s1") {
    return {user, "ann", session, Role::admin};
  }
  ManualClock clock_{0};
  SystemRandom random_;
  Tickets tickets_{&clock_, &random_};
};

TEST_F(TicketsTest, OpensOnceForItsOwner) {
  const std::string ticket = tickets_.issue(who(), kOrigin).value();
  EXPECT_EQ(ticket.size(), 43U);
  const auto redeemed = tickets_.redeem(ticket, kOrigin);
  ASSERT_TRUE(redeemed);
  EXPECT_EQ(redeemed->user_id, "u1");
  EXPECT_EQ(redeemed->session_id, "s1");
  EXPECT_EQ(redeemed->role, Role::admin);
  EXPECT_FALSE(tickets_.redeem(ticket, kOrigin));
}

TEST_F(TicketsTest, TenThousandReplaysOfManyTicketsSucceedOnceEach) {
  std::vector<std::string> open;
  for (int user = 0; user < 10; ++user)
    for (int i = 0; i < 20; ++i) open.push_back(tickets_.issue(who("u" + std::to_string(user)), kOrigin).value());
  EXPECT_EQ(std::set<std::string>(open.begin(), open.end()).size(), 200U);
  int opened = 0;
  for (int round = 0; round < 50; ++round)
    for (const std::string& ticket : open) opened += tickets_.redeem(ticket, kOrigin) ? 1 : 0;
  EXPECT_EQ(opened, 200);
  const std::string ticket = tickets_.issue(who(), kOrigin).value();
  opened = 0;
  for (int i = 0; i < 10'000; ++i) opened += tickets_.redeem(ticket, kOrigin) ? 1 : 0;
  EXPECT_EQ(opened, 1);
}

TEST_F(TicketsTest, ExpiresAfterThirtySeconds) {
  const std::string early = tickets_.issue(who(), kOrigin).value();
  const std::string late = tickets_.issue(who(), kOrigin).value();
  clock_.advance(29s);
  EXPECT_TRUE(tickets_.redeem(early, kOrigin));
  clock_.advance(1s);
  EXPECT_FALSE(tickets_.redeem(late, kOrigin));
  EXPECT_EQ(tickets_.size(), 0U);
}

TEST_F(TicketsTest, WallClockJumpChangesNothing) {
  const std::string ticket = tickets_.issue(who(), kOrigin).value();
  clock_.jump(-24h * 365);
  clock_.advance(31s);
  EXPECT_FALSE(tickets_.redeem(ticket, kOrigin));
}

TEST_F(TicketsTest, AnotherOriginEndsIt) {
  for (const char* origin : {"", "null", "http://localhost:3001", "http://localhost:3000/", "HTTP://localhost:3000"}) {
    const std::string ticket = tickets_.issue(who(), kOrigin).value();
    EXPECT_FALSE(tickets_.redeem(ticket, origin)) << origin;
    EXPECT_FALSE(tickets_.redeem(ticket, kOrigin)) << origin;
  }
}

TEST_F(TicketsTest, GuessesAndChangedOnesFail) {
  const std::string ticket = tickets_.issue(who(), kOrigin).value();
  for (std::size_t i = 0; i < ticket.size(); ++i) {
    std::string other = ticket;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tickets_.redeem(other, kOrigin));
  }
  for (const std::string& other :
       {std::string(), ticket + "=", ticket + " ", ticket.substr(1), std::string(1 << 20, 'a')})
    EXPECT_FALSE(tickets_.redeem(other, kOrigin));
  EXPECT_TRUE(tickets_.redeem(ticket, kOrigin));
}

TEST_F(TicketsTest, EndOfTheLoginVoidsItsTickets) {
  const std::string one = tickets_.issue(who("u1", "s1"), kOrigin).value();
  const std::string two = tickets_.issue(who("u1", "s2"), kOrigin).value();
  tickets_.revoke("s1");
  EXPECT_FALSE(tickets_.redeem(one, kOrigin));
  EXPECT_TRUE(tickets_.redeem(two, kOrigin));
}

TEST_F(TicketsTest, BoundedPerUserAndInAll) {
  for (std::size_t i = 0; i < kMaxTicketsPerUser; ++i) ASSERT_TRUE(tickets_.issue(who(), kOrigin));
  const auto more = tickets_.issue(who(), kOrigin);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind, ErrorKind::too_many);
  EXPECT_TRUE(tickets_.issue(who("u2"), kOrigin));
  clock_.advance(kTicketLifetime);
  EXPECT_TRUE(tickets_.issue(who(), kOrigin));
  for (int user = 0; tickets_.size() < kMaxTickets; ++user)
    for (std::size_t i = 0; i < kMaxTicketsPerUser && tickets_.size() < kMaxTickets; ++i)
      ASSERT_TRUE(tickets_.issue(who("x" + std::to_string(user)), kOrigin));
  EXPECT_FALSE(tickets_.issue(who("y"), kOrigin));
}

}  // namespace
}  // namespace ccd::auth
