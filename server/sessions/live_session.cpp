#include "sessions/live_session.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::sessions {

namespace {

using namespace std::chrono_literals;

// One DATA frame: big enough that a flood costs few frames, small enough to keep other terminals of the page lively.
constexpr std::size_t kChunkBytes = 60 * 1024;
// Frames to one viewer before others get their turn on the loop.
constexpr int kChunksPerPump = 4;
// A new viewer starts this far back: some screens of text, shown at once.
constexpr std::uint64_t kTailBytes = 256 * 1024;
// Who types keeps the pane's size this long after the last key, so that two people do not pull at it with every letter.
constexpr auto kTurnHeld = 5s;
// Between two requests to send again: one round trip on a slow phone.
constexpr auto kResendPause = 250ms;
// Full reset (RIS): what follows is drawn on an empty screen.
constexpr std::string_view kResetScreen = "\x1b" "c";

}  // namespace

LiveSession::LiveSession(Session session, std::string folder, asio::any_io_executor executor, recording::LogWatcher* watcher,
                         const Clock* clock, BusyPoll* busy_poll, LiveSessionHost host)
    : session_(std::move(session)),
      folder_(std::move(folder)),
      executor_(std::move(executor)),
      clock_(clock),
      busy_poll_(busy_poll),
      host_(std::move(host)),
      watcher_(watcher) {}

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
      if (viewer->client_ == client) viewer->viewer_->input_taken(highest);
  };
  events.on_nak = [weak](const recording::ClientId& client, std::uint64_t, recording::NakReason reason) {
    const auto self = weak.lock();
    if (!self) return;
    const std::vector<Attachment*> viewers = self->viewers_;
    for (Attachment* viewer : viewers) {
      if (viewer->client_ != client) continue;
      if (reason == recording::NakReason::unknown_client || reason == recording::NakReason::table_full)
        viewer->viewer_->input_refused(reason == recording::NakReason::table_full
                                           ? "too many clients have typed into this session today"
                                           : "this client's input numbers are not known to the session");
      else
        self->ask_resend(viewer);
    }
  };
  events.on_down = [weak](const Error& error) {
    const auto self = weak.lock();
    if (!self) return;
    log_info("sessions", "the tap's connection closed", {{"session", self->session_.id}, {"error", error.message}});
    if (self->session_.status == Status::active) self->host_.link_down(self->session_.id);
  };
  return events;
}

Task<Result<>> LiveSession::connect_tap() {
  const auto self = shared_from_this();  // the hub may drop the session while this waits
  auto link = std::make_unique<recording::TapLink>(executor_, folder_, tap_events());
  const Result<> connected = co_await link->connect();
  if (!connected) co_return connected;
  tap_ = std::move(link);
  // What was on its way when the link broke is sent again; the tap drops what it has already.
  for (Attachment* viewer : viewers_) ask_resend(viewer);
  co_return Result<>{};
}

Result<> LiveSession::preload(std::string_view escape_sequences) {
  if (!linked()) return fail(ErrorKind::unavailable, "the tap is not connected");
  return tap_->preload(as_bytes(escape_sequences));
}

void LiveSession::drop_tap() { tap_.reset(); }

void LiveSession::note_output() {
  if (!reader_) return;
  const auto extent = reader_->extent();
  if (!extent || extent->end == seen_end_) return;
  seen_end_ = extent->end;
  session_.last_output_at = clock_->wall();
}

// --- viewers ----------------------------------------------------------------------------------------------------------------

void LiveSession::add(Attachment* viewer, const AttachRequest& request) {
  viewers_.push_back(viewer);
  session_.viewers = static_cast<int>(viewers_.size());
  recording::LogExtent extent{};
  if (reader_) {
    if (const auto now = reader_->extent()) extent = *now;
  }
  const bool resumes = request.from && *request.from >= extent.first && *request.from <= extent.end;
  if (resumes) {
    viewer->sent_ = *request.from;
  } else {
    viewer->sent_ = extent.first;
    if (reader_) {
      if (const auto tail = reader_->tail_offset(kTailBytes)) viewer->sent_ = *tail;
    }
    viewer->snapshot_due_ = true;
  }
  viewer->acked_ = viewer->sent_;
  if (!turn_) take_turn(viewer);
  else viewer->viewer_->size(session_.cols, session_.rows, false);
  set_watching();
}

void LiveSession::remove(Attachment* viewer) {
  std::erase(viewers_, viewer);
  session_.viewers = static_cast<int>(viewers_.size());
  if (turn_ == viewer) {
    turn_ = nullptr;
    turn_typed_ = {};
    if (!viewers_.empty()) take_turn(viewers_.back());
  }
  set_watching();
}

// The kernel is asked to tell about new output only while somebody watches.
void LiveSession::set_watching() {
  if (viewers_.empty()) {
    watch_.reset();
    return;
  }
  if (watch_ || !reader_) return;
  const std::weak_ptr<LiveSession> weak = weak_from_this();
  auto watch = watcher_->watch(folder_, [weak] {
    if (const auto self = weak.lock()) self->pump_all();
  });
  if (!watch) {
    log_error("sessions", "the record cannot be watched", {{"session", session_.id}, {"error", watch.error().message}});
    return;
  }
  watch_ = std::make_unique<recording::LogWatcher::Watch>(std::move(*watch));
}

void LiveSession::pump_all() {
  session_.last_output_at = clock_->wall();
  const std::vector<Attachment*> viewers = viewers_;
  for (Attachment* viewer : viewers) pump(viewer);
}

