// Pictures that people give to an agent: stored in the project, so that the agent may read them, and apart from its work.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "files/roots.hpp"

namespace ccd::files {

inline constexpr std::size_t kMaxUploadBytes = 10 * 1024 * 1024;  // a phone's photo is 2 to 6 MB
inline constexpr std::size_t kMaxUploads = 1000;                  // in one project; a person clears them out
inline constexpr std::string_view kUploadFolder = ".dashboard-uploads";

// "png", "jpg", "gif" or "webp" for a picture's first bytes; empty for anything else, whatever its name says.
std::string_view picture_extension(std::string_view bytes);

// Writes the picture to a new file in kUploadFolder of `project` and returns its absolute path: letters, digits, '.', '_' and '-' behind
// the project's own path. `hint` is the name the person gave it; what is not such a character becomes '-'. `unique` tells files of one
// second apart. The folder hides itself from git. Errors: forbidden (outside the roots), too_large, conflict (kMaxUploads are there),
// invalid (not a picture), unavailable (disk full). Blocks: call it on the pool.
Result<std::string> save_upload(const Roots& roots, std::string_view project, std::string_view bytes,
                                std::string_view hint, std::string_view unique, WallMicros now);

}  // namespace ccd::files
