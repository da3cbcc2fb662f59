// LiveSession: what the pane prints, on its way to the screen and to the viewers.
#include <sched.h>
#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/steady.hpp"
#include "sessions/live_session.hpp"

namespace ccd::sessions {

namespace {

using namespace std::chrono_literals;
using FeedKind = recording::FeedItem::Kind;

// One DATA frame: big enough that a flood costs few frames, small enough to keep other terminals of the page lively.
constexpr std::size_t kChunkBytes = 60 * 1024;
// Taken from the record in one turn of the loop: 3 ms of parsing.
constexpr std::size_t kTurnBytes = 512 * 1024;
// Who is further behind than this gets the screen instead of what he has missed: four full screens of text are enough to follow.
constexpr std::uint64_t kBacklog = 256 * 1024;
// A program that prints faster than this (5 MB/s) is not read by anybody: its viewers get snapshots until it slows down.
constexpr std::size_t kFloodBytes = 512 * 1024;
constexpr auto kFloodWindow = 100ms;
// Between two looks at a record that grows so fast; the kernel is not asked for events meanwhile. Short: what is read at once keeps a
// processor from tmux and the program that prints (at 15 ms a flood took 2 % longer).
constexpr auto kFloodLook = 5ms;
// A keyframe after so much: replayed in 10 to 40 ms.
constexpr std::uint64_t kKeyframeEvery = std::uint64_t{8} * 1024 * 1024;
// In a flood, where keyframes so close were more than half of what it costs. When it is over the usual distance counts again.
constexpr std::uint64_t kKeyframeEveryInFlood = std::uint64_t{64} * 1024 * 1024;
// Between two snapshots for one viewer: 15 a second look like movement.
constexpr auto kSkimPause = 66ms;
// An update of the screen that the program has announced is waited for, but not for ever: it may have died in the middle.
constexpr auto kUpdateWait = 50ms;

}  // namespace

void LiveSession::advance() {
  if (!mirror_.hot()) return;
  if (chunk_.empty()) chunk_.resize(kChunkBytes);
  const std::uint64_t before = mirror_.offset();
  std::size_t taken = 0;
  bool more = true;
  while (more && taken < kTurnBytes) {
    const auto item = mirror_.next(chunk_);
    if (!item) {
      // Retention was faster than this: begin again at what there is.
      log_warn("sessions", "the record cannot be read on", {{"session", session_.id}, {"error", item.error().message}});
      mirror_.drop();
      snapshots_for_all();
      if (item.error().kind == ErrorKind::not_found) (void)mirror_now();
      return;
    }
    switch (item->kind) {
      case FeedKind::end: more = false; break;
      case FeedKind::bytes:
        on_bytes(item->offset, item->bytes);
        mirror_.take(*item);
        taken += item->bytes.size();
        break;
      case FeedKind::resize:
        mirror_.take(*item);
        on_resize(item->offset, item->size.cols, item->size.rows);
        break;
      case FeedKind::gap:
      case FeedKind::preload: break;
    }
  }
  if (mirror_.offset() != before) {
    echo_.came(steady_micros());
    session_.last_output_at = parts_.clock->wall();
    live_lost_ = 0;
  }
  count_output(taken);
  pump_all();
  if (mirror_.wants_keyframe(keyframe_every())) tidy();
  if (!more) return;
  asio::post(parts_.executor, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->advance();
  });
}

// To everybody who has all that came before, and room for it.
void LiveSession::on_bytes(std::uint64_t offset, std::span<const std::byte> bytes) {
  std::shared_ptr<const std::string> shared;
  for (Attachment* viewer : viewers_) {
    if (viewer->sent_ != offset || viewer->snapshot_due_) continue;
    if (flooding_) {
      viewer->snapshot_due_ = true;
      continue;
    }
    if (viewer->sent_ - viewer->acked_ + bytes.size() > viewer->credit_) continue;
    if (!shared) shared = std::make_shared<const std::string>(as_text(bytes));
    (void)send_data(viewer, offset, shared);
  }
}

void LiveSession::on_resize(std::uint64_t offset, int cols, int rows) {
  cut_ = offset;
  session_.cols = cols;
  session_.rows = rows;
  tell_size();
}

// Output that the record could not take. Nobody can read it later, so it goes to the screen, and the screen to the viewers.
void LiveSession::on_live(const recording::LiveBytes& live) {
  advance();
  if (!mirror_.hot() || live.offset != mirror_.offset()) return;
  if (live.lost + live.bytes.size() <= live_lost_) return;
  const std::uint64_t known = live_lost_ > live.lost ? live_lost_ - live.lost : 0;
  mirror_.feed(live.bytes.subspan(static_cast<std::size_t>(known)));
  live_lost_ = live.lost + live.bytes.size();
  session_.last_output_at = parts_.clock->wall();
  snapshots_for_all();
}

