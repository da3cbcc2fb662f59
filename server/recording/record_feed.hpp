// A session's record as a terminal model takes it: bytes in order, cut where the pane's size changed or something is
// missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "recording/format.hpp"
#include "recording/log_reader.hpp"
#include "recording/marks_tail.hpp"

namespace ccd::recording {

struct FeedItem {
  enum class Kind {
    end,      // nothing more is there now
    bytes,    // `bytes` begin at `offset`
    resize,   // from `offset` on the pane has `size`
    gap,      // `missing` bytes are missing just before `offset`; kUnknownCount: nobody knows how many
    preload,  // the next `missing` bytes were captured from tmux and redraw the whole screen
  };
  Kind kind = Kind::end;
  std::uint64_t offset = 0;
  std::span<const std::byte> bytes{};  // lies in the buffer that was given
  PaneSize size{};
  GapReason reason{};
  std::uint64_t missing = 0;
};

// Items come in the order in which they happened: a resize or a gap at offset O after the bytes before O and before the
// byte O. All calls block on local disk only; one thread at a time. next() allocates nothing.
class RecordFeed {
 public:
  // Begins at `offset`. When the size changed more than once at just this offset, only the last change is given:
  // whatever the caller knew before, it ends with the right size. not_found: the session has no folder.
  static Result<RecordFeed> open(const std::string& session_dir, std::uint64_t offset);

  // The next item; bytes are read into `buffer`, which must not be empty, and are at most as many. not_found: retention
  // has deleted what comes next. invalid: the offset is beyond the end of the log. Call it after each growth of the
  // log until it says `end`. Bytes cost one pread and one fstat; the end one failed openat more.
  Result<FeedItem> next(std::span<std::byte> buffer);

  // Where the next byte comes from.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  // The caller got `bytes` in another way (TapLink's live bytes): the feed goes on behind them. While the log does not
  // reach that far, next() says `end`.
  void skip(std::uint64_t bytes) {
    offset_ += bytes;
    ahead_ = true;
  }

 private:
  RecordFeed(LogReader log, MarksTail marks, std::uint64_t offset)
      : log_(std::move(log)), marks_(std::move(marks)), offset_(offset) {}
  Result<const Mark*> next_mark();
  Result<std::size_t> read(std::span<std::byte> out);
  FeedItem take(const Mark& mark);
  FeedItem bytes(std::span<const std::byte> got);

  LogReader log_;
  MarksTail marks_;
  std::uint64_t offset_;
  std::uint64_t sizes_to_drop_ = 0;  // resizes at the first offset that another one follows
  bool ahead_ = false;               // skip() may have gone beyond the log's end
};

}  // namespace ccd::recording
