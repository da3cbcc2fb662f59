// One changed, missing or added byte anywhere in a backup file is found; any gunzip can read it.
#include "backup/archive.hpp"

#include <zlib.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/process.hpp"
#include "storage/testing.hpp"

namespace ccd::backup {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

class Archive : public testing::Test {
 protected:
  Archive() {
    std::mt19937 random(1);
    for (int i = 0; i < 3000; ++i)
      content_ += "row " + std::to_string(random() % 500) + (i % 7 == 0 ? std::string(20, '\0') : "x");
    write(folder_ / "plain", content_);
    packed_ = pack(folder_ / "plain", folder_ / "packed", {}).value();
  }
  Result<Unpacked> unpack_bytes(const std::string& bytes) {
    write(folder_ / "changed", bytes);
    std::filesystem::remove(folder_ / "out");
    return unpack(folder_ / "changed", folder_ / "out", {});
  }
  storage::TempFolder folder_{storage::TempFolder::On::memory};
  std::string content_;
  Packed packed_;
};

TEST_F(Archive, ComesBackAsItWas) {
  const auto back = unpack(folder_ / "packed", folder_ / "out", {});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->origin, Origin::ours);
  EXPECT_EQ(back->bytes, content_.size());
  EXPECT_EQ(back->sha256, packed_.sha256);
  EXPECT_EQ(packed_.bytes, std::filesystem::file_size(folder_ / "packed"));
  EXPECT_EQ(read(folder_ / "out"), content_);
}

TEST_F(Archive, AnyGunzipReadsIt) {
  asio::io_context loop;
  const auto ran = storage::finish(loop, run_process({.argv = {"gunzip", "-c", folder_ / "packed"}}));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->exit_code, 0) << ran->err;
  EXPECT_EQ(ran->err, "");
  EXPECT_EQ(ran->out, content_);
}

TEST_F(Archive, EveryFlippedBitOfEveryByteIsRefused) {
  const std::string good = read(folder_ / "packed");
  int refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    // All bits of what stands around the content, one bit a byte of the content itself.
    const bool around = at < 80 || at + 120 > good.size();
    for (int bit = around ? 0 : static_cast<int>(at % 8); bit < (around ? 8 : static_cast<int>(at % 8) + 1); ++bit) {
      changed[at] = static_cast<char>(good[at] ^ (1 << bit));
      const auto back = unpack_bytes(changed);
      ASSERT_FALSE(back) << "byte " << at << " bit " << bit;
      ASSERT_EQ(back.error().kind, ErrorKind::corrupt) << back.error().message;
      ++refused;
    }
  }
  RecordProperty("refused", refused);
}

TEST_F(Archive, EveryLengthButItsOwnIsRefused) {
  const std::string good = read(folder_ / "packed");
  for (std::size_t size = 0; size < good.size(); size += size < 200 || size + 200 > good.size() ? 1 : 37)
    ASSERT_FALSE(unpack_bytes(good.substr(0, size))) << size;
  EXPECT_FALSE(unpack_bytes(good + '\0'));
  EXPECT_FALSE(unpack_bytes(good + good));
  EXPECT_TRUE(unpack_bytes(good));
}

TEST_F(Archive, AFileOfAnotherGzipIsTakenForWhatItIs) {
  gzFile file = gzopen((folder_ / "foreign").c_str(), "wb");
  ASSERT_EQ(gzwrite(file, content_.data(), static_cast<unsigned>(content_.size())), static_cast<int>(content_.size()));
  gzclose(file);
  const auto back = unpack(folder_ / "foreign", folder_ / "out", {});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->origin, Origin::foreign);
  EXPECT_EQ(read(folder_ / "out"), content_);
  EXPECT_FALSE(unpack_bytes(read(folder_ / "foreign") + "x"));
  EXPECT_EQ(unpack_bytes("no gzip at all").error().kind, ErrorKind::corrupt);
  EXPECT_EQ(unpack_bytes("").error().kind, ErrorKind::corrupt);
}

TEST_F(Archive, AStopEndsIt) {
  const auto no = [] { return false; };
  EXPECT_EQ(pack(folder_ / "plain", folder_ / "other", no).error().kind, ErrorKind::cancelled);
  EXPECT_EQ(unpack(folder_ / "packed", folder_ / "out", no).error().kind, ErrorKind::cancelled);
}

}  // namespace
}  // namespace ccd::backup
