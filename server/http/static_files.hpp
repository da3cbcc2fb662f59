// The built page, held in memory and served without touching the disk.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "http/request.hpp"
#include "http/response.hpp"

namespace ccd::http {

class StaticFiles {
 public:
  // The page is a few MB; more means that the wrong folder was named.
  static constexpr std::size_t kMaxTotalBytes = 64 * 1024 * 1024;
  static constexpr std::size_t kMaxFiles = 2000;

  // Reads every regular file under `directory` (no dot files, no symbolic links). "x.js.br" and "x.js.gz" become
  // encodings of "x.js". index.html must be there.
  static Result<StaticFiles> load(const std::string& directory);

  // GET and HEAD of a file, or index.html for a page route: "/", "/s/..." and any path without a dot that is not /api,
  // /ws, /health, /metrics or /assets nor below one. None: not ours, the caller answers 404. ETag and If-None-Match
  // (304); /assets/ (hashed names) is immutable for a year, everything else is revalidated.
  [[nodiscard]] std::optional<Response> serve(const Request& request) const;

 private:
  struct Variant {
    std::shared_ptr<const std::string> bytes;  // null: this encoding is not there
    std::string etag;
  };
  struct File {
    std::string content_type;
    Variant identity;
    Variant brotli;
    Variant gzip;
  };
  [[nodiscard]] const File* find(std::string_view path) const;

  std::map<std::string, File, std::less<>> files_;  // by URL path: "/assets/index-1a2b.js"
};

}  // namespace ccd::http