void LiveSession::pump(Attachment* viewer) {
  if (!reader_) return;
  if (chunk_.empty()) chunk_.resize(kChunkBytes);
  if (viewer->snapshot_due_) {
    if (!viewer->viewer_->snapshot(viewer->sent_, kResetScreen)) return;
    viewer->snapshot_due_ = false;
  }
  for (int i = 0; i < kChunksPerPump; ++i) {
    const std::uint64_t on_the_way = viewer->sent_ - viewer->acked_;
    if (on_the_way >= kViewerCredit) return;
    const std::size_t room = std::min<std::uint64_t>(chunk_.size(), kViewerCredit - on_the_way);
    const auto got = reader_->read_some(viewer->sent_, std::span(chunk_).first(room));
    if (!got) {
      if (got.error().kind == ErrorKind::not_found) {
        // Retention has dropped what this viewer would have read next: go on at the tail, on an empty screen.
        const auto tail = reader_->tail_offset(kTailBytes);
        if (!tail) return;
        viewer->sent_ = viewer->acked_ = *tail;
        if (!viewer->viewer_->snapshot(viewer->sent_, kResetScreen)) viewer->snapshot_due_ = true;
        continue;
      }
      log_error("sessions", "the record cannot be read", {{"session", session_.id}, {"error", got.error().message}});
      return;
    }
    if (*got == 0) return;
    busy_poll_->arrived();
    if (!viewer->viewer_->data(viewer->sent_, std::span(chunk_).first(*got))) return;
    viewer->sent_ += *got;
  }
  // More is there: let others have the loop first.
  const std::weak_ptr<LiveSession> weak = weak_from_this();
  asio::post(executor_, [weak, viewer] {
    const auto self = weak.lock();
    if (self && std::ranges::find(self->viewers_, viewer) != self->viewers_.end()) self->pump(viewer);
  });
}

// --- input ------------------------------------------------------------------------------------------------------------------

Result<> LiveSession::input(Attachment* viewer, std::uint64_t number, std::span<const std::byte> bytes) {
  if (session_.status != Status::active) return fail(ErrorKind::conflict, "the session has ended");
  if (!session_.terminal) return fail(ErrorKind::conflict, "another program holds this pane's pipe, so nothing can be typed here");
  typed(viewer);
  // Not connected now: nothing is lost, because the client keeps what is not acknowledged; it is asked for once the link is up.
  if (!linked()) return {};
  const Result<> sent = tap_->send(viewer->client_, number, bytes);
  if (!sent) ask_resend(viewer);
  else busy_poll_->expect();
  return {};
}

void LiveSession::ask_resend(Attachment* viewer) {
  if (viewer->reset_due_) return;
  viewer->reset_due_ = true;
  auto timer = std::make_shared<asio::steady_timer>(executor_, kResendPause);
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
  const auto now = clock_->steady();
  if (turn_ != viewer && now - turn_typed_ >= kTurnHeld) take_turn(viewer);
  if (turn_ == viewer) turn_typed_ = now;
}

void LiveSession::take_turn(Attachment* viewer) {
  turn_ = viewer;
  apply_turn_size();
  for (Attachment* each : viewers_) each->viewer_->size(session_.cols, session_.rows, each == turn_);
}

void LiveSession::apply_turn_size() {
  if (!turn_ || turn_->cols_ <= 0 || turn_->rows_ <= 0) return;
  if (session_.status != Status::active) return;
  if (turn_->cols_ == session_.cols && turn_->rows_ == session_.rows) return;
  host_.resize(session_.id, turn_->cols_, turn_->rows_);
}

void LiveSession::set_size(int cols, int rows) {
  if (cols == session_.cols && rows == session_.rows) return;
  session_.cols = cols;
  session_.rows = rows;
  const std::vector<Attachment*> viewers = viewers_;
  for (Attachment* viewer : viewers) viewer->viewer_->size(cols, rows, viewer == turn_);
}

// --- Attachment -------------------------------------------------------------------------------------------------------------

Attachment::Attachment(std::weak_ptr<LiveSession> session, Viewer* viewer, const AttachRequest& request)
    : session_(std::move(session)), viewer_(viewer), client_(request.client), cols_(request.cols), rows_(request.rows) {
  if (const auto live = session_.lock()) live->add(this, request);
}

Attachment::~Attachment() {
  if (const auto live = session_.lock()) live->remove(this);
}

Result<> Attachment::input(std::uint64_t number, std::span<const std::byte> bytes) {
  const auto live = session_.lock();
  if (!live) return fail(ErrorKind::not_found, "the session is gone");
  return live->input(this, number, bytes);
}

void Attachment::ack_output(std::uint64_t offset) {
  // A client cannot claim to have shown what it was not sent.
  acked_ = std::clamp(offset, acked_, sent_);
  if (const auto live = session_.lock()) live->pump(this);
}

void Attachment::resize(int cols, int rows) {
  cols_ = cols;
  rows_ = rows;
  const auto live = session_.lock();
  if (live && live->turn_ == this) live->apply_turn_size();
}

void Attachment::fit() {
  if (const auto live = session_.lock()) {
    live->turn_typed_ = live->clock_->steady();
    live->take_turn(this);
  }
}

void Attachment::resume() {
  if (const auto live = session_.lock()) live->pump(this);
}

}  // namespace ccd::sessions
