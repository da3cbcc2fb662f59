// Pictures in a project: where they go, what is refused.
#include "files/upload.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace ccd::files {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\nrest";
constexpr WallMicros kNow = 1'700'000'000'000'000;

class Upload : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "upload.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    fs::create_directories(folder_ / "root/project");
    auto roots = Roots::open({(folder_ / "root").string()});
    ASSERT_TRUE(roots);
    roots_.emplace(std::move(*roots));
    project_ = (folder_ / "root/project").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_;
  std::optional<Roots> roots_;
  std::string project_;
};

TEST_F(Upload, IsAFileInTheProjectThatGitDoesNotSee) {
  const auto path = save_upload(*roots_, project_, kPng, "my shot; rm -rf $HOME.png", "ab12", kNow);
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(*path, project_ + "/.dashboard-uploads/20231114T221320Z-my-shot-rm-rf-HOME-ab12.png");
  EXPECT_EQ(content(*path), kPng);
  EXPECT_EQ(content(project_ + "/.dashboard-uploads/.gitignore"), "*\n");
  EXPECT_EQ(fs::status(*path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto second = save_upload(*roots_, project_, kPng, "../../x/y.png", "cd34", kNow);
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, project_ + "/.dashboard-uploads/20231114T221320Z-y-cd34.png");
}

TEST_F(Upload, NeverReplacesAFile) {
  ASSERT_TRUE(save_upload(*roots_, project_, kPng, "a", "1", kNow));
  const auto again = save_upload(*roots_, project_, kPng, "a", "1", kNow);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
}

TEST_F(Upload, RefusesWhatIsNoPictureWhateverItsName) {
  for (const std::string_view bytes : {"#!/bin/sh\n", "", "RIFF....WAVE", "<svg>", "\x89PNG"}) {
    const auto path = save_upload(*roots_, project_, bytes, "a.png", "1", kNow);
    ASSERT_FALSE(path) << bytes;
    EXPECT_EQ(path.error().kind, ErrorKind::invalid);
  }
  EXPECT_EQ(picture_extension("GIF89a..."), "gif");
  EXPECT_EQ(picture_extension("\xff\xd8\xff\xe0"), "jpg");
  EXPECT_EQ(picture_extension("RIFF....WEBPVP8 "), "webp");
}

TEST_F(Upload, StaysInsideTheRootsAndFollowsNoLink) {
  const auto outside = save_upload(*roots_, folder_.string(), kPng, "a", "1", kNow);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().kind, ErrorKind::forbidden);
  fs::create_directories(folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", fs::path(project_) / kUploadFolder);
  const auto linked = save_upload(*roots_, project_, kPng, "a", "1", kNow);
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(fs::is_empty(folder_ / "elsewhere"));
}

TEST_F(Upload, IsBounded) {
  std::string large(kPng);
  large.resize(kMaxUploadBytes + 1);
  const auto path = save_upload(*roots_, project_, large, "a", "1", kNow);
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().kind, ErrorKind::too_large);
  fs::create_directories(fs::path(project_) / kUploadFolder);
  for (std::size_t i = 0; i < kMaxUploads; ++i) std::ofstream(fs::path(project_) / kUploadFolder / std::to_string(i));
  const auto one_more = save_upload(*roots_, project_, kPng, "a", "1", kNow);
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().kind, ErrorKind::conflict);
}

}  // namespace
}  // namespace ccd::files
