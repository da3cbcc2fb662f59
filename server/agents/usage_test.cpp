// Usage and budgets in a real database.
#include <gtest/gtest.h>

#include "agents/budget.hpp"
#include "agents/usage_store.hpp"
#include "sessions/store.hpp"
#include "storage/testing.hpp"

namespace ccd::agents {
namespace {

constexpr std::int32_t kDay = 20'785;  // 2026-11-28, a Saturday

class UsageTest : public ::testing::Test {
 protected:
  UsageTest() {
    std::vector<storage::Migration> all = sessions::migrations();
    all.push_back({"agents/020-usage", kUsageTables});
    database_ = open_database(all);
    add_session("s1", "/p/one");
    add_session("s2", "/p/two");
  }

  void add_session(const std::string& id, const std::string& project) {
    sessions::Session session;
    session.id = id;
    session.name = "name of " + id;
    session.project = project;
    ASSERT_TRUE(database_->run_now([&](storage::Connection& db) { return sessions::insert_session(db, session); }));
  }
  template <class F>
  auto in_db(F fn) {
    auto result = database_->transact_now(std::move(fn));
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result;
  }
  void tokens(const std::string& conversation, const std::string& session, std::int32_t day, const std::string& model,
              std::uint64_t output) {
    ConversationUsage usage{.conversation = conversation, .session = session};
    usage.days[{day, model}] = {.usage = {.input = 10, .output = output}, .messages = 1};
    in_db([&](storage::Connection& db) { return put_tokens(db, usage); });
  }
  void work(const std::string& session, const std::string& conversation, std::int64_t cost, std::int64_t working = 0,
            std::int32_t day = kDay) {
    const Work told{.session = session,
                    .conversation = conversation,
                    .model = "m",
                    .day = day,
                    .totals = {.cost_micros = cost, .lines_added = cost / 10, .working_micros = working}};
    in_db([&](storage::Connection& db) { return add_work(db, told); });
  }
  std::vector<UsageRow> read(UsageQuery query) {
    return *in_db([&](storage::Connection& db) { return read_usage(db, query); });
  }

  storage::TempFolder folder_;
  asio::io_context loop_;
  std::unique_ptr<storage::Database> database_;

 private:
  std::unique_ptr<storage::Database> open_database(const std::vector<storage::Migration>& migrations) {
    auto opened = storage::Database::open({.path = folder_ / "test.db"}, loop_.get_executor());
    EXPECT_TRUE(opened.has_value());
    EXPECT_TRUE((*opened)->migrate(migrations));
    return std::move(*opened);
  }
};

TEST_F(UsageTest, ATranscriptReadAgainChangesNothing) {
  tokens("c1", "s1", kDay, "m", 5);
  tokens("c1", "s1", kDay, "m", 7);
  const auto rows = read({.from_day = kDay, .to_day = kDay, .by = GroupBy::day});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].key, "2026-11-28");
  EXPECT_EQ(rows[0].amounts.tokens, (claude::Usage{.input = 10, .output = 7}));
}

TEST_F(UsageTest, TotalsGrowAndBeginAgain) {
  work("s1", "c1", 100, 50);
  work("s1", "c1", 100, 50);
  work("s1", "c1", 250, 80);
  work("s1", "c1", 30, 90);  // the client began again at 0
  work("s1", "c2", 40, 90);  // /clear
  const auto rows = read({.from_day = kDay, .to_day = kDay, .by = GroupBy::session});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].amounts.cost_micros, 250 + 30 + 40);
  EXPECT_EQ(rows[0].amounts.lines_added, 25 + 3 + 4);
  EXPECT_EQ(rows[0].amounts.working_micros, 90);
  EXPECT_EQ(rows[0].name, "name of s1");
}

TEST_F(UsageTest, ATotalWithoutAConversationCountsOnlyItsTimes) {
  work("s1", "", 100, 50);
  work("s1", "c1", 100, 60);
  const auto rows = read({.from_day = kDay, .to_day = kDay, .by = GroupBy::day});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].amounts.cost_micros, 100);
  EXPECT_EQ(rows[0].amounts.working_micros, 60);
}

TEST_F(UsageTest, GroupsAndFilters) {
  tokens("c1", "s1", kDay - 1, "m1", 1);
  tokens("c2", "s2", kDay, "m2", 2);
  tokens("c3", "s1", kDay, "m2", 4);
  tokens("c4", "gone", kDay, "m2", 8);
  const auto by_project = read({.from_day = kDay - 1, .to_day = kDay, .by = GroupBy::project});
  ASSERT_EQ(by_project.size(), 3u);
  EXPECT_EQ(by_project[0].key, "") << "of a session whose row is gone";
  EXPECT_EQ(by_project[1].amounts.tokens.output, 5u);
  const auto plot = read({.from_day = kDay - 1, .to_day = kDay, .by = GroupBy::day, .then_by = GroupBy::model});
  ASSERT_EQ(plot.size(), 2u);
  EXPECT_EQ(plot[1].then, "m2");
  EXPECT_EQ(plot[1].amounts.tokens.output, 14u);
  EXPECT_EQ(read({.from_day = kDay, .to_day = kDay, .by = GroupBy::day, .session = "s1"})[0].amounts.tokens.output, 4u);
  EXPECT_EQ(read({.from_day = kDay, .to_day = kDay, .by = GroupBy::day, .project = "/p/two"})[0].amounts.tokens.output,
            2u);
  EXPECT_TRUE(read({.from_day = kDay + 1, .to_day = kDay + 9, .by = GroupBy::day}).empty());
}

