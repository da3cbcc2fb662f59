#include "http/access_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::http {

namespace {
// The text, printable, with nothing in it that ends a field of the line.
std::string escaped(std::string_view text, std::string_view also) {
  const std::string safe = printable(text);
  std::string out;
  out.reserve(safe.size());
  for (const char c : safe) {
    if (c == '"' || also.find(c) != std::string_view::npos)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(c));
    else out += c;
  }
  return out;
}

std::string word(std::string_view text) { return text.empty() ? "-" : escaped(text, " "); }
std::string quoted(std::string_view text) { return escaped(text, ""); }

// What somebody looks for can be a secret that they hope is not there: the word stays out of the log.
constexpr std::string_view kSearchWords = "q=";

std::string without_search_words(std::string_view target) {
  std::string out(target);
  for (std::size_t at = out.find('?'); at != std::string::npos; at = out.find('&', at + 1)) {
    if (std::string_view(out).substr(at + 1, kSearchWords.size()) != kSearchWords) continue;
    const std::size_t begin = at + 1 + kSearchWords.size();
    const std::size_t end = std::min(out.find('&', begin), out.size());
    out.replace(begin, end - begin, "*");
  }
  return out;
}

Result<UniqueFd> open_log(const std::string& path) {
  // O_NONBLOCK: a FIFO in the file's place must not hold the start.
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!file) return fail_errno("open " + path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("stat " + path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid, path + " is not a regular file");
  // In a shared /tmp somebody else can have made the file first, or linked ours to another name.
  if (status.st_uid != ::geteuid() || status.st_nlink != 1)
    return fail(ErrorKind::forbidden, path + " belongs to another user or has a second name: remove it");
  return file;
}

// The part that could not be written; empty when all was.
std::string_view write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return bytes;
}
}  // namespace

std::string access_line(const AccessEntry& entry) {
  const double milliseconds = std::chrono::duration<double, std::milli>(entry.took).count();
  return fmt::format("{} {} {} {} \"{}\" {} {} {:.1f}ms {}\n", iso_micros(entry.at), word(entry.remote_ip),
                     word(entry.principal), word(entry.method),
                     quoted(without_search_words(entry.target.substr(0, AccessLog::kMaxTarget))), entry.status,
                     entry.bytes, milliseconds, word(entry.id));
}

AccessLog::AccessLog(asio::any_io_executor executor, asio::thread_pool* pool, std::string path)
    : pool_(pool), path_(std::move(path)), wake_(std::move(executor)) {}

void AccessLog::open() {
  if (path_.empty()) return;
  if (file_) flush_now();
  auto file = open_log(path_);
  if (!file) {
    log_warn("http", "access log is off", {{"error", file.error().message}});
    file_.reset();
    return;
  }
  file_ = std::make_shared<UniqueFd>(std::move(*file));
}

void AccessLog::add(const AccessEntry& entry) {
  if (!file_) return;
  const std::size_t before = buffer_.size();
  const std::string line = access_line(entry);
  if (before + line.size() > kMaxBuffered) {
    ++dropped_;
    return;
  }
  buffer_ += line;
  if (before == 0 || (before < kFlushBytes && buffer_.size() >= kFlushBytes)) wake_.notify();
}

void AccessLog::flush_now() {
  if (!file_) return;
  if (!write_all(file_->get(), buffer_).empty()) log_warn("http", "access log could not be written", {{"path", path_}});
  buffer_.clear();
}

Task<void> AccessLog::flush() {
  auto lines = std::make_shared<const std::string>(std::exchange(buffer_, {}));
  auto write = [file = file_, lines] { return write_all(file->get(), *lines).size(); };
  const std::size_t lost = co_await run_on(*pool_, write);
  if (lost > 0) log_warn("http", "access log could not be written", {{"path", path_}, {"bytes", lost}});
  if (dropped_ > 0) {
    log_warn("http", "access log lines dropped: the disk does not keep up", {{"lines", dropped_}});
    metrics()
        .counter("http_access_log_dropped_total", "Access log lines dropped")
        .Increment(static_cast<double>(dropped_));
    dropped_ = 0;
  }
}

Task<void> AccessLog::run() {
  for (;;) {
    if (buffer_.empty()) co_await wake_.wait();
    if (buffer_.size() < kFlushBytes) co_await wake_.wait_for(kFlushInterval);
    if (!buffer_.empty() && file_) co_await flush();
  }
}

}  // namespace ccd::http