// Output that a slow disk will have later. Once the record has it, it is not read again; should the disk refuse it after all, the screen is
// compared with tmux like after any other output.
void LiveSession::on_coming(std::uint64_t offset, std::span<const std::byte> bytes) {
  advance();
  const std::uint64_t head = mirror_.offset();
  if (!mirror_.hot() || offset > head || offset + bytes.size() <= head) return;
  const auto fresh = bytes.subspan(static_cast<std::size_t>(head - offset));
  take_told(fresh);
}

// The usual way of output: no file is touched.
void LiveSession::on_output(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!mirror_.hot()) return;
  if (offset == mirror_.offset()) take_told(bytes);
  else if (offset + bytes.size() > mirror_.offset()) advance();
}

void LiveSession::take_told(std::span<const std::byte> bytes) {
  on_bytes(mirror_.offset(), bytes);
  mirror_.take_ahead(bytes);
  echo_.came(steady_micros());
  session_.last_output_at = parts_.clock->wall();
  live_lost_ = 0;
  count_output(bytes.size());
  pump_all();
  if (mirror_.wants_keyframe(keyframe_every())) tidy();
}

void LiveSession::snapshots_for_all() {
  for (Attachment* viewer : viewers_) viewer->snapshot_due_ = true;
  pump_all();
}

void LiveSession::count_output(std::size_t bytes) {
  const Time now = parts_.clock->steady();
  window_bytes_ += bytes;
  if (now - window_start_ >= kFloodWindow) {
    const bool was = flooding_;
    flooding_ = window_bytes_ >= kFloodBytes;
    window_start_ = now;
    window_bytes_ = 0;
    if (was && !flooding_) set_watching();  // which looks once more
  } else if (!flooding_ && window_bytes_ >= kFloodBytes) {
    flooding_ = true;
  }
  if (!flooding_) return;
  set_watching();
  look_again(kFloodLook);
}

// The record must always reach back to a keyframe.
std::uint64_t LiveSession::keyframe_every() const {
  return flooding_ ? std::clamp(parts_.record_bytes / 4, kKeyframeEvery, kKeyframeEveryInFlood) : kKeyframeEvery;
}

// Input has been sent to the pane.
void LiveSession::await_echo() {
  echo_.begin(steady_micros());
  if (awake_ || !echo_.awake()) return;
  awake_ = true;
  stay_awake();
}

// While something is posted the loop does not sleep, but looks at its sockets before each turn. Everybody else's work goes on.
void LiveSession::stay_awake() {
  asio::post(parts_.executor, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    const bool late = steady_micros() >= self->echo_.until();
    if (self->echo_.waiting() && self->echo_.awake() && !late) {
      ::sched_yield();
      return self->stay_awake();
    }
    self->awake_ = false;
    if (self->echo_.waiting() && late) self->echo_.give_up();
  });
}

// advance() after a moment; the earliest wish counts.
void LiveSession::look_again(std::chrono::steady_clock::duration after) {
  const Time at = parts_.clock->steady() + after;
  if (again_set_ && again_.expiry() <= at) return;
  again_set_ = true;
  again_.expires_at(at);
  again_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->again_set_ = false;
    self->advance();
  });
}

void LiveSession::pump_all() {
  for (std::size_t i = 0; i < viewers_.size(); ++i) {
    Attachment* const viewer = viewers_[i];
    if (viewer->snapshot_due_ || viewer->sent_ != mirror_.offset()) pump(viewer);
  }
}

// Brings one viewer forward as far as it can take.
void LiveSession::pump(Attachment* viewer) {
  if (!mirror_.hot() || !reader_) return;
  const std::uint64_t head = mirror_.offset();
  while (!viewer->snapshot_due_ && viewer->sent_ < head) {
    if (flooding_ || head - viewer->sent_ > kBacklog || viewer->sent_ < cut_) {
      viewer->snapshot_due_ = true;
      break;
    }
    const std::uint64_t on_the_way = viewer->sent_ - viewer->acked_;
    if (on_the_way >= viewer->credit_) return;
    const std::uint64_t room =
        std::min({std::uint64_t{kChunkBytes}, viewer->credit_ - on_the_way, head - viewer->sent_});
    std::string bytes(room, '\0');
    const auto got = reader_->read_some(viewer->sent_, std::as_writable_bytes(std::span(bytes)));
    if (!got || *got == 0) {
      viewer->snapshot_due_ = true;
      break;
    }
    bytes.resize(*got);
    if (!send_data(viewer, viewer->sent_, std::make_shared<const std::string>(std::move(bytes)))) return;
  }
  if (viewer->snapshot_due_) send_snapshot(viewer);
}

