// Chooses what may go, and deletes it one file at a time in an order in which every prefix leaves readable logs.
#include "recording/retention.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "recording/format.hpp"
#include "recording/keyframes.hpp"
#include "recording/session_folder.hpp"

namespace ccd::recording {
namespace {

constexpr mode_t kOwnerFile = 0600;

struct Segment {
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;
  std::int64_t written_nanos = 0;  // last
};

// One session's files. Segments and keyframes are deleted from the front.
class Record {
 public:
  static Result<Record> open(const RetentionSession& session);

  [[nodiscard]] bool running() const { return running_; }
  [[nodiscard]] bool still_written() const { return still_written_; }
  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] std::size_t segments() const { return segments_.size() - gone_; }
  [[nodiscard]] const Segment& oldest() const { return segments_[gone_]; }
  [[nodiscard]] std::uint64_t log_bytes() const { return log_bytes_; }
  [[nodiscard]] std::uint64_t bytes() const { return log_bytes_ + other_bytes_; }
  // Up to here a new model needs no byte of the log.
  [[nodiscard]] std::uint64_t covered();
  // Nothing more goes: what went wrong once would go wrong again.
  void give_up(const Error& error);

  Result<> delete_oldest();
  // Leaves an empty segment in place of the newest one, so that offsets go on where they were.
  Result<> empty_newest();

 private:
  Result<> list_segments();

