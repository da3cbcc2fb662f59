#include "sessions/live_session.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::sessions {

namespace {

using namespace std::chrono_literals;

// Who types keeps the pane's size this long after the last key, so that two people do not pull at it with every letter.
constexpr auto kTurnHeld = 5s;
// People come and go together: a page that reconnects, a team that looks at the same failure.
constexpr auto kPeoplePause = 200ms;
// Between two requests to send again: one round trip on a slow phone.
constexpr auto kResendPause = 250ms;
// A listing of panes that was asked for before a resize comes after it within this.
constexpr auto kSizeSettles = 1s;
// A screen that nobody needed for so long goes back to the disk.
constexpr auto kKeepScreen = 30s;
// Titles are looked for in so much at once, and in no more than kTitleLook at one look: a program that floods has no news in its title.
constexpr std::size_t kTitleBytes = 16 * 1024;
constexpr std::size_t kTitleLook = 256 * 1024;
// A session that nobody watches is read when so much has come: little enough for the next viewer to wait for.
constexpr std::uint64_t kUnwatchedBytes = std::uint64_t{1} * 1024 * 1024;

}  // namespace

LiveSession::LiveSession(Session session, std::string folder, LiveSessionParts parts, LiveSessionHost host)
    : session_(std::move(session)),
      folder_(std::move(folder)),
      parts_(parts),
      host_(std::move(host)),
      people_timer_(parts_.executor),
      mirror_(folder_, parts_.pool),
      loaded_(parts_.executor),
      again_(parts_.executor) {}

bool LiveSession::linked() const { return tap_ && tap_->up(); }

Result<> LiveSession::open_log() {
  if (reader_) return {};
  reader_ = std::make_unique<recording::LogReader>(TRY(recording::LogReader::open(folder_)));
  if (const auto extent = reader_->extent()) seen_end_ = extent->end;
  return {};
}

Result<recording::LogExtent> LiveSession::extent() {
  if (!reader_) return fail(ErrorKind::not_found, "this session has no record");
  return reader_->extent();
}

Result<std::size_t> LiveSession::read_log(std::uint64_t offset, std::span<std::byte> out) {
  if (!reader_) return fail(ErrorKind::not_found, "this session has no record");
  return reader_->read(offset, out);
}

recording::TapLink::Events LiveSession::tap_events() {
  const std::weak_ptr<LiveSession> weak = weak_from_this();
  recording::TapLink::Events events;
  events.on_ack = [weak](const recording::ClientId& client, std::uint64_t highest) {
    const auto self = weak.lock();
    if (!self) return;
    const std::vector<Attachment*> viewers = self->viewers_;
    for (Attachment* viewer : viewers)
      if (viewer->request_.client == client) viewer->viewer_->input_taken(highest);
  };
  events.on_nak = [weak](const recording::ClientId& client, std::uint64_t, recording::NakReason reason) {
    const auto self = weak.lock();
    if (!self) return;
    const std::vector<Attachment*> viewers = self->viewers_;
    for (Attachment* viewer : viewers) {
      if (viewer->request_.client != client) continue;
      if (reason == recording::NakReason::unknown_client || reason == recording::NakReason::table_full)
        viewer->viewer_->input_refused(reason == recording::NakReason::table_full
                                           ? "too many clients have typed into this session today"
                                           : "this client's input numbers are not known to the session");
      else self->ask_resend(viewer);
    }
  };
  events.on_down = [weak](const Error& error) {
    const auto self = weak.lock();
    if (!self) return;
    log_info("sessions", "the tap's connection closed", {{"session", self->session_.id}, {"error", error.message}});
    self->set_watching();
    if (self->session_.status == Status::active) self->host_.link_down(self->session_.id);
  };
  events.on_live = [weak](const recording::LiveBytes& live) {
    if (const auto self = weak.lock()) self->on_live(live);
  };
  events.on_coming = [weak](std::uint64_t offset, std::span<const std::byte> bytes) {
    if (const auto self = weak.lock()) self->on_coming(offset, bytes);
  };
  events.on_output = [weak](std::uint64_t offset, std::span<const std::byte> bytes) {
    if (const auto self = weak.lock()) self->on_output(offset, bytes);
  };
  events.on_grown = [weak] {
    if (const auto self = weak.lock()) self->advance();
  };
  return events;
}

