// The page in memory: what is found, encodings, revalidation, page routes.
#include "http/static_files.hpp"

#include <gtest/gtest.h>
#include <filesystem>
#include <fstream>

#include "http/test_server.hpp"

namespace ccd::http {
namespace {

void put(const std::string& path, std::string_view bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

Request get(std::string path, std::vector<std::pair<std::string, std::string>> headers = {}) {
  Request request;
  request.method = "GET";
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

class StaticFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    put(folder_.path("index.html"), "<html>");
    put(folder_.path("favicon.svg"), "<svg/>");
    put(folder_.path("assets/app-1a2b.js"), "plain script");
    put(folder_.path("assets/app-1a2b.js.br"), "brotli");
    put(folder_.path("assets/app-1a2b.js.gz"), "gzip!");
    put(folder_.path("lonely.css.br"), "x");
    put(folder_.path(".secret"), "hidden");
    std::filesystem::create_symlink("/etc/passwd", folder_.path("link.txt"));
    auto loaded = StaticFiles::load(folder_.path());
    ASSERT_TRUE(loaded) << loaded.error().message;
    files_ = std::move(*loaded);
  }

  TemporaryFolder folder_;
  StaticFiles files_;
};

TEST_F(StaticFilesTest, ServesTheBestEncodingTheClientTakes) {
  struct Row {
    const char* accept;
    const char* body;
    const char* coding;
  };
  for (const Row& row : std::vector<Row>{{"gzip, deflate, br", "brotli", "br"},
                                         {"gzip", "gzip!", "gzip"},
                                         {"", "plain script", ""},
                                         {"br;q=0, gzip;q=0.5", "gzip!", "gzip"},
                                         {"BR", "brotli", "br"},
                                         {"identity, br;q=0.0", "plain script", ""},
                                         {"brx", "plain script", ""}}) {
    const auto response = files_.serve(get("/assets/app-1a2b.js", {{"Accept-Encoding", row.accept}}));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->text_body(), row.body) << row.accept;
    EXPECT_EQ(response->header("Content-Encoding"), row.coding) << row.accept;
    EXPECT_EQ(response->header("Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(response->header("Cache-Control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(response->header("Vary"), "Accept-Encoding");
  }
}

TEST_F(StaticFilesTest, RevalidatesByTag) {
  const auto first = files_.serve(get("/"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->header("Cache-Control"), "no-cache");
  const std::string tag(first->header("ETag"));
  for (const std::string& match : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    const auto second = files_.serve(get("/", {{"If-None-Match", match}}));
    EXPECT_EQ(second->status, 304) << match;
    EXPECT_EQ(second->text_body(), "");
    EXPECT_EQ(second->header("ETag"), tag);
  }
  EXPECT_EQ(files_.serve(get("/", {{"If-None-Match", "\"x\""}}))->status, 200);
}

TEST_F(StaticFilesTest, PageRoutesGetThePageAndNothingElseDoes) {
  for (const char* path : {"/", "/login", "/s/build-1", "/s/build-1/files/a.cpp", "/inbox", "/apix", "/healthy"}) {
    const auto response = files_.serve(get(path));
    ASSERT_TRUE(response) << path;
    EXPECT_EQ(response->text_body(), "<html>") << path;
  }
  for (const char* path :
       {"/api", "/api/sessions", "/ws", "/health", "/health/live", "/metrics", "/missing.js", "/assets/none",
        "/assets/app-9.js", "/.secret", "/link.txt", "/lonely.css", "/../index.html", "*", ""})
    EXPECT_FALSE(files_.serve(get(path))) << path;
  Request post = get("/");
  post.method = "POST";
  EXPECT_FALSE(files_.serve(post));
}

TEST(StaticFiles, WithoutAPageThereIsAnError) {
  TemporaryFolder folder;
  const auto none = StaticFiles::load(folder.path());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::not_found);
  EXPECT_FALSE(StaticFiles::load(folder.path("absent")));
}

}  // namespace
}  // namespace ccd::http
