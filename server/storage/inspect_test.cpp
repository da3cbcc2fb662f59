// Copies and checks beside a writer; and the `sqlite3` program for operators.
#include "storage/inspect.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/process.hpp"
#include "storage/file_state.hpp"
#include "storage/testing.hpp"

namespace ccd::storage {
namespace {

const std::vector<Migration> kSchema{
    {.name = "test/001",
     .sql =
         "CREATE TABLE a (n INTEGER PRIMARY KEY, filler BLOB) STRICT; CREATE TABLE b (n INTEGER REFERENCES a) STRICT;"
         "CREATE TABLE sessions (id TEXT, status TEXT) STRICT; INSERT INTO sessions VALUES ('s1', 'active'), ('s2', "
         "'exited')"}};

class Inspect : public testing::Test {
 protected:
  Inspect() : database_(open_or_fail(path_, loop_)) { EXPECT_TRUE(database_->migrate(kSchema)); }
  Result<> insert(std::int64_t n) {
    return database_->transact_now([n](Connection& c) -> Result<> {
      TRY(c.run("INSERT INTO a VALUES (?, zeroblob(3000))", n));
      TRY(c.run("INSERT INTO b VALUES (?)", n));
      return {};
    });
  }
  TempFolder folder_{TempFolder::On::memory};
  const std::string path_ = folder_ / "test.db";
  asio::io_context loop_;
  std::unique_ptr<Database> database_;
};

TEST_F(Inspect, ACopyIsOfOneMomentAndEndsAlthoughTheWriterNeverRests) {
  for (int n = 1; n <= 2000; ++n) ASSERT_TRUE(insert(n));
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> written{2000};
  std::thread writer([&] {
    while (!stop && insert(written + 1)) ++written;
  });
  const auto began = written.load();
  const auto copied = copy_database(path_, folder_ / "copy.db", {});
  const auto ended = written.load();
  stop = true;
  writer.join();
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_GT(copied->pages, 1000);
  const auto copy = open_to_read(folder_ / "copy.db");
  ASSERT_TRUE(copy);
  EXPECT_TRUE(find_damage(**copy, {})->empty());
  const auto rows = count_rows(**copy).value();
  EXPECT_EQ(rows.at("a"), rows.at("b"));
  EXPECT_GE(rows.at("a"), began);
  EXPECT_LE(rows.at("a"), ended + 1);
  EXPECT_EQ(applied_migrations(**copy).value(), std::vector<std::string>{"test/001"});
}

TEST_F(Inspect, ACopyIsNotMadeOverAFile) {
  std::ofstream(folder_ / "copy.db") << "mine";
  EXPECT_EQ(copy_database(path_, folder_ / "copy.db", {}).error().kind, ErrorKind::conflict);
}

TEST_F(Inspect, ABrokenReferenceIsAFinding) {
  ASSERT_TRUE(database_->run_now([](Connection& c) {
    return c.exec("PRAGMA foreign_keys = OFF; INSERT INTO b VALUES (99); PRAGMA foreign_keys = ON");
  }));
  const auto connection = open_to_read(path_);
  const auto findings = find_damage(**connection, {}).value();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings.front().find("of b points to a row of a"), std::string::npos) << findings.front();
}

TEST_F(Inspect, WritesNothing) {
  const auto connection = open_to_read(path_);
  EXPECT_FALSE((*connection)->run("INSERT INTO sessions VALUES ('x', 'y')"));
  EXPECT_EQ(open_to_read(folder_ / "absent.db").error().kind, ErrorKind::not_found);
  std::ofstream(folder_ / "text") << std::string(4096, 'x');
  EXPECT_EQ(open_to_read(folder_ / "text").error().kind, ErrorKind::corrupt);
}

TEST_F(Inspect, ALogBesideAFileWithoutOneIsSetAside) {
  ASSERT_TRUE(insert(1));
  EXPECT_FALSE(set_aside_stale_log(path_, 0)->has_value()) << "its own log stays";
  ASSERT_TRUE(copy_database(path_, folder_ / "copy.db", {}));
  std::filesystem::copy_file(path_ + "-wal", folder_ / "copy.db-wal");
  const auto aside = set_aside_stale_log(folder_ / "copy.db", 1'800'000'000'000'000).value();
  ASSERT_TRUE(aside);
  EXPECT_EQ(*aside, folder_ / "copy.db-wal.stale-20270115_080000");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "copy.db-wal"));
}

