// Statements, values, errors and transactions on a real file.
#include "storage/connection.hpp"

#include <sqlite3.h>
#include <cmath>

#include "base/encoding.hpp"
#include "storage/testing.hpp"

namespace ccd::storage {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  // The body runs inside a job, as every use of a connection does.
  template <class Body>
  void with(Body body) {
    auto done = database_->run_now([&](Connection& connection) -> Result<> {
      body(connection);
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  void SetUp() override {
    with([](Connection& c) {
      ASSERT_TRUE(c.exec(
          "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, weight REAL, data BLOB, n INTEGER) STRICT"));
    });
  }
  TempFolder folder_{TempFolder::On::memory};
  asio::io_context loop_;
  std::unique_ptr<Database> database_ = open_or_fail(folder_ / "test.db", loop_);
};

TEST_F(ConnectionTest, ValuesOfEveryTypeComeBackAsTheyWent) {
  with([](Connection& c) {
    const std::string name("with \0 inside and é", 20);
    const auto bytes = as_bytes("\x00\xff\x01");
    const std::vector<std::byte> data(bytes.begin(), bytes.end());
    ASSERT_EQ(c.run("INSERT INTO things VALUES (?,?,?,?,?)", 7, std::string_view(name), 0.1, data, nullptr), 1);
    EXPECT_EQ(c.last_insert_id(), 7);
    auto statement = c.prepare("SELECT * FROM things");
    ASSERT_TRUE(statement);
    ASSERT_EQ(statement->step(), true);
    EXPECT_EQ(statement->i64(0), 7);
    EXPECT_EQ(statement->text(1), name);
    EXPECT_EQ(statement->text_view(1), name);
    EXPECT_EQ(statement->real(2), 0.1);
    EXPECT_EQ(statement->blob(3), data);
    EXPECT_TRUE(statement->is_null(4));
    EXPECT_EQ(statement->optional_i64(4), std::nullopt);
    EXPECT_EQ(statement->optional_text(1), name);
    EXPECT_EQ(statement->step(), false);
  });
}

TEST_F(ConnectionTest, EmptyTextAndBlobAreNotNull) {
  with([](Connection& c) {
    ASSERT_TRUE(
        c.run("INSERT INTO things (id, name, data) VALUES (1, ?, ?)", std::string_view(), std::vector<std::byte>()));
    EXPECT_EQ(number_of(c, "SELECT (name IS NULL) + (data IS NULL) FROM things"), 0);
  });
}

TEST_F(ConnectionTest, AbsentOptionalBindsNull) {
  with([](Connection& c) {
    ASSERT_TRUE(
        c.run("INSERT INTO things (id, name, n) VALUES (1, ?, ?)", std::optional<std::string>(), std::optional(5)));
    auto row = c.one("SELECT name, n FROM things",
                     [](const Row& r) { return std::pair(r.optional_text(0), r.optional_i64(1)); });
    ASSERT_TRUE(row && *row);
    EXPECT_EQ((**row).first, std::nullopt);
    EXPECT_EQ((**row).second, 5);
  });
}

TEST_F(ConnectionTest, RunCountsTheRowsItChanged) {
  with([](Connection& c) {
    ASSERT_EQ(c.run("INSERT INTO things (id, n) VALUES (1, 1), (2, 1), (3, 2)"), 3);
    EXPECT_EQ(c.run("UPDATE things SET n = 9 WHERE n = ?", 1), 2);
    EXPECT_EQ(c.run("UPDATE things SET n = 9 WHERE n = ?", 777), 0);
    EXPECT_EQ(c.run("DELETE FROM things WHERE id = ?", 777), 0);
    const auto ids = c.all("SELECT id FROM things ORDER BY id DESC", kFirstNumber);
    ASSERT_TRUE(ids);
    EXPECT_EQ(*ids, (std::vector<std::int64_t>{3, 2, 1}));
  });
}

TEST_F(ConnectionTest, OneGivesNothingForNoRow) {
  with([](Connection& c) {
    const auto none = c.one("SELECT id FROM things", kFirstNumber);
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->has_value());
  });
}

TEST_F(ConnectionTest, ErrorsAreOfTheRightKind) {
  with([](Connection& c) {
    ASSERT_TRUE(c.run("INSERT INTO things (id, name) VALUES (1, 'a')"));
    const auto kind = [&](auto result) { return result ? "no error" : std::string(to_string(result.error().kind)); };
    EXPECT_EQ(kind(c.run("INSERT INTO things (name) VALUES ('a')")), "conflict");
    EXPECT_EQ(kind(c.run("INSERT INTO things (id) VALUES (1)")), "conflict");
    EXPECT_EQ(kind(c.run("INSERT INTO things (n) VALUES ('text')")), "invalid");
    EXPECT_EQ(kind(c.run("SELEC")), "internal");
    EXPECT_EQ(kind(c.run("SELECT ?", 1, 2)), "internal");
    EXPECT_EQ(kind(c.prepare("SELECT 1; SELECT 2")), "internal");
    EXPECT_EQ(kind(c.prepare("  -- nothing")), "internal");
    EXPECT_EQ(kind(c.prepare("SELECT 1 ;\n ")), "no error");
    EXPECT_EQ(
        kind(c.all("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", kFirstNumber)),
        "too_large");
    EXPECT_FALSE(c.fault());
  });
}

TEST_F(ConnectionTest, ForeignKeysHold) {
  with([](Connection& c) {
    ASSERT_TRUE(c.exec("CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things (id)) STRICT"));
    EXPECT_FALSE(c.run("INSERT INTO parts VALUES (99)"));
  });
}

TEST_F(ConnectionTest, TheSameStatementCanBeOutTwice) {
  with([](Connection& c) {
    ASSERT_TRUE(c.run("INSERT INTO things (id) VALUES (1), (2)"));
    constexpr std::string_view sql = "SELECT id FROM things WHERE id >= ? ORDER BY id";
    auto outer = c.prepare(sql);
    outer->bind(1, 1);
    ASSERT_EQ(outer->step(), true);
    EXPECT_EQ(number_of(c, sql, 2), 2);
    EXPECT_EQ(outer->i64(0), 1);
    ASSERT_EQ(outer->step(), true);
    EXPECT_EQ(outer->i64(0), 2);
  });
}

TEST_F(ConnectionTest, AStatementComesBackFromTheCacheWithoutItsValues) {
  with([](Connection& c) {
    constexpr std::string_view sql = "SELECT coalesce(?, 'empty')";
    EXPECT_EQ(text_of(c, sql, "secret"), "secret");
    auto again = c.prepare(sql);
    ASSERT_TRUE(again);
    ASSERT_EQ(again->step(), true);
    EXPECT_EQ(again->text(0), "empty");
  });
}

TEST_F(ConnectionTest, TheCacheIsBounded) {
  with([](Connection& c) {
    for (std::size_t i = 0; i < 2 * kMaxCachedStatements; ++i) {
      ASSERT_EQ(number_of(c, "SELECT " + std::to_string(i)), static_cast<std::int64_t>(i));
    }
    std::size_t prepared = 0;
    for (sqlite3_stmt* s = sqlite3_next_stmt(c.handle(), nullptr); s != nullptr; s = sqlite3_next_stmt(c.handle(), s))
      ++prepared;
    EXPECT_EQ(prepared, kMaxCachedStatements);
  });
}

TEST_F(ConnectionTest, ATransactionRollsBackUnlessCommitted) {
  with([](Connection& c) {
    {
      auto t = Transaction::begin(c);
      ASSERT_TRUE(t);
      ASSERT_TRUE(c.run("INSERT INTO things (id) VALUES (1)"));
      EXPECT_FALSE(Transaction::begin(c));
    }
    EXPECT_FALSE(c.in_transaction());
    EXPECT_EQ(number_of(c, "SELECT count(*) FROM things"), 0);
    auto t = Transaction::begin(c);
    ASSERT_TRUE(t);
    ASSERT_TRUE(c.run("INSERT INTO things (id) VALUES (1)"));
    ASSERT_TRUE(t->commit());
    EXPECT_EQ(number_of(c, "SELECT count(*) FROM things"), 1);
  });
}

TEST_F(ConnectionTest, AfterSqliteRolledBackByItselfNothingIsWrittenOutsideTheTransaction) {
  with([](Connection& c) {
    auto t = Transaction::begin(c);
    ASSERT_TRUE(t);
    ASSERT_TRUE(c.run("INSERT INTO things (id) VALUES (1)"));
    EXPECT_FALSE(c.run("INSERT OR ROLLBACK INTO things (id) VALUES (1)"));
    // A careless caller goes on:
    const auto next = c.run("INSERT INTO things (id) VALUES (2)");
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().kind, ErrorKind::unavailable);
    EXPECT_FALSE(t->commit());
  });
  with([](Connection& c) { EXPECT_EQ(number_of(c, "SELECT count(*) FROM things"), 0); });
}

}  // namespace
}  // namespace ccd::storage
