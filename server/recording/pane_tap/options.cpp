// Parses and bounds the command line of pane-tap.
#include "recording/pane_tap/options.hpp"

#include <unistd.h>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace ccd::recording::tap {
namespace {

// Under it a flood would make thousands of files a second; over it one file would be most of a disk.
constexpr std::uint64_t kMinSegmentBytes = 4096;
constexpr std::uint64_t kMaxSegmentBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kMaxKeepBytes = std::uint64_t{1} << 50;
// tmux's output is buffered while the tap holds; nobody waits a minute for a screen.
constexpr std::uint64_t kMaxHoldMillis = 60'000;

constexpr std::uint64_t kMaxSide = 0xFFFF;  // what the kernel's terminal size holds

constexpr const char* kUsage =
    "usage: pane-tap DIR [--segment-bytes N] [--keep-bytes N] [--hold-ms N] [--cols N --rows N]";

struct NumberOption {
  std::string_view name;
  std::uint64_t low;
  std::uint64_t high;
};
constexpr NumberOption kSegment{"--segment-bytes", kMinSegmentBytes, kMaxSegmentBytes};
constexpr NumberOption kKeep{"--keep-bytes", kMinSegmentBytes, kMaxKeepBytes};
constexpr NumberOption kHold{"--hold-ms", 0, kMaxHoldMillis};
constexpr NumberOption kCols{"--cols", 1, kMaxSide};
constexpr NumberOption kRows{"--rows", 1, kMaxSide};

std::optional<std::uint64_t> parse_number(const NumberOption& option, const char* text) {
  const std::string_view digits = text == nullptr ? std::string_view{} : std::string_view(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc{} && end == digits.data() + digits.size() && value >= option.low && value <= option.high)
    return value;
  ::dprintf(STDERR_FILENO, "pane-tap: %s must be a number from %llu to %llu; %s\n", option.name.data(),
            static_cast<unsigned long long>(option.low), static_cast<unsigned long long>(option.high), kUsage);
  return std::nullopt;
}

void set(Options& options, const NumberOption* number, std::uint64_t value) {
  if (number == &kSegment) options.segment_bytes = value;
  else if (number == &kKeep) options.keep_bytes = value;
  else if (number == &kHold) options.hold_millis = static_cast<std::int64_t>(value);
  else if (number == &kCols) options.size.cols = static_cast<std::uint16_t>(value);
  else options.size.rows = static_cast<std::uint16_t>(value);
}

std::optional<Options> refuse(const char* what) {
  ::dprintf(STDERR_FILENO, "pane-tap: %s; %s\n", what, kUsage);
  return std::nullopt;
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const NumberOption* number = nullptr;
    for (const NumberOption* known : {&kSegment, &kKeep, &kHold, &kCols, &kRows})
      if (word == known->name) number = known;
    if (number != nullptr) {
      const auto value = parse_number(*number, i + 1 < argc ? argv[++i] : nullptr);
      if (!value) return std::nullopt;
      set(options, number, *value);
    } else if (word.empty() || word.starts_with('-')) {
      return refuse("unknown option");
    } else if (options.folder != nullptr) {
      return refuse("more than one DIR");
    } else {
      options.folder = argv[i];
    }
  }
  if (options.folder == nullptr) return refuse("DIR is missing");
  if ((options.size.cols == 0) != (options.size.rows == 0)) return refuse("--cols and --rows go together");
  if (options.keep_bytes < options.segment_bytes) return refuse("--keep-bytes must be at least --segment-bytes");
  return options;
}

}  // namespace ccd::recording::tap
