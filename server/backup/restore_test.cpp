// Restoring keeps the old database, refuses damage, and survives being cut off; a damaged database at start is set aside.
#include "backup/restore.hpp"

#include <filesystem>
#include <fstream>

#include "backup/folder.hpp"
#include "storage/file_state.hpp"
#include "storage/testing.hpp"

namespace ccd::backup {
namespace {

namespace fs = std::filesystem;
using storage::Connection;

const std::vector<storage::Migration> kSchema{
    {.name = "test/001", .sql = "CREATE TABLE a (n INTEGER PRIMARY KEY, filler TEXT) STRICT"}};

class Restore : public testing::Test {
 protected:
  void fill(int from, int to) {
    auto database = storage::open_or_fail(path_, loop_);
    ASSERT_TRUE(database->migrate(kSchema));
    for (int n = from; n <= to; ++n)
      ASSERT_TRUE(database->transact_now(
          [n](Connection& c) { return c.run("INSERT INTO a VALUES (?, ?)", n, std::string(500, 'x')); }));
    // No close(): the write-ahead log stays, as after a kill.
  }
  std::int64_t rows(const std::string& path) {
    auto database = storage::open_or_fail(path, loop_);
    return database->run_now([](Connection& c) { return c.one("SELECT count(*) FROM a", storage::kFirstNumber); })
        .value()
        .value();
  }
  std::string back_up() {
    return make({.database_path = path_, .folder = folder_ / "backups", .keep = 9}, clock_, {}).value().path;
  }
  Result<std::unique_ptr<storage::Database>> start() {
    return open_or_set_aside({.path = path_}, loop_.get_executor(), folder_ / "backups", clock_);
  }
  void damage() {
    {
      auto database = storage::open_or_fail(path_, loop_);
      ASSERT_TRUE(storage::finish(loop_, database->close()));
    }
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 1; page < 6; ++page) {
      file.seekp(page * 4096);
      file << std::string(4000, '\x5a');
    }
  }
  std::vector<std::string> with_name(const std::string& part) {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      if (const std::string name = entry.path().filename();
          name.find(part) != std::string::npos && !name.ends_with("-shm") &&
          (!name.ends_with("-wal") || part.find("wal") != std::string::npos))
        found.push_back(entry.path());
    return found;
  }

  storage::TempFolder folder_{storage::TempFolder::On::memory};
  const std::string path_ = folder_ / "test.db";
  asio::io_context loop_;
  SystemClock clock_;
};

TEST_F(Restore, PutsTheBackupInPlaceAndKeepsTheOldOneWithItsLog) {
  fill(1, 10);
  const std::string file = back_up();
  fill(11, 30);
  ASSERT_TRUE(fs::file_size(path_ + "-wal") > 0);
  const auto restored = restore(file, path_, clock_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->from.rows.at("a"), 10);
  EXPECT_EQ(restored->from.origin, Origin::ours);
  EXPECT_FALSE(fs::exists(path_ + "-wal"));
  EXPECT_EQ(rows(path_), 10);
  EXPECT_EQ(rows(restored->kept_as), 30) << "the old one has its log with it";
}

TEST_F(Restore, WhereThereIsNoDatabase) {
  fill(1, 10);
  const std::string file = back_up();
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path_ + suffix);
  const auto restored = restore(file, path_, clock_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->kept_as, "");
  EXPECT_EQ(rows(path_), 10);
}

TEST_F(Restore, ADamagedFileChangesNothing) {
  fill(1, 10);
  const std::string file = back_up();
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(4);  // the time in gzip's header, which gunzip ignores
  bytes.put('\x7f');
  bytes.close();
  const auto restored = restore(file, path_, clock_);
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(rows(path_), 10);
  EXPECT_TRUE(with_name("before-restore").empty());
  EXPECT_TRUE(with_name(".restoring").empty());
}

TEST_F(Restore, APlainDatabaseFileIsTakenAndCalledForeign) {
  fill(1, 10);
  fs::copy_file(path_, folder_ / "copy.db");
  fs::copy_file(path_ + "-wal", folder_ / "copy.db-wal");
  fill(11, 12);
  const auto restored = restore(folder_ / "copy.db", path_, clock_);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->from.origin, Origin::foreign);
  EXPECT_EQ(rows(path_), 10);
}

TEST_F(Restore, ByHandWithTheOldLogLeftBesideIt) {
  fill(1, 10);
  const std::string file = back_up();
  fill(11, 30);
  // What runbooks print: gunzip < file > database, with nobody thinking of the log.
  ASSERT_TRUE(unpack(file, folder_ / "plain", {}));
  fs::copy_file(folder_ / "plain", path_, fs::copy_options::overwrite_existing);
  const auto database = start();
  ASSERT_TRUE(database) << database.error().message;
  EXPECT_EQ((*database)
                ->run_now([](Connection& c) { return c.one("SELECT count(*) FROM a", storage::kFirstNumber); })
                .value()
                .value(),
            10);
  EXPECT_EQ(with_name("-wal.stale-").size(), 1U);
}

TEST_F(Restore, ADamagedDatabaseIsSetAsideUntilSomethingElseStandsThere) {
  fill(1, 100);
  const std::string file = back_up();
  damage();
  std::ifstream before(path_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(before), {}};
  const auto refused = start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  EXPECT_NE(refused.error().message.find("dashboard restore " + file), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("rm " + path_), std::string::npos);
  const auto aside = with_name("test.db.damaged-");
  ASSERT_EQ(aside.size(), 1U);
  std::ifstream after(aside.front(), std::ios::binary);
  EXPECT_TRUE(bytes == std::string(std::istreambuf_iterator<char>(after), {})) << "not a byte of it is changed";
  // Restarts by a supervisor: the same words, and no second copy.
  const auto again = start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, refused.error().message);
  EXPECT_EQ(with_name("test.db.damaged-").size(), 1U);
  ASSERT_TRUE(restore(file, path_, clock_));
  EXPECT_EQ(rows(path_), 100);
}

TEST_F(Restore, AfterRmItStartsEmpty) {
  fill(1, 100);
  damage();
  ASSERT_FALSE(start());
  fs::remove(path_);
  EXPECT_TRUE(start());
}

TEST_F(Restore, DoesNotNameADamagedBackup) {
  fill(1, 100);
  const std::string good = back_up();
  const std::string bad = back_up();
  std::ofstream(bad, std::ios::binary | std::ios::app) << "x";
  damage();
  const auto refused = start();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(good), std::string::npos) << refused.error().message;
  EXPECT_EQ(refused.error().message.find(bad), std::string::npos);
}

}  // namespace
}  // namespace ccd::backup
