// Hub: screens computed from the records, for who asks, and their comparison with tmux.
#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "recording/retention.hpp"
#include "sessions/hub.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::sessions {

namespace {

using namespace std::chrono_literals;

// Records grow by 27 MB/s at most: what a minute adds fits on every disk that is watched.
constexpr auto kRetentionPause = 60s;
// Over the budget only because a tap writes its session's last bytes: it has ended by then.
constexpr auto kRetentionSoon = 2s;
// A screen is compared with tmux's once its pane has been quiet for so long: a comparison under output would prove nothing.
constexpr auto kQuiet = 2s;
// Between two looks for one to compare: each costs tmux 0.1 ms and this machine a fork.
constexpr auto kCheckPause = 1s;
// Each takes a thread of the pool for up to a second; the pool has four.
constexpr int kMaxMoments = 2;
// A difference counts when it is still there after this: then it is no byte that was just on its way.
constexpr auto kSecondLook = 500ms;

// Blank lines at the end say nothing, and a screen that was made larger has them.
std::string_view without_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::size_t first_different_line(std::string_view a, std::string_view b) {
  const auto [at, unused] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(std::count(a.begin(), at, '\n')) + 1;
}

// Records whose sessions are off the list. One that is not idle for so long may belong to a session that is just being made.
void add_archived(std::vector<recording::RetentionSession>& records, const std::string& folder) {
  constexpr auto kSettled = std::chrono::hours(1);
  std::set<std::string> known;
  for (const auto& record : records) known.insert(record.dir);
  std::error_code ec;
  const auto now = std::filesystem::file_time_type::clock::now();
  for (std::filesystem::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    if (!it->is_directory(ec)) continue;
    const auto changed = it->last_write_time(ec);
    if (!ec && now - changed > kSettled && !known.contains(it->path().string()))
      records.push_back({.dir = it->path().string(), .state = recording::RetentionSession::State::ended});
    ec.clear();
  }
}

}  // namespace

Task<Result<std::string>> Hub::screen(std::string id) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  const auto mirror = co_await found->mirror();
  if (!mirror) co_return tl::unexpected(mirror.error());
  co_return terminal::write_text((*mirror)->screen());
}

Task<Result<ScreenLook>> Hub::look(std::string id) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  const auto mirror = co_await found->mirror();
  if (!mirror) co_return tl::unexpected(mirror.error());
  const terminal::Screen& screen = (*mirror)->screen();
  co_return ScreenLook{.rows = terminal::rows_since(screen, 0), .modes = screen.modes()};
}

Task<Result<LinePage>> Hub::lines(std::string id, std::optional<std::uint64_t> first, std::uint64_t count) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  const auto mirror = co_await found->mirror();
  if (!mirror) co_return tl::unexpected(mirror.error());
  const terminal::Screen& screen = (*mirror)->screen();
  LinePage page;
  page.numbering = (*mirror)->epoch() << 32U | screen.numbering();
  page.first_line = screen.first_line();
  page.top_line = screen.top_line();
  page.end = page.top_line + static_cast<std::uint64_t>(screen.size().rows);
  const std::uint64_t from = first.value_or(page.end - std::min(page.end - page.first_line, count));
  page.lines = terminal::line_rows(screen, from, count);
  co_return page;
}

Task<Result<Moment>> Hub::moment(std::string id, WallMicros at) {
  const LivePtr found = live(id);
  if (!found) co_return fail(ErrorKind::not_found, "there is no such session");
  if (moments_ >= kMaxMoments)
    co_return fail(ErrorKind::too_many, "other moments are just being worked out: try again");
  struct Counted {
    int* count;
    explicit Counted(int* c) : count(c) { ++*count; }
    ~Counted() { --*count; }
  } const counted(&moments_);
  const Session& session = found->session();
  const terminal::Size size{.cols = session.cols > 0 ? session.cols : 80, .rows = session.rows > 0 ? session.rows : 24};
  auto work = [folder = found->folder(), at, size] { return moment_at(folder, at, size); };
  co_return co_await run_on(*parts_.pool, std::move(work));
}

std::optional<Thumb> Hub::thumb(const std::string& id, ThumbPlace& seen) {
  const LivePtr found = live(id);
  if (!found) return std::nullopt;
  if (found->hot_mirror() == nullptr && seen.epoch != 0) {
    // Put away since it was seen: its record tells whether anything is new, without computing the screen again.
    const auto extent = found->extent();
    if (extent && extent->end == seen.offset) return std::nullopt;
  }
  const Mirror* mirror = seen.epoch == 0 || found->hot_mirror() == nullptr ? found->mirror_now() : found->hot_mirror();
  if (mirror == nullptr) return std::nullopt;
  if (seen.epoch != 0) found->advance();
  mirror = found->hot_mirror();
  if (mirror == nullptr) return std::nullopt;
  const terminal::Screen& screen = mirror->screen();
  Thumb thumb{.size = screen.size(), .cursor = screen.cursor(), .all = seen.epoch != mirror->epoch(), .rows = {}};
  if (!thumb.all && seen.generation == screen.generation()) return std::nullopt;
  thumb.rows = terminal::rows_since(screen, thumb.all ? 0 : seen.generation);
  seen = {.epoch = mirror->epoch(), .generation = screen.generation(), .offset = mirror->offset()};
  return thumb;
}

