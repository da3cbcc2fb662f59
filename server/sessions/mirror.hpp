// The screen of one session, kept in step with its record.
//
// Cold, it costs nothing. load() reads the newest keyframe and what the record holds behind it, on the pool; from then on it is hot, and
// the session feeds it as the record grows. Lives on the loop, but for what load() and save() do on the pool with copies.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/task.hpp"
#include "recording/record_feed.hpp"
#include "terminal/screen.hpp"

namespace ccd::sessions {

class Mirror {
 public:
  Mirror(std::string folder, asio::thread_pool* pool) : folder_(std::move(folder)), pool_(pool) {}

  [[nodiscard]] bool hot() const { return screen_.has_value(); }
  // Where the record has been read up to, of a mirror that is or was hot.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  // Cold to hot. `size` is the pane's, for records that do not say it. not_found: there is no record. The Mirror must outlive it.
  Task<Result<>> load(terminal::Size size);
  // Gives the memory back.
  void drop();

  // The pane had another size before this offset, or it is not known: nothing before it belongs to the screen of now.
  [[nodiscard]] std::uint64_t cut() const { return cut_; }

  // The rest is for hot ones only.

  // The next thing in the record; `buffer` takes its bytes. The caller looks at it, then gives it to take().
  Result<recording::FeedItem> next(std::span<std::byte> buffer);
  void take(const recording::FeedItem& item);
  // What came by another way than the record.
  void feed(std::span<const std::byte> bytes) {
    screen_->feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  // What the record will have next, come by another way: next() leaves it out.
  void take_ahead(std::span<const std::byte> bytes);
  void resize(terminal::Size size) { screen_->resize(size); }
  // Grows with every load() and replace(): Screen::generation() counts within one epoch.
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  // In place of what the model has computed: what tmux says.
  void replace(std::string_view escape_sequences);

  [[nodiscard]] const terminal::Screen& screen() const { return *screen_; }

  struct Snapshot {
    std::shared_ptr<const std::string> bytes;
    std::uint64_t lines = 0;  // of scrollback in it
    std::uint64_t kept = 0;   // of scrollback that there is
  };
  // With `lines` of scrollback, or, without a number, with as much as makes a first screen quick. The same object is given to all who
  // ask at one offset.
  Snapshot snapshot(std::optional<std::uint64_t> lines);

  // `every` bytes or more have come since the last keyframe, or the record from there on leads to the wrong screen.
  [[nodiscard]] bool wants_keyframe(std::uint64_t every) const {
    return !saving_ && (replaced_ || offset_ - keyframe_offset_ >= every);
  }
  // A keyframe is worth writing before drop().
  [[nodiscard]] bool worth_keyframe() const { return wants_keyframe(kWorthKeyframe); }
  [[nodiscard]] bool saving() const { return saving_; }
  // Writes a keyframe of now. Errors are the disk's: the mirror goes on. The Mirror must outlive it.
  Task<Result<>> save();

 private:
  // Less is replayed faster than a keyframe of a whole scrollback is read.
  static constexpr std::uint64_t kWorthKeyframe = std::uint64_t{64} * 1024;

  std::string folder_;
  asio::thread_pool* pool_;
  std::optional<terminal::Screen> screen_;
  std::optional<recording::RecordFeed> feed_;
  std::uint64_t offset_ = 0;
  std::uint64_t keyframe_offset_ = 0;
  std::uint64_t cut_ = 0;
  std::uint64_t epoch_ = 0;
  bool replaced_ = false;  // and no keyframe was written since
  bool saving_ = false;
  Snapshot cached_;
  std::uint64_t cached_generation_ = 0;
  std::optional<std::uint64_t> cached_lines_;
};

}  // namespace ccd::sessions