Task<Result<>> LiveSession::connect_tap() {
  const auto self = shared_from_this();  // the hub may drop the session while this waits
  auto link = std::make_shared<recording::TapLink>(parts_.executor, folder_, tap_events());
  const Result<> connected = co_await link->connect();
  if (!connected) co_return connected;
  tap_ = std::move(link);
  set_watching();
  // What was on its way when the link broke is sent again; the tap drops what it has already.
  for (Attachment* viewer : viewers_) ask_resend(viewer);
  co_return Result<>{};
}

bool LiveSession::foreground_due(WallMicros output, bool settled) {
  if (foreground_known_at_ == output) return false;
  if (settled) foreground_known_at_ = output;
  return true;
}

bool LiveSession::foreground_asked_for(std::string_view title) {
  std::pair now(inputs_, std::string(title));
  if (foreground_asked_ == now) return true;
  foreground_asked_ = std::move(now);
  return false;
}

Result<> LiveSession::preload(std::string_view escape_sequences) {
  if (!linked()) return fail(ErrorKind::unavailable, "the tap is not connected");
  return tap_->preload(as_bytes(escape_sequences));
}

void LiveSession::drop_tap() {
  if (tap_) tap_->close();
  tap_.reset();
  set_watching();
}

void LiveSession::note_output() {
  if (!reader_) return;
  if (mirror_.hot() && watching()) return;  // advance() is told
  const auto extent = reader_->extent();
  if (!extent) return;
  if (extent->end != seen_end_) {
    seen_end_ = extent->end;
    session_.last_output_at = parts_.clock->wall();
  }
  const std::uint64_t read = std::max(mirror_.offset(), extent->first);
  if (session_.status == Status::active && extent->end > read && extent->end - read >= kUnwatchedBytes)
    (void)mirror_now();
}

std::optional<std::string> LiveSession::new_title() {
  if (!reader_) return std::nullopt;
  if (mirror_.hot() && watching()) {
    titles_.skip();
    scanned_ = mirror_.offset();  // goes on from here when nobody computes the screen any more
    const std::string_view title = mirror_.screen().title();
    if (title == screen_title_) return std::nullopt;
    screen_title_ = title;
    return screen_title_;
  }
  screen_title_.clear();
  std::array<std::byte, kTitleBytes> bytes{};
  bool found = false;
  std::size_t read = 0;
  for (;;) {
    if (!scanned_ || read >= kTitleLook) {
      const auto extent = reader_->extent();
      if (!extent) return std::nullopt;
      titles_.skip();
      // The first time too: a title that was set since tmux was asked for it is in no answer.
      scanned_ = extent->end - std::min<std::uint64_t>(extent->end - extent->first, kTitleBytes);
      read = 0;
      if (*scanned_ == extent->end) break;
    }
    const auto got = reader_->read_some(*scanned_, bytes);
    if (!got) scanned_.reset();
    if (!got || *got == 0) break;
    found = titles_.feed(as_text(std::span(bytes).first(*got))) || found;
    *scanned_ += *got;
    read += *got;
    if (*got < bytes.size()) break;
  }
  if (!found) return std::nullopt;
  return titles_.title();
}

// --- the screen -------------------------------------------------------------------------------------------------------------

Task<void> LiveSession::load() {
  const auto self = shared_from_this();
  const terminal::Size size{.cols = session_.cols > 0 ? session_.cols : 80,
                            .rows = session_.rows > 0 ? session_.rows : 24};
  const auto loaded = co_await mirror_.load(size);
  loading_ = false;
  if (!loaded)
    log_error("sessions", "the screen cannot be computed",
              {{"session", session_.id}, {"error", loaded.error().message}});
  else cut_ = mirror_.cut();
  set_watching();
  advance();
  loaded_.notify();
}

Mirror* LiveSession::mirror_now() {
  used_ = parts_.clock->steady();
  if (mirror_.hot()) {
    // Without a watch nobody has told about what came meanwhile.
    if (!watching()) advance();
    return mirror_.hot() ? &mirror_ : nullptr;
  }
  if (!loading_ && reader_) {
    loading_ = true;
    host_.spawn("sessions.screen", load());
  }
  return nullptr;
}

Task<Result<Mirror*>> LiveSession::mirror() {
  const auto self = shared_from_this();
  if (!reader_) co_return fail(ErrorKind::not_found, "this session has no record");
  if (mirror_now() == nullptr) {
    while (loading_) co_await loaded_.wait();
  }
  if (!mirror_.hot()) co_return fail(ErrorKind::io, "the session's screen cannot be computed from its record");
  co_return &mirror_;
}