bool LiveSession::send_data(Attachment* viewer, std::uint64_t offset, std::shared_ptr<const std::string> bytes) {
  const std::size_t size = bytes->size();
  if (!viewer->viewer_->data(offset, std::move(bytes))) return false;
  viewer->sent_ = offset + size;
  viewer->note_sent(parts_.clock->steady());
  return true;
}

void LiveSession::send_snapshot(Attachment* viewer) {
  if (!viewer->snapshot_shown_) return;  // its acknowledgement comes by here again
  const Time now = parts_.clock->steady();
  const bool first = viewer->snapshot_at_ == Time{};
  // Who waits for scrollback has asked for it just now.
  if (!first && !viewer->lines_ && now - viewer->snapshot_at_ < kSkimPause)
    return look_again(viewer->snapshot_at_ + kSkimPause - now);
  if (!first && mirror_.screen().in_synchronized_update() && now - viewer->snapshot_at_ < kSkimPause + kUpdateWait)
    return look_again(kUpdateWait / 4);
  if (!viewer->viewer_->snapshot(mirror_.offset(), mirror_.snapshot(viewer->lines_))) return;
  static auto& sent = metrics().counter("viewer_snapshots_total", "Screens sent whole to viewers");
  sent.Increment();
  viewer->lines_.reset();
  viewer->snapshot_due_ = false;
  viewer->snapshot_shown_ = false;
  viewer->snapshot_at_ = now;
  viewer->snapshot_offset_ = viewer->sent_ = viewer->acked_ = mirror_.offset();
  viewer->note_sent(now);
}

// --- Attachment -------------------------------------------------------------------------------------------------------------

Attachment::Attachment(std::weak_ptr<LiveSession> session, Viewer* viewer, AttachRequest request)
    : session_(std::move(session)), viewer_(viewer), request_(std::move(request)) {
  if (const auto live = session_.lock()) live->add(this);
}

Attachment::~Attachment() {
  if (const auto live = session_.lock()) live->remove(this);
}

Result<> Attachment::input(std::uint64_t number, std::span<const std::byte> bytes) {
  const auto live = session_.lock();
  if (!live) return fail(ErrorKind::not_found, "the session is gone");
  return live->input(this, number, bytes);
}

void Attachment::note_sent(Time now) {
  if (probing_) return;
  probing_ = true;
  probe_ = sent_;
  probe_sent_ = now;
}

// As much may be on the way as the viewer shows within about a quarter of a second, above the time that the shortest trip takes.
void Attachment::adapt_credit(Time now) {
  if (!probing_ || acked_ < probe_ || !snapshot_shown_) return;
  probing_ = false;
  const auto took = now - probe_sent_;
  fastest_ = std::min(fastest_, took);
  if (took < fastest_ + 100ms) credit_ = std::min(credit_ * 2, kViewerCredit);
  else if (took > fastest_ + 250ms) credit_ = std::max(credit_ / 2, kSmallestCredit);
}

void Attachment::ack_output(std::uint64_t offset) {
  // A client cannot claim to have shown what it was not sent.
  acked_ = std::clamp(offset, acked_, sent_);
  if (offset >= snapshot_offset_) snapshot_shown_ = true;
  const auto live = session_.lock();
  if (!live) return;
  adapt_credit(live->parts_.clock->steady());
  if (snapshot_due_ || sent_ != live->mirror_.offset()) live->pump(this);
}

void Attachment::resize(int cols, int rows) {
  request_.cols = cols;
  request_.rows = rows;
  const auto live = session_.lock();
  if (live && live->turn_ == this) live->apply_turn_size();
}

void Attachment::fit() {
  if (const auto live = session_.lock()) {
    live->turn_typed_ = live->parts_.clock->steady();
    live->take_turn(this);
  }
}

void Attachment::scrollback(std::uint64_t lines) {
  const auto live = session_.lock();
  if (!live) return;
  lines_ = lines;
  snapshot_due_ = true;
  live->pump(this);
}

void Attachment::resume() {
  const auto live = session_.lock();
  if (!live) return;
  if (live->mirror_now() != nullptr) live->pump(this);
}

}  // namespace ccd::sessions
