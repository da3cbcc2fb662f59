// The chain: what is recorded, what it looks like in the table, and that no tampering passes.
#include "audit/trail.hpp"

#include <algorithm>
#include <functional>
#include <random>

#include "audit/anchor.hpp"
#include "base/encoding.hpp"
#include "storage/testing.hpp"

namespace ccd::audit {
namespace {

using storage::Connection;
using storage::number_of;
using storage::text_of;

constexpr std::uint32_t kSeed = 4711;

class TrailTest : public testing::Test {
 protected:
  void SetUp() override {
    SystemRandom().fill(key_);
    trail_.emplace(key_, clock_);
    ASSERT_TRUE(database_->migrate(migrations()));
  }
  void append(const Record& record) {
    const auto done = database_->transact_now([&](Connection& c) { return trail_->append(c, record); });
    ASSERT_TRUE(done) << done.error().message;
    clock_.advance(std::chrono::milliseconds(7));
  }
  void append_many(int rows) {
    for (int i = 0; i < rows; ++i) {
      append({.actor = "user" + std::to_string(i % 3),
              .ip = "127.0.0.1",
              .action = i % 2 == 0 ? "session.create" : "files.read",
              .target = "/srv/" + std::to_string(i),
              .outcome = i % 5 == 0 ? Outcome::denied : Outcome::ok,
              .detail = "{\"n\":" + std::to_string(i) + "}"});
    }
  }
  template <class Body>
  void with(Body body) {
    const auto done = database_->run_now([&](Connection& c) -> Result<> {
      body(c);
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  storage::TempFolder folder_{storage::TempFolder::On::memory};
  asio::io_context loop_;
  std::unique_ptr<storage::Database> database_ = storage::open_or_fail(folder_ / "test.db", loop_);
  ManualClock clock_{1'700'000'000'000'000};
  Key key_{};
  std::optional<Trail> trail_;
};

TEST_F(TrailTest, TheRunbooksQueryFindsFailuresAndOnlyThem) {
  append({.actor = "ada", .ip = "10.0.0.1", .action = "session.create", .target = "s1"});
  append({.actor = "ada", .ip = "10.0.0.1", .action = "session.create", .target = "s2", .outcome = Outcome::error});
  append(
      {.actor = "eve", .ip = "10.0.0.2", .action = "files.read", .target = "/etc/shadow", .outcome = Outcome::denied});
  append({.actor = "eve", .ip = "10.0.0.2", .action = "files.read.error", .target = "x", .outcome = Outcome::denied});
  with([](Connection& c) {
    const auto actions = c.all("SELECT * FROM audit_logs WHERE action LIKE '%error%' LIMIT 10;",
                               [](const storage::Row& row) { return row.text(4) + " " + row.text(6); });
    EXPECT_EQ(*actions, (std::vector<std::string>{"session.create.error error", "files.read.error denied",
                                                  "files.read.error denied"}));
  });
}

TEST_F(TrailTest, TheRecordCommitsOrGoesWithItsAct) {
  auto act = [&](Connection& c) -> Result<> {
    TRY(trail_->append(c, {.actor = "ada", .ip = "", .action = "session.create"}));
    return fail(ErrorKind::internal, "the act failed");
  };
  EXPECT_FALSE(database_->transact_now(act));
  with([&](Connection& c) {
    EXPECT_EQ(number_of(c, "SELECT count(*) FROM audit_logs"), 0);
    EXPECT_FALSE(trail_->append(c, {.actor = "ada", .ip = "", .action = "x"})) << "no transaction";
  });
  EXPECT_TRUE(
      storage::finish(loop_, trail_->append_now(*database_, {.actor = "ada", .ip = "", .action = "auth.login"})));
  with([&](Connection& c) { EXPECT_TRUE(verify(c, key_)->ok); });
}

TEST_F(TrailTest, TextIsPrintableAndBounded) {
  const std::string hostile = std::string("a\0b\n\x1b[2J\xff", 10) + "\xe2\x80\xae";
  append({.actor = hostile,
          .ip = hostile,
          .action = hostile,
          .target = hostile,
          .outcome = Outcome::ok,
          .detail = hostile});
  std::string wide;
  while (wide.size() < 100'000) wide += "é";
  append({.actor = wide,
          .ip = wide,
          .action = wide,
          .target = wide,
          .outcome = Outcome::error,
          .detail = "\"" + wide + "\""});
  with([&](Connection& c) {
    const auto rows = Trail::page(c, {});
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), 2U);
    for (const auto& row : *rows) {
      for (const auto* text : {&row.actor, &row.ip, &row.action, &row.target, &row.detail}) {
        EXPECT_TRUE(valid_utf8(*text));
        EXPECT_TRUE(
            std::all_of(text->begin(), text->end(), [](char ch) { return static_cast<unsigned char>(ch) >= 0x20; }));
      }
      EXPECT_LE(row.actor.size(), kMaxShortText);
      EXPECT_LE(row.action.size(), kMaxShortText);
      EXPECT_LE(row.target.size(), kMaxTarget);
      EXPECT_LE(row.detail.size(), kMaxDetail);
    }
    EXPECT_TRUE(rows->at(0).action.ends_with(".error")) << "bounded, and still found as a failure";
    EXPECT_EQ(rows->at(0).detail, "{\"truncated\":true,\"bytes\":100002}");
    EXPECT_EQ(rows->at(1).detail, "{\"unprintable\":true,\"bytes\":13}");
    EXPECT_TRUE(verify(c, key_)->ok);
  });
}

TEST_F(TrailTest, PagesComeNewestFirstAndFiltered) {
  append_many(30);
  with([](Connection& c) {
    const auto ids = [&](const PageQuery& query) {
      std::vector<std::int64_t> list;
      const auto page = Trail::page(c, query);
      for (const auto& e : page.value()) list.push_back(e.id);
      return list;
    };
    EXPECT_EQ(ids({.limit = 3}), (std::vector<std::int64_t>{30, 29, 28}));
    EXPECT_EQ(ids({.before_id = 28, .limit = 2}), (std::vector<std::int64_t>{27, 26}));
    EXPECT_EQ(ids({.limit = 2, .actor = "user0"}), (std::vector<std::int64_t>{28, 25}));
    EXPECT_EQ(ids({.limit = 2, .action = "files."}), (std::vector<std::int64_t>{30, 28}));
    EXPECT_EQ(ids({.before_id = 28, .limit = 2, .actor = "user0", .action = "session.create.error"}),
              (std::vector<std::int64_t>{1}));
    EXPECT_TRUE(ids({.action = "%"}).empty()) << "a prefix, not a pattern";
    for (const int limit : {0, -1, kMaxPage + 1}) {
      const auto refused = Trail::page(c, {.limit = limit});
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().field, "limit");
    }
  });
}

TEST_F(TrailTest, VerifyInSlicesSeesTheWholeChain) {
  append_many(25);
  with([&](Connection& c) {
    Verifier verifier(key_);
    int steps = 1;
    while (!verifier.step(c, 10).value()) ++steps;
    EXPECT_EQ(steps, 3);
    EXPECT_TRUE(verifier.report().ok) << verifier.report().reason;
    EXPECT_EQ(verifier.report().rows, 25);
    Key other{};
    EXPECT_EQ(verify(c, other)->first_bad_id, 1);
  });
}

// One way to tamper: changes the table, and says which id must be named.
using Tamper = std::function<std::int64_t(Connection&, std::mt19937&, std::int64_t rows)>;

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution(low, high)(random);
}

void must(const Result<std::int64_t>& changed) {
  ASSERT_TRUE(changed) << changed.error().message;
  ASSERT_GT(*changed, 0);
}

constexpr const char* kOthers = "at, actor, ip, action, target, outcome, detail, prev_hash, hash";

std::int64_t edit(Connection& c, std::mt19937& random, std::int64_t rows) {
  static const std::vector<std::string> changes{"at = at + 1",
                                                "at = -at",
                                                "actor = actor || 'x'",
                                                "actor = '', ip = actor || ip",
                                                "ip = '10.9.8.7'",
                                                "action = replace(action, 'e', 'E')",
                                                "target = substr(target, 2)",
                                                "outcome = CASE outcome WHEN 'ok' THEN 'denied' ELSE 'ok' END",
                                                "detail = ''",
                                                "prev_hash = hash",
                                                "hash = prev_hash",
                                                "hash = upper(hash) || ''",
                                                "hash = ''"};
  const auto id = pick(random, 1, rows);
  const auto& change =
      changes[static_cast<std::size_t>(pick(random, 0, static_cast<std::int64_t>(changes.size()) - 1))];
  must(c.run("UPDATE audit_logs SET " + change + " WHERE id = ?", id));
  return id;
}

std::int64_t remove(Connection& c, std::mt19937& random, std::int64_t rows) {
  const auto id = pick(random, 1, rows);
  must(c.run("DELETE FROM audit_logs WHERE id = ?", id));
  return id;
}

std::int64_t remove_and_close_up(Connection& c, std::mt19937& random, std::int64_t rows) {
  const auto id = pick(random, 1, rows - 1);
  must(c.run("DELETE FROM audit_logs WHERE id = ?", id));
  for (auto next = id + 1; next <= rows; ++next) must(c.run("UPDATE audit_logs SET id = id - 1 WHERE id = ?", next));
  return id;
}

std::int64_t swap(Connection& c, std::mt19937& random, std::int64_t rows) {
  const auto first = pick(random, 1, rows - 1);
  const auto second = pick(random, first + 1, rows);
  must(c.run("UPDATE audit_logs SET id = -1 WHERE id = ?", first));
  must(c.run("UPDATE audit_logs SET id = ? WHERE id = ?", first, second));
  must(c.run("UPDATE audit_logs SET id = ? WHERE id = -1", second));
  return first;
}

std::int64_t insert(Connection& c, std::mt19937& random, std::int64_t rows) {
  const auto id = pick(random, 1, rows);
  for (auto next = rows; next >= id; --next) must(c.run("UPDATE audit_logs SET id = id + 1 WHERE id = ?", next));
  // Its hash is right in form, made without the key.
  must(
      c.run("INSERT INTO audit_logs SELECT ?1, at, 'mallory', ip, action, target, outcome, detail, prev_hash, "
            "lower(hex(randomblob(32)))"
            " FROM audit_logs WHERE id = ?1 + 1",
            id));
  return id;
}

std::int64_t clone(Connection& c, std::mt19937& random, std::int64_t rows) {
  const auto from = pick(random, 1, rows);
  const auto to = pick(random, 0, 3) == 0 ? std::int64_t{0} : rows + 1;
  must(c.run("INSERT INTO audit_logs SELECT ?1, " + std::string(kOthers) + " FROM audit_logs WHERE id = ?2", to, from));
  return to;
}

// The whole rest rewritten, well-formed, by someone who has not the key.
std::int64_t rechain(Connection& c, std::mt19937& random, std::int64_t rows) {
  const auto id = pick(random, 1, rows);
  SystemClock clock;
  Key other{};
  const Trail forger(other, clock);
  must(c.run("DELETE FROM audit_logs WHERE id >= ?", id));
  for (auto next = id; next <= rows; ++next) {
    EXPECT_TRUE(forger.append(c, {.actor = "mallory", .ip = "", .action = "auth.login"}));
  }
  return id;
}

std::int64_t truncate(Connection& c, std::mt19937& random, std::int64_t rows) {
  const auto from = pick(random, 1, rows);
  must(c.run("DELETE FROM audit_logs WHERE id >= ?", from));
  return from;
}

TEST_F(TrailTest, EveryTamperingIsFoundAndTheFirstBadIdNamed) {
  constexpr int kRows = 40;
  constexpr int kTamperings = 1000;
  append_many(kRows);
  Anchor anchor(folder_ / "audit.head", key_, clock_);
  with([&](Connection& c) { ASSERT_TRUE(anchor.write(c)); });
  const std::vector<Tamper> ways{edit, remove, remove_and_close_up, swap, insert, clone, rechain, truncate};
  std::mt19937 random(kSeed);
  int found = 0;
  for (int i = 0; i < kTamperings; ++i) {
    with([&](Connection& c) {
      auto undone_at_the_end = storage::Transaction::begin(c);
      ASSERT_TRUE(undone_at_the_end);
      const auto way = static_cast<std::size_t>(i) % ways.size();
      const auto expected = ways[way](c, random, kRows);
      auto report = verify(c, key_).value();
      if (report.ok) report = anchor.verify(c).value();
      EXPECT_FALSE(report.ok) << "way " << way;
      EXPECT_EQ(report.first_bad_id, expected) << "way " << way << ": " << report.reason;
      if (!report.ok && report.first_bad_id == expected) ++found;
    });
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(found, kTamperings);
  with([&](Connection& c) {
    EXPECT_TRUE(verify(c, key_)->ok) << "the untouched trail is whole";
    EXPECT_TRUE(anchor.verify(c)->ok);
  });
}

}  // namespace
}  // namespace ccd::audit
