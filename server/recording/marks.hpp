// Reads the marks of a session's log: times, gaps, starts and ends of its taps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "recording/format.hpp"

namespace ccd::recording {

// All marks at or after offset `from`, in order. Empty when there are none. The file is bounded (docs/storage.md), so
// this is at most 16 MiB; marks may lie before LogExtent::first, their bytes being gone.
Result<std::vector<Mark>> read_marks(const std::string& session_dir, std::uint64_t from);

}  // namespace ccd::recording
