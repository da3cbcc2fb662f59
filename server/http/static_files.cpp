#include "http/static_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "base/encoding.hpp"
#include "base/unique_fd.hpp"

namespace ccd::http {

namespace {
constexpr std::size_t kMaxDepth = 8;  // folders: the page has two

struct TypeOf {
  std::string_view extension;
  std::string_view type;
};
constexpr std::array<TypeOf, 17> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".ttf", "font/ttf"},
    {".wasm", "application/wasm"},
    {".txt", "text/plain; charset=utf-8"},
}};

std::string content_type(std::string_view path) {
  for (const auto& [extension, type] : kTypes)
    if (path.ends_with(extension)) return std::string(type);
  return "application/octet-stream";
}

// Strong: the first 128 bits of the SHA-256 of the bytes as sent. Two encodings differ in bytes, so in tag.
std::string etag_of(std::string_view bytes) {
  std::array<std::byte, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
  return '"' + hex_encode(std::span(digest).first(16)) + '"';
}

Result<std::string> read_whole(int fd, const std::string& name, std::size_t limit) {
  std::string out;
  std::array<char, 64 * 1024> part{};
  for (;;) {
    const ssize_t n = ::read(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + name);
    if (n == 0) return out;
    if (out.size() + static_cast<std::size_t>(n) > limit)
      return fail(ErrorKind::too_large, "the page's files are over 64 MiB in all: the wrong folder?");
    out.append(part.data(), static_cast<std::size_t>(n));
  }
}

struct Found {
  std::map<std::string, std::string> files;  // URL path to bytes
  std::size_t bytes = 0;
};

// `prefix`: the folder's URL path without a slash at its end.
Result<> collect(UniqueFd folder, const std::string& prefix, std::size_t depth, Found& found) {
  if (depth > kMaxDepth) return fail(ErrorKind::too_large, "the page's folders are nested too deeply: " + prefix);
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(folder.get()), &::closedir);
  if (!dir) return fail_errno("list " + prefix);
  const int at = folder.release();  // the DIR owns it now
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.')) continue;
    const std::string path = prefix + "/" + name;
    UniqueFd file(::openat(at, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file && errno == ELOOP) continue;  // a symbolic link
    if (!file) return fail_errno("open " + path);
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return fail_errno("stat " + path);
    if (S_ISDIR(status.st_mode)) {
      TRY(collect(std::move(file), path, depth + 1, found));
    } else if (S_ISREG(status.st_mode)) {
      if (found.files.size() == StaticFiles::kMaxFiles)
        return fail(ErrorKind::too_large, "the page has over 2000 files: the wrong folder?");
      std::string bytes = TRY(read_whole(file.get(), path, StaticFiles::kMaxTotalBytes - found.bytes));
      found.bytes += bytes.size();
      found.files.emplace(path, std::move(bytes));
    }
  }
  return {};
}

// True when Accept-Encoding names `coding` without forbidding it. "*" is not taken: no browser sends it alone.
bool accepts(std::string_view header, std::string_view coding) {
  while (!header.empty()) {
    std::string_view item = header.substr(0, header.find(','));
    header.remove_prefix(std::min(item.size() + 1, header.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    const std::string_view name = item.substr(0, item.find_first_of("; "));
    if (!equal_ignoring_case(name, coding)) continue;
    const std::size_t q = item.find("q=");
    if (q == std::string_view::npos) return true;
    return item.substr(q + 2).find_first_not_of("0. ") != std::string_view::npos;
  }
  return false;
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  return if_none_match == "*" || if_none_match.find(etag) != std::string_view::npos;
}

bool below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool page_route(std::string_view path) {
  for (const std::string_view other : {"/api", "/ws", "/health", "/metrics", "/assets"})
    if (below(path, other)) return false;
  return path.starts_with("/s/") || (path.starts_with('/') && path.find('.') == std::string_view::npos);
}
}  // namespace

Result<StaticFiles> StaticFiles::load(const std::string& directory) {
  UniqueFd folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_errno("open the page's folder " + directory);
  Found found;
  TRY(collect(std::move(folder), "", 0, found));
  StaticFiles out;
  const auto variant = [](std::string bytes) {
    Variant made;
    made.etag = etag_of(bytes);
    made.bytes = std::make_shared<const std::string>(std::move(bytes));
    return made;
  };
  for (auto& [path, bytes] : found.files) {
    const bool brotli = path.ends_with(".br");
    const bool encoded = brotli || path.ends_with(".gz");
    const std::string plain = encoded ? path.substr(0, path.size() - 3) : path;
    // An encoding without its plain file would be of no use to a client that does not take it.
    if (encoded && !found.files.contains(plain)) continue;
    File& file = out.files_[plain];
    file.content_type = content_type(plain);
    (brotli ? file.brotli : encoded ? file.gzip : file.identity) = variant(std::move(bytes));
  }
  if (!out.files_.contains("/index.html"))
    return fail(ErrorKind::not_found, "no index.html in " + directory + ": build the page first (npm run build)");
  return out;
}

const StaticFiles::File* StaticFiles::find(std::string_view path) const {
  if (const auto file = files_.find(path); file != files_.end()) return &file->second;
  if (page_route(path)) return &files_.find("/index.html")->second;
  return nullptr;
}

std::optional<Response> StaticFiles::serve(const Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  const File* file = find(request.path);
  if (file == nullptr) return std::nullopt;
  // Below /assets/ only files are found, never the page in their place, so the year's promise is about hashed names
  // alone.
  const bool hashed = request.path.starts_with("/assets/");
  const std::string_view accepted = request.header("accept-encoding");
  const Variant* chosen = &file->identity;
  std::string_view coding;
  if (file->brotli.bytes && accepts(accepted, "br")) {
    chosen = &file->brotli;
    coding = "br";
  } else if (file->gzip.bytes && accepts(accepted, "gzip")) {
    chosen = &file->gzip;
    coding = "gzip";
  }
  Response response;
  response.headers.emplace_back("ETag", chosen->etag);
  response.headers.emplace_back("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (file->brotli.bytes || file->gzip.bytes) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (etag_matches(request.header("if-none-match"), chosen->etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", file->content_type);
  if (!coding.empty()) response.headers.emplace_back("Content-Encoding", coding);
  response.body = chosen->bytes;
  return response;
}

}  // namespace ccd::http