  std::string dir_;
  bool running_ = false;
  bool still_written_ = false;
  UniqueFd log_;
  std::vector<Segment> segments_;
  std::size_t gone_ = 0;
  std::uint64_t log_bytes_ = 0;
  std::uint64_t other_bytes_ = 0;  // marks and keyframes
  std::vector<KeyframeInfo> keyframes_;
  std::optional<std::uint64_t> covered_;
};

Result<Record> Record::open(const RetentionSession& session) {
  Record record;
  record.dir_ = session.dir;
  // A tap that still writes makes a session a running one, whatever its state is said to be.
  record.still_written_ = session.state == RetentionSession::State::ended && tap_running(session.dir).value_or(false);
  record.running_ = session.state == RetentionSession::State::running || record.still_written_;
  TRY(record.list_segments());
  record.keyframes_ = TRY(list_keyframes(session.dir));
  for (const KeyframeInfo& each : record.keyframes_) record.other_bytes_ += each.file_bytes;
  struct stat status{};
  if (::stat((session.dir + "/" + kMarksFile).c_str(), &status) == 0)
    record.other_bytes_ += static_cast<std::uint64_t>(status.st_size);
  return record;
}

Result<> Record::list_segments() {
  const std::string path = dir_ + "/" + kLogFolder;
  log_.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  UniqueFd copy(log_ ? ::openat(log_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(copy ? ::fdopendir(copy.get()) : nullptr, &::closedir);
  if (!folder) return fail_errno("read " + path);
  static_cast<void>(copy.release());                       // closedir closes it
  while (const dirent* entry = ::readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe): one thread reads it
    const auto start = parse_segment_name(entry->d_name);
    struct stat status{};
    if (!start || ::fstatat(log_.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    segments_.push_back({.start = *start,
                         .bytes = static_cast<std::uint64_t>(status.st_size),
                         .written_nanos = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec});
    log_bytes_ += segments_.back().bytes;
  }
  std::sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) { return a.start < b.start; });
  return {};
}

std::uint64_t Record::covered() {
  if (!covered_) {
    const auto newest = latest_keyframe(dir_, std::numeric_limits<std::uint64_t>::max());
    covered_ = newest && *newest ? (*newest)->offset : 0;
  }
  return *covered_;
}

void Record::give_up(const Error& error) {
  log_warn("recording", "old output cannot be deleted", {{"folder", dir_}, {"error", error.message}});
  gone_ = segments_.size();
}

Result<> Record::delete_oldest() {
  if (::unlinkat(log_.get(), segment_name(oldest().start).data(), 0) != 0 && errno != ENOENT)
    return fail_errno("delete segment");
  log_bytes_ -= oldest().bytes;
  ++gone_;
  // After the segment: a keyframe whose log is gone is never used, so a kill in between leaves nothing wrong.
  TRY(remove_keyframes_before(dir_, oldest().start));
  const auto kept = std::find_if(keyframes_.begin(), keyframes_.end(),
                                 [&](const KeyframeInfo& each) { return each.offset >= oldest().start; });
  for (auto each = keyframes_.begin(); each != kept; ++each) other_bytes_ -= each->file_bytes;
  keyframes_.erase(keyframes_.begin(), kept);
  return {};
}

Result<> Record::empty_newest() {
  // A tap that starts just now would go on at the end of a segment that is about to go.
  const Result<UniqueFd> lock = lock_session_folder(dir_);
  if (!lock && lock.error().kind != ErrorKind::not_found) return tl::unexpected(lock.error());
  struct stat status{};
  if (::fstatat(log_.get(), segment_name(oldest().start).data(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("stat segment");
  if (static_cast<std::uint64_t>(status.st_size) != oldest().bytes)
    return fail(ErrorKind::conflict, "the session has gone on meanwhile");
  const std::uint64_t end = oldest().start + oldest().bytes;
  const UniqueFd empty(
      ::openat(log_.get(), segment_name(end).data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOwnerFile));
  if (!empty) return fail_errno("make an empty segment");
  segments_.push_back({.start = end});
  return delete_oldest();
}

class Budget {
 public:
  Budget(std::vector<Record> records, const RetentionOptions& options)
      : records_(std::move(records)), options_(options) {}
  RetentionReport enforce();

 private:
  [[nodiscard]] std::uint64_t total() const;
  template <class May, class Before, class Delete>
  void run(May may, Before before, Delete remove);

  std::vector<Record> records_;
  const RetentionOptions& options_;
  RetentionReport report_;
};

std::uint64_t Budget::total() const {
  std::uint64_t sum = 0;
  for (const Record& record : records_) sum += record.bytes();
  return sum;
}

// Deletes from the first record in the order of `before` among those that may lose something, until the budget is kept.
template <class May, class Before, class Delete>
void Budget::run(May may, Before before, Delete remove) {
  while (total() > options_.total_bytes) {
    Record* chosen = nullptr;
    for (Record& record : records_)
      if (record.segments() > 0 && may(record) && (chosen == nullptr || before(record, *chosen))) chosen = &record;
    if (chosen == nullptr) return;
    const Result<> done = remove(*chosen);
    if (done) ++report_.segments_deleted;
    else chosen->give_up(done.error());
  }
}

RetentionReport Budget::enforce() {
  report_.bytes_before = total();
  report_.still_written = static_cast<std::size_t>(std::ranges::count_if(records_, &Record::still_written));
  const auto longer_ago = [](const Record& a, const Record& b) {
    return a.oldest().written_nanos < b.oldest().written_nanos;
  };
  const auto larger = [](const Record& a, const Record& b) { return a.log_bytes() > b.log_bytes(); };
  const auto delete_oldest = [](Record& record) { return record.delete_oldest(); };
  run([](const Record& record) { return !record.running() && record.segments() > 1; }, longer_ago, delete_oldest);
  run(
      [this](Record& record) {
        if (!record.running() || record.segments() < 2) return false;
        const Segment& oldest = record.oldest();
        return record.log_bytes() - oldest.bytes >= options_.running_floor_bytes &&
               oldest.start + oldest.bytes <= record.covered();
      },
      larger, delete_oldest);
  run([](const Record& record) { return !record.running() && record.oldest().bytes > 0; }, longer_ago,
      [](Record& record) { return record.empty_newest(); });
  report_.bytes_after = total();
  return report_;
}

}  // namespace

RetentionReport enforce_total_budget(const std::vector<RetentionSession>& sessions, const RetentionOptions& options) {
  if (options.total_bytes == 0) return {};
  std::vector<Record> records;
  records.reserve(sessions.size());
  for (const RetentionSession& session : sessions) {
    Result<Record> record = Record::open(session);
    if (record) records.push_back(std::move(*record));
    else if (record.error().kind != ErrorKind::not_found)
      log_warn("recording", "a record is not counted", {{"folder", session.dir}, {"error", record.error().message}});
  }
  return Budget(std::move(records), options).enforce();
}

}  // namespace ccd::recording
