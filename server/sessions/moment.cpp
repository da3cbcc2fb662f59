// A moment: its time becomes an offset by the record's marks, and the screen is replayed from the keyframe before it.
#include "sessions/moment.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/encoding.hpp"
#include "recording/keyframes.hpp"
#include "recording/log_reader.hpp"
#include "recording/marks.hpp"
#include "recording/record_feed.hpp"

namespace ccd::sessions {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;

struct Place {
  std::uint64_t offset = 0;
  WallMicros at = 0;
  WallMicros first_at = 0;
  WallMicros last_at = 0;
};

// Times rise with the offsets but where somebody has set the clock back: then the last such place counts.
Result<Place> place_of(const std::string& folder, WallMicros at, recording::LogExtent extent) {
  const std::vector<recording::Mark> marks = TRY(recording::read_marks(folder, 0));
  std::optional<Place> found;
  std::optional<WallMicros> first;
  WallMicros last = 0;
  bool next_ends_it = false;
  for (const recording::Mark& mark : marks) {
    if (mark.kind != recording::MarkKind::time) continue;
    if (next_ends_it) {
      found->offset = std::min(mark.offset, extent.end);
      next_ends_it = false;
    }
    last = mark.wall_micros;
    if (mark.offset < extent.first) continue;
    if (!first) first = mark.wall_micros;
    if (mark.wall_micros > at) continue;
    found = Place{.offset = extent.end, .at = mark.wall_micros};
    next_ends_it = true;
  }
  if (!first) return fail(ErrorKind::not_found, "nothing was recorded of this session's terminal");
  if (!found) return fail(ErrorKind::not_found, "nothing of that time is kept: the terminal's record begins later");
  found->first_at = *first;
  found->last_at = last;
  return *found;
}

struct Start {
  std::uint64_t offset = 0;
  bool exact = true;
  terminal::Screen screen;
};

Result<Start> start_before(const std::string& folder, std::uint64_t offset, recording::LogExtent extent,
                           terminal::Size size) {
  const auto keyframe = TRY(recording::latest_keyframe(folder, offset));
  if (keyframe && offset - keyframe->offset <= kMaxMomentReplay) {
    terminal::Screen screen(size);
    screen.restore(as_text(keyframe->bytes));
    return Start{.offset = keyframe->offset, .exact = true, .screen = std::move(screen)};
  }
  const std::uint64_t kept = offset - extent.first;
  const std::uint64_t begin = offset - std::min(kept, kMaxMomentReplay);
  const auto then = TRY(recording::size_at(folder, begin));
  if (then) size = {.cols = then->cols, .rows = then->rows};
  return Start{.offset = begin, .exact = begin == 0, .screen = terminal::Screen(size)};
}

}  // namespace

Result<Moment> moment_at(const std::string& folder, WallMicros at, terminal::Size size) {
  recording::LogReader log = TRY(recording::LogReader::open(folder));
  const recording::LogExtent extent = TRY(log.extent());
  const Place place = TRY(place_of(folder, at, extent));
  Start start = TRY(start_before(folder, place.offset, extent, size));
  recording::RecordFeed feed = TRY(recording::RecordFeed::open(folder, start.offset));
  std::vector<std::byte> buffer(kChunkBytes);
  while (feed.offset() < place.offset) {
    const std::size_t most = std::min<std::uint64_t>(buffer.size(), place.offset - feed.offset());
    const recording::FeedItem item = TRY(feed.next(std::span(buffer).first(most)));
    if (item.kind == recording::FeedItem::Kind::end) break;
    if (item.kind == recording::FeedItem::Kind::bytes) start.screen.feed(as_text(item.bytes));
    if (item.kind == recording::FeedItem::Kind::resize)
      start.screen.resize({.cols = item.size.cols, .rows = item.size.rows});
  }
  return Moment{.offset = feed.offset(),
                .at = place.at,
                .first_at = place.first_at,
                .last_at = place.last_at,
                .exact = start.exact,
                .screen = std::move(start.screen)};
}

}  // namespace ccd::sessions