void LiveSession::tidy() {
  if (!mirror_.hot() || mirror_.saving()) return;
  const bool wanted = !viewers_.empty() || parts_.clock->steady() - used_ < kKeepScreen;
  if (wanted ? !mirror_.wants_keyframe(keyframe_every()) : !mirror_.worth_keyframe()) {
    if (wanted) return;
    mirror_.drop();
    std::vector<std::byte>().swap(chunk_);  // chunk_ = {} would keep its memory
    set_watching();
    return;
  }
  auto save = [](std::shared_ptr<LiveSession> self) -> Task<void> {
    const auto saved = co_await self->mirror_.save();
    if (!saved) log_warn("sessions", "no keyframe", {{"session", self->session_.id}, {"error", saved.error().message}});
  };
  host_.spawn("sessions.keyframe", save(shared_from_this()));
}

void LiveSession::repair(std::string_view escape_sequences) {
  if (!mirror_.hot()) return;
  mirror_.replace(escape_sequences);
  snapshots_for_all();
}

// --- viewers ----------------------------------------------------------------------------------------------------------------

void LiveSession::add(Attachment* viewer) {
  viewers_.push_back(viewer);
  session_.viewers = static_cast<int>(viewers_.size());
  std::uint64_t end = mirror_.offset();
  if (reader_) {
    if (const auto extent = reader_->extent()) end = extent->end;
  }
  const std::optional<std::uint64_t>& from = viewer->request_.from;
  viewer->snapshot_due_ = !from || *from > end;
  viewer->sent_ = viewer->acked_ = viewer->snapshot_due_ ? end : *from;
  if (!turn_ && viewer->has_window()) take_turn(viewer);
  else viewer->viewer_->size(session_.cols, session_.rows, false);
  set_watching();
  people_.clear();  // the new one has to be told in any case
  tell_people(kPeoplePause);
}

void LiveSession::remove(Attachment* viewer) {
  std::erase(viewers_, viewer);
  session_.viewers = static_cast<int>(viewers_.size());
  used_ = parts_.clock->steady();
  if (turn_ == viewer) {
    turn_ = nullptr;
    turn_typed_ = {};
    const auto next =
        std::find_if(viewers_.rbegin(), viewers_.rend(), [](const Attachment* other) { return other->has_window(); });
    if (next != viewers_.rend()) take_turn(*next);
  }
  set_watching();
  tell_people(kPeoplePause);
}

// The tap, or without one the kernel, is asked to tell about new output only while somebody watches and reads at the pace of the output.
void LiveSession::set_watching() {
  const bool wanted = reader_ != nullptr && !viewers_.empty() && !flooding_;
  told_ = wanted && linked() && tap_->tap().tells_output();
  if (linked()) tap_->watch_output(told_);
  watch_log(wanted && !told_);
}

void LiveSession::watch_log(bool on) {
  if (!on) return watch_.reset();
  if (watch_) return;
  auto watch = parts_.watcher->watch(folder_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->advance();
  });
  if (!watch) {
    log_error("sessions", "the record cannot be watched", {{"session", session_.id}, {"error", watch.error().message}});
    return;
  }
  watch_ = std::make_unique<recording::LogWatcher::Watch>(std::move(*watch));
  look_again({});  // what came before the watch
}

// After a moment, so that a hundred who come back at once are told about once; the earliest wish counts.
void LiveSession::tell_people(std::chrono::steady_clock::duration after) {
  const Time at = parts_.clock->steady() + after;
  if (people_due_ && people_timer_.expiry() <= at) return;
  people_due_ = true;
  people_timer_.expires_at(at);
  people_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->people_due_ = false;
    self->tell_people_now();
  });
}

void LiveSession::tell_people_now() {
  const Time now = parts_.clock->steady();
  std::map<std::string, Person> by_name;
  std::optional<std::chrono::steady_clock::duration> stops;  // the next one to type no more
  for (const Attachment* viewer : viewers_) {
    Person& person = by_name[viewer->request_.name];
    person.name = viewer->request_.name;
    ++person.viewers;
    person.holds = person.holds || viewer == turn_;
    if (viewer->typed_at_ == Time{} || now - viewer->typed_at_ >= kTurnHeld) continue;
    person.typing = true;
    const auto left = viewer->typed_at_ + kTurnHeld - now;
    stops = std::min(stops.value_or(left), left);
  }
  if (stops) tell_people(*stops);
  std::vector<Person> people;
  for (auto& [name, person] : by_name) people.push_back(std::move(person));
  if (people == people_) return;
  people_ = std::move(people);
  for (const Attachment* viewer : viewers_) viewer->viewer_->people(people_);
}