class Shell : public Inspect {
 protected:
  ProcessOutput shell(std::vector<std::string> arguments, std::string input = "") {
    arguments.insert(arguments.begin(), std::string(std::getenv("DASHBOARD_BUILD")) + "/server/storage/sqlite3");
    const auto ran = finish(loop_, run_process({.argv = std::move(arguments), .input = std::move(input)}));
    EXPECT_TRUE(ran) << ran.error().message;
    return ran.value_or(ProcessOutput{});
  }
};

TEST_F(Shell, TakesWhatRunbooksPrint) {
  if (std::getenv("DASHBOARD_BUILD") == nullptr) GTEST_SKIP() << "skipped: run by ctest";
  EXPECT_EQ(shell({path_, "PRAGMA integrity_check;"}).out, "ok\n");
  EXPECT_EQ(shell({path_, "SELECT COUNT(*) FROM sessions WHERE status='active';"}).out, "1\n");
  EXPECT_NE(shell({path_, "SELECT name FROM sqlite_master WHERE type='table';"}).out.find("sessions\n"),
            std::string::npos);
  EXPECT_NE(shell({path_, "EXPLAIN QUERY PLAN SELECT * FROM sessions;"}).out.find("SCAN sessions"), std::string::npos);
  EXPECT_EQ(shell({path_, "PRAGMA journal_mode = WAL;"}).out, "wal\n");
  EXPECT_EQ(shell({path_, "PRAGMA page_size = 4096;"}).exit_code, 0);
  // Beside the server, which goes on writing.
  const auto vacuumed = shell({path_, "VACUUM; ANALYZE;"});
  EXPECT_EQ(vacuumed.exit_code, 0) << vacuumed.err;
  ASSERT_TRUE(insert(1));
  EXPECT_EQ(shell({path_, ".backup " + (folder_ / "backup.db")}).exit_code, 0);
  EXPECT_EQ(shell({folder_ / "backup.db", "PRAGMA integrity_check;"}).out, "ok\n");
  EXPECT_EQ(shell({folder_ / "backup.db", "SELECT count(*) FROM a"}).out, "1\n");
  EXPECT_EQ(std::filesystem::status(folder_ / "backup.db").permissions(), std::filesystem::perms(0600));
}

TEST_F(Shell, FormsOfRowsErrorsAndInput) {
  if (std::getenv("DASHBOARD_BUILD") == nullptr) GTEST_SKIP() << "skipped: run by ctest";
  const std::string query = "SELECT id, status, NULL AS none FROM sessions";
  EXPECT_EQ(shell({path_, query}).out, "s1|active|\ns2|exited|\n");
  EXPECT_EQ(shell({"-header", "-csv", path_, query}).out, "id,status,none\r\ns1,active,\r\ns2,exited,\r\n");
  EXPECT_EQ(
      shell({"-json", path_, query}).out,
      "[{\"id\":\"s1\",\"status\":\"active\",\"none\":null},\n{\"id\":\"s2\",\"status\":\"exited\",\"none\":null}]\n");
  EXPECT_EQ(shell({path_}, "SELECT 1;\nSELECT\n 2;\n.quit\nSELECT 3;").out, "1\n2\n");
  const auto wrong = shell({path_, "SELECT * FROM absent"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_NE(wrong.err.find("no such table: absent"), std::string::npos);
  EXPECT_EQ(shell({"-readonly", path_, "DELETE FROM sessions"}).exit_code, 1);
  EXPECT_EQ(shell({"-readonly", folder_ / "absent.db", "SELECT 1"}).exit_code, 1);
}

}  // namespace
}  // namespace ccd::storage