// --- the budget of all records together ------------------------------------------------------------------------------------------

Task<void> Hub::retention_loop() {
  static auto& kept = metrics().gauge("record_bytes", "Bytes of all sessions' records");
  for (;;) {
    std::vector<recording::RetentionSession> records;
    for (const auto& [id, live] : sessions_) {
      using State = recording::RetentionSession::State;
      if (live->has_log())
        records.push_back(
            {.dir = live->folder(), .state = live->session().status == Status::active ? State::running : State::ended});
    }
    auto work = [records = std::move(records), total = options_.record_bytes_total,
                 folder = options_.data_dir + "/sessions"]() mutable {
      add_archived(records, folder);
      return recording::enforce_total_budget(records, {.total_bytes = total});
    };
    const recording::RetentionReport report = co_await run_on(*parts_.pool, std::move(work));
    kept.Set(static_cast<double>(report.bytes_after));
    if (report.segments_deleted > 0)
      log_info("sessions", "the oldest output was deleted to keep the records in their budget",
               {{"segments", report.segments_deleted},
                {"bytes_before", report.bytes_before},
                {"bytes_after", report.bytes_after}});
    const bool soon = report.bytes_after > options_.record_bytes_total && report.still_written > 0;
    co_await sleep_for(soon ? kRetentionSoon : kRetentionPause);
  }
}

// --- agreement of the model with tmux ---------------------------------------------------------------------------------------

Task<void> Hub::check_loop() {
  for (;;) {
    co_await sleep_for(kCheckPause);
    const std::int64_t quiet_since = parts_.clock->wall() - std::chrono::microseconds(kQuiet).count();
    const std::map<std::string, LivePtr> all = sessions_;
    for (const auto& [id, live] : all) {
      const Mirror* mirror = live->hot_mirror();
      if (mirror == nullptr || live->session().status != Status::active || !live->linked()) continue;
      if (live->session().last_output_at.value_or(0) > quiet_since) continue;
      const auto checked = checked_.find(id);
      if (checked != checked_.end() && checked->second == std::pair{mirror->epoch(), mirror->offset()}) continue;
      co_await check_screen(live);
      break;  // the others in the next rounds
    }
    std::erase_if(checked_, [this](const auto& entry) { return !sessions_.contains(entry.first); });
  }
}

Task<void> Hub::check_screen(LivePtr live) {
  static auto& compared = metrics().counter("terminal_model_checks_total", "Screens compared with tmux");
  static auto& drifted =
      metrics().counter("terminal_model_drift_total", "Screens that differed from tmux and were repaired");
  for (int look = 0;; ++look) {
    const std::string pane = live->session().pane_id;
    const auto shown = co_await parts_.tmux->capture_text(pane, tmux::Escapes::strip);
    live->advance();
    const Mirror* mirror = live->hot_mirror();
    if (!shown || mirror == nullptr) co_return;
    const std::string ours = terminal::write_text(mirror->screen());
    const std::pair place{mirror->epoch(), mirror->offset()};
    if (without_end(ours) == without_end(*shown)) {
      compared.Increment();
      checked_[live->session().id] = place;
      co_return;
    }
    if (look == 0) {
      checked_[live->session().id] = place;
      co_await sleep_for(kSecondLook);
      continue;
    }
    // Output came in between: a later round looks again.
    if (checked_[live->session().id] != place) {
      checked_.erase(live->session().id);
      co_return;
    }
    compared.Increment();
    drifted.Increment();
    log_warn("sessions", "the screen's model differed from tmux and was repaired",
             {{"session", live->session().id},
              {"offset", mirror->offset()},
              {"line", first_different_line(without_end(ours), without_end(*shown))}});
    const auto repair = co_await parts_.tmux->capture(pane);
    if (!repair) co_return;
    live->advance();
    if (live->hot_mirror() == nullptr || live->hot_mirror()->offset() != place.second) co_return;
    live->repair(repair->escape_sequences);
    if (live->hot_mirror() != nullptr)
      checked_[live->session().id] = {live->hot_mirror()->epoch(), live->hot_mirror()->offset()};
    co_return;
  }
}

}  // namespace ccd::sessions