// --- input ------------------------------------------------------------------------------------------------------------------

Result<> LiveSession::input(Attachment* viewer, std::uint64_t number, std::span<const std::byte> bytes) {
  if (session_.status != Status::active) return fail(ErrorKind::conflict, "the session has ended");
  if (!session_.terminal)
    return fail(ErrorKind::conflict, "another program holds this pane's pipe, so nothing can be typed here");
  typed(viewer);
  ++inputs_;
  // Not connected now: nothing is lost, because the client keeps what is not acknowledged; it is asked for once the link is up.
  if (!linked()) return {};
  const Result<> sent = tap_->send(viewer->request_.client, number, bytes);
  if (sent) await_echo();
  else ask_resend(viewer);
  return {};
}

void LiveSession::ask_resend(Attachment* viewer) {
  if (viewer->reset_due_) return;
  viewer->reset_due_ = true;
  auto timer = std::make_shared<asio::steady_timer>(parts_.executor, kResendPause);
  const std::weak_ptr<LiveSession> weak = weak_from_this();
  timer->async_wait([weak, viewer, timer](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || std::ranges::find(self->viewers_, viewer) == self->viewers_.end()) return;
    viewer->reset_due_ = false;
    if (self->linked()) viewer->viewer_->input_reset();
  });
}

// --- size -------------------------------------------------------------------------------------------------------------------

void LiveSession::typed(Attachment* viewer) {
  const Time now = parts_.clock->steady();
  const bool news = viewer->typed_at_ == Time{} || now - viewer->typed_at_ >= kTurnHeld;
  viewer->typed_at_ = now;
  if (turn_ != viewer && viewer->has_window() && now - turn_typed_ >= kTurnHeld) take_turn(viewer);
  if (turn_ == viewer) turn_typed_ = now;
  if (news) tell_people({});
}

void LiveSession::take_turn(Attachment* viewer) {
  turn_ = viewer;
  apply_turn_size();
  tell_size();
  tell_people(kPeoplePause);
}

void LiveSession::apply_turn_size() {
  if (!turn_ || turn_->request_.cols <= 0 || turn_->request_.rows <= 0) return;
  if (session_.status != Status::active) return;
  if (turn_->request_.cols == session_.cols && turn_->request_.rows == session_.rows) return;
  host_.resize(session_.id, turn_->request_.cols, turn_->request_.rows);
}

void LiveSession::tell_size() {
  for (Attachment* viewer : viewers_) viewer->viewer_->size(session_.cols, session_.rows, viewer == turn_);
}

void LiveSession::note_pane_size(int cols, int rows) {
  if (cols == session_.cols && rows == session_.rows) return;
  if (parts_.clock->steady() - resized_ < kSizeSettles) return;
  // Before the first viewer nothing depends on where in the record the size changed, but on that it is there.
  if (linked() && session_.cols > 0) host_.mark_size(session_.id, cols, rows);
  else set_size(cols, rows);
}

Task<bool> LiveSession::mark_resize(int cols, int rows) {
  const auto self = shared_from_this();
  if (!linked()) co_return false;
  const std::shared_ptr<recording::TapLink> tap = tap_;
  resized_ = parts_.clock->steady();
  const auto marked = co_await tap->resize(static_cast<std::uint16_t>(cols), static_cast<std::uint16_t>(rows));
  if (!marked || *marked == recording::ResizeMarked::never) co_return false;
  if (mirror_.hot()) {
    advance();  // the mark lies beside the log, where no watch looks
    co_return *marked == recording::ResizeMarked::yes;
  }
  session_.cols = cols;
  session_.rows = rows;
  tell_size();
  co_return true;
}

void LiveSession::set_size(int cols, int rows) {
  if (cols == session_.cols && rows == session_.rows) return;
  if (mirror_.hot()) {
    advance();
    mirror_.resize({.cols = cols, .rows = rows});
  }
  on_resize(mirror_.offset(), cols, rows);
}

}  // namespace ccd::sessions