TEST_F(UsageTest, CsvIsWhatASpreadsheetTakesAndRunsNothing) {
  const UsageQuery query{.by = GroupBy::session, .then_by = GroupBy::model};
  UsageRow row{.key = "id", .name = "=HYPERLINK(\"x\")", .then = "m,1"};
  row.amounts.cost_micros = 1'234'567;
  const std::string csv = usage_csv({row}, query);
  EXPECT_EQ(csv.substr(0, csv.find("\r\n")),
            "session,name,model,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,messages,cost_usd,"
            "lines_added,lines_removed,"
            "working_seconds,waiting_seconds");
  EXPECT_NE(csv.find("\"id\",\"'=HYPERLINK(\"\"x\"\")\",\"m,1\",0,0,0,0,0,1.234567,0,0,0,0\r\n"), std::string::npos)
      << csv;
}

TEST(UsageDays, AreWrittenAndRead) {
  EXPECT_EQ(day_text(kDay), "2026-11-28");
  EXPECT_EQ(day_from("2026-11-28"), kDay);
  for (const char* wrong :
       {"", "2026-11-31", "2026-13-01", "26-11-2026", "2026-11-28x", "2026/11/28", "2026-1-028", "+026-11-28"})
    EXPECT_FALSE(day_from(wrong)) << wrong;
}

Budget budget(Budget::Scope scope, const std::string& target, Budget::Period period, std::int64_t bound) {
  Budget b;
  b.id = "b" + std::to_string(bound);
  b.scope = scope;
  b.target = target;
  b.period = period;
  b.bound = bound;
  return b;
}

TEST_F(UsageTest, BudgetsCountWhatTheyCover) {
  work("s1", "c1", 4'000'000, 0, kDay - 20);
  work("s1", "c1", 5'000'000);
  work("s2", "c2", 3'000'000);
  for (const Budget& b : {budget(Budget::Scope::all, "", Budget::Period::day, 4'000'000),
                          budget(Budget::Scope::project, "/p/one", Budget::Period::month, 6'000'000),
                          budget(Budget::Scope::session, "s2", Budget::Period::ever, 100'000'000)})
    in_db([&](storage::Connection& db) { return insert_budget(db, b); });
  const auto states = *in_db([](storage::Connection& db) { return read_budgets(db, kDay); });
  ASSERT_EQ(states.size(), 3u);
  std::map<std::int64_t, BudgetState> by_bound;
  for (const BudgetState& state : states) by_bound[state.budget.bound] = state;
  EXPECT_EQ(by_bound[4'000'000].used, 4'000'000);
  EXPECT_TRUE(by_bound[4'000'000].over());
  EXPECT_EQ(by_bound[4'000'000].words(), "the day's budget of 4.00 USD for all sessions is used up (4.00 USD)");
  EXPECT_EQ(by_bound[6'000'000].used, 5'000'000) << "of the month, not what was before";
  EXPECT_TRUE(by_bound[6'000'000].near());
  EXPECT_FALSE(by_bound[6'000'000].over());
  EXPECT_EQ(by_bound[100'000'000].used, 3'000'000);
  EXPECT_TRUE(by_bound[6'000'000].covers("any", "/p/one"));
  EXPECT_FALSE(by_bound[6'000'000].covers("any", "/p/one/below"));
  in_db([](storage::Connection& db) { return erase_budget(db, "b4000000"); });
  EXPECT_EQ(database_->run_now([](storage::Connection& db) { return erase_budget(db, "b4000000"); }).error().kind,
            ErrorKind::not_found);
}

TEST(Budgets, PeriodsBeginWherePeopleThinkTheyDo) {
  EXPECT_EQ(day_text(period_begin(Budget::Period::week, kDay)), "2026-11-23");
  EXPECT_EQ(day_text(period_begin(Budget::Period::week, *day_from("2026-11-23"))), "2026-11-23");
  EXPECT_EQ(day_text(period_begin(Budget::Period::month, kDay)), "2026-11-01");
  EXPECT_EQ(period_begin(Budget::Period::day, kDay), kDay);
}

TEST(Budgets, WrongOnesAreRefusedByName) {
  const auto field = [](auto... words) { return make_budget(words...).error().field; };
  EXPECT_EQ(field("some", "", "day", "usd", 1, "warn"), "scope");
  EXPECT_EQ(field("all", "", "year", "usd", 1, "warn"), "period");
  EXPECT_EQ(field("all", "", "day", "eur", 1, "warn"), "unit");
  EXPECT_EQ(field("all", "", "day", "usd", 1, "stop"), "action");
  EXPECT_EQ(field("all", "x", "day", "usd", 1, "warn"), "target");
  EXPECT_EQ(field("project", "", "day", "usd", 1, "warn"), "target");
  EXPECT_EQ(field("all", "", "day", "usd", 0, "warn"), "bound");
  EXPECT_TRUE(make_budget("session", "s1", "ever", "tokens", 5, "pause"));
}

}  // namespace
}  // namespace ccd::agents
