#include "sessions/mirror.hpp"

#include <algorithm>
#include <vector>

#include "base/encoding.hpp"
#include "recording/keyframes.hpp"
#include "recording/log_reader.hpp"
#include "recording/marks.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::sessions {

namespace {

// A record without a keyframe is read whole up to this size (a second, on the pool): a program that floods from its first second has printed
// much before anybody looks. Beyond, only records from before there were keyframes have none: they are read from a place near their end.
constexpr std::uint64_t kWholeRecord = std::uint64_t{256} * 1024 * 1024;
constexpr std::uint64_t kTailBytes = std::uint64_t{4} * 1024 * 1024;
constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;
// The first screen must be small: what it has of scrollback is a help for the eye, the rest comes when somebody scrolls.
constexpr std::uint64_t kFirstLines = 200;
constexpr std::size_t kFirstBytes = std::size_t{60} * 1024;

struct Loaded {
  terminal::Screen screen;
  recording::RecordFeed feed;
  std::uint64_t keyframe_offset;
  std::uint64_t cut;
};

// The size that the record says the pane had at `offset`.
Result<terminal::Size> size_at(const std::string& folder, std::uint64_t offset, terminal::Size otherwise) {
  const auto found = TRY(recording::size_at(folder, offset));
  return found ? terminal::Size{.cols = found->cols, .rows = found->rows} : otherwise;
}

void apply(terminal::Screen& screen, const recording::FeedItem& item) {
  if (item.kind == recording::FeedItem::Kind::bytes) screen.feed(as_text(item.bytes));
  else if (item.kind == recording::FeedItem::Kind::resize)
    screen.resize({.cols = item.size.cols, .rows = item.size.rows});
}

Result<std::unique_ptr<Loaded>> read_record(const std::string& folder, terminal::Size size) {
  recording::LogReader log = TRY(recording::LogReader::open(folder));
  const recording::LogExtent extent = TRY(log.extent());
  const auto keyframe = TRY(recording::latest_keyframe(folder, extent.end));
  std::uint64_t at = extent.first;
  if (keyframe) at = keyframe->offset;
  else if (extent.end - extent.first > kWholeRecord) at = TRY(log.tail_offset(kTailBytes));
  terminal::Screen screen(keyframe ? size : TRY(size_at(folder, at, size)));
  if (keyframe) screen.restore(as_text(keyframe->bytes));
  auto loaded = std::make_unique<Loaded>(Loaded{.screen = std::move(screen),
                                                .feed = TRY(recording::RecordFeed::open(folder, at)),
                                                .keyframe_offset = at,
                                                .cut = at});
  std::vector<std::byte> buffer(kChunkBytes);
  for (;;) {
    const recording::FeedItem item = TRY(loaded->feed.next(buffer));
    // A program that floods is never caught up with for good: what came since the start of this is left to the loop.
    if (item.kind == recording::FeedItem::Kind::end) break;
    apply(loaded->screen, item);
    if (item.kind == recording::FeedItem::Kind::resize) loaded->cut = item.offset;
    if (item.kind == recording::FeedItem::Kind::bytes && loaded->feed.offset() >= extent.end) break;
  }
  return loaded;
}

}  // namespace

Task<Result<>> Mirror::load(terminal::Size size) {
  auto read = [folder = folder_, size] { return read_record(folder, size); };
  auto loaded = co_await run_on(*pool_, std::move(read));
  if (!loaded) co_return tl::unexpected(std::move(loaded).error());
  screen_.emplace(std::move((*loaded)->screen));
  feed_.emplace(std::move((*loaded)->feed));
  offset_ = feed_->offset();
  ++epoch_;
  keyframe_offset_ = (*loaded)->keyframe_offset;
  replaced_ = false;
  cut_ = (*loaded)->cut;
  co_return Result<>{};
}

void Mirror::drop() {
  screen_.reset();
  feed_.reset();
  cached_ = {};
}

Result<recording::FeedItem> Mirror::next(std::span<std::byte> buffer) { return feed_->next(buffer); }

void Mirror::take(const recording::FeedItem& item) {
  apply(*screen_, item);
  if (item.kind == recording::FeedItem::Kind::resize) cut_ = item.offset;
  if (item.kind == recording::FeedItem::Kind::bytes) offset_ = item.offset + item.bytes.size();
}

void Mirror::take_ahead(std::span<const std::byte> bytes) {
  feed(bytes);
  feed_->skip(bytes.size());
  offset_ += bytes.size();
}

void Mirror::replace(std::string_view escape_sequences) {
  terminal::Screen fresh(screen_->size());
  fresh.feed(escape_sequences);
  *screen_ = std::move(fresh);
  ++epoch_;
  cached_ = {};
  // The record alone leads to the wrong screen: the next load must not begin before this place.
  replaced_ = true;
}

Mirror::Snapshot Mirror::snapshot(std::optional<std::uint64_t> lines) {
  if (cached_.bytes && cached_generation_ == screen_->generation() && cached_lines_ == lines) return cached_;
  const std::uint64_t kept = screen_->top_line() - screen_->first_line();
  Snapshot made{.bytes = nullptr, .lines = std::min(lines.value_or(kFirstLines), kept), .kept = kept};
  std::string bytes = terminal::write_snapshot(*screen_, {.scrollback_lines = made.lines});
  if (!lines && bytes.size() > kFirstBytes) {
    made.lines = 0;
    bytes = terminal::write_snapshot(*screen_);
  }
  made.bytes = std::make_shared<const std::string>(std::move(bytes));
  cached_ = made;
  cached_generation_ = screen_->generation();
  cached_lines_ = lines;
  return made;
}

Task<Result<>> Mirror::save() {
  saving_ = true;
  replaced_ = false;
  recording::Keyframe keyframe;
  keyframe.offset = offset_;
  keyframe.cols = static_cast<std::uint16_t>(screen_->size().cols);
  keyframe.rows = static_cast<std::uint16_t>(screen_->size().rows);
  keyframe.first_line = screen_->first_line();
  keyframe.top_line = screen_->top_line();
  const std::string bytes = terminal::write_snapshot(*screen_, {.scrollback_lines = terminal::kAllLines});
  const auto view = as_bytes(bytes);
  keyframe.bytes.assign(view.begin(), view.end());
  auto write = [folder = folder_, keyframe = std::move(keyframe)] {
    return recording::write_keyframe(folder, keyframe);
  };
  const std::uint64_t at = offset_;
  const auto written = co_await run_on(*pool_, std::move(write));
  saving_ = false;
  // A disk that takes no keyframe is asked again only after as much again has come.
  keyframe_offset_ = at;
  co_return written;
}

}  // namespace ccd::sessions
