// Reads the marks of a session's log: times, gaps, starts and ends of its taps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "recording/format.hpp"

namespace ccd::recording {

// All marks at or after offset `from`, in order. Empty when there are none. The file is bounded (docs/storage.md), so
// this is at most 16 MiB; marks may lie before LogExtent::first, their bytes being gone.
Result<std::vector<Mark>> read_marks(const std::string& session_dir, std::uint64_t from);

// The pane's size after the last resize mark at or before `offset`; nullopt without one (the tap was of version 1).
// Reads backwards from there, so it is quick unless the size is from long ago.
Result<std::optional<PaneSize>> size_at(const std::string& session_dir, std::uint64_t offset);

// Number of the first of the file's `records` whose offset is at least `from`; `records` when there is none.
Result<std::uint64_t> first_mark_at(int file, std::uint64_t records, std::uint64_t from);

}  // namespace ccd::recording
