// Keyframes: the state of a session's screen at an offset of its log, so that nobody reads the log from its beginning.
// Written and deleted by the dashboard only. What is in one is opaque here. Format: docs/storage.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace ccd::recording {

// A screen and ten thousand coloured lines of scrollback are 2 MB.
inline constexpr std::size_t kMaxKeyframeBytes = std::size_t{16} * 1024 * 1024;
// One for each segment of the default record is 16. Over it the oldest go.
inline constexpr std::size_t kMaxKeyframes = 256;

struct Keyframe {
  std::uint64_t offset = 0;  // of the log: the state after the byte before it
  std::uint16_t cols = 0;
  std::uint16_t rows = 0;
  std::uint64_t first_line = 0;  // number of the oldest line in it; the caller's counting
  std::uint64_t top_line = 0;    // number of the screen's first line
  std::vector<std::byte> bytes{};
};

struct KeyframeInfo {
  std::uint64_t offset = 0;
  std::uint64_t file_bytes = 0;
};

// All functions block on local disk and may be called on any thread; for one session only one write at a time. The
// others, and enforce_total_budget(), may run beside it.

// On disk, and after a power cut too, when it returns; nothing of it is there when it fails. An older one of the same
// offset is replaced. Waits for the disk (fsync): call it on the pool. invalid: the log does not reach to the offset
// (any more); too_large: over kMaxKeyframeBytes; unavailable: the disk is full.
Result<> write_keyframe(const std::string& session_dir, const Keyframe& keyframe);

// The newest whole keyframe at or before `offset` from which the log can be read on; nullopt without one. One that is
// damaged, or whose log is not the one it was made from, is deleted and reported as a warning; one of a newer format
// and everything that is no keyframe is left alone.
Result<std::optional<Keyframe>> latest_keyframe(const std::string& session_dir, std::uint64_t offset);

// By name only, oldest first: the contents are not looked at. Empty when there are none.
Result<std::vector<KeyframeInfo>> list_keyframes(const std::string& session_dir);

// Deletes those below `offset`: the log's first one, after retention.
Result<> remove_keyframes_before(const std::string& session_dir, std::uint64_t offset);

}  // namespace ccd::recording
