// A session's folder on disk, and the command that starts its pane-tap.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace ccd::recording {

struct TapOptions {
  std::uint64_t segment_bytes = std::uint64_t{16} * 1024 * 1024;
  std::uint64_t keep_bytes = std::uint64_t{256} * 1024 * 1024;  // segments over it are deleted, oldest first
  // How long the tap waits for the preload of an adopted pane before it writes output; zero: it does not wait.
  std::chrono::milliseconds hold{0};
  // The pane's size when the tap starts, for the record; 0: not known.
  std::uint16_t cols = 0;
  std::uint16_t rows = 0;
};

// Makes the folder, its `log` and missing parents, all 0700. An existing folder is fine when it is ours and nobody
// else's to read; else `forbidden`.
Result<> create_session_folder(const std::string& session_dir);

// Deletes the folder with all that is in it. `conflict` while a tap writes there; not_found when it does not exist.
// Does not follow symbolic links and does not descend below `log` and `keyframes`.
Result<> remove_session_folder(const std::string& session_dir);

// True while a tap holds the folder's lock. not_found when the folder has never had a tap.
Result<bool> tap_running(const std::string& session_dir);

// No tap writes to the folder while the descriptor is open; one that is started meanwhile waits two seconds.
// `conflict` while a tap writes there; not_found when the folder has never had one.
Result<UniqueFd> lock_session_folder(const std::string& session_dir);

// The one argument of `tmux pipe-pane -IO`. tmux expands #{} and strftime's % in it and gives it to sh -c, so both
// paths must be absolute and made of [A-Za-z0-9_./-] only (`invalid` otherwise): then there is nothing to quote.
Result<std::string> tap_command(std::string_view pane_tap_path, std::string_view session_dir,
                                const TapOptions& options);

}  // namespace ccd::recording
