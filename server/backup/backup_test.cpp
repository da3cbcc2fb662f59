// Backups of a database that is being written, of a damaged one, on a full disk, and cut off by kill -9.
#include "backup/backup.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "backup/folder.hpp"
#include "storage/testing.hpp"

namespace ccd::backup {
namespace {

namespace fs = std::filesystem;
using storage::Connection;
using storage::kFirstNumber;

// BACKUPS in the environment sets more.
constexpr int kBackups = 20;
constexpr std::uint32_t kSeed = 4;

// Two tables that agree in every commit: a copy of no one moment shows as a difference.
const std::vector<storage::Migration> kSchema{
    {.name = "test/001",
     .sql =
         "CREATE TABLE a (n INTEGER PRIMARY KEY, filler BLOB) STRICT; CREATE TABLE b (n INTEGER PRIMARY KEY) STRICT"}};

Result<> insert(storage::Database& database, std::int64_t n) {
  return database.transact_now([n](Connection& c) -> Result<> {
    TRY(c.run("INSERT INTO a VALUES (?, randomblob(?))", n, n * 7919 % 20'000));
    TRY(c.run("INSERT INTO b VALUES (?)", n));
    TRY(c.run("DELETE FROM a WHERE n = ? - 300", n));
    TRY(c.run("DELETE FROM b WHERE n = ? - 300", n));
    return {};
  });
}

class Backups : public testing::Test {
 protected:
  void open() {
    database_ = storage::open_or_fail(folder_ / "test.db", loop_);
    ASSERT_TRUE(database_->migrate(kSchema));
  }
  Source source(std::size_t keep = 1000) {
    return {.database_path = folder_ / "test.db", .folder = folder_ / "backups", .keep = keep};
  }
  // What is wrong with a published file; empty when nothing is. `last` becomes its highest number.
  std::string fault_in(const std::string& path, std::int64_t* last) {
    const std::string to = folder_ / "restored.db";
    fs::remove(to);
    const auto verified = unpack_and_check(path, to, {});
    if (!verified) return verified.error().message;
    const auto c = storage::open_to_read(to);
    if (storage::number_of(**c, "SELECT count(*) FROM (SELECT n FROM a EXCEPT SELECT n FROM b)") != 0)
      return "a torn commit";
    if (storage::number_of(**c, "SELECT count(*) FROM (SELECT n FROM b EXCEPT SELECT n FROM a)") != 0)
      return "a torn commit";
    *last = storage::number_of(**c, "SELECT coalesce(max(n), 0) FROM b");
    const auto rows = storage::number_of(**c, "SELECT count(*) FROM b");
    return rows == std::min<std::int64_t>(*last, 300) ? "" : "rows are missing";
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_ / "backups")) found.push_back(entry.path().filename());
    return found;
  }

  storage::TempFolder folder_{storage::TempFolder::On::memory};
  asio::io_context loop_;
  SystemClock clock_;
  std::unique_ptr<storage::Database> database_;
};

TEST_F(Backups, IsPrivateWholeAndLeavesNothingElse) {
  open();
  for (int n = 1; n <= 20; ++n) ASSERT_TRUE(insert(*database_, n));
  const auto made = make(source(), clock_, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(fs::status(made->path).permissions(), fs::perms(0600));
  EXPECT_EQ(fs::status(folder_ / "backups").permissions(), fs::perms(0700));
  EXPECT_EQ(names().size(), 3U) << "the file, the lock, and how it went";
  EXPECT_TRUE(time_of(fs::path(made->path).filename().string()));
  std::int64_t last = 0;
  EXPECT_EQ(fault_in(made->path, &last), "");
  EXPECT_EQ(last, 20);
  const auto again = make(source(), clock_, {});
  ASSERT_TRUE(again);
  EXPECT_NE(again->path, made->path) << "two of one second are two files";
}

TEST_F(Backups, KeepsTheNewestAndWhatIsNotOurs) {
  open();
  ASSERT_TRUE(make(source(), clock_, {}));
  for (const char* name : {"notes.txt", "dashboard_20241215_020000.db", ".dashboard_draft_1_copy.db"})
    std::ofstream(folder_ / ("backups/" + std::string(name))) << "x";
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(make(source(2), clock_, {}));
  EXPECT_EQ(list(folder_ / "backups")->size(), 2U);
  EXPECT_TRUE(fs::exists(folder_ / "backups/notes.txt"));
  EXPECT_TRUE(fs::exists(folder_ / "backups/dashboard_20241215_020000.db"));
  EXPECT_FALSE(fs::exists(folder_ / "backups/.dashboard_draft_1_copy.db")) << "what a killed one left goes";
}

TEST_F(Backups, OfADamagedDatabaseIsRefusedAndTheOldOnesStay) {
  open();
  for (int n = 1; n <= 200; ++n) ASSERT_TRUE(insert(*database_, n));
  ASSERT_TRUE(make(source(1), clock_, {}));
  ASSERT_TRUE(storage::finish(loop_, database_->close()));
  database_.reset();
  std::fstream file(folder_ / "test.db", std::ios::in | std::ios::out | std::ios::binary);
  for (int page = 3; page < 40; ++page) {
    file.seekp(page * 4096);
    file << std::string(200, '\x5a');
  }
  file.close();
  const auto made = make(source(1), clock_, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::corrupt) << made.error().message;
  EXPECT_EQ(list(folder_ / "backups")->size(), 1U);
}

TEST_F(Backups, OneAtATimeInAFolder) {
  open();
  const auto held = enter(folder_ / "backups");
  ASSERT_TRUE(held);
  EXPECT_EQ(make(source(), clock_, {}).error().kind, ErrorKind::conflict);
}

TEST_F(Backups, AStopPublishesNothing) {
  open();
  for (int n = 1; n <= 300; ++n) ASSERT_TRUE(insert(*database_, n));
  for (int calls = 0; calls < 12; ++calls) {
    int left = calls;
    const auto made = make(source(), clock_, [&left] { return --left >= 0; });
    ASSERT_FALSE(made) << calls;
    EXPECT_EQ(made.error().kind, ErrorKind::cancelled) << made.error().message;
    ASSERT_EQ(names().size(), 1U) << "only the lock";
  }
}

[[noreturn]] void write_for_ever(const std::string& path, int acknowledge) {
  asio::io_context loop;
  auto database = storage::Database::open({.path = path}, loop.get_executor());
  if (!database) ::_exit(2);
  std::int64_t n = (*database)
                       ->run_now([](Connection& c) { return c.one("SELECT coalesce(max(n), 0) FROM b", kFirstNumber); })
                       .value()
                       .value();
  for (;;) {
    if (!insert(**database, ++n) || ::write(acknowledge, &n, sizeof n) != sizeof n) ::_exit(3);
  }
}

// A child that works for ever ends with the test, however that ends.
void end_with_the_test() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

[[noreturn]] void back_up_for_ever(const Source& source) {
  const SystemClock clock;
  for (;;) static_cast<void>(make(source, clock, {}));
}

std::int64_t read_available(int fd) {
  std::int64_t n = 0;
  std::int64_t last = 0;
  while (::read(fd, &n, sizeof n) == sizeof n) last = n;
  return last;
}

// A process writes all the time, another makes backups all the time and is killed at random moments: every file that was published is whole, and holds
// all that was acknowledged before it was begun.
TEST_F(Backups, UnderLoadAndKillsEveryPublishedFileRestores) {
  open();
  ASSERT_TRUE(insert(*database_, 1));
  database_.reset();
  const char* wanted = std::getenv("BACKUPS");
  const int target = wanted == nullptr ? kBackups : std::atoi(wanted);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    end_with_the_test();
    ::fcntl(ends[1], F_SETFL, 0);
    write_for_ever(folder_ / "test.db", ends[1]);
  }
  ::close(ends[1]);
  // Killed within this many microseconds; found out on the way, so that about every second one is published on any machine.
  double limit = 200'000;
  std::mt19937 random(kSeed);
  int kills = 0;
  int published = 0;
  int flips = 0;
  while (published < target && !HasFailure()) {
    const std::int64_t before = std::max<std::int64_t>(read_available(ends[0]), 1);
    const pid_t child = ::fork();
    if (child == 0) {
      end_with_the_test();
      back_up_for_ever(source());
    }
    ::usleep(static_cast<useconds_t>(std::uniform_real_distribution<double>(1'000, limit)(random)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ++kills;
    const auto entries = list(folder_ / "backups");
    limit *= entries && !entries->empty() ? 0.9 : 1.2;
    for (const Entry& entry : entries ? *entries : std::vector<Entry>()) {
      const std::string path = folder_ / ("backups/" + entry.name);
      std::int64_t last = 0;
      ASSERT_EQ(fault_in(path, &last), "") << path;
      ASSERT_GE(last, before) << path << ": an acknowledged commit is not in it";
      // One changed byte, anywhere.
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      const auto at =
          std::uniform_int_distribution<std::streamoff>(0, static_cast<std::streamoff>(entry.bytes) - 1)(random);
      file.seekg(at);
      const char was = static_cast<char>(file.get());
      file.seekp(at);
      file.put(static_cast<char>(was ^ (1 << (random() % 8))));
      file.close();
      ASSERT_NE(fault_in(path, &last), "") << path << " byte " << at;
      ++flips;
      ++published;
      fs::remove(path);
    }
  }
  ::kill(writer, SIGKILL);
  ::waitpid(writer, nullptr, 0);
  ::close(ends[0]);
  std::printf("backups under load: %d published, all restored; %d kills; %d flipped bytes refused\n", published, kills,
              flips);
  EXPECT_GE(kills, 2);
}

}  // namespace
}  // namespace ccd::backup
