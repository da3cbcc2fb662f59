#include "audit/anchor.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <sstream>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"

namespace ccd::audit {

namespace {

constexpr std::string_view kFormat = "ccd-audit-head-1";
// Four numbers or hashes and the format's name stay far below this.
constexpr std::size_t kMaxFile = 512;

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<> write_durably(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  {
    const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail_errno("write " + draft);
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(fd.get()) != 0) {
      return fail_errno("write " + draft);
    }
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail_errno("replace " + path);
  const auto folder = std::filesystem::path(path).parent_path();
  const UniqueFd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("sync the folder of " + path);
  return {};
}

}  // namespace

Anchor::Anchor(std::string path, const Key& key, const Clock& clock)
    : path_(std::move(path)), hmac_(key), clock_(&clock) {}

std::string Anchor::mac_of(const Head& head) const {
  return Hmac::Message(hmac_, kFormat).add(head.count).add(head.last_id).add(head.last_hash).add(head.at).hex();
}

Result<std::optional<Anchor::Head>> Anchor::read() const {
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::optional<Head>();
  if (!fd) return fail_errno("open " + path_);
  std::array<char, kMaxFile> buffer{};
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return fail_errno("read " + path_);
  std::istringstream words(std::string(buffer.data(), static_cast<std::size_t>(size)));
  std::string format, count, last_id, last_hash, at, mac;
  words >> format >> count >> last_id >> last_hash >> at >> mac;
  if (format == kFormat && number(count) && number(last_id) && number(at)) {
    Head head{.count = *number(count), .last_id = *number(last_id), .last_hash = last_hash, .at = *number(at)};
    if (equal_constant_time(mac, mac_of(head))) return std::optional(std::move(head));
  }
  return fail(ErrorKind::corrupt, path_ + " is damaged, forged, or of another key");
}

namespace {

const auto kNumber = [](const storage::Row& row) { return row.i64(0); };
const auto kText = [](const storage::Row& row) { return row.text(0); };

}  // namespace

Result<std::string> Anchor::fault_at_head(storage::Connection& connection, const Head& then) {
  if (then.count == 0) return std::string();
  const auto hash = TRY(connection.one("SELECT hash FROM audit_logs WHERE id = ?", kText, then.last_id));
  if (!hash) {
    return "row " + std::to_string(then.last_id) + ", the last one at " + iso_seconds(then.at) +
           ", is gone: rows were cut off";
  }
  if (*hash != then.last_hash) {
    return "row " + std::to_string(then.last_id) + " is not the one that stood there at " + iso_seconds(then.at) +
           ": the trail was rewritten";
  }
  return std::string();
}

Result<VerifyReport> Anchor::verify(storage::Connection& connection) const {
  const auto rows = TRY(connection.one("SELECT count(*) FROM audit_logs", kNumber)).value_or(0);
  const auto bad = [rows](std::int64_t id, std::string reason) {
    return VerifyReport{.rows = rows, .ok = false, .first_bad_id = id, .reason = std::move(reason)};
  };
  auto read_back = read();
  if (!read_back && read_back.error().kind == ErrorKind::corrupt) return bad(1, read_back.error().message);
  const auto then = TRY(std::move(read_back));
  if (!then) return rows == 0 ? VerifyReport{} : bad(1, path_ + " is missing, though the trail has rows");
  auto fault = TRY(fault_at_head(connection, *then));
  if (!fault.empty()) {
    const auto last = TRY(connection.one("SELECT max(id) FROM audit_logs", kNumber)).value_or(0);
    return bad(last < then->last_id ? last + 1 : then->last_id, std::move(fault));
  }
  if (rows < then->count)
    return bad(1, "there were " + std::to_string(then->count) + " rows at " + iso_seconds(then->at));
  return VerifyReport{.rows = rows};
}

Result<> Anchor::write(storage::Connection& connection) {
  const auto found = TRY(read());
  const Head then = found.value_or(Head{});
  const auto fault = TRY(fault_at_head(connection, then));
  if (!fault.empty()) {
    return fail(ErrorKind::corrupt, "the audit trail was tampered with: " + fault +
                                        ". To go on from what is left, move " + path_ + " aside.");
  }
  const auto added =
      TRY(connection.one("SELECT count(*) FROM audit_logs WHERE id > ?", kNumber, then.last_id)).value_or(0);
  if (found && added == 0) return {};
  const auto to_head = [&](const storage::Row& row) {
    return Head{.count = then.count + added, .last_id = row.i64(0), .last_hash = row.text(1), .at = 0};
  };
  auto now = TRY(connection.one("SELECT id, hash FROM audit_logs ORDER BY id DESC LIMIT 1", to_head)).value_or(Head{});
  if (!found && now.count > 0) {
    log_error("audit", "the head's file was missing: rows cut off before now cannot be noticed",
              {{"file", path_}, {"rows", now.count}});
  }
  now.at = clock_->wall();
  std::ostringstream line;
  line << kFormat << ' ' << now.count << ' ' << now.last_id << ' ' << now.last_hash << ' ' << now.at << ' '
       << mac_of(now) << '\n';
  TRY(write_durably(path_, line.str()));
  log_info("audit", "head anchored", {{"rows", now.count}, {"last_id", now.last_id}, {"hash", now.last_hash}});
  return {};
}

Task<void> Anchor::keep(storage::Database& database) {  // lint: outlives: the application's
  for (;;) {
    auto job = [this](storage::Connection& connection) { return write(connection); };
    const auto written = co_await database.run(job);
    if (!written) log_error("audit", "head not anchored", {{"error", written.error().message}});
    co_await sleep_for(kAnchorInterval);
  }
}

}  // namespace ccd::audit
