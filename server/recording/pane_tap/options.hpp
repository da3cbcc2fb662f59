// pane-tap's command line.
#pragma once

#include <cstdint>
#include <optional>

#include "recording/format.hpp"

namespace ccd::recording::tap {

struct Options {
  const char* folder = nullptr;  // points into argv
  std::uint64_t segment_bytes = std::uint64_t{16} * 1024 * 1024;
  std::uint64_t keep_bytes = std::uint64_t{256} * 1024 * 1024;
  std::int64_t hold_millis = 0;
  PaneSize size{};  // of the pane at the start; zeros: not known
};

// nullopt after a line on standard error that says what is wrong.
std::optional<Options> parse_options(int argc, const char* const* argv);

}  // namespace ccd::recording::tap
