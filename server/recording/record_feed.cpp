// Merges the log's bytes and the marks into one order.
//
// The tap writes a mark before the bytes that follow it. So who has read bytes and looks for marks afterwards sees every
// mark that lies before or within them.
#include "recording/record_feed.hpp"

#include <algorithm>

namespace ccd::recording {

Result<RecordFeed> RecordFeed::open(const std::string& session_dir, std::uint64_t offset) {
  RecordFeed feed(TRY(LogReader::open(session_dir)), TRY(MarksTail::open(session_dir, offset)), offset);
  std::uint64_t sizes = 0;
  MarksTail ahead = TRY(MarksTail::open(session_dir, offset));
  for (const Mark* mark = TRY(ahead.peek()); mark != nullptr && mark->offset == offset; mark = TRY(ahead.peek())) {
    if (mark->kind == MarkKind::resize) ++sizes;
    ahead.pop();
  }
  feed.sizes_to_drop_ = sizes > 0 ? sizes - 1 : 0;
  return feed;
}

// The next mark that is an item. nullptr: none is there yet.
Result<const Mark*> RecordFeed::next_mark() {
  for (;;) {
    const Mark* const mark = TRY(marks_.peek());
    if (mark == nullptr) return nullptr;
    const bool size = mark->kind == MarkKind::resize;
    const bool dropped = size && sizes_to_drop_ > 0;
    if (dropped) --sizes_to_drop_;
    else if (size || mark->kind == MarkKind::gap || mark->kind == MarkKind::preload) return mark;
    marks_.pop();
  }
}

Result<std::size_t> RecordFeed::read(std::span<std::byte> out) {
  Result<std::size_t> got = log_.read_some(offset_, out);
  if (!ahead_) return got;
  if (!got && got.error().kind == ErrorKind::invalid) return 0;
  ahead_ = !got || *got == 0;
  return got;
}

FeedItem RecordFeed::take(const Mark& mark) {
  FeedItem item{.offset = std::min(mark.offset, offset_)};
  if (mark.kind == MarkKind::resize) {
    item.kind = FeedItem::Kind::resize;
    item.size = size_of_value(mark.value);
  } else {
    item.kind = mark.kind == MarkKind::gap ? FeedItem::Kind::gap : FeedItem::Kind::preload;
    item.reason = mark.kind == MarkKind::gap ? static_cast<GapReason>(mark.detail) : GapReason{};
    item.missing = mark.value;
  }
  marks_.pop();
  return item;
}

FeedItem RecordFeed::bytes(std::span<const std::byte> got) {
  const FeedItem item{.kind = FeedItem::Kind::bytes, .offset = offset_, .bytes = got};
  offset_ += got.size();
  return item;
}

Result<FeedItem> RecordFeed::next(std::span<std::byte> buffer) {
  const Mark* mark = marks_.known() != nullptr ? TRY(next_mark()) : nullptr;
  if (mark == nullptr) {
    const std::size_t got = TRY(read(buffer));
    mark = TRY(next_mark());
    const std::uint64_t before = mark == nullptr ? got : mark->offset - std::min(mark->offset, offset_);
    if (got > 0 && before > 0) return bytes(buffer.first(std::min<std::uint64_t>(got, before)));
    if (mark == nullptr) return FeedItem{.offset = offset_};
  }
  if (mark->offset <= offset_) return take(*mark);
  const std::size_t got = TRY(read(buffer.first(std::min<std::uint64_t>(buffer.size(), mark->offset - offset_))));
  // A mark that was there before the read and lies beyond the end of the log: a power cut took the bytes before it.
  return got == 0 ? take(*mark) : bytes(buffer.first(got));
}

}  // namespace ccd::recording
