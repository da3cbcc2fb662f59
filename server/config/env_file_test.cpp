// The .env grammar, row by row, and the file's rights.
#include "config/env_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

namespace ccd::config {
namespace {

struct Accepted {
  const char* text;
  EnvEntries entries;
};

TEST(EnvFile, AcceptsItsGrammar) {
  const std::vector<Accepted> rows{
      {"", {}},
      {"\n\n   \n\t\n", {}},
      {"# comment\n  # another = one\n", {}},
      {"A=1", {{"A", "1"}}},
      {"A=1\r\nB=2\r\n", {{"A", "1"}, {"B", "2"}}},
      {"\xEF\xBB\xBF"
       "A=1\n",
       {{"A", "1"}}},
      {"A=", {{"A", ""}}},
      {"A=   ", {{"A", ""}}},
      {"A= # nothing", {{"A", ""}}},
      {"A=''\nB=\"\"", {{"A", ""}, {"B", ""}}},
      {"  export  A_b9=x y  ", {{"A_b9", "x y"}}},
      {"export=1", {{"export", "1"}}},
      {"A=a#b", {{"A", "a#b"}}},
      {"A=a #b", {{"A", "a"}}},
      {"A=#b", {{"A", ""}}},
      {"A=a=b==", {{"A", "a=b=="}}},
      {"A=$HOME ${X} $(id)", {{"A", "$HOME ${X} $(id)"}}},
      {"A='$HOME \\n \" # x'  # c", {{"A", "$HOME \\n \" # x"}}},
      {"A=\"a\\\\b\\\"c\\nd\\te\\$f # 'g'\"", {{"A", "a\\b\"c\nd\te$f # 'g'"}}},
      {"A=https://x.example:3000/p?q=1&r=2", {{"A", "https://x.example:3000/p?q=1&r=2"}}},
      {"A=/srv/one:/srv/two", {{"A", "/srv/one:/srv/two"}}},
      {"A=\xC3\xA9", {{"A", "\xC3\xA9"}}},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_env(row.text);
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, row.entries) << row.text;
  }
}

struct Refused {
  std::string text;
  const char* where;
  const char* why;
};

TEST(EnvFile, RefusesEverythingElseWithItsLine) {
  const std::vector<Refused> rows{
      {"A", "line 1", "must be followed by ="},
      {"\n\nA B=1", "line 3", "must be followed by ="},
      {"A =1", "line 1", "must be followed by ="},
      {"A= 1", "line 1", "white space behind A="},
      {"=1", "line 1", "NAME=value"},
      {"1A=1", "line 1", "NAME=value"},
      {"A-B=1", "line 1", "must be followed by ="},
      {"export A", "line 1", "must be followed by ="},
      {"A.B=1", "line 1", "must be followed by ="},
      {"source other.env", "line 1", "must be followed by ="},
      {"A='x", "line 1", "closing '"},
      {"A=\"x\n\"", "line 1", "closing \""},
      {"A=\"x\\\"", "line 1", "closing \""},
      {"A='x'y", "line 1", "text behind"},
      {"A='x'#y", "line 1", "text behind"},
      {"A=\"x\" y", "line 1", "text behind"},
      {"A=\"x\\y\"", "line 1", "unknown escape"},
      {"A=it's", "line 1", "single quotes"},
      {"A=a\\b", "line 1", "single quotes"},
      {"A=`id`", "line 1", "single quotes"},
      {"B=1\nA=1\nA=1", "line 3", "A is set a second time"},
      {std::string("A=x\0y", 5), "line 1", "control character"},
      {"A=x\x1b[2J", "line 1", "control character"},
      {"A=x\ry", "line 1", "control character"},
      {"A=\xff", "line 1", "UTF-8"},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_env(row.text);
    ASSERT_FALSE(parsed) << row.text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid);
    EXPECT_TRUE(parsed.error().message.starts_with(row.where)) << row.text << ": " << parsed.error().message;
    EXPECT_NE(parsed.error().message.find(row.why), std::string::npos) << row.text << ": " << parsed.error().message;
  }
}

TEST(EnvFile, NeverSaysAValue) {
  for (const char* text :
       {"SECRET='hunter2hunter2", "SECRET=\"hunter2hunter2", "SECRET=hunter2'hunter2", "SECRET= hunter2hunter2",
        "SECRET=\"hunter2hunter2\\q\"", "SECRET=hunter2hunter2\nSECRET=hunter2hunter2"}) {
    const auto parsed = parse_env(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos) << parsed.error().message;
  }
}

TEST(EnvFile, IsBounded) {
  std::string text;
  for (std::size_t i = 0; i < kMaxEnvEntries; ++i) text += "A" + std::to_string(i) + "=1\n";
  EXPECT_TRUE(parse_env(text));
  EXPECT_FALSE(parse_env(text + "B=1\n"));
}

class EnvFileOnDisk : public testing::Test {
 protected:
  EnvFileOnDisk() {
    std::string name = (std::filesystem::temp_directory_path() / "dashboard-env-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~EnvFileOnDisk() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(path(), std::ios::trunc) << text;
    ASSERT_EQ(::chmod(path().c_str(), mode), 0);
  }
  [[nodiscard]] std::string path() const { return (folder_ / ".env").string(); }
  std::filesystem::path folder_;
};

TEST_F(EnvFileOnDisk, IsReadWhenPrivate) {
  for (const mode_t mode : {0600U, 0400U}) {
    write("A=1\n", mode);
    const auto entries = read_env_file(path());
    ASSERT_TRUE(entries) << entries.error().message;
    EXPECT_EQ(*entries, (EnvEntries{{"A", "1"}}));
    std::filesystem::remove(path());
  }
}

TEST_F(EnvFileOnDisk, IsRefusedWhenOthersHaveAnyRight) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0644U, 0610U, 0777U}) {
    write("A=1\n", mode);
    const auto refused = read_env_file(path());
    ASSERT_FALSE(refused) << std::oct << mode;
    EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
    EXPECT_NE(refused.error().message.find("chmod 600 " + path()), std::string::npos) << refused.error().message;
  }
}

TEST_F(EnvFileOnDisk, SaysWhatIsWrongWithTheFile) {
  EXPECT_EQ(read_env_file(path()).error().kind, ErrorKind::not_found);
  EXPECT_EQ(read_env_file(folder_.string()).error().kind, ErrorKind::invalid);
  write("A=1\nB\n", 0600);
  EXPECT_TRUE(read_env_file(path()).error().message.starts_with(path() + ": line 2: "))
      << read_env_file(path()).error().message;
  write("A=" + std::string(kMaxEnvFileBytes, 'x'), 0600);
  EXPECT_FALSE(read_env_file(path()));
  std::filesystem::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_FALSE(read_env_file(path())) << "a FIFO, without waiting for its writer";
}

}  // namespace
}  // namespace ccd::config
