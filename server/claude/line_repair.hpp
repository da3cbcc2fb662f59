// Lines that are not JSON for a reason that can be undone, and texts cut for showing. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ccd::claude {

// Longer lines are not looked through for a second beginning, and no more than kMaxRestarts places are tried: what a broken
// line costs stays a small multiple of reading it.
inline constexpr std::size_t kMaxRestartLineBytes = 1024 * 1024;
inline constexpr int kMaxRestarts = 8;

// Half surrogate pairs in JSON escapes ("\ud83d" alone) become "\ufffd". True when there were any.
bool mend_surrogates(std::string& json);

// A client that was killed leaves half a line without an end, and the next one writes behind it: where the whole line begins
// that `readable` accepts.
std::optional<std::size_t> restart_after_half_line(std::string_view line,
                                                   const std::function<bool(std::string_view)>& readable);

}  // namespace ccd::claude
